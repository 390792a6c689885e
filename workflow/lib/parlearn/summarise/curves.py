"""Tables of training curves, scaling, scores and costs (fig1, fig6, tableS1)."""

import pandas as pd

from parlearn.metrics.progress import first_below
from parlearn.storage import contracts
from parlearn.study.roles import TESTS
from parlearn.summarise.means import flux_scores
from parlearn.summarise.results import IDENTITY, UNTRAINED, Results, choose, identify, tag


def summarise_curves(runs, results: Results) -> pd.DataFrame:
    """fig1: test RMSE along each training; an untrained method has one row, of no runs."""
    tables = []
    for run in identify(runs, results).itertuples():
        if run.method in UNTRAINED:
            rmse = [results.medians(run, split)["rmse"] for split in TESTS]
            table = pd.DataFrame([[0, 0, 0, *rmse]], columns=list(contracts.TABLES["curve"]))
        else:
            table = results.curve(run)
        cells = len(results.cells(run.sampling, "temporal"))
        tables.append(tag(table.assign(trained_cells=cells), run))
    return pd.concat(tables, ignore_index=True)


def summarise_scaling(runs, results: Results, span, threshold=0.05) -> pd.DataFrame:
    """fig6: what each training costs to the threshold (empty: not reached), and where it ends.

    Columns: identity, trained_cells, threshold, epochs, seconds, most_epochs (all there were),
    rmse_temporal, rmse_spatial (medians over cells); and where evapotranspiration is observed
    corr_et, the correlation over trained cells of its temporal means in the test period ``span``.
    """
    rows = []
    with_flux = results.observes("evapotranspiration")
    for run in identify(runs, results).itertuples():
        if run.method not in UNTRAINED:
            curve = results.curve(run)
            epochs, seconds = first_below(curve, threshold)
            ends = {f"rmse_{split}": results.medians(run, split)["rmse"] for split in TESTS}
            row = {name: getattr(run, name) for name in IDENTITY}
            row |= {"trained_cells": len(results.cells(run.sampling, "temporal"))}
            row |= {"threshold": threshold, "epochs": epochs, "seconds": seconds}
            row |= {"most_epochs": curve["runs_per_cell"].max()} | ends
            if with_flux:
                row["corr_et"] = flux_scores(run, results, span)["corr"]
            rows.append(row)
    if not rows:
        raise ValueError("a scaling figure needs a trained run: name some in config/figures.yaml")
    return pd.DataFrame(rows)


def summarise_table(
    runs, results: Results, span, threshold=0.05, sampling=None, period=None
) -> pd.DataFrame:
    """tableS1: medians over cells of each score and split, raw and mapped, and costs of each run.

    Where evapotranspiration is observed, split ``flux`` (no score map) has the scores over trained
    cells of its temporal means in the test period ``span``, in mm a year.

    Costs (split ``cost``, no score map): epochs and seconds in all, to the threshold, and to the
    ending RMSE of SCE-UA through the same model.
    """
    runs = choose(runs, results, sampling, period)
    with_flux = results.observes("evapotranspiration")
    rows = []
    for run in runs.itertuples():
        key = {name: getattr(run, name) for name in IDENTITY}
        for score_map in ("raw", "mapped"):
            for split in TESTS:
                place = key | {"score_map": score_map, "split": split}
                medians = results.medians(run, split, score_map)
                rows += [place | {"quantity": q, "value": v} for q, v in medians.items()]
        if with_flux and run.method != "cellmean":
            place = key | {"score_map": "", "split": "flux"}
            scores = flux_scores(run, results, span)
            rows += [place | {"quantity": q, "value": scores[q]} for q in ("bias", "corr", "nse")]
        if run.method not in UNTRAINED:
            place = key | {"score_map": "", "split": "cost"}
            costs = _costs(run, runs, results, threshold)
            rows += [place | {"quantity": q, "value": v} for q, v in costs.items()]
    return pd.DataFrame(rows)


def _costs(run, runs, results, threshold) -> dict[str, float]:
    curve = results.curve(run)
    last = contracts.read_table(results.file(run, "history.csv"), "history").iloc[-1]
    costs = {"epochs": last["runs_per_cell"], "seconds": last["seconds"]}
    goals = {"threshold": threshold}
    rivals = runs[(runs["method"] == "sceua") & (runs["model"] == run.model)]
    if len(rivals) and run.method != "sceua":
        rival = next(rivals.sort_values("seed", kind="stable").itertuples())
        goals["sceua"] = results.curve(rival)["rmse_train_cells"].iloc[-1]
    for name, goal in goals.items():
        costs[f"epochs_to_{name}"], costs[f"seconds_to_{name}"] = first_below(curve, goal)
    return costs
