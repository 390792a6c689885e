"""VIC bound to a domain: the same day of VIC, run eagerly in torch or as one compiled time loop."""

import logging

import torch
from torch import Tensor

from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.fuse.build import compiler
from parlearn.models.prior import with_published
from parlearn.models.vic import eager, kernel, tables
from parlearn.models.vic.names import OUTPUTS, STATE
from parlearn.models.vic.parameters import BOUNDS, PARAMETERS

log = logging.getLogger(__name__)

SPACE = ParameterSpace(BOUNDS)
#: below this, samples of a cell are run side by side with other cells
FEW_CELLS = 128
CALIBRATED = ("infilt", "Ds", "Dsmax", "Ws", "expt")


def default_parameters(domain, names=CALIBRATED) -> Tensor:
    """Prior parameters of every cell (cell, parameter): those published where the domain has them,
    else fixed values, and expt = 3 + 2 b (Clapp & Hornberger).
    """
    space = SPACE.subset(names)
    b = torch.as_tensor(domain["b_clapp"].values, dtype=torch.float32)
    values = {"infilt": 0.2, "Ds": 0.02, "Dsmax": 10.0, "Ws": 0.9, "depth2": 0.4, "depth3": 1.5}
    expt = SPACE.parameters[SPACE.index("expt")]
    columns = {n: torch.full_like(b, v) for n, v in values.items()}
    columns["expt"] = (3.0 + 2.0 * b).clamp(expt.lower, expt.upper)
    return with_published(torch.stack([columns[n] for n in names], -1), space, domain)


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
    The compiled loop carries the derivatives in the free parameters along with the values
    (forward mode),
    so its gradients need no memory that grows with the operations: one number a parameter, output
    and day.
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
        self.device = torch.device(device)
        self.threads = threads
        self.fused = can_fuse(self.device) if fused is None else fused
        self.table = tables.statics(domain, dtype)
        self.weather, self.months = tables.weather(forcing, self.table.lat, dtype)
        self.n_cells, self.n_days, _ = self.weather.shape
        if self.n_cells != self.table.cell.shape[0]:
            raise ValueError(
                f"the domain has {self.table.cell.shape[0]} cells, the forcing {self.n_cells}"
            )
        self.defaults = default_parameters(domain, PARAMETERS).to(dtype)
        self.free = [PARAMETERS.index(n) for n in names]
        self.likeness = kernel.likeness(self.table)
        if not self.fused:
            self.table = self.table.map(lambda t: t.to(self.device))
            self.weather, self.defaults = (
                self.weather.to(self.device),
                self.defaults.to(self.device),
            )

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
        outputs (..., n, day, output) and the state (without derivatives)
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
        window = range(start, stop)
        runner = self._run_fused if self.fused else self._run_eager
        outputs, state = runner(flat, index, window, state, first_out)
        return (
            outputs.reshape(*leading, *outputs.shape[1:]).to(parameters.dtype),
            state.reshape(*leading, *state.shape[1:]),
        )

    def _complete(self, flat, index):
        """All seven parameters (sample, n, 7) with the free ones in place."""
        full = self.defaults[index.to(self.defaults.device)].expand(flat.shape[0], -1, -1)
        columns = list(full.unbind(-1))
        for position, p in enumerate(self.free):
            columns[p] = flat[..., position]
        return torch.stack(columns, -1)

    def _run_fused(self, flat, index, window, state, first_out):
        full = self._complete(flat, index)
        samples, n = full.shape[:2]
        few = (
            n < FEW_CELLS and samples > 1
        )  # samples fill the vectors that few cells would leave empty
        if few:
            full, index = full.reshape(1, samples * n, -1), index.repeat(samples)
            state = None if state is None else state.reshape(1, samples * n, *state.shape[2:])
        options = (window, tuple(self.free), self.outputs, first_out, self.threads)
        outputs, final = kernel.Simulate.apply(full, state, kernel.pack(self, index), *options)
        if few:
            outputs = outputs.reshape(samples, n, *outputs.shape[2:])
            final = final.reshape(samples, n, *final.shape[2:])
        return outputs, final

    def _run_eager(self, flat, index, window, state, first_out):
        return eager.run_days(self, self._complete(flat, index), index, window, state, first_out)


def can_fuse(device) -> bool:
    """Whether the compiled time loop can run there; a machine without a compiler is told of."""
    if device.type == "cpu" and compiler() is None:
        log.warning("there is no C++ compiler: VIC runs in plain PyTorch, many times slower")
        return False
    return device.type == "cpu"
