"""Error and likeness of maps in one number a method (tables 1 and 2 of Sun et al. 2024)."""

import numpy as np
import pandas as pd

from parlearn.summarise.datasets import by_method, gather, identity
from parlearn.summarise.likeness import SCORES
from parlearn.summarise.results import Results


def summarise(runs, results: Results, datasets, emulated=False) -> pd.DataFrame:
    """Of each method and seed: the mean RMSE over cells, and the means over days of SSIM and the
    EOF distance; medians over cells of corr and KGE.

    Returns
    -------
    Columns dataset, variant, period, seed, emulated, target, quantity, value.
    """
    rows = []
    for group in by_method(gather(runs, results, datasets)).values():
        for member in group:
            run, cells = member.parts[0]
            scores = results.scores(run, emulated=emulated).isel(cell=cells)
            found = {"rmse": float(scores.sel(metric="rmse").mean())}
            for name in SCORES:
                found[name] = float(np.nanmean(results.likeness(run, name, emulated=emulated)))
            for name in ("corr", "kge_2009"):
                found[name] = float(scores.sel(metric=name).median())
            about = identity(member) | {"emulated": emulated, "target": results.target}
            rows += [about | {"quantity": q, "value": v} for q, v in found.items()]
    return pd.DataFrame(rows)
