"""Opens the study and the model of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
import xarray as xr
from torch import Tensor

from parlearn.models.assembly import Assembly, assembly_of
from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.components import Components
from parlearn.models.registry import PROCESSES
from parlearn.models.routing.model import Routed
from parlearn.models.routing.parameters import DEFAULTS, STREAMFLOW
from parlearn.models.routing.transfer import Together
from parlearn.models.routing.transfer import TransferFunctions as OfRouting
from parlearn.plan.surrogates import SURROGATES
from parlearn.storage import contracts
from parlearn.storage.device import pick_device
from parlearn.study.tensors import Study, load_study


def space_of(model: Mapping) -> ParameterSpace:
    """Free parameters of a study; ``model`` as in
    :func:`~parlearn.models.assembly.assembly_of`."""
    return ParameterSpace(assembly_of(model).parameters)


def default_of(model: Mapping, domain: xr.Dataset) -> Tensor:
    """Prior parameters (cell, P) of a study's process model."""
    assembly = assembly_of(model)
    own = assembly.process.load().default_parameters(domain, assembly.names)
    own = own.repeat_interleave(assembly.components, -1)
    routed = own.new_tensor([DEFAULTS[name] for name in assembly.routed])
    return torch.cat([own, routed.expand(len(own), -1)], -1)


def transfer_functions_of(model: Mapping, domain: xr.Dataset):
    """Transfer functions of a study's process model and of its routing, bound to a domain.

    Raises
    ------
    ValueError
        Several components, which no function tells apart; else as those of each.
    """
    assembly = assembly_of(model)
    if assembly.components > 1:
        raise ValueError(
            f"model.components: {assembly.components}: transfer functions would make them all "
            "alike: take one component, or leave the method out"
        )
    own = assembly.process.transfer_functions(domain, assembly.names)
    return Together(own, OfRouting(domain, assembly.routed)) if assembly.routed else own


def device_of(through: str, model: Mapping, wanted: str) -> str:
    """The torch device of a run; where that is ``auto`` a process model may prefer one."""
    preferred = PROCESSES[model["process"]].runs_on
    return pick_device(preferred if through not in SURROGATES and wanted == "auto" else wanted)


def open_process(
    model: Mapping,
    domain: xr.Dataset,
    forcing: xr.Dataset,
    *,
    outputs: Sequence[str] | None = None,
    device: str = "cpu",
) -> ProcessModel:
    """The process model of a study, bound to a domain and its forcing.

    Parameters
    ----------
    model : as in :func:`~parlearn.models.assembly.assembly_of`
    outputs : what it is to give; all the targets it knows by default

    Raises
    ------
    ValueError
        An unknown parameter or output.
    """
    assembly = assembly_of(model)
    outputs = tuple(outputs or assembly.targets)
    if assembly.routing is None:
        return _open_land(assembly, domain, forcing, outputs, device)
    land = dict.fromkeys(name for name in outputs if name != STREAMFLOW)
    land |= dict.fromkeys(assembly.process.drains)
    return Routed(
        _open_land(assembly, domain, forcing, tuple(land), device),
        assembly.process.drains,
        names=assembly.routed,
        outputs=outputs,
        hydrograph=assembly.routing == "gamma",
    )


def _open_land(assembly: Assembly, domain, forcing, outputs, device) -> ProcessModel:
    """The process model without its routing."""
    process, options = assembly.process, dict(assembly.options)
    if process.scratch:
        # removed together with the model that works in it
        folder = TemporaryDirectory(prefix=f"parlearn-{process.name}-")
        options["scratch"] = Path(folder.name)
    if process.program:
        options["version"] = assembly.version
    opened = process.load().build(
        domain, forcing, names=assembly.names, outputs=outputs, device=device, **options
    )
    if process.scratch:
        opened.temporary = folder
    return Components(opened, assembly.components) if assembly.components > 1 else opened


def open_surrogate(
    kind: str,
    folder: Path,
    model: Mapping,
    domain: xr.Dataset,
    forcing: xr.Dataset,
    device: str = "cpu",
) -> ProcessModel:
    """The surrogate of a kind in a folder; ValueError where it was trained for other parameters."""
    surrogate = SURROGATES[kind].load().Surrogate.load(folder, domain, forcing)
    if surrogate.space.names != (names := space_of(model).names):
        raise ValueError(
            f"the surrogate in {folder} has the parameters {', '.join(surrogate.space.names)}, the "
            f"configuration {', '.join(names)}: train it again"
        )
    return surrogate.to(device)


class Opened(NamedTuple):
    """What a learner works on; study and model are on the device, ``default`` (cell, P) is not."""

    domain: xr.Dataset
    study: Study
    model: ProcessModel
    default: Tensor
    device: str


def open_run(files: Mapping, run: Mapping, *, model: Mapping, device: str) -> Opened:
    """Study and model of a run.

    Parameters
    ----------
    files : paths ``domain``, ``forcing`` and ``training``; ``surrogate``, the list of the files of
        the surrogate, empty where the run learns through the process model itself
    run : ``model`` (a kind of surrogate or ``process``), ``sampling``, ``period``, its ``span``,
        ``targets``, and ``validation``, the years of its own that a method may select on
    model : of the study, see :func:`open_process`
    device : as configured, see :func:`device_of`

    Raises
    ------
    ValueError
        As :func:`parlearn.study.tensors.load_study` and :func:`open_process`.
    """
    device = device_of(run["model"], model, device)
    domain = contracts.read(files["domain"], "domain")
    forcing = contracts.read(files["forcing"], "forcing")
    study = load_study(
        domain,
        forcing,
        contracts.read(files["training"], "training"),
        sampling=run["sampling"],
        period=run["period"],
        span=run["span"],
        validation=run.get("validation"),
        targets=run["targets"],
        attributes=run.get("settings", {}).get("attributes"),
    ).to(device)
    if run["model"] in SURROGATES:
        folder = Path(files["surrogate"][0]).parent
        opened = open_surrogate(run["model"], folder, model, domain, forcing, device)
    else:
        opened = open_process(model, domain, forcing, device=device)
    return Opened(domain, study, opened, default_of(model, domain), device)
