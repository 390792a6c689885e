"""Skill of the surrogate against the process model."""

from dataclasses import replace

import pandas as pd

from parlearn.summarise.choice import join
from parlearn.summarise.examples import long_series, pick_sites
from parlearn.summarise.results import Results
from parlearn.summarise.spread import spread


def summarise(runs, results: Results) -> pd.DataFrame:
    """Boxes, maps and series (column ``panel``) for each output of the surrogate (``target``).

    Scores are those of ``results.skill``, in each cell the median over unseen parameter sets in the
    test period, from :func:`parlearn.models.surrogate.fit.judge_surrogate`.

    Returns
    -------
    ``box``: quantiles over cells of each score; ``map``: corr of each cell; ``series``: both models
    (column ``variant``: their names, the process model first) with the parameters of the first of
    `runs`, at the cells that have given quantiles of corr.
    """
    run = next(runs.itertuples())
    skill = results.skill
    metrics = [str(name) for name in skill.data_vars]
    boxes, maps, series = [], [], []
    for target in skill["output"].values.astype(str):
        scores = skill.sel(output=target).to_dataarray("metric").sel(metric=metrics)
        boxes.append(spread(scores).assign(target=target))
        table = results.places(skill["cell"].values)
        table = table.assign(value=skill["corr"].sel(output=target).values, target=target)
        maps.append(table)
        sites = pick_sites(table)
        both = replace(results, target=target).simulations(run)
        if both.sizes["model"] != 2:
            raise ValueError(
                f"{results.file(run, 'simulation.nc')} has {', '.join(both['model'].values)}: the "
                "surrogate's skill is shown by simulations with both models"
            )
        both = both.isel(cell=sites["cell"].values).sel(time=slice(*results.test))
        for model in both["model"].values:
            one = both.sel(model=model)
            table = long_series(one.values, one["time"].values, sites)
            series.append(table.assign(target=target, variant=model))
    return join({"box": boxes, "map": maps, "series": series})
