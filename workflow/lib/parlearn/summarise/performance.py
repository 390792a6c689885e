"""Skill of runs against observations: maps of correlation, example series, spread over cells."""

import pandas as pd
import xarray as xr

from parlearn.study.roles import TESTS
from parlearn.summarise.choice import choose, compared, is_default, join, tag
from parlearn.summarise.examples import long_series, pick_sites
from parlearn.summarise.results import Results
from parlearn.summarise.spread import spread


def summarise(runs, results: Results, boxes_at=None, period=None) -> pd.DataFrame:
    """Maps, series and boxes (column ``panel``).

    ``map``: corr at the cells trained on, for the compared runs at the densest sampling;
    ``series``: their target, the default's, and the observations (variant ``observed``) at those of
    these cells that have given quantiles of the first run's correlation; ``box``: quantiles of each
    score over the cells of all seeds of each variant.

    Parameters
    ----------
    boxes_at : sampling of the boxes, where runs have it (Tsai et al. 2021: s8); else the densest
    """
    shown = choose(runs, results, period=period)
    pair = compared(shown)
    trained = results.cells(pair[0].sampling, "temporal")
    maps = [
        results.places(trained).assign(value=results.scores(r).sel(metric="corr").values[trained])
        for r in pair
    ]
    sites = pick_sites(maps[0])
    default = [run for run in shown.itertuples() if is_default(run)][:1]
    drawn = {run.variant: run for run in [*default, *pair]}.values()
    series = [
        tag(_series(results.simulated(run, sites["cell"].values), sites), run) for run in drawn
    ]
    observed = _series(results.observed(sites["cell"].values), sites).assign(variant="observed")
    maps = [tag(table, run) for table, run in zip(maps, pair, strict=True)]
    boxes_at = boxes_at if boxes_at in set(runs["sampling"]) else None
    boxes = []
    for _, group in choose(runs, results, boxes_at, period).groupby("variant", sort=False):
        seeds = list(group.itertuples())
        for split in TESTS:
            cells = results.cells(seeds[0].sampling, split)
            scores = xr.concat([results.scores(r).isel(cell=cells) for r in seeds], "cell")
            table = spread(scores).assign(split=split, seeds=len(seeds))
            boxes.append(tag(table, seeds[0]))
    return join({"map": maps, "series": [*series, observed], "box": boxes}).assign(
        target=results.target
    )


def _series(values, sites) -> pd.DataFrame:
    return long_series(values.values, values["time"].values, sites)
