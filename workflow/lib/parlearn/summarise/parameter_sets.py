"""What learning more parameters of a process model brings, and what it does to another flux."""

from dataclasses import replace

import numpy as np
import pandas as pd

from parlearn.plan.methods import METHODS
from parlearn.study.roles import TESTS
from parlearn.summarise.choice import choose
from parlearn.summarise.results import Results
from parlearn.summarise.variants import read_variant


def summarise(runs, results: Results, flux, sampling=None, period=None) -> pd.DataFrame:
    """Rows of variant, period, seed, target, flux, split, quantity, value.

    Splits ``temporal`` and ``spatial``: medians over cells of each score in the test period, after
    the linear correction; the median over cells of the mean ``flux`` simulated, and of its
    ``share`` of the precipitation of the same days. Split ``cost``: model runs per cell and seconds
    of training.

    `flux`: a target in mm day-1 that no method was trained on, where odd parameters would show.
    """
    runs = choose(runs, results, sampling, period)
    other = replace(results, target=flux, correction="raw")
    rows = []
    for run in runs.itertuples():
        about = {name: getattr(run, name) for name in ("variant", "period", "seed")}
        about |= {"target": results.target, "flux": flux}
        for split in TESTS:
            found = dict(results.medians(run, split))
            cells = results.cells(run.sampling, split)
            simulated = other.simulated(run, cells).mean("time").values
            rain = results.weather(results.test)["prec"].isel(cell=cells).mean("time").values
            found |= {"flux": np.median(simulated), "share": np.median(simulated / rain)}
            rows += [about | {"split": split, "quantity": q, "value": v} for q, v in found.items()]
        # an ensemble has no training of its own
        if METHODS[run.method].trained and read_variant(run.variant).members == 1:
            last = results.history(run).iloc[-1]
            for name in ("runs_per_cell", "seconds"):
                rows.append(about | {"split": "cost", "quantity": name, "value": last[name]})
    return pd.DataFrame(rows)
