"""Scores at each cell of a data set, method by method (figures 4, 9 and 10 of Sun et al. 2024)."""

import pandas as pd

from parlearn.summarise.datasets import by_method, gather, identity
from parlearn.summarise.results import Results


def summarise(runs, results: Results, datasets, metrics, emulated=False) -> pd.DataFrame:
    """Of each method the run of the lowest seed.

    Parameters
    ----------
    metrics : names of scores
    emulated : whether what the surrogate simulates is scored, where there is one

    Returns
    -------
    Columns dataset, variant, period, seed, emulated, target, metric, cell, lat, lon, value.
    """
    tables = []
    for first, *_ in by_method(gather(runs, results, datasets)).values():
        places = results.places(first.cells)

        def read(run, cells):
            return results.scores(run, emulated=emulated).sel(metric=list(metrics)).values[:, cells]

        for metric, values in zip(metrics, first.collect(read), strict=True):
            table = places.assign(value=values, metric=metric)
            tables.append(table.assign(**identity(first), emulated=emulated, target=results.target))
    return pd.concat(tables, ignore_index=True)
