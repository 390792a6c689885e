"""One parameter of a model: name, unit, bounds. Apart from the rest, since it needs no torch."""

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Parameter:
    """One model parameter with its physical bounds.

    ``scale`` says how the unit interval is stretched over the bounds: ``linear`` or ``log``.
    ``default`` says what a cell has while nothing is learned, and ``source`` where parameter and
    bounds come from.
    """

    name: str
    unit: str
    lower: float
    upper: float
    scale: str = "linear"
    long_name: str = ""
    default: str = ""
    source: str = ""

    def __post_init__(self):
        if not self.lower < self.upper:
            raise ValueError(
                f"parameter {self.name}: lower bound {self.lower} is not below {self.upper}"
            )
        if self.scale not in ("linear", "log"):
            raise ValueError(
                f"parameter {self.name}: scale {self.scale!r} is neither 'linear' nor 'log'"
            )
        if self.scale == "log" and self.lower <= 0:
            raise ValueError(f"parameter {self.name}: a log scale needs a lower bound above 0")


def of_components(parameters: Iterable[Parameter], number: int) -> tuple[Parameter, ...]:
    """Each parameter once for each of several components: ``FC_1``, ``FC_2``, then the next."""
    return tuple(
        replace(parameter, name=f"{parameter.name}_{k}")
        for parameter in parameters
        for k in range(1, number + 1)
    )
