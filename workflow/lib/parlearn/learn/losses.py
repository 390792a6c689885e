"""Losses over a mini-batch, gaps masked and never filled."""

import torch
from torch import Tensor


class NoObservations(ValueError):
    """A batch without a single observation has no loss."""


def squared_error(simulated: Tensor, observed: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of squared errors where ``observed`` is finite, and how many there are.

    ``simulated`` and ``observed`` have one shape. FloatingPointError where an observed value meets
    a simulated one that is not a number: a model that failed must not look like a gap.
    """
    there = torch.isfinite(observed)
    error = simulated[there] - observed[there]
    if not torch.isfinite(error).all():
        raise FloatingPointError(
            f"the model returned {int((~torch.isfinite(error)).sum())} values that are not numbers "
            f"on {error.numel()} observed cell-days"
        )
    return error.square().sum(), there.sum()


def global_rmse(simulated: Tensor, observed: Tensor) -> Tensor:
    """Root-mean-square error over all observations of a batch at once.

    This is the global constraint of Tsai et al. 2021 (Discussion): one error over all cells and
    days, so that a cell counts by its observations and not by its own variance.

    Raises
    ------
    NoObservations
        If no value of ``observed`` is finite.
    """
    total, number = squared_error(simulated, observed)
    if number == 0:
        raise NoObservations("the batch has no observation")
    # the clamp keeps the gradient of the root finite for a perfect fit
    return (total / number).clamp_min(1e-12).sqrt()


def range_boundary_loss(
    values: Tensor, lower: Tensor | float = 0.0, upper: Tensor | float = 1.0, epsilon: float = 0.01
) -> Tensor:
    """Range boundary loss, eq. 13 of Li & Lu (2023), the mean over cells.

    Of each cell: how far its parameters lie above their upper bounds, divided by how many do (plus
    ``epsilon``), times the number of parameters; and the same below the lower bounds. It is zero
    where all are inside. Learners give places in the unit cube, so that parameters count by their
    ranges and not by their units, which the paper leaves open.

    Parameters
    ----------
    values : (n, parameter)
    lower, upper : scalars or (parameter,)
    """
    total = values.new_zeros(values.shape[0])
    for beyond in (values - upper, lower - values):
        total = total + beyond.relu().sum(-1) / (epsilon + (beyond > 0).sum(-1))
    return values.shape[-1] * total.mean()


def weighted_loss(errors: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
    """Weighted mean of the errors of several targets, each already divided by its scale.

    A target without observations in this batch is absent from ``errors`` and does not count.
    """
    if not errors:
        raise NoObservations("no target has an observation in the batch")
    total = sum(weights[target] for target in errors)
    return sum(weights[target] * error for target, error in errors.items()) / total
