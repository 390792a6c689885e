"""Scores of a series against observations, one for each cell (Tsai et al. 2021, eqs. 10-15).

All functions take ``simulation`` and ``observation`` of the same shape (..., time), NumPy arrays or
tensors, and give float64 (...) of the same kind. A NaN in the observation is a gap and left out; a
simulation that is NaN on an observed day makes the score NaN: a model is not scored on a choice of
days. Fewer than two observed days give NaN, and so does a score that divides by zero (corr where
either series is constant, nse and kge where the observations are, kge where a mean is zero).
"""

import functools

import numpy as np
import torch
from torch import Tensor


def _mean(values: Tensor, seen: Tensor) -> Tensor:
    """Mean over time of the days seen, (..., 1); NaN with fewer than two of them."""
    number = seen.sum(-1, keepdim=True)
    total = torch.where(seen, values, 0).sum(-1, keepdim=True)
    return torch.where(number >= 2, total / number, torch.nan)


def _deviation(values: Tensor, seen: Tensor) -> Tensor:
    """Departures from the mean; exactly 0 in a constant series, however the mean is rounded."""
    low = torch.where(seen, values, torch.inf).amin(-1, keepdim=True)
    high = torch.where(seen, values, -torch.inf).amax(-1, keepdim=True)
    return torch.where(low == high, 0, values - _mean(values, seen))


def _score(compute):
    """Let ``compute(simulation, observation, seen) -> (..., 1)`` take arrays or tensors."""

    @functools.wraps(compute)
    def score(simulation, observation):
        shapes = tuple(simulation.shape), tuple(observation.shape)
        if shapes[0] != shapes[1] or not shapes[0]:
            raise ValueError(f"simulation {shapes[0]} and observation {shapes[1]} differ in shape")
        tensors = [torch.as_tensor(x).double() for x in (simulation, observation)]
        if not tensors[0].shape[-1]:
            result = torch.full(shapes[0][:-1], torch.nan, dtype=torch.float64)
        else:
            result = compute(*tensors, ~torch.isnan(tensors[1])).squeeze(-1)
        return result if isinstance(simulation, Tensor) else np.asarray(result)

    return score


@_score
def bias(simulation, observation, seen):
    """Mean of simulation - observation (eq. 10)."""
    return _mean(simulation - observation, seen)


@_score
def rmse(simulation, observation, seen):
    """Root mean square of simulation - observation."""
    return _mean((simulation - observation).square(), seen).sqrt()


@_score
def ubrmse(simulation, observation, seen):
    """RMSE after each series' own mean is taken off (eq. 11)."""
    difference = _deviation(simulation, seen) - _deviation(observation, seen)
    return _mean(difference.square(), seen).sqrt()


def _correlation(simulation, observation, seen):
    s, o = _deviation(simulation, seen), _deviation(observation, seen)
    variances = _mean(s.square(), seen) * _mean(o.square(), seen)
    return _mean(s * o, seen) / variances.sqrt()


@_score
def corr(simulation, observation, seen):
    """Pearson correlation (eq. 12, whose printed square root ends too late)."""
    return _correlation(simulation, observation, seen)


@_score
def nse(simulation, observation, seen):
    """Nash-Sutcliffe efficiency (eq. 13): 1 is perfect, 0 as good as the observed mean."""
    variance = _mean(_deviation(observation, seen).square(), seen)
    error = _mean((simulation - observation).square(), seen)
    return torch.where(variance > 0, 1 - error / variance, torch.nan)


@_score
def kge(simulation, observation, seen):
    """Kling-Gupta efficiency with the ratio of coefficients of variation (eqs. 14, 15)."""
    means = [_mean(x, seen) for x in (simulation, observation)]
    spreads = [_mean(_deviation(x, seen).square(), seen).sqrt() for x in (simulation, observation)]
    r = _correlation(simulation, observation, seen)
    beta = means[0] / means[1]
    gamma = (spreads[0] / means[0]) / (spreads[1] / means[1])
    score = 1 - ((r - 1).square() + (beta - 1).square() + (gamma - 1).square()).sqrt()
    return torch.where((means[0] != 0) & (means[1] != 0), score, torch.nan)


@_score
def kge_2009(simulation, observation, seen):
    """Kling-Gupta efficiency with the ratio of standard deviations (Gupta et al. 2009)."""
    means = [_mean(x, seen) for x in (simulation, observation)]
    spreads = [_mean(_deviation(x, seen).square(), seen).sqrt() for x in (simulation, observation)]
    r = _correlation(simulation, observation, seen)
    beta, alpha = means[0] / means[1], spreads[0] / spreads[1]
    score = 1 - ((r - 1).square() + (beta - 1).square() + (alpha - 1).square()).sqrt()
    return torch.where(means[1] != 0, score, torch.nan)


#: every score by its name
METRICS = {score.__name__: score for score in (bias, rmse, ubrmse, corr, nse, kge, kge_2009)}
