"""What more trained units bring at the same units held out (figure 6b of Tsai et al. 2021)."""

import numpy as np
import pandas as pd

from parlearn.metrics.bootstrap import over_units
from parlearn.plan.methods import METHODS
from parlearn.summarise.choice import IDENTITY, identify
from parlearn.summarise.results import Results


def summarise(runs, results: Results, metrics=("nse", "kge")) -> pd.DataFrame:
    """A row for each training and score, of the samplings that hold out the same units.

    Where samplings hold out several sets of units, the set that most of them share, of equals the
    first.

    Returns
    -------
    Columns of identity, target, trained_cells, share (of the most that any sampling trains on),
    held_out (their number), metric, value: the median over the units held out, with the interval
    low, high of resampled units.
    """
    runs = identify(runs, results)
    runs = runs[runs["method"].map(lambda name: METHODS[name].trained)]
    held_out = {
        name: tuple(results.cells(name, "spatial")) for name in dict.fromkeys(runs.sampling)
    }
    counted = pd.Series([cells for cells in held_out.values() if cells])
    if counted.empty:
        raise ValueError("no sampling of this figure holds units out: choose some that do")
    same = max(counted, key=list(counted).count)
    chosen = [name for name, cells in held_out.items() if cells == same]
    trained = {name: len(results.cells(name, "temporal")) for name in chosen}
    rows = []
    for run in runs[runs["sampling"].isin(chosen)].itertuples():
        about = {name: getattr(run, name) for name in IDENTITY} | {"target": results.target}
        about |= {"trained_cells": trained[run.sampling], "held_out": len(same)}
        about |= {"share": trained[run.sampling] / max(trained.values())}
        scores = results.scores(run)
        for metric in metrics:
            values = scores.sel(metric=metric).values[list(same)]
            values = values[np.isfinite(values)]
            median = float(np.median(values)) if len(values) else np.nan
            low, high = over_units(values)
            rows.append(about | {"metric": metric, "value": median, "low": low, "high": high})
    return pd.DataFrame(rows)
