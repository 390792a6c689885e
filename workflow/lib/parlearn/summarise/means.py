"""Temporal means of each cell, simulated against observed, and their scores over cells."""

from dataclasses import replace

import numpy as np
import pandas as pd

from parlearn.metrics.point import bias, corr, nse, rmse
from parlearn.plan.targets import TARGETS
from parlearn.summarise.choice import join
from parlearn.summarise.datasets import by_method, gather, identity
from parlearn.summarise.results import Results


def summarise(runs, results: Results, datasets, target=None, points=True) -> pd.DataFrame:
    """Means over the test period and their scores over cells (column ``panel``).

    A cell's mean is over the days with an observation, of both series; the simulation is by the
    process model, as the instrument would have seen it. A cell that was never observed is left out.

    Parameters
    ----------
    target : of the means, where it is not that of `results`

    Returns
    -------
    ``score``: for each seed ``rmse``, ``bias``, ``corr``, ``nse`` over cells (eqs. 15-17 of Li & Lu
    2023), ``cells`` and ``below_zero``, the number of simulated means below 0. ``point``, unless
    not wanted: the means (simulated, observed) of the lowest seed. In the target's ``mean_unit``.
    """
    results = replace(results, target=target or results.target)
    scores, drawn = [], []
    for group in by_method(gather(runs, results, datasets)).values():
        for member in group:
            about = identity(member)
            means = member.collect(lambda run, cells: cell_means(run, results, cells))
            scores.append(pd.DataFrame([about | score_means(*means)]))
            if points and member is group[0]:
                table = pd.DataFrame(means.T, columns=["simulated", "observed"]).dropna()
                drawn.append(table.assign(**about))
    return join({"score": scores, "point": drawn}).assign(target=results.target)


def held_back(results: Results) -> list[str]:
    """Targets that are observed beside the one shown, which no method was trained on."""
    return [name for name in results.observed_targets if name != results.target]


def trained_cell_scores(run, results: Results, target) -> dict[str, float]:
    """Scores of the temporal means of a target over the cells a run was trained at."""
    cells = results.cells(run.sampling, "temporal")
    return score_means(*cell_means(run, replace(results, target=target), cells))


def cell_means(run, results: Results, cells) -> np.ndarray:
    """(2, cell): simulated and observed mean over the days observed, in the ``mean_unit``.

    NaN where there is no observation in the test period.
    """
    pairs = [results.simulated(run, cells), results.observed(cells)]
    seen = np.isfinite(pairs[1].values)
    days = seen.sum(1)
    sums = [np.where(seen, values.values.astype(np.float64), 0).sum(1) for values in pairs]
    with np.errstate(invalid="ignore"):
        return TARGETS[results.target].mean_factor * np.stack(sums) / days


def score_means(simulated: np.ndarray, observed: np.ndarray) -> dict[str, float]:
    """Scores over cells of temporal means (cell,)."""
    scores = {f.__name__: float(f(simulated, observed)) for f in (rmse, bias, corr, nse)}
    below = {"below_zero": int((simulated < 0).sum()), "cells": int(np.isfinite(observed).sum())}
    return scores | below
