"""Converts tensors of a run to the datasets of its files, and back."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from parlearn.models.base import ParameterSpace
from parlearn.plan.targets import TARGETS


def parameters_dataset(
    space: ParameterSpace, parameters: Tensor, slope=1.0, offset=0.0
) -> xr.Dataset:
    """``parameters.nc`` from parameters in physical units and a linear correction.

    Parameters
    ----------
    parameters : (cell, P), or (member, cell, P) of an ensemble
    slope, offset : scalars or (cell,); of an ensemble (member,) or (member, cell)
    """
    values = _array(parameters)
    member = ("member",) * (values.ndim - 2)
    ds = xr.Dataset(
        {
            "parameters": (
                (*member, "parameter", "cell"),
                np.swapaxes(values, -1, -2),
                bounds(space),
            )
        },
        coords=_coordinates(space),
    )
    return ds.assign(_map(slope, offset, (*member, "cell")))


def trajectory_dataset(
    space: ParameterSpace, epoch, seconds, parameters, slope, offset
) -> xr.Dataset:
    """``trajectory.nc``: parameters (epoch, cell, P); slope, offset (epoch,) or (epoch, cell)."""
    ds = xr.Dataset(
        {
            "parameters": (("epoch", "cell", "parameter"), _array(parameters), bounds(space)),
            "seconds": ("epoch", _array(seconds), {"units": "s"}),
        },
        coords={"epoch": _array(epoch), **_coordinates(space)},
    )
    return ds.assign(_map(slope, offset, ("epoch", "cell")))


def calibration_dataset(space: ParameterSpace, found, best, slope, offset) -> xr.Dataset:
    """What a search found (:class:`~parlearn.calibrate.sceua.Calibration`) at each of its records.

    best : (record, cell, P) physical
    """
    ds = xr.Dataset(
        {
            "parameters": (("record", "cell", "parameter"), _array(best), bounds(space)),
            "value": (("record", "cell"), found.trajectory_value),
            "evaluations": (("record", "cell"), found.trajectory_evaluations),
            "seconds": ("record", found.trajectory_seconds, {"units": "s"}),
            "failed": ("cell", found.failed),
            "loops": ("cell", found.loops),
            "reason": ("cell", found.reason),
        },
        coords={"cell": found.cells, **_coordinates(space)},
    )
    return ds.assign(_map(slope, offset, ()))


def simulation_dataset(runs: dict[str, Tensor], outputs, time) -> xr.Dataset:
    """``simulation.nc`` from each model's run (cell, day, output); of an ensemble (member, ...)."""
    stacked = np.stack([_array(run) for run in runs.values()])
    dims = ("model", *("member",) * (stacked.ndim - 4), "cell", "time")
    return xr.Dataset(
        {
            name: (dims, stacked[..., k], {"units": TARGETS[name].unit})
            for k, name in enumerate(outputs)
        },
        coords={"model": list(runs), "time": time},
    )


def samples_dataset(space: ParameterSpace, cells, parameters, run, outputs, time) -> xr.Dataset:
    """Parameters (sample, cell, P) and the model's run (sample, cell, day, output)."""
    ds = xr.Dataset(
        {"parameters": (("sample", "cell", "parameter"), _array(parameters), bounds(space))},
        coords={"cell": _array(cells), "time": time, **_coordinates(space)},
    )
    run = _array(run)
    return ds.assign(
        {
            name: (("sample", "cell", "time"), run[..., k], {"units": TARGETS[name].unit})
            for k, name in enumerate(outputs)
        }
    )


def parameters_tensor(ds: xr.Dataset, space: ParameterSpace, path) -> Tensor:
    """Parameters (cell, P) of ``parameters.nc``, (member, cell, P) of an ensemble, for a model with
    this space."""
    names = tuple(ds["parameter"].values.astype(str))
    if names != space.names:
        raise ValueError(
            f"{path} has the parameters {', '.join(names)}, the model {', '.join(space.names)}"
        )
    values = torch.from_numpy(ds["parameters"].transpose(..., "cell", "parameter").values.copy())
    space.check(values)
    return values


def ensemble_dataset(members: Sequence[xr.Dataset]) -> xr.Dataset:
    """``parameters.nc`` of an ensemble, from those of its members (member, parameter, cell).

    ValueError where there are fewer than two, or they have not the same parameters and cells.
    """
    if len(members) < 2:
        raise ValueError(f"an ensemble needs two members or more, not {len(members)}")
    try:
        joined = xr.concat(members, "member", join="exact", combine_attrs="drop")
    except ValueError as error:
        raise ValueError(f"the members have not the same parameters and cells: {error}") from error
    for name, variable in members[0].variables.items():
        joined[name].attrs = variable.attrs
    return joined


def history_table(history: list[dict]) -> pd.DataFrame:
    """``history.csv`` of a learner's history: the columns of all, then what it notes beside."""
    columns = ["epoch", "runs_per_cell", "seconds", "train_loss", "validation_loss"]
    table = pd.DataFrame(history)
    return table[[*columns, *(name for name in table if name not in columns)]]


def bounds(space: ParameterSpace) -> dict:
    return {
        "lower": space.lower.numpy(),
        "upper": space.upper.numpy(),
        "parameter_units": [p.unit for p in space],
    }


def _coordinates(space):
    return {"parameter": list(space.names)}


def _map(slope, offset, dims):
    pairs = {"slope": (slope, "1"), "offset": (offset, "m3 m-3")}
    arrays = {name: (_array(values), unit) for name, (values, unit) in pairs.items()}
    return {name: (dims[: a.ndim], a, {"units": unit}) for name, (a, unit) in arrays.items()}


def _array(values) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
