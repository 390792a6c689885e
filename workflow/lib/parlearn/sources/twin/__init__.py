"""A made-up region whose true parameters are known: the source ``twin``.

Everything in it is invented, the land, the weather, the law of the parameters and the errors of the
observations; only the sun's path and the satellite's orbit are real. Same settings, same twin.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import torch
import xarray as xr

from parlearn.land.subdaily import vic_forcing
from parlearn.models.base import ProcessModel
from parlearn.plan.targets import TARGETS
from parlearn.sources.twin.config import TwinConfig
from parlearn.sources.twin.observe import observe
from parlearn.sources.twin.parameters import draw_parameters
from parlearn.sources.twin.region import climate_of, draw_region, region_domain
from parlearn.sources.twin.weather import draw_weather
from parlearn.study.splits import grid_splits

__all__ = ["TwinConfig", "build_inputs", "build_truth", "truth_outputs"]

#: snow hides the soil from a satellite; a model without snow hides nothing
SNOW = "swe"


def truth_outputs(known: Iterable[str]) -> tuple[str, ...]:
    """What the model that makes the truth is asked for: the targets it knows, and snow."""
    return tuple(name for name in (*TARGETS, SNOW) if name in known)


def build_inputs(
    config: TwinConfig, patches: Mapping[str, int], train_end: str, split_seed: int
) -> tuple[xr.Dataset, xr.Dataset]:
    """Domain and forcing of all cells of a twin.

    Parameters
    ----------
    patches : name of a sampling -> n, one cell of each n x n patch.
    train_end : ISO date, the last day of the (shortest) training period. Climate attributes are
        means up to then, so that no weather of the test period reaches a learner by this way.
    split_seed : of the choice of validation cells.

    Returns
    -------
    domain, forcing : forcing begins with a spin-up year, attribute ``record_start`` ends it.

    Raises
    ------
    ValueError
        where the grid has no room for a sampling or ``train_end`` is not in the record.
    """
    config.check_patches(patches)
    time = config.time
    last = pd.Timestamp(str(train_end))
    if not pd.Timestamp(str(config.start)) <= last <= time[-1]:
        raise ValueError(
            f"the training period ends on {train_end}, but the twin's record runs from "
            f"{config.start} to {time[-1].date()}: change periods, or source.start and source.years"
        )
    generators = config.generators()
    region = draw_region(config, generators)
    weather = draw_weather(climate_of(region), time, config.shape, generators)
    forcing = vic_forcing(time, region["lat"].values, **weather)
    forcing.attrs["record_start"] = str(config.start)
    domain = region_domain(region, forcing, slice(0, int((time <= last).sum())))
    splits = grid_splits(
        *(region[name].values for name in ("lat", "lon", "row", "col")), dict(patches), split_seed
    )
    domain = domain.merge(splits)
    domain.attrs["title"] = f"invented region, seed {config.seed}"
    return domain, forcing


def build_truth(
    config: TwinConfig, domain: xr.Dataset, forcing: xr.Dataset, model: ProcessModel
) -> tuple[xr.Dataset, xr.Dataset]:
    """Truth, by a run of the model with the true parameters, and its observations.

    Parameters
    ----------
    domain, forcing : all or some cells of the grid; a cell's truth does not depend on the others.
    model : bound to the cells and days of ``domain`` and ``forcing``; gives :func:`truth_outputs`.

    Returns
    -------
    truth, observations : truth has the parameters (parameter, cell), each target and swe (cell,
        time), states at the end of the day, and the line of the observations.
    """
    if (model.n_cells, model.n_days) != (domain.sizes["cell"], forcing.sizes["time"]):
        raise ValueError(
            f"the model is bound to {model.n_cells} cells and {model.n_days} days, the twin has "
            f"{domain.sizes['cell']} and {forcing.sizes['time']}"
        )
    generators = config.generators()
    parameters = draw_parameters(
        domain, model.space, config.shape, config.hidden_share, generators["parameters"]
    )
    with torch.inference_mode():
        run = model.simulate(torch.from_numpy(np.ascontiguousarray(parameters.values.T)))
    run = run.cpu().numpy()
    units = {name: TARGETS[name].unit if name in TARGETS else "mm" for name in model.outputs}
    truth = xr.Dataset(
        {
            "parameters": parameters,
            **{
                name: (
                    ("cell", "time"),
                    np.ascontiguousarray(run[..., model.outputs.index(name)]),
                    {"units": units[name]},
                )
                for name in model.outputs
            },
            "slope": ((), np.float32(config.sm_slope), {"units": "1"}),
            "offset": ((), np.float32(config.sm_offset), {"units": "m3 m-3"}),
        },
        coords={"time": forcing["time"]},
        attrs={"record_start": str(config.start)},
    )
    if not all(np.isfinite(truth[name].values).all() for name in model.outputs):
        raise ValueError("the model of the truth gave values that are not finite")
    return truth, observe(config, domain, forcing, truth, generators)
