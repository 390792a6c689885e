"""Scores over the cells of each data set: distributions (fig3), medians with tests (table2)."""

import numpy as np
import pandas as pd

from parlearn.metrics.paired import compare
from parlearn.storage import contracts
from parlearn.summarise.datasets import Member, by_method, gather, identity, scores
from parlearn.summarise.results import UNTRAINED, Results

#: shares of the cells at which a distribution is kept
LEVELS = np.linspace(0, 1, 101)
#: scores of Li & Lu 2023, eqs. 15-17 (their PCC is corr)
METRICS = ("rmse", "corr", "nse")
#: the method that others are held against
REFERENCE = "paraformer_z"


def summarise_distributions(
    runs, results: Results, datasets, metrics=("nse", "corr")
) -> pd.DataFrame:
    """fig3: cumulative distribution over cells of scores in the test period.

    ``value`` is the quantile ``share`` over cells of each cell's median over seeds; ``low`` and
    ``high`` are the lowest and the highest of that quantile among the single seeds. Cells without
    a score are left out; ``cells`` counts those of ``value``.
    """
    tables = []
    for group in by_method(gather(runs, results, datasets)).values():
        values = np.stack([scores(member, results, metrics) for member in group])
        about = identity(group[0]) | {"seeds": len(group)}
        for metric, of_seeds in zip(metrics, values.swapaxes(0, 1), strict=True):
            # a cell that one seed has no score in has no median: not a choice of seeds
            medians = np.median(of_seeds, axis=0)
            single = np.stack([_quantiles(of_seed) for of_seed in of_seeds])
            table = pd.DataFrame({"share": LEVELS, "value": _quantiles(medians)})
            table = table.assign(low=single.min(0), high=single.max(0), metric=metric)
            tables.append(table.assign(**about, cells=np.isfinite(medians).sum()))
    return pd.concat(tables, ignore_index=True)


def _quantiles(values: np.ndarray) -> np.ndarray:
    there = values[np.isfinite(values)]
    return np.quantile(there, LEVELS) if len(there) else np.full(len(LEVELS), np.nan)


def summarise_scores(runs, results: Results, datasets) -> pd.DataFrame:
    """table2: medians over cells, what they cost, and a paired test against one method.

    Rows of dataset, variant, period, seed, quantity, value. For each seed: the medians rmse, corr
    and nse over cells, the number of scored ``cells``, and of those that train ``runs_per_cell``
    (mean over folds) and ``seconds`` (sum over folds). For each method, seed empty:
    ``median_difference``, the median over cells of its RMSE minus that of REFERENCE, each the mean
    over seeds, with ``p_value`` of the two-sided Wilcoxon signed-rank test and ``pairs``, their
    number.

    SCE-UA is given more model runs than the networks. The variant ``sceua@early`` (and
    ``sceua_vic@early``) has the RMSE of its curve at the last record with no more runs per cell
    than the networks through the same model had at most, or at its first record where that has
    more. A data set pooled over folds has none: medians of folds do not make a median.

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
            if member.method not in (*UNTRAINED, "sceua"):
                place = key[0], member.model
                runs_per_cell[place] = max(runs_per_cell.get(place, 0), found["runs_per_cell"])
            rows += _rows(identity(member), found)
    for (dataset, variant), group in groups.items():
        reference = cell_rmse.get((dataset, REFERENCE))
        if reference is not None and variant != REFERENCE:
            test = compare(cell_rmse[dataset, variant], reference)
            found = {"median_difference": test["median_difference"]}
            found |= {"p_value": test["p_value"], "pairs": test["cells"]}
            rows += _rows(identity(group[0]) | {"seed": np.nan}, found)
        most = runs_per_cell.get((dataset, group[0].model))
        if group[0].method == "sceua" and most and len(group[0].parts) == 1:
            for member in group:
                about = identity(member) | {"variant": f"{variant}@early"}
                curve = results.curve(member.parts[0][0])
                rows += _rows(about, _early(curve, most, datasets[dataset]["cells"]))
    return pd.DataFrame(rows)


def _rows(about: dict, found: dict) -> list[dict]:
    return [about | {"quantity": q, "value": float(v)} for q, v in found.items()]


def _cost(member: Member, results: Results) -> dict[str, float]:
    if member.method in UNTRAINED:
        return {}
    files = [results.file(run, "history.csv") for run, _ in member.parts]
    ends = pd.DataFrame([contracts.read_table(file, "history").iloc[-1] for file in files])
    return {"runs_per_cell": ends["runs_per_cell"].mean(), "seconds": ends["seconds"].sum()}


def _early(curve: pd.DataFrame, most: float, role: str) -> dict[str, float]:
    """Where a curve stood after no more than `most` runs per cell."""
    curve = curve.sort_values("runs_per_cell", kind="stable")
    within = curve[curve["runs_per_cell"] <= most]
    record = within.iloc[-1] if len(within) else curve.iloc[0]
    cost = {name: record[name] for name in ("runs_per_cell", "seconds")}
    return {"rmse": record[f"rmse_{role}_cells"]} | cost
