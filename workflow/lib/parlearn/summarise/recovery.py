"""Learned against true parameters of a twin."""

import numpy as np
import pandas as pd

from parlearn.study.roles import TESTS
from parlearn.summarise.choice import choose, join, lowest_seeds, tag
from parlearn.summarise.fields import correlate, describe
from parlearn.summarise.results import Results, only_corrects

#: cells drawn in a scatter plot; its statistics use all
MOST_POINTS = 400


def summarise(runs, results: Results, sampling=None, period=None) -> pd.DataFrame:
    """Values and correlations (column ``panel``), with the columns of a parameter.

    ``point``: true value and value at trained and held-out cells, thinned evenly, of the lowest
    seed of each variant; ``score``: Pearson correlation over all these cells (of logarithms where
    the parameter is shown on a log scale), NaN where the parameter does not vary.
    """
    chosen = choose(runs, results, sampling, period)
    points, scores = [], []
    for run in lowest_seeds(chosen[~chosen["method"].map(only_corrects)]).itertuples():
        field = results.parameters(run)["parameters"]
        for split in TESTS:
            cells = results.cells(run.sampling, split)
            count = min(len(cells), MOST_POINTS)
            some = np.unique(np.linspace(0, len(cells) - 1, count).astype(int))
            for name, about in describe(field).items():
                if name not in results.truth["parameter"].values:
                    continue
                true, value = (f.sel(parameter=name).values[cells] for f in (results.truth, field))
                about = about | {"split": split}
                r = correlate(*(np.log(v) if about["log"] else v for v in (true, value)))
                scores.append(tag(pd.DataFrame([about | {"corr": r, "cells": len(cells)}]), run))
                table = pd.DataFrame({"cell": cells, "true": true, "value": value}).iloc[some]
                points.append(tag(table.assign(**about), run))
    if not scores:
        raise ValueError(
            "there is no parameter to compare with the truth: neither run nor names match"
        )
    return join({"score": scores, "point": points})
