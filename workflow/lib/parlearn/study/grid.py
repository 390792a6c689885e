"""The regular grid of a study: from values of units to maps, and back.

Units that lie on no grid (basins) have none. A study's units rarely fill their grid; a map has its
full shape, and places without a unit are masked, never left out.
"""

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor


@dataclass(frozen=True)
class Grid:
    """Where the units of a study lie on a regular grid.

    Attributes
    ----------
    shape : rows, from south to north or as the source counts them, and columns
    index : (unit,) int64, place of each unit in a map laid out row by row
    """

    shape: tuple[int, int]
    index: Tensor

    @property
    def mask(self) -> Tensor:
        """Whether there is a unit: (row, column) bool."""
        mask = torch.zeros(self.shape[0] * self.shape[1], dtype=torch.bool)
        mask[self.index.cpu()] = True
        return mask.view(self.shape).to(self.index.device)

    def to_map(self, values: Tensor, fill: float = float("nan")) -> Tensor:
        """Values (..., unit) as maps (..., row, column), ``fill`` where there is no unit."""
        if values.shape[-1] != len(self.index):
            raise ValueError(f"{values.shape[-1]} values for the {len(self.index)} units of a grid")
        size = self.shape[0] * self.shape[1]
        field = values.new_full((*values.shape[:-1], size), fill)
        return field.index_copy(-1, self.index, values).view(*values.shape[:-1], *self.shape)

    def to_units(self, field: Tensor) -> Tensor:
        """Values (..., unit) of a map (..., row, column)."""
        if tuple(field.shape[-2:]) != self.shape:
            raise ValueError(f"a map of {tuple(field.shape[-2:])} is not of the grid {self.shape}")
        return field.flatten(-2)[..., self.index]

    def to(self, device) -> "Grid":
        return Grid(self.shape, self.index.to(device))


def grid_of(domain: xr.Dataset) -> Grid | None:
    """The grid that the ``row`` and ``col`` of domain.nc span; None where it has no such.

    Raises
    ------
    ValueError
        Two units at one place.
    """
    if "row" not in domain or "col" not in domain:
        return None
    row, col = (domain[name].values.astype(np.int64) for name in ("row", "col"))
    row, col = row - row.min(), col - col.min()
    shape = int(row.max()) + 1, int(col.max()) + 1
    index = row * shape[1] + col
    if len(np.unique(index)) != len(index):
        raise ValueError("domain.nc: two units have the same row and column")
    return Grid(shape, torch.from_numpy(index))
