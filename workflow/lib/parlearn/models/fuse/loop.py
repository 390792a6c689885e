"""A process model's physics bound to its tables: many cells and parameter sets over days, eagerly
in torch or as one compiled time loop.
"""

import logging

import torch

from parlearn.models.fuse import compiled, eager
from parlearn.models.fuse.build import compiler

#: below this, samples of a cell are run side by side with other cells
FEW_CELLS = 128

log = logging.getLogger(__name__)


def can_fuse(device) -> bool:
    """Whether the compiled time loop can run there; a machine without a compiler is told of."""
    if device.type == "cpu" and compiler() is None:
        log.warning("there is no C++ compiler: models run in plain PyTorch, many times slower")
        return False
    return device.type == "cpu"


class Loop:
    """Days of a model over its cells.

    Parameters
    ----------
    physics : :class:`parlearn.models.fuse.physics.Physics`
    weather : (cell, day, column), columns as named in ``physics.weather``; its precision is that
        of the run
    outputs : names of those to return
    free : names of the parameters that ``run`` takes, in its order; all by default
    defaults : (cell, parameter) of all that the physics names; needed where not all are free
    cell : (cell, name) what is known of a cell, where the physics names such
    tile, monthly : (slot, cell, name) and (slot, 12, cell, name), the same of tiles and of their
        months. A slot is the n-th tile of a cell.
    area : (slot, cell) share of each tile, 0 where a cell has fewer; one tile a cell by default
    months : (day,) month of each day, 0 to 11; needed where the physics names monthly values
    likeness : (cell,) a number that is close for cells which take the same branches: these share a
        vector of the compiled loop
    threads : threads of the compiled loop; torch's own number by default
    device : where the eager form runs; the compiled one runs on the CPU
    fused : use the compiled loop. By default on the CPU wherever there is a C++ compiler.

    Raises
    ------
    ValueError
        For unknown outputs and tables that do not fit the names of the physics.
    """

    def __init__(
        self,
        physics,
        weather,
        outputs,
        *,
        free=None,
        defaults=None,
        cell=None,
        tile=None,
        monthly=None,
        area=None,
        months=None,
        likeness=None,
        threads=None,
        device="cpu",
        fused=None,
    ):
        unknown = [o for o in outputs if o not in physics.outputs]
        if unknown:
            raise ValueError(
                f"the model has no output {', '.join(unknown)}; it has {', '.join(physics.outputs)}"
            )
        self.physics, self.outputs, self.threads = physics, tuple(outputs), threads
        self.device, self.dtype = torch.device(device), weather.dtype
        self.fused = can_fuse(self.device) if fused is None else fused
        self.n_cells, self.n_days, _ = weather.shape
        n = self.n_cells
        area = weather.new_ones(1, n) if area is None else area
        months = torch.zeros(self.n_days) if months is None else months
        likeness = torch.zeros(n) if likeness is None else likeness
        slots = area.shape[0]
        names = {
            "weather": (weather, (n, self.n_days, physics.weather_columns)),
            "cell": (cell, (n, len(physics.cell))),
            "tile": (tile, (slots, n, len(physics.tile))),
            "monthly": (monthly, (slots, 12, n, len(physics.monthly))),
            "area": (area, (slots, n)),
            "months": (months, (self.n_days,)),
            "likeness": (likeness, (n,)),
        }
        self.free = physics.parameters if free is None else tuple(free)
        if self.free != physics.parameters:
            names["defaults"] = (defaults, (n, len(physics.parameters)))
        for name, (table, shape) in names.items():
            if table is None:
                table = weather.new_zeros(shape) if 0 in shape else None
            if table is None or tuple(table.shape) != shape:
                found = "none" if table is None else tuple(table.shape)
                raise ValueError(f"{name}: shape {found}, the model expects {shape}")
            if name not in ("months", "likeness"):
                table = table.to(self.device, self.dtype).contiguous()
            setattr(self, name, table)
        self.months = self.months.to(torch.int32)

    def run(self, parameters, index, window, state=None, first_out=0, weather=None):
        """Run a window of days.

        Parameters
        ----------
        parameters : (sample, n, parameter) those that are free
        index : (n,) cells; window : range of days
        state : (sample, n, slot, state) at its start; a cold start when not given
        first_out : days at the start of the window that are run but not returned
        weather : (cell, day, column) in place of that which the loop was made with

        Returns
        -------
        outputs (sample, n, day, output) and the state at the end. Derivatives flow from both to
        the parameters, the state and the weather. What is learned for each day, a parameter that
        varies or a correction of the rain, is a column of the weather.
        """
        index = index.to(self.device)
        parameters = self._complete(parameters.to(self.device, self.dtype), index)
        state = None if state is None else state.to(self.device, self.dtype)
        weather = self.weather if weather is None else weather.to(self.device, self.dtype)
        if weather.shape != self.weather.shape:
            found, wanted = tuple(weather.shape), tuple(self.weather.shape)
            raise ValueError(f"weather: shape {found}, the model expects {wanted}")
        if not self.fused:
            return eager.run_days(self, parameters, state, weather, index, window, first_out)
        if not torch.is_grad_enabled():
            # nothing is kept for derivatives then
            parameters, weather = parameters.detach(), weather.detach()
            state = None if state is None else state.detach()
        samples, n = parameters.shape[:2]
        few = n < FEW_CELLS and samples > 1  # samples fill the vectors that few cells leave empty
        if few:
            parameters = parameters.reshape(1, samples * n, -1)
            index = index.repeat(samples)
            state = None if state is None else state.reshape(1, samples * n, *state.shape[2:])
        outputs, final = compiled.Simulate.apply(
            parameters, state, weather, self, index, window, first_out
        )
        if few:
            outputs = outputs.reshape(samples, n, *outputs.shape[2:])
            final = final.reshape(samples, n, *final.shape[2:])
        return outputs, final

    def _complete(self, given, index):
        """All parameters (sample, n, parameter) with the free ones in place."""
        names = self.physics.parameters
        if self.free == names:
            return given
        columns = list(self.defaults[index].expand(given.shape[0], -1, -1).unbind(-1))
        for position, name in enumerate(self.free):
            columns[names.index(name)] = given[..., position]
        return torch.stack(columns, -1)
