"""The interface of all models: parameters in, series out."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor

from parlearn.models.parameter import Parameter


class ParameterSpace:
    """An ordered set of parameters: names, bounds, and the scaling from the unit cube."""

    def __init__(self, parameters: Iterable[Parameter]):
        self.parameters = tuple(parameters)
        if len({p.name for p in self.parameters}) != len(self.parameters):
            raise ValueError(f"a parameter is named twice in {[p.name for p in self.parameters]}")
        # made here, not when first asked for: made in inference mode they could not serve autograd
        self.lower = torch.tensor([p.lower for p in self.parameters], dtype=torch.float32)
        self.upper = torch.tensor([p.upper for p in self.parameters], dtype=torch.float32)
        self._log = torch.tensor([p.scale == "log" for p in self.parameters])

    def __len__(self):
        return len(self.parameters)

    def __iter__(self):
        return iter(self.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.parameters)

    def index(self, name: str) -> int:
        if name not in self.names:
            raise ValueError(f"no parameter named {name!r}; there are {', '.join(self.names)}")
        return self.names.index(name)

    def subset(self, names) -> "ParameterSpace":
        return ParameterSpace(self.parameters[self.index(name)] for name in names)

    def to_physical(self, unit: Tensor) -> Tensor:
        """Unit cube (..., parameter) to physical values, log-scaled where the parameter says so."""
        lower, upper, log = (t.to(unit.device) for t in (self.lower, self.upper, self._log))
        linear = lower + (upper - lower) * unit
        safe_lower = torch.where(log, lower, torch.ones_like(lower))
        ratio = torch.where(log, upper, torch.ones_like(upper)) / safe_lower
        return torch.where(log, safe_lower * torch.exp(unit * torch.log(ratio)), linear)

    def to_unit(self, physical: Tensor) -> Tensor:
        """The inverse of :meth:`to_physical`."""
        lower, upper, log = (t.to(physical.device) for t in (self.lower, self.upper, self._log))
        linear = (physical - lower) / (upper - lower)
        one = torch.ones_like(lower)
        safe_lower, safe_upper = torch.where(log, lower, one), torch.where(log, upper, 2 * one)
        value = torch.where(log, physical, one)
        return torch.where(
            log, torch.log(value / safe_lower) / torch.log(safe_upper / safe_lower), linear
        )

    def check(self, physical: Tensor, tolerance: float = 1e-5) -> None:
        """Raise ValueError naming the first parameter with a value that is not finite or out of
        bounds.
        """
        if physical.shape[-1] != len(self):
            raise ValueError(
                f"{physical.shape[-1]} parameters given, {len(self)} expected: "
                f"{', '.join(self.names)}"
            )
        for k, p in enumerate(self.parameters):
            values = physical[..., k]
            slack = tolerance * (p.upper - p.lower)
            bad = ~torch.isfinite(values) | (values < p.lower - slack) | (values > p.upper + slack)
            if bad.any():
                raise ValueError(
                    f"parameter {p.name} = {values[bad][0].item():g} is outside its bounds "
                    f"[{p.lower:g}, {p.upper:g}] {p.unit} "
                    f"({int(bad.sum())} of {bad.numel()} values)"
                )


class ProcessModel(ABC):
    """A model bound to the forcing and statics of a domain, batched over cells and samples.

    A surrogate, the VIC of this library and the original executable all have this interface, so
    every learner and calibrator works through any of them.
    """

    space: ParameterSpace
    outputs: tuple[str, ...]
    #: days run before a window, and thrown away, so that the cold start is forgotten
    warmup: int
    n_cells: int
    n_days: int
    #: whether it answers maps, and wants the parameters of all cells at once
    whole: bool = False

    @abstractmethod
    def simulate(
        self, parameters: Tensor, cells: Tensor | None = None, days: slice | None = None
    ) -> Tensor:
        """Run the model.

        Parameters
        ----------
        parameters : (..., n, parameter)
            Physical values for the n cells asked for; leading dimensions are samples.
        cells : (n,) int64, optional
            Indices of cells in the domain; all by default.
        days : slice, optional
            Days of the study's timeline; all by default. ``warmup`` days before it are run as well.

        Returns
        -------
        (..., n, day, output), differentiable in ``parameters``.
        """
