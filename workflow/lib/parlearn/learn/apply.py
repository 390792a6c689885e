"""A trained parameter network as files, and its use in another region."""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import xarray as xr
from safetensors.torch import load_file, save
from torch import Tensor, nn

from parlearn.learn.dpl import Result
from parlearn.learn.maps import attribute_maps
from parlearn.learn.settings import Settings
from parlearn.models.base import ParameterSpace
from parlearn.models.observation import MAP_SPACE
from parlearn.models.parameter import Parameter
from parlearn.networks.scalers import Scaler, Scalers
from parlearn.plan.methods import METHODS
from parlearn.storage.files import read_json, write_bytes, write_json
from parlearn.study.grid import grid_of
from parlearn.study.tensors import Study, read_inputs

WEIGHTS, CARD = "network.safetensors", "card.json"

#: cells given to a network at once
PIECE = 1000


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with all that is needed to use it elsewhere."""

    network: nn.Module
    method: str
    space: ParameterSpace
    scalers: Scalers
    observation_map: str
    slope: float  #: of the domain map; 1 without one, not used with a map per cell
    offset: float


def save_network(
    folder: str | Path,
    result: Result,
    *,
    method: str,
    study: Study,
    space: ParameterSpace,
    settings: Settings,
) -> None:
    """Write ``network.safetensors`` and ``card.json`` into ``folder``."""
    folder = Path(folder)
    per_cell = settings.observation_map == "network"
    card = {
        "method": method,
        "shape": asdict(result.shape),
        "weights": sum(w.numel() for w in result.network.parameters() if w.requires_grad),
        "space": [asdict(parameter) for parameter in space],
        "scalers": {name: getattr(study.scalers, name).to_dict() for name in Scalers._fields},
        "observation_map": settings.observation_map,
        "slope": None if per_cell else float(result.slope),
        "offset": None if per_cell else float(result.offset),
        "best_epoch": result.best_epoch,
        "trained_on": {
            "cells": len(study.cells("train")),
            "first_day": str(study.dates[study.training.start]),
            "last_day": str(study.dates[study.training.stop - 1]),
        },
    }
    write_bytes(save(result.network.state_dict()), folder / WEIGHTS)
    write_json(card, folder / CARD)


def load_network(folder: str | Path) -> TrainedNetwork:
    """Read what :func:`save_network` wrote."""
    folder = Path(folder)
    card = read_json(folder / CARD)
    network = METHODS[card["method"]].load().rebuild(card["method"], card["shape"])
    network.load_state_dict(load_file(folder / WEIGHTS))
    return TrainedNetwork(
        network.eval(),
        card["method"],
        ParameterSpace(Parameter(**values) for values in card["space"]),
        Scalers(**{name: Scaler.from_dict(v) for name, v in card["scalers"].items()}),
        card["observation_map"],
        1.0 if card["slope"] is None else card["slope"],
        0.0 if card["offset"] is None else card["offset"],
    )


@torch.no_grad()
def apply_network(
    trained: TrainedNetwork,
    domain: xr.Dataset,
    forcing: xr.Dataset | None = None,
    training: xr.Dataset | None = None,
    *,
    period: str = "",
    span: tuple[str, str] | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Parameters of another region's cells.

    Parameters
    ----------
    trained : from :func:`load_network`
    domain : domain.nc of the region; attributes of the same names, order and units
    forcing, training, period, span : as for :func:`~parlearn.study.tensors.load_study`; only for a
        network that reads series, which looks at the region's own observations

    Returns
    -------
    Parameters (cell, P) in physical units, of an ensemble (member, cell, P); slope and offset,
    scalars or (cell,).
    """
    if METHODS[trained.method].works_on == "maps":
        return _of_maps(trained, domain)
    if trained.network.uses_series:
        if forcing is None or training is None or span is None:
            raise ValueError(f"{trained.method} reads series: give it forcing, training and span")
        inputs = read_inputs(domain, trained.scalers, forcing, training, period=period, span=span)
    else:
        inputs = read_inputs(domain, trained.scalers)
    cells = torch.arange(inputs.attributes.shape[0])
    unit = torch.cat([trained.network.read(inputs.select(some)) for some in cells.split(PIECE)])
    parameters = trained.space.to_physical(unit[:, : len(trained.space)])
    if trained.observation_map == "network":
        slope, offset = MAP_SPACE.to_physical(unit[:, len(trained.space) :]).unbind(-1)
        return parameters, slope, offset
    return parameters, torch.tensor(trained.slope), torch.tensor(trained.offset)


def _of_maps(trained: TrainedNetwork, domain: xr.Dataset) -> tuple[Tensor, Tensor, Tensor]:
    grid = grid_of(domain)
    if grid is None:
        raise ValueError(f"{trained.method} makes maps: the units of this region lie on no grid")
    attributes = read_inputs(domain, trained.scalers).attributes
    unit = grid.to_units(trained.network.ensemble(attribute_maps(attributes, grid)))
    parameters = trained.space.to_physical(unit.transpose(1, 2).clamp(0, 1))
    parameters = parameters if len(parameters) > 1 else parameters[0]
    return parameters, torch.tensor(trained.slope), torch.tensor(trained.offset)
