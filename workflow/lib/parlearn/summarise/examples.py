"""Example cells for series, and series as long tables."""

import numpy as np
import pandas as pd

#: example sites have these quantiles of a score
EXAMPLES = (0.9, 0.5, 0.1)


def pick_sites(scores: pd.DataFrame) -> pd.DataFrame:
    """The cells with quantiles EXAMPLES of ``value``, their ``site`` numbers and ``score``."""
    ranked = scores.dropna(subset="value").sort_values("value", kind="stable")
    if ranked.empty:
        raise ValueError("no cell to choose examples from has a score in the test period")
    at = dict.fromkeys(round(q * (len(ranked) - 1)) for q in EXAMPLES)
    sites = ranked.iloc[list(at)][["cell", "lat", "lon", "value"]].reset_index(drop=True)
    return sites.rename(columns={"value": "score"}).assign(site=np.arange(1, len(sites) + 1))


def long_series(values, times, sites: pd.DataFrame) -> pd.DataFrame:
    """Rows of values (site, time) that are there, with the place of each site."""
    table = sites.loc[sites.index.repeat(len(times))].reset_index(drop=True)
    table = table.assign(time=np.tile(times, len(sites)), value=np.ravel(values))
    return table.dropna(subset="value")
