"""Scores of a series against observations, one for each cell (Tsai et al. 2021, eqs. 10-15).

All functions take ``simulation`` and ``observation`` of the same shape (..., time), NumPy arrays or
tensors, and give float64 (...) of the same kind. A NaN in the observation is a gap and left out; a
simulation that is NaN on an observed day makes the score NaN: a model is not scored on a choice of
days. Fewer than two observed days give NaN, and so does a score that divides by zero (corr where
either series is constant, nse and kge where the observations are, kge where a mean is zero).
"""

import torch

from parlearn.metrics import flow
from parlearn.metrics.masked import deviation, mean, score_of, spread


@score_of
def bias(simulation, observation, seen):
    """Mean of simulation - observation (eq. 10)."""
    return mean(simulation - observation, seen)


@score_of
def rmse(simulation, observation, seen):
    """Root mean square of simulation - observation."""
    return mean((simulation - observation).square(), seen).sqrt()


@score_of
def ubrmse(simulation, observation, seen):
    """RMSE after each series' own mean is taken off (eq. 11)."""
    difference = deviation(simulation, seen) - deviation(observation, seen)
    return mean(difference.square(), seen).sqrt()


def _correlation(simulation, observation, seen):
    s, o = deviation(simulation, seen), deviation(observation, seen)
    variances = mean(s.square(), seen) * mean(o.square(), seen)
    return mean(s * o, seen) / variances.sqrt()


@score_of
def corr(simulation, observation, seen):
    """Pearson correlation (eq. 12, whose printed square root ends too late)."""
    return _correlation(simulation, observation, seen)


@score_of
def nse(simulation, observation, seen):
    """Nash-Sutcliffe efficiency (eq. 13): 1 is perfect, 0 as good as the observed mean."""
    variance = mean(deviation(observation, seen).square(), seen)
    error = mean((simulation - observation).square(), seen)
    return torch.where(variance > 0, 1 - error / variance, torch.nan)


@score_of
def kge(simulation, observation, seen):
    """Kling-Gupta efficiency with the ratio of coefficients of variation: the form of Kling et
    al. 2012 (eqs. 14, 15); :func:`kge_2009` has the first form.
    """
    means = [mean(x, seen) for x in (simulation, observation)]
    spreads = [spread(x, seen) for x in (simulation, observation)]
    r = _correlation(simulation, observation, seen)
    beta = means[0] / means[1]
    gamma = (spreads[0] / means[0]) / (spreads[1] / means[1])
    score = 1 - ((r - 1).square() + (beta - 1).square() + (gamma - 1).square()).sqrt()
    return torch.where((means[0] != 0) & (means[1] != 0), score, torch.nan)


@score_of
def alpha(simulation, observation, seen):
    """Ratio of standard deviations, simulated to observed: 1 is perfect (Gupta et al. 2009)."""
    return spread(simulation, seen) / _not_zero(spread(observation, seen))


@score_of
def beta(simulation, observation, seen):
    """Ratio of means, simulated to observed: 1 is perfect (Gupta et al. 2009)."""
    return mean(simulation, seen) / _not_zero(mean(observation, seen))


@score_of
def kge_2009(simulation, observation, seen):
    """Kling-Gupta efficiency with the ratio of standard deviations (Gupta et al. 2009, eq. 9,
    doi:10.1016/j.jhydrol.2009.08.003).
    """
    ratios = [
        what(simulation, seen) / _not_zero(what(observation, seen)) for what in (spread, mean)
    ]
    parts = [_correlation(simulation, observation, seen), *ratios]
    return 1 - sum((part - 1).square() for part in parts).sqrt()


def _not_zero(values):
    return torch.where(values != 0, values, torch.nan)


_OF_A_SERIES = (bias, rmse, ubrmse, corr, nse, kge, kge_2009, alpha, beta)
#: every score by its name
METRICS = {score.__name__: score for score in (*_OF_A_SERIES, *flow.SCORES)}
