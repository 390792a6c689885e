"""Values of units become maps and come back; holes are masked, never packed away."""

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from parlearn.study.grid import Grid, grid_of


def domain(rows, cols):
    return xr.Dataset({"row": ("cell", np.array(rows)), "col": ("cell", np.array(cols))})


def test_a_map_has_its_full_shape_and_its_holes():
    grid = grid_of(domain([10, 10, 12], [5, 6, 5]))
    assert grid.shape == (3, 2)
    assert grid.mask.tolist() == [[True, True], [False, False], [True, False]]
    field = grid.to_map(torch.tensor([1.0, 2.0, 3.0]))
    assert field[0].tolist() == [1, 2]
    assert field[2, 0] == 3
    assert field.isnan().sum() == 3
    assert grid.to_map(torch.tensor([1.0, 2.0, 3.0]), fill=0.0).sum() == 6


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, unique=True),
    st.integers(0, 3),
)
def test_there_and_back(places, lead):
    grid = grid_of(domain(*zip(*places)))
    values = torch.randn(*[2] * lead, len(places))
    field = grid.to_map(values)
    assert torch.equal(grid.to_units(field), values)
    assert torch.equal(field.isfinite().expand_as(field), grid.mask.expand_as(field))


def test_gradients_pass():
    grid = Grid((2, 2), torch.tensor([0, 3]))
    values = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: grid.to_units(grid.to_map(v, 0.0) ** 2), (values,))


def test_units_on_no_grid_have_none_and_two_at_one_place_are_refused():
    assert grid_of(xr.Dataset({"lat": ("cell", [1.0])})) is None
    with pytest.raises(ValueError, match="two units have the same row and column"):
        grid_of(domain([1, 1], [2, 2]))
    grid = grid_of(domain([1, 1], [2, 3]))
    with pytest.raises(ValueError, match="3 values for the 2 units"):
        grid.to_map(torch.zeros(3))
    with pytest.raises(ValueError, match="is not of the grid"):
        grid.to_units(torch.zeros(2, 2))
