"""VIC bound to a domain: the same day of VIC, run eagerly in torch or as one compiled time loop."""

import torch

from parlearn.models.base import ProcessModel
from parlearn.models.fuse.loop import Loop
from parlearn.models.fuse.physics import Physics
from parlearn.models.vic import tables
from parlearn.models.vic.constants import SNOW_STEPS
from parlearn.models.vic.day import simulate_day
from parlearn.models.vic.defaults import SPACE, default_parameters
from parlearn.models.vic.names import CELL, MONTHLY, OUTPUTS, STATE, STEPPED, TILE, WEATHER
from parlearn.models.vic.parameters import CALIBRATED, PARAMETERS
from parlearn.models.vic.start import cold_start
from parlearn.models.vic.tile import layers

__all__ = ["CALIBRATED", "SPACE", "VIC", "build", "default_parameters"]

PHYSICS = Physics(
    parameters=PARAMETERS,
    state=STATE,
    outputs=OUTPUTS,
    weather=WEATHER,
    stepped=STEPPED,
    steps=SNOW_STEPS,
    cell=(*CELL, "theta_fc"),
    tile=TILE,
    monthly=MONTHLY,
    prologue=layers,
    cold_start=cold_start,
    day=simulate_day,
)


def build(domain, forcing, *, names, outputs, device="cpu") -> "VIC":
    """VIC bound to a domain, as :mod:`parlearn.models.registry` asks for it."""
    return VIC(domain, forcing, names=tuple(names), outputs=tuple(outputs), device=device)


class VIC(ProcessModel):
    """VIC 5 in water-balance mode (24-hour step), many cells and parameter sets at once.

    Parameters
    ----------
    domain, forcing : xarray.Dataset
        As in :func:`parlearn.models.vic.tables.statics` and ``weather``.
    names : parameters that ``simulate`` takes; the others keep their default of each cell
    outputs : names in :data:`parlearn.models.vic.names.OUTPUTS`
    warmup : days run from the cold start before a window
    threads : threads of the compiled loop; torch's own number by default
    device, dtype : where and how precisely the eager form runs; the compiled one runs on the CPU
    fused : use the compiled time loop. By default on the CPU wherever there is a C++ compiler.

    Notes
    -----
    The compiled loop runs backward for its derivatives, which cost the same for any number of
    parameters; it keeps one state a tile and day, or one in several days where that is too much.
    """

    def __init__(
        self,
        domain,
        forcing,
        names=CALIBRATED,
        outputs=("soil_moisture", "evapotranspiration"),
        warmup=365,
        threads=None,
        device="cpu",
        dtype=torch.float32,
        fused=None,
    ):
        unknown = [o for o in outputs if o not in OUTPUTS]
        if unknown:
            raise ValueError(f"VIC has no output {', '.join(unknown)}; it has {', '.join(OUTPUTS)}")
        self.space = SPACE.subset(names)
        self.outputs, self.warmup, self.dtype = tuple(outputs), warmup, dtype
        self.table = tables.statics(domain, dtype)
        weather, months = tables.weather(forcing, self.table.lat, dtype)
        self.n_cells, self.n_days, _ = weather.shape
        if self.n_cells != self.table.cell.shape[0]:
            raise ValueError(
                f"the domain has {self.table.cell.shape[0]} cells, the forcing {self.n_cells}"
            )
        self.loop = Loop(
            PHYSICS,
            weather,
            outputs,
            free=names,
            defaults=self.table.parameters,
            cell=torch.cat([self.table.cell, self.table.theta_fc[:, None]], 1),
            tile=self.table.tile,
            monthly=self.table.monthly,
            area=self.table.area,
            months=months,
            likeness=tables.likeness(self.table),
            threads=threads,
            device=device,
            fused=fused,
        )

    @property
    def fused(self):
        """Whether the compiled time loop runs it."""
        return self.loop.fused

    def simulate(self, parameters, cells=None, days=None):
        start, stop, step = (days or slice(None)).indices(self.n_days)
        if step != 1 or stop <= start:
            raise ValueError(f"days {start}..{stop} of {self.n_days} are not a window")
        first = max(start - self.warmup, 0)
        outputs, _ = self.run(parameters, cells, slice(first, stop), first_out=start - first)
        return outputs

    def run(self, parameters, cells=None, days=None, state=None, first_out=0):
        """Run a window and return the state at its end as well.

        Parameters
        ----------
        parameters : (..., n, parameter); cells : (n,); days : slice, as in ``simulate``, without
        warm-up
        state : (..., n, slot, STATE) at the start, from an earlier run; a cold start when not
        given: soil
            at field capacity, no snow, soil at 0 degC
        first_out : days at the start of the window that are run but not returned

        Returns
        -------
        outputs (..., n, day, output) and the state; derivatives flow to both
        """
        n = self.n_cells if cells is None else len(cells)
        if parameters.shape[-2:] != (n, len(self.space)):
            raise ValueError(
                f"parameters have shape {tuple(parameters.shape)}; "
                f"(..., {n} cells, {len(self.space)} parameters) "
                "expected"
            )
        self.space.check(parameters.detach())
        leading = parameters.shape[:-2]
        index = torch.arange(self.n_cells) if cells is None else torch.as_tensor(cells)
        flat = parameters.reshape(-1, n, len(self.space)).to(self.dtype)
        if state is not None:
            state = state.reshape(flat.shape[0], n, self.table.area.shape[0], len(STATE)).to(
                self.dtype
            )
        start, stop, _ = (days or slice(None)).indices(self.n_days)
        outputs, state = self.loop.run(flat, index, range(start, stop), state, first_out)
        return (
            outputs.reshape(*leading, *outputs.shape[1:]).to(parameters.dtype),
            state.reshape(*leading, *state.shape[1:]),
        )
