"""Prior parameters: those published for a place before those that hold anywhere."""

import torch
from torch import Tensor

from parlearn.models.base import ParameterSpace

#: of the published parameters, as domain.nc has them: ``prior_infilt`` (cell), NaN where there is
#: none
PREFIX = "prior_"


def with_published(prior: Tensor, space: ParameterSpace, domain) -> Tensor:
    """Prior parameters (cell, parameter), replaced by the published ones where there are such.

    Published values outside of the bounds are taken to them.
    """
    columns = list(prior.unbind(-1))
    for k, parameter in enumerate(space):
        if (published := _published(domain, parameter.name)) is not None:
            held = published.clamp(parameter.lower, parameter.upper)
            columns[k] = torch.where(published.isnan(), columns[k], held)
    return torch.stack(columns, -1)


def published_cells(domain, space: ParameterSpace) -> dict[str, tuple[int, int]]:
    """Of each parameter published for the domain: cells that have it, and those of them where it
    lies outside of the bounds."""
    counts = {}
    for parameter in space:
        if (published := _published(domain, parameter.name)) is not None:
            beyond = (published < parameter.lower) | (published > parameter.upper)
            counts[parameter.name] = int((~published.isnan()).sum()), int(beyond.sum())
    return counts


def _published(domain, name) -> Tensor | None:
    if f"{PREFIX}{name}" not in domain:
        return None
    return torch.as_tensor(domain[f"{PREFIX}{name}"].values, dtype=torch.float32)
