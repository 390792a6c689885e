"""Baselines in the form of a learner's result, so that all that follows treats them alike."""

import logging
from dataclasses import dataclass

import torch
from torch import Tensor

from parlearn.models.base import ParameterSpace
from parlearn.study.tensors import Study

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Baseline:
    """Parameters (cell, P) in physical units; slope and offset of the observation map."""

    parameters: Tensor
    slope: Tensor
    offset: Tensor


def published(parameters: Tensor, space: ParameterSpace) -> Baseline:
    """Published parameters as they are, checked against the bounds."""
    space.check(parameters)
    return Baseline(parameters, torch.tensor(1.0), torch.tensor(0.0))


def cell_mean(study: Study, parameters: Tensor, target: str) -> Baseline:
    """Each cell's own mean over the training period as the prediction of every day.

    Written as an observation map with slope 0 and the mean as offset, whatever the ``parameters``
    (cell, P) it is scored with. Held-out cells have the mean of their own training period, which
    they also show to dpl_z. An unused cell without observations gets the training cells' mean.

    Raises
    ------
    ValueError
        If a test cell has no observation in the training period.
    """
    observed = study.observations[..., study.targets.index(target)]
    means = torch.nanmean(observed.double(), dim=1).float()
    empty = torch.isnan(means)
    scored = study.cells("train", "validate", "test")
    if empty[scored].any():
        raise ValueError(
            f"{int(empty[scored].sum())} cells have no {target} in the training period, the first "
            f"cell {int(scored[empty[scored]][0])}: they have no mean to predict"
        )
    if empty.any():
        logger.warning("%d unused cells have no observation: mean of training", int(empty.sum()))
        means[empty] = means[study.cells("train")].mean()
    return Baseline(parameters, torch.zeros_like(means), means)
