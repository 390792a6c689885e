"""One table of what is missing in the granules of a study."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

#: what happened to more granules than this is told once for each year
MANY = 31


def gather(listed: Sequence[pd.DataFrame], read: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table: product, granule, date, what, count.

    Parameters
    ----------
    listed : of the lists of granules; what is missing there is mostly counted again when they are
        read, day by day, and is left out then
    read : of the granules read
    """
    parts = [t[~_told_again(t, read)] for t in listed]
    parts = [t.fillna({"granule": ""}) for t in (*parts, *read) if len(t)]
    if not parts:
        return read[0] if len(read) else listed[0]
    # two neighbouring chunks read the hours between them: what both tell is of the same hours
    same = ["product", "granule", "date", "what"]
    sums = [t.groupby(same, as_index=False)["count"].sum() for t in parts]
    table = pd.concat(sums).groupby(same, as_index=False)["count"].max()
    table["year"] = table["date"].astype(str).str[:4]
    keys = ["product", "what", "year"]
    many = table.groupby(keys[:2])["count"].transform("size") > MANY
    years = table[many].groupby(keys, as_index=False)["count"].sum()
    years = years.rename(columns={"year": "date"}).assign(granule="")
    columns = ["product", "granule", "date", "what", "count"]
    both = pd.concat([table.loc[~many, columns], years[columns]], ignore_index=True)
    return both.sort_values(["product", "date", "what", "granule"], ignore_index=True)


def _told_again(listed, read):
    """Which rows of a list speak of a run of missing times that rows of what was read speak of."""
    missing = [t[t["what"].astype(str).str.startswith("missing")] for t in read if len(t)]
    missing = (
        pd.concat(missing) if missing else pd.DataFrame(columns=["product", "granule", "date"])
    )
    missing = missing.assign(
        date=pd.to_datetime(missing["date"]), granule=missing["granule"].fillna("")
    )
    told = np.zeros(len(listed), bool)
    for k, row in enumerate(listed.itertuples()):
        if str(row.what).startswith("missing"):
            first = pd.Timestamp(row.date)
            run = pd.Timedelta(row.count - 1, "h" if row.what == "missing hours" else "D")
            told[k] = (
                (missing["product"] == row.product)
                # a series (tile, variable) is named by the readers of MOD16 alone
                & missing["granule"].isin(["", row.granule])
                & missing["date"].between(first, first + max(run, pd.Timedelta(0)))
            ).any()
    return told
