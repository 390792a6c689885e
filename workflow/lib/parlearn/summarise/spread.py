"""The spread of scores over cells, as boxplots show it."""

import numpy as np
import pandas as pd
import xarray as xr

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


def spread(scores: xr.DataArray) -> pd.DataFrame:
    """Quantiles over cells of scores (metric, cell), and the number of scored cells: a row each."""
    columns = ["metric", *QUANTILES, "cells"]
    rows = []
    for metric in scores["metric"].values:
        values = scores.sel(metric=metric).values
        values = values[np.isfinite(values)]
        if len(values):
            rows.append([str(metric), *np.quantile(values, list(QUANTILES.values())), len(values)])
    return pd.DataFrame(rows, columns=columns)
