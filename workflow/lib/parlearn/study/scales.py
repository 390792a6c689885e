"""What the error of each target is divided by, so that several targets count alike.

An error of evapotranspiration in mm a day is some ten times one of soil moisture in m3 m-3: added
as they are, the one drowns the other. Divided by how much the observations vary, both are shares
of the error of a prediction by their mean. Networks and SCE-UA divide by the same scales.
"""

import torch
from torch import Tensor

from parlearn.plan.targets import TARGETS
from parlearn.study.tensors import Study


def error_scales(study: Study, targets) -> Tensor:
    """Scales (cell, target) in each target's unit, from observations of the training period.

    Of a target whose scale is ``domain`` (:class:`~parlearn.plan.targets.Target`), the standard
    deviation over all training cells and days; but 1 where it is the only target, whose loss stays
    in its physical unit. Of one whose scale is ``unit``, the standard deviation of each cell by
    itself, in every case; NaN for a cell without observations, which has no error.

    Raises
    ------
    ValueError
        A target that does not vary.
    """
    targets = tuple(targets)
    scales = torch.ones(study.n_cells, len(targets), device=study.device)
    learned = torch.cat([study.cells(role) for role in ("train", "validate")])
    for k, target in enumerate(targets):
        of_units = TARGETS[target].scale == "unit"
        if not of_units and len(targets) == 1:
            continue
        seen = study.observations[..., study.targets.index(target)].double()
        if of_units:
            scales[:, k] = _spread(seen).float()
        else:
            scales[:, k] = _spread(seen[study.cells("train")].reshape(1, -1)).float()
        # of the others, whose error no loss has, one observation is enough
        flat = learned[scales[learned, k] <= 0]
        if len(flat):
            cell = int(flat[0])
            where = f"cell {cell}" if of_units else "the training cells"
            raise ValueError(
                f"{target} does not vary at {where} in the training period: an error cannot be "
                "weighed by it; leave it out"
            )
    return scales


def _spread(values: Tensor) -> Tensor:
    """Standard deviation (row,) of values (row, n), NaN left out; NaN where all are."""
    mean = values.nanmean(-1, keepdim=True)
    return (values - mean).square().nanmean(-1).sqrt()
