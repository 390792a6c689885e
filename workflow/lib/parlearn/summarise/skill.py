"""Tables of skill over cells: runs against observations (fig2), surrogate against VIC (figS2)."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
import xarray as xr

from parlearn.models.observation import SIX_AM, apply_map, observe
from parlearn.study.roles import TESTS
from parlearn.study.tensors import days_of
from parlearn.summarise.results import Results, choose, compared, join, tag

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
#: example sites have these quantiles of a correlation
EXAMPLES = (0.9, 0.5, 0.1)


def summarise_performance(
    runs, results: Results, span, sampling=None, map_sampling=None, period=None
) -> pd.DataFrame:
    """fig2: maps of correlation, example series and quantiles over cells (column ``panel``).

    ``map``: corr of every cell for the compared runs at `map_sampling`; ``series``: their target,
    the default's, and the observations (variant ``observed``) at the trained cells that have given
    quantiles of the first run's correlation; ``box``: quantiles of each score over the cells of
    all seeds of each variant at `sampling`. `span`: first and last day of the test period.
    """
    shown = choose(runs, results, map_sampling, period)
    pair = compared(shown)
    maps = [
        results.places().assign(value=results.scores(r).sel(metric="corr").values) for r in pair
    ]
    trained = results.cells(pair[0].sampling, "temporal")
    sites = pick_sites(maps[0].iloc[trained])
    default = [run for run in shown.itertuples() if run.method == "default"][:1]
    drawn = {run.variant: run for run in [*default, *pair]}.values()
    series = [tag(run_series(run, results, sites, span), run) for run in drawn]
    observed = observed_series(results, sites, span)
    maps = [tag(table, run) for table, run in zip(maps, pair, strict=True)]
    boxes = []
    for _, group in choose(runs, results, sampling, period).groupby("variant", sort=False):
        seeds = list(group.itertuples())
        for split in TESTS:
            cells = results.cells(seeds[0].sampling, split)
            scores = xr.concat([results.scores(r).isel(cell=cells) for r in seeds], "cell")
            table = spread(scores).assign(split=split, seeds=len(seeds))
            boxes.append(tag(table, seeds[0]))
    return join({"map": maps, "series": [*series, observed], "box": boxes})


def pick_sites(scores: pd.DataFrame) -> pd.DataFrame:
    """The cells with quantiles EXAMPLES of ``value``, their ``site`` numbers and ``score``."""
    ranked = scores.dropna(subset="value").sort_values("value", kind="stable")
    if ranked.empty:
        raise ValueError("no cell to choose examples from has a score in the test period")
    at = dict.fromkeys(round(q * (len(ranked) - 1)) for q in EXAMPLES)
    sites = ranked.iloc[list(at)][["cell", "lat", "lon", "value"]].reset_index(drop=True)
    return sites.rename(columns={"value": "score"}).assign(site=np.arange(1, len(sites) + 1))


def spread(scores: xr.DataArray) -> pd.DataFrame:
    """Quantiles over cells of scores (metric, cell), and the number of scored cells: a row each."""
    columns = ["metric", *QUANTILES, "cells"]
    rows = []
    for metric in scores["metric"].values:
        values = scores.sel(metric=metric).values
        values = values[np.isfinite(values)]
        if len(values):
            rows.append([str(metric), *np.quantile(values, list(QUANTILES.values())), len(values)])
    return pd.DataFrame(rows, columns=columns)


def long_series(values, times, sites: pd.DataFrame) -> pd.DataFrame:
    """Rows of values (site, time) that are there, with the place of each site."""
    table = sites.loc[sites.index.repeat(len(times))].reset_index(drop=True)
    table = table.assign(time=np.tile(times, len(sites)), value=np.ravel(values))
    return table.dropna(subset="value")


def run_series(run, results: Results, sites, span) -> pd.DataFrame:
    """A run's target at some sites as an instrument would have seen it, on the days of `span`."""
    seen = simulated(run, results, sites["cell"].values, span)
    return long_series(seen.values, seen["time"].values, sites)


def simulated(run, results: Results, cells, span) -> xr.DataArray:
    """A run's target (cell, time) as an instrument would have seen it, on the days of `span`.

    By the process model where there are two; after the run's observation map, unless `results`
    shows raw scores or the target has none.
    """
    with xr.open_dataset(results.file(run, "simulation.nc")) as ds:
        models = [str(m) for m in ds["model"].values]
        model = models.index("vic") if "vic" in models else 0
        # read whole, since picking scattered cells from a compressed file takes longer
        values = ds[results.target].isel(model=model).load().isel(cell=cells)
    with xr.open_dataset(_observations(results)) as ds:
        days = days_of(ds, results.target)
    seen = observe(torch.from_numpy(values.values), results.target, days)
    if results.score_map == "mapped" and results.target in SIX_AM:
        seen = apply_map(seen, *_line(run, results, cells))
    return values.copy(data=seen.numpy()).sel(time=slice(*span))


def _line(run, results, cells):
    """Slope and offset of a run's observation map at some cells."""
    ds = results.parameters(run)
    both = [ds[n] if n in ds else xr.DataArray(v) for n, v in (("slope", 1.0), ("offset", 0.0))]
    both = [v.isel(cell=cells) if "cell" in v.dims else v for v in both]
    return [torch.from_numpy(np.full(len(cells), v.values, np.float32)) for v in both]


def observed_series(results: Results, sites, span) -> pd.DataFrame:
    values = observed(results, sites["cell"].values, span)
    table = long_series(values.values, values["time"].values, sites)
    return table.assign(variant="observed")


def observed(results: Results, cells, span) -> xr.DataArray:
    """Observations (cell, time) of the target on the days of `span`; NaN = gap."""
    with xr.open_dataset(_observations(results)) as ds:
        return ds[results.target].sel(time=slice(*span)).load().isel(cell=cells)


def _observations(results: Results) -> Path:
    return Path(results.root) / results.study / "observations.nc"


def summarise_surrogate(skill: xr.Dataset, run, results: Results, span) -> pd.DataFrame:
    """figS2: surrogate against process model (column ``panel``; ``target`` names the output).

    Parameters
    ----------
    skill : scores (output, cell), each the median over unseen parameter sets in the test period,
        with the coordinate ``cell``, from :func:`parlearn.models.surrogate.fit.judge_surrogate`
    run : whose parameters the example series are simulated with, by both models (simulation.nc)
    span : first and last day of the test period

    Returns
    -------
    ``box``: quantiles over cells of each score; ``map``: corr of each cell; ``series``: both models
    (column ``variant``: ``vic``, ``surrogate``) at the cells that have given quantiles of corr.
    """
    metrics = [str(name) for name in skill.data_vars]
    boxes, maps, series = [], [], []
    for target in skill["output"].values.astype(str):
        scores = skill.sel(output=target).to_dataarray("metric").sel(metric=metrics)
        boxes.append(spread(scores).assign(target=target))
        table = results.places(skill["cell"].values)
        table = table.assign(value=skill["corr"].sel(output=target).values, target=target)
        maps.append(table)
        sites = pick_sites(table)
        with xr.open_dataset(results.file(run, "simulation.nc")) as ds:
            values = ds[target].isel(cell=sites["cell"].values).sel(time=slice(*span)).load()
        for model in ("vic", "surrogate"):
            if model not in values["model"].values:
                raise ValueError(f"{results.file(run, 'simulation.nc')} has no model {model!r}")
            one = values.sel(model=model)
            table = long_series(one.values, one["time"].values, sites)
            series.append(table.assign(target=target, variant=model))
    return join({"box": boxes, "map": maps, "series": series})
