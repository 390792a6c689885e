"""What a process model gives to be run over days: its names, and the functions of one element."""

from collections.abc import Callable
from dataclasses import dataclass, field

from parlearn.models.fuse.ops import Vars


def parameters_alone(par, cell, tile):
    """The prologue of a model whose day takes its parameters as they are."""
    return par


@dataclass(frozen=True)
class Physics:
    """The physics of a process model, element-wise on Vars of torch tensors.

    An element is a tile: a cell, or a part of one where a cell is divided by its vegetation. The
    functions see one value an element and use the operations of torch and of
    :mod:`parlearn.models.fuse.ops` alone.

    Parameters
    ----------
    parameters, state, outputs, weather : names; the names of states and outputs may carry units
    day : (state, layer, weather, tile, cell) -> (state, outputs), both Vars. ``tile`` has the
        names of ``tile`` and ``monthly``. An output of a cell is the mean over its tiles by area.
    cold_start : (cell, layer) -> state of a run that begins from none
    prologue : (parameters, cell, tile) -> layer, what a run works out once from its parameters
    cell, tile, monthly : names of what is known of a cell, of a tile, and of a tile in each
        month of the year
    stepped : of ``weather``, those with several values a day, for the ``steps`` of
        :func:`~parlearn.models.fuse.ops.repeat`
    """

    parameters: tuple
    state: tuple
    outputs: tuple
    weather: tuple
    day: Callable
    cold_start: Callable
    prologue: Callable = parameters_alone
    cell: tuple = ()
    tile: tuple = ()
    monthly: tuple = ()
    stepped: tuple = ()
    steps: int = 0
    widths: dict = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        for name in ("parameters", "state", "outputs", "weather", "cell", "tile", "monthly"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        unknown = set(self.stepped) - set(self.weather)
        if unknown:
            raise ValueError(f"stepped names {', '.join(sorted(unknown))}, not in the weather")
        widths = {name: self.steps if name in self.stepped else 1 for name in self.weather}
        object.__setattr__(self, "widths", widths)

    @property
    def weather_columns(self) -> int:
        """Columns of the forcing: one a name, ``steps`` for the stepped ones."""
        return sum(self.widths.values())

    def weather_of(self, table):
        """One day's forcing (element, column) as Vars."""
        values, position = {}, 0
        for name, width in self.widths.items():
            columns = slice(position, position + width) if name in self.stepped else position
            values[name] = table[:, columns]
            position += width
        return Vars(**values)
