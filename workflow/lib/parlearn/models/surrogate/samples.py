"""Parameter sets for the runs of the process model that a surrogate is trained on."""

import torch
from torch import Tensor


def latin_hypercube(sets: int, cells: int, parameters: int, seed: int) -> Tensor:
    """Unit-cube sets (set, cell, parameter): at every cell a Latin hypercube of its own.

    Each parameter takes one value in each of ``sets`` equal slices of its range (McKay et al. 1979,
    doi:10.1080/00401706.1979.10489755). Cells have different sets: the surrogate serves all cells,
    and sees more of the cube that way.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (sets, cells, parameters)
    slices = torch.rand(shape, generator=generator).argsort(0)
    # float32 may round the last slice up to 1 exactly, which is still inside the bounds
    return (slices + torch.rand(shape, generator=generator)) / sets


def around(centre: Tensor, sets: int, seed: int, spread: float = 0.15) -> Tensor:
    """Unit-cube sets (set, cell, parameter) scattered about ``centre`` (cell, parameter).

    The first is the centre itself. Others are normal with standard deviation ``spread``, reflected
    at the faces of the cube.
    """
    generator = torch.Generator().manual_seed(seed)
    steps = spread * torch.randn((sets, *centre.shape), generator=generator)
    steps[0] = 0
    folded = (centre + steps).abs() % 2
    return torch.where(folded > 1, 2 - folded, folded)


def choose_cells(there: int, wanted: int | str, seed: int) -> Tensor:
    """Indices of cells to run, ascending: ``"all"``, or at most so many at random."""
    if wanted == "all" or wanted >= there:
        return torch.arange(there)
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(there, generator=generator)[:wanted].sort().values
