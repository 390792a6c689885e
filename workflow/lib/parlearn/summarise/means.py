"""Temporal means of each cell, simulated against observed (fig4, fig9, table3 of Li & Lu 2023)."""

from dataclasses import replace

import numpy as np
import pandas as pd

from parlearn.metrics.point import bias, corr, nse, rmse
from parlearn.summarise.datasets import by_method, gather, identity
from parlearn.summarise.results import Results, join
from parlearn.summarise.skill import observed, simulated

#: what a target's mean is multiplied by to be shown: ET in mm a year
FACTORS = {"soil_moisture": 1.0, "evapotranspiration": 365.25}


def summarise_means(
    runs, results: Results, span, datasets, target="soil_moisture", points=True
) -> pd.DataFrame:
    """Temporal means over the test period and their scores over cells (column ``panel``).

    A cell's mean is over the days with an observation, of both series; the simulation is by VIC,
    as the instrument would have seen it. A cell that was never observed is left out.

    Returns
    -------
    ``score``: for each seed ``rmse``, ``bias``, ``corr``, ``nse`` over cells (eqs. 15-17),
    ``cells`` and ``below_zero``, the number of simulated means below 0. ``point``, unless not
    wanted: the means (simulated, observed) of the lowest seed. Soil moisture in m3 m-3, ET in mm a
    year.
    """
    results = replace(results, target=target)
    scores, drawn = [], []
    for group in by_method(gather(runs, results, datasets)).values():
        for member in group:
            about = identity(member)
            means = member.collect(lambda run, cells: cell_means(run, results, cells, span))
            means = FACTORS[target] * means
            scores.append(pd.DataFrame([about | score_means(*means)]))
            if points and member is group[0]:
                table = pd.DataFrame(means.T, columns=["simulated", "observed"]).dropna()
                drawn.append(table.assign(**about))
    return join({"score": scores, "point": drawn}).assign(target=target)


def flux_scores(run, results: Results, span, target="evapotranspiration") -> dict[str, float]:
    """Scores over the cells a run was trained at of the temporal means of a flux (mm a year)."""
    cells = results.cells(run.sampling, "temporal")
    means = FACTORS[target] * cell_means(run, replace(results, target=target), cells, span)
    return score_means(*means)


def cell_means(run, results: Results, cells, span) -> np.ndarray:
    """(2, cell): simulated and observed mean over the days observed; NaN where there is none."""
    pairs = [simulated(run, results, cells, span), observed(results, cells, span)]
    seen = np.isfinite(pairs[1].values)
    days = seen.sum(1)
    sums = [np.where(seen, values.values.astype(np.float64), 0).sum(1) for values in pairs]
    with np.errstate(invalid="ignore"):
        return np.stack(sums) / days


def score_means(simulated: np.ndarray, observed: np.ndarray) -> dict[str, float]:
    """Scores over cells of temporal means (cell,)."""
    scores = {f.__name__: float(f(simulated, observed)) for f in (rmse, bias, corr, nse)}
    below = {"below_zero": int((simulated < 0).sum()), "cells": int(np.isfinite(observed).sum())}
    return scores | below
