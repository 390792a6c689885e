"""Medians over the cells of each data set, what they cost, and a paired test."""

import numpy as np
import pandas as pd

from parlearn.metrics.paired import compare
from parlearn.summarise.choice import of_family
from parlearn.summarise.datasets import Member, by_method, gather, identity, scores
from parlearn.summarise.results import Results
from parlearn.summarise.variants import read_variant

#: scores of Li & Lu 2023, eqs. 15-17 (their PCC is corr)
METRICS = ("rmse", "corr", "nse")


def summarise(runs, results: Results, datasets, reference) -> pd.DataFrame:
    """Rows of dataset, variant, period, seed, target, reference, quantity, value.

    For each seed: the medians rmse, corr and nse over cells, the number of scored ``cells``, and of
    those that train ``runs_per_cell`` (mean over folds) and ``seconds`` (sum over folds). For each
    method, seed empty: ``median_difference``, the median over cells of its RMSE minus that of the
    variant `reference`, each the mean over seeds, with ``p_value`` of the two-sided Wilcoxon
    signed-rank test and ``pairs``, their number.

    A search is given more model runs than the networks. Its variant with ``@early`` after the name
    has the RMSE of its curve at the last record with no more runs per cell than the networks
    through the same model had at most, or at its first record where that has more. A data set
    pooled over folds has none: medians of folds do not make a median.

    Neighbouring cells are alike, so there are fewer independent pairs than the test takes them
    for: p is optimistic.
    """
    rows, cell_rmse, runs_per_cell = [], {}, {}
    groups = by_method(gather(runs, results, datasets))
    for key, group in groups.items():
        values = np.stack([scores(member, results, METRICS) for member in group])
        cell_rmse[key] = values[:, METRICS.index("rmse")].mean(0)
        for member, of_seed in zip(group, values, strict=True):
            found = dict(zip(METRICS, pd.DataFrame(of_seed.T).median(), strict=True))
            found |= {"cells": np.isfinite(of_seed[0]).sum()} | _cost(member, results)
            if of_family(member, "network") and "runs_per_cell" in found:
                place = key[0], member.model
                runs_per_cell[place] = max(runs_per_cell.get(place, 0), found["runs_per_cell"])
            rows += _rows(identity(member), found)
    for (dataset, variant), group in groups.items():
        held_against = cell_rmse.get((dataset, reference))
        if held_against is not None and variant != reference:
            test = compare(cell_rmse[dataset, variant], held_against)
            found = {"median_difference": test["median_difference"]}
            found |= {"p_value": test["p_value"], "pairs": test["cells"]}
            rows += _rows(identity(group[0]) | {"seed": np.nan}, found)
        most = runs_per_cell.get((dataset, group[0].model))
        if of_family(group[0], "search") and most and len(group[0].parts) == 1:
            for member in group:
                about = identity(member) | {"variant": f"{variant}@early"}
                curve = results.curve(member.parts[0][0])
                rows += _rows(about, _early(curve, most, datasets[dataset]["cells"]))
    return pd.DataFrame(rows).assign(target=results.target, reference=reference)


def _rows(about: dict, found: dict) -> list[dict]:
    return [about | {"quantity": q, "value": float(v)} for q, v in found.items()]


def _cost(member: Member, results: Results) -> dict[str, float]:
    # an ensemble has no training of its own
    if not member.trained or read_variant(member.variant).members > 1:
        return {}
    ends = pd.DataFrame([results.history(run).iloc[-1] for run, _ in member.parts])
    return {"runs_per_cell": ends["runs_per_cell"].mean(), "seconds": ends["seconds"].sum()}


def _early(curve: pd.DataFrame, most: float, role: str) -> dict[str, float]:
    """Where a curve stood after no more than `most` runs per cell."""
    curve = curve.sort_values("runs_per_cell", kind="stable")
    within = curve[curve["runs_per_cell"] <= most]
    record = within.iloc[-1] if len(within) else curve.iloc[0]
    cost = {name: record[name] for name in ("runs_per_cell", "seconds")}
    return {"rmse": record[f"rmse_{role}_cells"]} | cost
