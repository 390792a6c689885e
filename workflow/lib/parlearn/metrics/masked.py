"""Scores of series with gaps: what every score of a point is made with."""

import functools

import numpy as np
import torch
from torch import Tensor


def mean(values: Tensor, seen: Tensor) -> Tensor:
    """Mean over time of the days seen, (..., 1); NaN with fewer than two of them."""
    number = seen.sum(-1, keepdim=True)
    total = torch.where(seen, values, 0).sum(-1, keepdim=True)
    return torch.where(number >= 2, total / number, torch.nan)


def deviation(values: Tensor, seen: Tensor) -> Tensor:
    """Departures from the mean; exactly 0 in a constant series, however the mean is rounded."""
    low = torch.where(seen, values, torch.inf).amin(-1, keepdim=True)
    high = torch.where(seen, values, -torch.inf).amax(-1, keepdim=True)
    return torch.where(low == high, 0, values - mean(values, seen))


def spread(values: Tensor, seen: Tensor) -> Tensor:
    """Standard deviation (..., 1), of the days seen."""
    return mean(deviation(values, seen).square(), seen).sqrt()


def score_of(compute):
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
