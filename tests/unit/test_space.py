"""Parameter spaces: bounds, scales, and use in any mode of torch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from parlearn.models.base import ParameterSpace
from parlearn.models.parameter import Parameter


def space():
    return ParameterSpace(
        [Parameter("a", "1", 0.001, 0.9, "log"), Parameter("b", "mm", -5.0, 30.0)]
    )


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=2))
def test_the_unit_cube_maps_onto_the_bounds_and_back(unit):
    u = torch.tensor(unit)
    physical = space().to_physical(u)
    space().check(physical)
    assert torch.allclose(space().to_unit(physical), u, atol=1e-5)


def test_ends_of_a_log_scale():
    ends = space().to_physical(torch.tensor([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]]))
    assert torch.allclose(ends[:, 0], torch.tensor([0.001, (0.001 * 0.9) ** 0.5, 0.9]), rtol=1e-5)
    assert torch.allclose(ends[:, 1], torch.tensor([-5.0, 12.5, 30.0]))


def test_a_space_first_used_in_inference_mode_still_serves_autograd():
    used = space()
    with torch.inference_mode():
        used.to_physical(torch.rand(3, 2))
        used.check(used.to_physical(torch.rand(3, 2)))
    unit = torch.rand(3, 2, requires_grad=True)
    used.to_physical(unit).sum().backward()
    assert torch.isfinite(unit.grad).all()


def test_errors_name_the_parameter():
    with pytest.raises(ValueError, match="a = 2"):
        space().check(torch.tensor([2.0, 0.0]))
    with pytest.raises(ValueError, match="a = nan"):
        space().check(torch.tensor([float("nan"), 0.0]))
    with pytest.raises(ValueError, match="log scale needs a lower bound above 0"):
        Parameter("c", "1", 0.0, 1.0, "log")
    with pytest.raises(ValueError, match="not below"):
        Parameter("c", "1", 2.0, 1.0)
    with pytest.raises(ValueError, match="no parameter named 'z'"):
        space().index("z")
    with pytest.raises(ValueError, match="named twice"):
        ParameterSpace([Parameter("c", "1", 0.0, 1.0)] * 2)
