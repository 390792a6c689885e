"""What more training cells bring: costs to a threshold, and where trainings end."""

import pandas as pd

from parlearn.metrics.progress import first_below, is_upper_bound
from parlearn.plan.methods import METHODS
from parlearn.study.roles import TESTS
from parlearn.summarise.choice import IDENTITY, identify
from parlearn.summarise.means import held_back, trained_cell_scores
from parlearn.summarise.results import Results


def summarise(runs, results: Results) -> pd.DataFrame:
    """A row for each training, with its identity.

    Columns besides: target, trained_cells, threshold; epochs and seconds to it (empty: not
    reached), with ``at_most`` where they were fewer, see
    :func:`~parlearn.metrics.progress.is_upper_bound`; most_epochs (all there were); rmse_temporal,
    rmse_spatial (medians over cells); and for each other target that is observed ``corr_TARGET``,
    the correlation over trained cells of its temporal means.
    """
    rows = []
    for run in identify(runs, results).itertuples():
        if not METHODS[run.method].trained:
            continue
        curve = results.curve(run)
        epochs, seconds = first_below(curve, results.threshold)
        row = {name: getattr(run, name) for name in IDENTITY}
        row |= {"target": results.target}
        row |= {"trained_cells": len(results.cells(run.sampling, "temporal"))}
        row |= {"threshold": results.threshold, "epochs": epochs, "seconds": seconds}
        row |= {"at_most": is_upper_bound(curve, results.threshold)}
        row |= {"most_epochs": curve["runs_per_cell"].max()}
        row |= {f"rmse_{split}": results.medians(run, split)["rmse"] for split in TESTS}
        for target in held_back(results):
            row[f"corr_{target}"] = trained_cell_scores(run, results, target)["corr"]
        rows.append(row)
    if not rows:
        raise ValueError("a scaling figure needs a trained run: choose some in config/figures.yaml")
    return pd.DataFrame(rows)
