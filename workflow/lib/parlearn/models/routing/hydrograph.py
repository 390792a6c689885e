"""The gamma unit hydrograph.

Water of a day reaches the outlet over the next days in shares that are the differences of the
gamma distribution's cumulative function (Nash 1957: a cascade of linear reservoirs), after a lag.
"""

import torch
from torch import Tensor

from parlearn.models.routing.parameters import BOUNDS

LONGEST_LAG = int(BOUNDS[-1].upper)
#: the hydrograph is cut there and brought back to 1, as in the same models
LENGTH = 15
#: terms of the series below: at 30 scales, the most there is, the rest is under 1e-16 of the sum
_TERMS = 90


def unit_hydrograph(shape: Tensor, scale: Tensor, lag: Tensor | None = None) -> Tensor:
    """Shares (..., day) of a day's water that arrive that day and on those after; their sum is 1.

    Parameters
    ----------
    shape, scale : (...), 1 and days
    lag : (...) in days, within its bounds; none by default. A part of a day is shared between the
        two whole days beside it.
    """
    # differences of numbers that are all but one: in single precision the tail would be noise,
    # and in double its last digit may be below zero
    shape, scale, kind = shape.double(), scale.double(), shape.dtype
    edge = torch.arange(1, LENGTH + 1, dtype=shape.dtype, device=shape.device)
    below = _gamma_below(shape[..., None], edge / scale[..., None])
    below = below / below[..., -1:]
    shares = torch.cat([below[..., :1], below.diff(dim=-1)], -1).clamp_min(0).to(kind)
    if lag is None:
        return shares
    whole = lag.detach().floor().clamp(max=LONGEST_LAG - 1)
    part = (lag - whole)[..., None]
    shares = torch.nn.functional.pad(shares, (LONGEST_LAG, LONGEST_LAG))
    day = torch.arange(LENGTH + LONGEST_LAG, device=shape.device)
    place = day + LONGEST_LAG - whole.long()[..., None]
    return (1 - part) * shares.gather(-1, place) + part * shares.gather(-1, place - 1)


def _gamma_below(shape: Tensor, x: Tensor) -> Tensor:
    """The cumulative gamma function, but for a factor that does not depend on x.

    The series of Abramowitz & Stegun 6.5.29, whose terms are all positive:
    x**a exp(-x) (1 + x / (a + 1) (1 + x / (a + 2) (1 + ...))). Autograd differentiates it in a and
    in x, which ``torch.special.gammainc`` does not do in a.
    """
    total = torch.ones_like(x)
    for k in range(_TERMS, 0, -1):
        total = 1 + x / (shape + k) * total
    return torch.exp(shape * torch.log(x) - x) * total


def convolve(series: Tensor, shares: Tensor) -> Tensor:
    """Series (..., day) spread over the days after by shares (..., lag), nothing before the first.

    Leading dimensions are the same. What would arrive after the last day is not there yet.
    """
    days, length = series.shape[-1], shares.shape[-1]
    padded = torch.nn.functional.pad(series.reshape(-1, days), (length - 1, 0))
    # a channel each: on one core three times as fast as Fourier transforms, and as exact as a sum
    weights = shares.reshape(-1, 1, length).flip(-1)
    spread = torch.nn.functional.conv1d(padded[None], weights, groups=len(padded))
    return spread.reshape(series.shape)
