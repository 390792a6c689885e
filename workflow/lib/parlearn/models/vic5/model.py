"""The original VIC 5 as a process model: every call is a run of the user's executable."""

import logging
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from parlearn.models.base import ProcessModel
from parlearn.models.program import Program, ProgramError
from parlearn.models.vic import defaults, reference, tables
from parlearn.models.vic.constants import SNOW_STEPS
from parlearn.models.vic5.inputs import FORCING, write_inputs
from parlearn.models.vic5.names import BALANCE, OUTPUTS, PROGRAM, SOURCES
from parlearn.models.vic5.results import NotFiniteError, read_log, read_results
from parlearn.models.vic5.version import version_of

log = logging.getLogger(__name__)

#: the forcing of one run is held to this many bytes, or to one parameter set
LARGEST_FORCING = 2**30

#: how this model is held against another that it should agree with
COMPARED, compare, report = reference.OUTPUTS, reference.compare, reference.report
default_parameters = defaults.default_parameters


def build(domain, forcing, *, names, outputs, device="cpu", scratch, version=None) -> "VIC5":
    """The user's VIC 5 bound to a domain, as :mod:`parlearn.models.registry` asks for it."""
    program = Program.of_environment(PROGRAM)
    log.info("%s: %s", program.path, version_of(program, version))
    return VIC5(domain, forcing, program, scratch, names=tuple(names), outputs=tuple(outputs))


class VIC5(ProcessModel):
    """The executable of VIC 5's image driver, bound to a domain and its forcing.

    Water-balance mode with a 24-hour step, as :mod:`parlearn.models.vic`, from the same cold start.
    Several parameter sets are the rows of an invented grid in one run. It has no gradients.

    Parameters
    ----------
    domain, forcing : xarray.Dataset
        See :mod:`parlearn.storage.contracts`.
    program : the executable
    scratch : an empty folder. Every run has its own inside it, which is removed when its results
        have been read; that of a run that failed is moved beside ``scratch`` and kept.
    names : free parameters; the others keep the default of each cell
    outputs : see :data:`parlearn.models.vic.names.OUTPUTS`
    warmup : days run from the cold start before a window
    """

    def __init__(
        self,
        domain,
        forcing,
        program: Program,
        scratch: Path,
        *,
        names,
        outputs=("soil_moisture", "evapotranspiration"),
        warmup=365,
    ):
        unknown = [o for o in outputs if o not in OUTPUTS]
        if unknown:
            raise ValueError(
                f"VIC 5 has no output {', '.join(unknown)}; it has {', '.join(OUTPUTS)}"
            )
        self.space = defaults.SPACE.subset(names)
        self.outputs, self.warmup = tuple(outputs), warmup
        self.program, self.scratch, self.runs = program, Path(scratch), 0
        # soil, tiles and weather are held to the same demands
        tables.weather(forcing, tables.statics(domain).lat)
        self.domain, self.forcing = domain, forcing
        self.n_cells, self.n_days = domain.sizes["cell"], forcing.sizes["time"]
        if forcing.sizes["cell"] != self.n_cells:
            raise ValueError(
                f"the domain has {self.n_cells} cells, the forcing {forcing.sizes['cell']}"
            )
        depth1 = defaults.cell_values(domain)[:, defaults.PARAMETERS.index("depth1")]
        self._depth1 = depth1.numpy()

    def simulate(self, parameters, cells=None, days=None):
        n = self.n_cells if cells is None else len(cells)
        if parameters.shape[-2:] != (n, len(self.space)):
            raise ValueError(
                f"parameters have shape {tuple(parameters.shape)}; "
                f"(..., {n} cells, {len(self.space)} parameters) expected"
            )
        self.space.check(parameters)
        start, stop, step = (days or slice(None)).indices(self.n_days)
        if step != 1 or stop <= start:
            raise ValueError(f"days {start}..{stop} of {self.n_days} are not a window")
        first = max(start - self.warmup, 0)
        index = np.arange(self.n_cells) if cells is None else np.asarray(cells.cpu())
        values = parameters.detach().cpu().double().reshape(-1, n, len(self.space)).numpy()
        bytes_of_a_set = n * (stop - first) * SNOW_STEPS * len(FORCING) * 4
        most = max(1, LARGEST_FORCING // bytes_of_a_set)
        found = [
            self._run(values[k : k + most], index, slice(first, stop))[..., start - first :, :]
            for k in range(0, len(values), most)
        ]
        shape = (*parameters.shape[:-1], stop - start, len(self.outputs))
        return torch.from_numpy(np.concatenate(found)).to(parameters).reshape(shape)

    def _run(self, values, cells, days) -> np.ndarray:
        """One run: parameters (set, cell, P) to series (set, cell, day, output)."""
        began, self.runs = time.monotonic(), self.runs + 1
        folder = self.scratch / f"run-{self.runs}"
        folder.mkdir()
        forcing = self.forcing.isel(cell=cells, time=days)
        dates = pd.DatetimeIndex(forcing["time"].values)
        sources = [SOURCES[name] for name in self.outputs]
        variables = [*dict.fromkeys(source.variable for source in sources), BALANCE]
        domain, names = self.domain.isel(cell=cells), self.space.names
        instructions = write_inputs(folder, domain, forcing, values, names, variables)
        printed, shape = folder / "printed.txt", values.shape[:2]
        try:
            self.program.run(["-g", str(instructions)], folder, printed)
            found = read_results(folder, variables, dates, shape)
        except ProgramError as error:
            raise self._explained(error, folder, printed, cells) from error
        messages = read_log(folder, printed, self.program.ranks)
        log.info(
            "VIC 5: %d sets at %d cells, %d days in %.1f s; largest error of its water balance "
            "%.2g mm; %d warnings%s",
            *shape,
            len(dates),
            time.monotonic() - began,
            np.abs(found[BALANCE]).max(),
            len(messages.warnings),
            f", the first: {messages.warnings[0]}" if messages.warnings else "",
        )
        shutil.rmtree(folder)
        series = []
        for name, source in zip(self.outputs, sources, strict=True):
            table = found[source.variable]
            series.append(table if source.layer is None else table[:, :, source.layer])
            if name == "soil_moisture":
                series[-1] = series[-1] / (1000.0 * self._top(values, cells))[..., None]
        return np.stack(series, -1).astype(np.float32)

    def _top(self, values, cells):
        """Thickness of layer 1 (set, cell), m."""
        if "depth1" in self.space.names:
            return values[..., self.space.index("depth1")]
        return np.broadcast_to(self._depth1[cells], values.shape[:2])

    def _explained(self, error, folder, printed, cells) -> ProgramError:
        """The error with the message of the log, the cell and the folder, which is kept."""
        messages = read_log(folder, printed, self.program.ranks)
        kept = folder.rename(self.scratch.with_name(f"{self.scratch.name}-{folder.name}"))
        where = ""
        if isinstance(error, NotFiniteError):
            where = self._place(error.row, error.column, cells)
        elif messages.cell is not None:
            where = self._place(*divmod(messages.cell, len(cells)), cells)
        said = f"; its log says: {messages.error}" if messages.error else ""
        logs = messages.path or next(iter(sorted(kept.glob("vic.log.*.txt"))), printed)
        return ProgramError(
            f"{error}{where}{said}; log: {kept / logs.name}; "
            f"all files of the run are kept in {kept}"
        )

    def _place(self, row, column, cells) -> str:
        cell = int(cells[column])
        at = self.domain[["lat", "lon"]].isel(cell=cell)
        return f", cell {cell} ({float(at.lat):g} N, {float(at.lon):g} E), parameter set {row}"
