"""Scores of streamflow that look at floods, low flows and the shape of the flow duration curve.

The biases are those of Yilmaz et al. 2008 (doi:10.1029/2007WR006716). A flow duration curve is the
flows sorted from high to low, without regard to their days; a share of n flows is rounded to whole
ranks, half to even. Gaps are left out of both series. Where a logarithm is taken, flows below
:data:`LEAST` count as that much: gauges that fall dry report zeros. Percent; 0 is perfect.
"""

import torch
from torch import Tensor

from parlearn.metrics.masked import deviation, mean, score_of

#: mm day-1
LEAST = 1e-6
#: shares of the time that flows are exceeded: peaks, the middle segment, low flows
PEAK, MIDDLE, LOW = 0.02, (0.2, 0.7), 0.7


def _curve(values: Tensor, seen: Tensor) -> Tensor:
    """Flow duration curve (..., rank) of the days seen, high to low; what follows is -inf.

    A simulated NaN counts as zero: :func:`_percent` answers NaN then.
    """
    return torch.where(seen, values.nan_to_num(), -torch.inf).sort(-1, descending=True).values


def _ranks(seen: Tensor) -> tuple[Tensor, Tensor]:
    """Ranks (rank,) and the number of days seen (..., 1)."""
    return torch.arange(seen.shape[-1], device=seen.device), seen.sum(-1, keepdim=True)


def _log(values: Tensor) -> Tensor:
    return torch.log(values.clamp_min(LEAST))


def _percent(ours: Tensor, theirs: Tensor, simulation: Tensor, seen: Tensor) -> Tensor:
    """By how much the simulated one of two quantities departs from the observed, in percent.

    NaN where the observed one is zero, with fewer than two days, or where the simulation is missing
    on a day that was observed.
    """
    missing = (seen & torch.isnan(simulation)).any(-1, keepdim=True)
    defined = (theirs != 0) & (seen.sum(-1, keepdim=True) >= 2) & ~missing
    return torch.where(defined, 100 * (ours - theirs) / theirs, torch.nan)


@score_of
def fhv(simulation, observation, seen):
    """Bias of the volume of peak flows: the highest 2 %."""
    rank, number = _ranks(seen)
    peak = rank < (PEAK * number).round()
    sums = [
        torch.where(peak, _curve(x, seen), 0).sum(-1, keepdim=True)
        for x in (simulation, observation)
    ]
    return _percent(*sums, simulation, seen)


@score_of
def fms(simulation, observation, seen):
    """Bias of the slope of the middle segment, between flows exceeded 20 and 70 % of the time, of
    logarithms: positive where flows are too flashy.
    """
    _, number = _ranks(seen)
    ends = [(share * number).round().long().clamp(max=seen.shape[-1] - 1) for share in MIDDLE]
    slopes = []
    for x in (simulation, observation):
        curve = _log(_curve(x, seen))
        slopes.append(curve.gather(-1, ends[0]) - curve.gather(-1, ends[1]))
    return _percent(*slopes, simulation, seen)


@score_of
def flv(simulation, observation, seen):
    """Bias of the volume of low flows, the lowest 30 %: of logarithms, above the least flow of each
    series, and with the sign turned, as the paper has it.
    """
    rank, number = _ranks(seen)
    low = (rank >= number - ((1 - LOW) * number).round()) & (rank < number)
    volumes = []
    for x in (simulation, observation):
        curve = _log(_curve(x, seen))
        least = torch.where(low, curve, torch.inf).amin(-1, keepdim=True)
        volumes.append(torch.where(low, curve - least, 0).sum(-1, keepdim=True))
    return -_percent(*volumes, simulation, seen)


@score_of
def nse_sqrt(simulation, observation, seen):
    """Nash-Sutcliffe efficiency of the square roots of flows: low flows count more than in nse.

    A flow below zero counts as zero.
    """
    roots = [x.clamp_min(0).sqrt() for x in (simulation, observation)]
    variance = mean(deviation(roots[1], seen).square(), seen)
    error = mean((roots[0] - roots[1]).square(), seen)
    return torch.where(variance > 0, 1 - error / variance, torch.nan)


SCORES = (nse_sqrt, fhv, flv, fms)
