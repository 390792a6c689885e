"""Error in the test period along each training."""

import pandas as pd

from parlearn.plan.methods import METHODS
from parlearn.study.roles import TESTS
from parlearn.summarise.choice import identify, tag
from parlearn.summarise.results import Results


def summarise(runs, results: Results) -> pd.DataFrame:
    """Rows of curve.csv with the run's identity; an untrained method has one row, of no runs.

    Columns besides: ``trained_cells``, their number; ``threshold``, the RMSE of a functional model;
    ``target``, as curve.csv has it.
    """
    tables = []
    for run in identify(runs, results).itertuples():
        if METHODS[run.method].trained:
            table = results.curves(run)
        else:
            rmse = {
                f"rmse_{role}_cells": results.medians(run, split)["rmse"]
                for split, role in TESTS.items()
            }
            table = pd.DataFrame([{"epoch": 0, "runs_per_cell": 0, "seconds": 0} | rmse])
        if "target" not in table:
            table = table.assign(target=results.target)
        cells = len(results.cells(run.sampling, "temporal"))
        table = table.assign(trained_cells=cells, threshold=results.threshold)
        tables.append(tag(table, run))
    return pd.concat(tables, ignore_index=True)
