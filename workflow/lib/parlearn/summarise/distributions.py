"""Distributions over the cells of each data set of scores (figure 3 of Li & Lu 2023)."""

import numpy as np
import pandas as pd

from parlearn.summarise.datasets import by_method, gather, identity, scores
from parlearn.summarise.results import Results

#: shares of the cells at which a distribution is kept
LEVELS = np.linspace(0, 1, 101)


def summarise(runs, results: Results, datasets, metrics=("nse", "corr")) -> pd.DataFrame:
    """Cumulative distribution over cells of scores in the test period.

    ``value`` is the quantile ``share`` over cells of each cell's median over seeds; ``low`` and
    ``high`` are the lowest and the highest of that quantile among the single seeds. Cells without
    a score are left out; ``cells`` counts those of ``value``.
    """
    tables = []
    for group in by_method(gather(runs, results, datasets)).values():
        values = np.stack([scores(member, results, metrics) for member in group])
        about = identity(group[0]) | {"seeds": len(group), "target": results.target}
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
