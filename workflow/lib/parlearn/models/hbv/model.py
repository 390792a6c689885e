"""HBV bound to a domain: its day, run eagerly in torch or as one compiled time loop."""

import torch
from torch import Tensor

from parlearn.models.base import ParameterSpace
from parlearn.models.fuse.loop import Loop
from parlearn.models.fuse.model import LoopModel
from parlearn.models.fuse.physics import Physics
from parlearn.models.hbv.day import cold_start, simulate_day
from parlearn.models.hbv.names import OUTPUTS, STATE, WEATHER
from parlearn.models.hbv.parameters import BECK, BOUNDS, DEFAULTS, PARAMETERS
from parlearn.models.hbv.weather import table

SPACE = ParameterSpace(BOUNDS)
PHYSICS = Physics(
    parameters=PARAMETERS,
    state=STATE,
    outputs=OUTPUTS,
    weather=WEATHER,
    day=simulate_day,
    cold_start=cold_start,
)
TWELVE = tuple(parameter.name for parameter in BECK)


def default_parameters(domain, names=TWELVE) -> Tensor:
    """Usual values of these parameters for every cell (cell, parameter)."""
    values = torch.tensor([DEFAULTS[name] for name in names])
    return values.expand(domain.sizes["cell"], -1).clone()


def build(domain, forcing, *, names, outputs, device="cpu", pet="oudin") -> "HBV":
    """HBV bound to a domain, as :mod:`parlearn.models.registry` asks for it."""
    return HBV(domain, forcing, names=tuple(names), outputs=outputs, device=device, pet=pet)


class HBV(LoopModel):
    """HBV, many basins and parameter sets at once.

    Parameters
    ----------
    domain, forcing : xarray.Dataset
        As in :func:`parlearn.models.hbv.weather.table`.
    names : parameters that ``simulate`` takes; the others keep their default
    outputs : names in :data:`parlearn.models.hbv.names.OUTPUTS`
    pet : formula of potential evapotranspiration, :data:`parlearn.models.hbv.names.PET`
    warmup : days run from the cold start before a window
    threads, device, dtype, fused : as in :class:`~parlearn.models.fuse.loop.Loop`
    """

    def __init__(
        self,
        domain,
        forcing,
        names=TWELVE,
        outputs=("runoff", "evapotranspiration"),
        pet="oudin",
        warmup=365,
        threads=None,
        device="cpu",
        dtype=torch.float32,
        fused=None,
    ):
        loop = Loop(
            PHYSICS,
            table(domain, forcing, pet, dtype),
            outputs,
            free=names,
            defaults=default_parameters(domain, PARAMETERS),
            threads=threads,
            device=device,
            fused=fused,
        )
        super().__init__(loop, SPACE.subset(names), warmup)
