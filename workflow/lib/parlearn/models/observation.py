"""The observation operator: a simulation as the instrument would have observed it.

SMAP measures at 6 a.m. local time and the model's soil moisture is that of the day's end
(midnight), so the value compared with day t is the mean of the ends of days t - 1 and t; the first
day of the timeline has no such pair. Fluxes are daily sums and are compared as they are, or, where
an observation is the mean of several days (MOD16A2: mostly 8), as the mean of the same days.

A linear correction may follow, slope * x + offset, since the model's layer and the instrument do
not cover the same depth: ``none`` (1 and 0), ``domain`` (one slope and offset for the domain) or
``network`` (a linear correction per cell from the network).
"""

import torch
from torch import Tensor

from parlearn.models.base import ParameterSpace
from parlearn.models.parameter import Parameter
from parlearn.plan.targets import TARGETS

OBSERVATION_MAPS = ("none", "domain", "network")

#: bounds of a map per cell; the middle of the unit square is slope 1, offset 0
MAP_SPACE = ParameterSpace(
    (
        Parameter("slope", "1", 1 / 3, 3.0, "log", "slope of the observation map"),
        Parameter("offset", "m3 m-3", -0.25, 0.25, "linear", "offset of the observation map"),
    )
)


def pair(simulated: Tensor, target: str, days: Tensor | None = None) -> Tensor:
    """Simulated (..., 1 + day), one day before the days observed, as observed (..., day).

    ``days`` (day,) whole numbers: an observation of that day is the mean of so many, itself the
    last; each of one day where not given. NaN where they begin before the days observed.
    """
    if simulated.shape[-1] < 2:
        raise ValueError("pairing needs the day before the first one observed")
    if TARGETS[target].observed_as == "overpass":
        if days is not None:
            raise ValueError(f"{target} is seen at 6 a.m.: it has no mean of several days")
        return 0.5 * (simulated[..., :-1] + simulated[..., 1:])
    return simulated[..., 1:] if days is None else _mean_of_last(simulated[..., 1:], days)


def observe(simulated: Tensor, target: str, days: Tensor | None = None) -> Tensor:
    """A simulation over the whole timeline (..., day) as observed; the first day is NaN.

    ``days`` (day,) is as for :func:`pair`; an observation may begin on the first day.
    """
    if days is not None and TARGETS[target].observed_as == "daily":
        simulated, days = _mean_of_last(simulated, days), None
    first = torch.full_like(simulated[..., :1], torch.nan)
    return torch.cat([first, pair(simulated, target, days)], dim=-1)


def _mean_of_last(values: Tensor, days: Tensor) -> Tensor:
    """Mean over the last ``days`` (day,) of values (..., day)."""
    days = days.to(values.device)
    total = torch.nn.functional.pad(values.double().cumsum(-1), (1, 0))
    end = torch.arange(1, values.shape[-1] + 1, device=values.device)
    mean = (total[..., 1:] - total[..., (end - days).clamp(min=0)]) / days
    return torch.where(days <= end, mean, torch.nan).to(values.dtype)


def apply_map(paired: Tensor, slope: Tensor, offset: Tensor) -> Tensor:
    """slope * x + offset; x (..., cell, day), slope and offset scalars or (..., cell)."""
    if slope.ndim:
        slope, offset = slope.unsqueeze(-1), offset.unsqueeze(-1)
    return slope * paired + offset


def fit_domain_map(paired: Tensor, observed: Tensor) -> tuple[float, float]:
    """Slope and offset of the whole domain by least squares, in double precision.

    Give training cells and training period only: ``paired`` (cell, day) as :func:`pair` returns it,
    ``observed`` (cell, day) with NaN for gaps.

    ValueError where there are fewer than two pairs, or no two different simulated values.
    """
    there = torch.isfinite(observed)
    x, y = paired.detach()[there].double(), observed[there].double()
    if len(x) < 2:
        raise ValueError("the linear correction needs at least two observations")
    variance = (x * x).mean() - x.mean() ** 2
    if variance <= 1e-12:
        raise ValueError(
            "the linear correction cannot be fit: the simulation does not vary over the cells and "
            "days observed"
        )
    slope = ((x * y).mean() - x.mean() * y.mean()) / variance
    return float(slope), float(y.mean() - slope * x.mean())
