"""What is missing in the granules of a study, in one table that can be read."""

from collections.abc import Sequence

import pandas as pd

#: what happened to more granules than this is told once for each year
MANY = 31


def gather(listed: Sequence[pd.DataFrame], read: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table: product, granule, date, what, count.

    Parameters
    ----------
    listed : of the lists of granules; what is missing there is counted again when they are read
    read : of the granules read
    """
    parts = [t[~t["what"].astype(str).str.startswith("missing")] for t in listed]
    parts = [t for t in (*parts, *read) if len(t)]
    if not parts:
        return read[0] if len(read) else listed[0]
    table = pd.concat(parts, ignore_index=True).fillna({"granule": ""})
    table["year"] = table["date"].astype(str).str[:4]
    keys = ["product", "what", "year"]
    many = table.groupby(keys[:2])["count"].transform("size") > MANY
    years = table[many].groupby(keys, as_index=False)["count"].sum()
    years = years.rename(columns={"year": "date"}).assign(granule="")
    columns = ["product", "granule", "date", "what", "count"]
    both = pd.concat([table.loc[~many, columns], years[columns]], ignore_index=True)
    return both.sort_values(["product", "date", "what", "granule"], ignore_index=True)
