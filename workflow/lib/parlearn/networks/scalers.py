"""Standardisation of the inputs of networks, and the encoding of series with gaps."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

#: days after which a missing observation is as old as it can get
OLDEST_OBSERVATION = 30.0


@dataclass(frozen=True)
class Scaler:
    """Standardisation of named variables: (x - mean) / std, after log(1 + x) where ``log`` says so.

    A variable that does not vary in the training cells teaches nothing and becomes 0 everywhere.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    log: tuple[bool, ...]

    @classmethod
    def fit(cls, values: Tensor, names, units, log=None) -> "Scaler":
        """Fit on ``values`` (..., variable); NaN entries are left out."""
        log = tuple(log) if log is not None else (False,) * len(names)
        flat = _transform(values.double(), log).reshape(-1, len(names))
        there = torch.isfinite(flat)
        number = there.sum(0)
        if (number == 0).any():
            name = names[int((number == 0).nonzero()[0])]
            raise ValueError(f"{name} has no value in the training cells: it cannot be normalised")
        mean = torch.where(there, flat, 0).sum(0) / number
        spread = (torch.where(there, flat - mean, 0).square().sum(0) / number).sqrt()
        constant = spread <= 1e-6 * mean.abs() + 1e-12
        std = torch.where(constant, torch.zeros_like(spread), spread)
        return cls(tuple(names), tuple(units), tuple(mean.tolist()), tuple(std.tolist()), log)

    def apply(self, values: Tensor) -> Tensor:
        """Normalise ``values`` (..., variable); NaN stays NaN."""
        mean, std = (
            torch.tensor(v, dtype=torch.float64, device=values.device)
            for v in (self.mean, self.std)
        )
        scaled = (_transform(values.double(), self.log) - mean) / torch.where(std > 0, std, 1.0)
        return torch.where(std > 0, scaled, torch.zeros_like(scaled)).float()

    def to_dict(self) -> dict:
        return {k: list(getattr(self, k)) for k in ("names", "units", "mean", "std", "log")}

    @classmethod
    def from_dict(cls, values: dict) -> "Scaler":
        return cls(**{k: tuple(values[k]) for k in ("names", "units", "mean", "std", "log")})

    def require(self, names, units, where: str) -> None:
        """Raise ValueError unless names, order and units are those this scaler was fit on."""
        if tuple(names) != self.names:
            missing = [n for n in self.names if n not in names]
            extra = [n for n in names if n not in self.names]
            raise ValueError(
                f"{where}: variables {list(names)} are not those of training {list(self.names)} "
                f"(missing {missing}, unknown {extra}; the order counts too)"
            )
        for name, unit, expected in zip(names, units, self.units, strict=True):
            if unit != expected:
                raise ValueError(f"{where}: {name} is in {unit!r}, training had it in {expected!r}")


def _transform(values: Tensor, log) -> Tensor:
    if not any(log):
        return values
    return torch.where(torch.tensor(log, device=values.device), values.clamp_min(0).log1p(), values)


class Scalers(NamedTuple):
    """The scalers that a trained network needs to read the data of another region."""

    attributes: Scaler
    forcing: Scaler
    observations: Scaler


def encode_gaps(series: Tensor) -> Tensor:
    """A gappy normalised series (cell, day) as what is known each day (cell, day, 3).

    The last observed value (0, the training mean, before the first), its age in days over
    :data:`OLDEST_OBSERVATION` and at most 1 (1 before the first), and a flag, 1 where observed.
    """
    seen = torch.isfinite(series)
    day = torch.arange(series.shape[1], device=series.device).expand_as(series)
    last = torch.where(seen, day, torch.full_like(day, -1)).cummax(dim=1).values
    value = torch.where(last >= 0, torch.nan_to_num(series).gather(1, last.clamp_min(0)), 0.0)
    age = torch.where(last >= 0, (day - last).float() / OLDEST_OBSERVATION, 1.0).clamp_max(1.0)
    return torch.stack([value, age, seen.float()], dim=-1)
