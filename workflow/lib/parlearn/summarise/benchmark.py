"""Scores of all methods beside published ones of the same basins and days, in pairs."""

import numpy as np
import pandas as pd

from parlearn.metrics.bootstrap import over_units, over_years
from parlearn.summarise.datasets import by_method, gather, identity, scores
from parlearn.summarise.results import Results

#: shares of the basins at which a distribution is kept
LEVELS = np.linspace(0, 1, 101)
METRICS = ("nse", "kge", "kge_2009", "alpha", "beta", "corr", "fhv", "flv", "fms", "nse_sqrt")
#: the score that is published, and compared
COMPARED = "nse"


def summarise(runs, results: Results, datasets) -> pd.DataFrame:
    """Medians with intervals, distributions, and differences to what is published.

    Of each method each basin's median over seeds; of the published the basins of each data set that
    they have, where the days are those of the test period; where a data set is of trained basins,
    of models that knew the basins, else of all.

    Returns
    -------
    Rows of dataset, name (a variant, or a published model), is_published, seeds, cells, part,
    metric, value, low, high, share. ``part`` is ``median`` over basins, with the interval of
    resampled basins; ``years``, the same with that of resampled years; ``training``, the median in
    the training period; ``difference`` to a published model, ``against``, the median over basins
    of the differences in pairs; ``distribution``, the quantile ``share``.
    """
    published = results.published
    rows = []
    for (dataset, variant), group in by_method(gather(runs, results, datasets)).items():
        values = np.median([scores(member, results, METRICS) for member in group], axis=0)
        about = identity(group[0]) | {"name": variant, "is_published": False, "seeds": len(group)}
        rows += _of_one(about, METRICS, values)
        trained = np.median([_training(member, results) for member in group], axis=0)
        rows.append(about | {"part": "training", "metric": COMPARED, "value": _median(trained)})
        low, high = _years(group[0], results)
        value = _median(scores(group[0], results, [COMPARED])[0])
        years = {"part": "years", "metric": COMPARED, "value": value, "low": low, "high": high}
        rows.append(about | years)
        there = _aligned(published, results, group[0].cells, datasets[dataset])
        own = values[METRICS.index(COMPARED)]
        for model, theirs in there.items():
            difference = own - theirs
            low, high = over_units(difference)
            rows.append(
                about
                | {"part": "difference", "against": model, "metric": COMPARED}
                | {"value": _median(difference), "low": low, "high": high}
                | {"cells": int(np.isfinite(difference).sum())}
            )
    for label, dataset in datasets.items():
        cells = gather(runs, results, {label: dataset})[0].cells
        for model, theirs in _aligned(published, results, cells, dataset).items():
            about = {"dataset": label, "name": model, "is_published": True, "seeds": 1}
            rows += _of_one(about, [COMPARED], theirs[None])
    return pd.DataFrame(rows).assign(target=results.target)


def _of_one(about, metrics, values) -> list[dict]:
    rows = []
    for metric, of_cells in zip(metrics, values, strict=True):
        there = of_cells[np.isfinite(of_cells)]
        low, high = over_units(there)
        place = about | {"metric": metric, "cells": len(there)}
        rows.append(place | {"part": "median", "value": _median(there), "low": low, "high": high})
        if metric in ("nse", "kge") and len(there):
            quantiles = zip(LEVELS, np.quantile(there, LEVELS), strict=True)
            rows += [place | {"part": "distribution", "share": s, "value": q} for s, q in quantiles]
    return rows


def _training(member, results) -> np.ndarray:
    def read(run, cells):
        return results.scores(run, period="train").sel(metric=COMPARED).values[cells]

    return member.collect(read)


def _years(member, results) -> tuple[float, float]:
    """Interval of the median under resampling of water years, which begin in October."""
    simulated = np.concatenate(
        [results.simulated(run, cells).values for run, cells in member.parts], axis=0
    )
    observed = results.observed(member.cells)
    time = pd.DatetimeIndex(observed["time"].values)
    return over_years(simulated, observed.values, time.year + (time.month >= 10))


def _aligned(published, results, cells, dataset) -> dict[str, np.ndarray]:
    """Published model -> its score (cell,) at a data set's basins, NaN where it has none."""
    if published.empty or "gauge" not in results.domain:
        return {}
    of_test = published[
        (published["first_day"] == results.test[0]) & (published["last_day"] == results.test[1])
    ]
    if dataset["cells"] == "train":
        of_test = of_test[of_test["gauged"] == 1]
    gauges = results.domain["gauge"].values[cells].astype(str)
    found = {
        model: table.set_index("gauge")[COMPARED].reindex(gauges).to_numpy(float)
        for model, table in of_test.groupby("published", sort=False)
    }
    return {model: values for model, values in found.items() if np.isfinite(values).any()}


def _median(values) -> float:
    values = np.asarray(values)[np.isfinite(values)]
    return float(np.median(values)) if len(values) else np.nan
