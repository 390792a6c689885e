"""Opens the study and the model of a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import xarray as xr

from parlearn.models.base import ProcessModel
from parlearn.models.surrogate.model import Surrogate
from parlearn.models.vic import VIC
from parlearn.storage import contracts
from parlearn.storage.device import pick_device
from parlearn.study.tensors import Study, load_study

#: what runs are simulated for; the rest of VIC's outputs stays with VIC
OUTPUTS = ("soil_moisture", "evapotranspiration")


def device_of(model: str, wanted: str) -> str:
    """The torch device for a model; ``auto`` is the CPU for VIC, whose compiled loop runs there."""
    return pick_device("cpu" if model == "vic" and wanted == "auto" else wanted)


def open_model(
    name: str,
    domain: xr.Dataset,
    forcing: xr.Dataset,
    *,
    parameters,
    surrogate=None,
    device: str = "cpu",
) -> ProcessModel:
    """The model ``vic`` or ``surrogate``.

    Parameters
    ----------
    parameters : names of VIC's free parameters; a surrogate brings its own, which must be the same
    surrogate : folder of the surrogate's files, for that model
    device : torch device its tensors live on

    Raises
    ------
    ValueError
        An unknown name, or a surrogate of other parameters.
    """
    if name == "vic":
        return VIC(domain, forcing, names=tuple(parameters), outputs=OUTPUTS, device=device)
    if name != "surrogate":
        raise ValueError(f"unknown model {name!r}; there are vic and surrogate")
    model = Surrogate.load(surrogate, domain, forcing)
    if model.space.names != tuple(parameters):
        raise ValueError(
            f"the surrogate in {surrogate} has the parameters {', '.join(model.space.names)}, the "
            f"configuration {', '.join(parameters)}: train it again"
        )
    return model.to(device)


class Opened(NamedTuple):
    """What a learner works on; study and model are on the device."""

    domain: xr.Dataset
    study: Study
    model: ProcessModel
    device: str


def open_run(files: Mapping, run: Mapping, *, parameters, device: str) -> Opened:
    """Study and model of a run.

    Parameters
    ----------
    files : paths ``domain``, ``forcing`` and ``training``; ``surrogate``, the list of the files of
        the surrogate, empty where the model is VIC
    run : ``model``, ``sampling``, ``period``, its ``span`` and ``targets``
    parameters : names of the free parameters
    device : as configured, see :func:`device_of`

    Raises
    ------
    ValueError
        As :func:`parlearn.study.tensors.load_study` and :func:`open_model`.
    """
    device = device_of(run["model"], device)
    domain = contracts.read(files["domain"], "domain")
    forcing = contracts.read(files["forcing"], "forcing")
    study = load_study(
        domain,
        forcing,
        contracts.read(files["training"], "training"),
        sampling=run["sampling"],
        period=run["period"],
        span=run["span"],
        targets=run["targets"],
    ).to(device)
    surrogate = files["surrogate"]
    model = open_model(
        run["model"],
        domain,
        forcing,
        parameters=parameters,
        surrogate=Path(surrogate[0]).parent if surrogate else None,
        device=device,
    )
    return Opened(domain, study, model, device)
