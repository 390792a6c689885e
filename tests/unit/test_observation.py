"""Pairing with the 6 a.m. overpass and the linear map between model and instrument."""

import numpy as np
import pytest
import torch

from parlearn.models.observation import (
    MAP_SPACE,
    apply_map,
    fit_domain_map,
    observe,
    pair,
)


def test_six_am_is_between_two_day_ends():
    series = torch.tensor([[1.0, 3.0, 7.0]])
    assert pair(series, "soil_moisture").tolist() == [[2, 5]]
    assert pair(series, "evapotranspiration").tolist() == [[3, 7]]
    seen = observe(series, "soil_moisture")
    assert torch.isnan(seen[0, 0])
    assert seen[0, 1:].tolist() == [2, 5]
    with pytest.raises(ValueError, match="day before"):
        pair(series[:, :1], "soil_moisture")


def test_an_observation_may_be_the_mean_of_several_days():
    series = torch.tensor([[1.0, 3.0, 7.0, 4.0, 2.0, 9.0]], requires_grad=True)
    seen = observe(series, "evapotranspiration", torch.tensor([1, 1, 3, 1, 2, 6]))
    assert torch.isnan(seen[0, 0])
    assert seen[0, 1:].tolist() == pytest.approx([3, 11 / 3, 4, 3, 26 / 6])
    # one that begins before the timeline cannot be compared
    assert torch.isnan(observe(series, "evapotranspiration", torch.tensor([1] * 5 + [7])))[0, -1]
    seen[0, 2].backward()
    assert series.grad[0].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0, 0, 0])
    with pytest.raises(ValueError, match="6 a.m."):
        observe(series, "soil_moisture", torch.ones(6, dtype=torch.int64))


def test_several_days_within_a_window():
    """A window of four days, and one before it: a mean that begins before the window is none."""
    series = torch.tensor([[9.0, 1.0, 3.0, 7.0, 4.0]])
    seen = pair(series, "evapotranspiration", torch.tensor([2, 2, 1, 4]))
    assert torch.isnan(seen[0, 0])
    assert seen[0, 1:].tolist() == pytest.approx([2, 7, 15 / 4])


def test_maps_of_domain_and_cells():
    paired = torch.ones(2, 3, 4)
    assert apply_map(paired, torch.tensor(2.0), torch.tensor(1.0)).eq(3).all()
    cells = apply_map(paired, torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.0, 0.0, 1.0]))
    assert cells[1, :, 2].tolist() == [1, 2, 4]
    middle = MAP_SPACE.to_physical(torch.tensor([0.5, 0.5]))
    assert torch.allclose(middle, torch.tensor([1.0, 0.0]), atol=1e-6)


def test_line_is_least_squares_over_observed_days():
    generator = torch.Generator().manual_seed(1)
    paired = torch.rand(5, 40, generator=generator) * 0.3
    observed = 0.7 * paired + 0.05 + 0.02 * torch.randn(5, 40, generator=generator)
    observed[torch.rand(5, 40, generator=generator) < 0.5] = torch.nan
    there = torch.isfinite(observed)
    expected = np.polyfit(paired[there].double().numpy(), observed[there].double().numpy(), 1)
    assert np.allclose(fit_domain_map(paired, observed), expected)


def test_no_line_without_variation():
    with pytest.raises(ValueError, match="two observations"):
        fit_domain_map(torch.rand(1, 3), torch.tensor([[torch.nan, 0.1, torch.nan]]))
    with pytest.raises(ValueError, match="does not vary"):
        fit_domain_map(torch.full((1, 3), 0.2), torch.rand(1, 3))
