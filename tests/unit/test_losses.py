"""Gaps are masked in the loss, never filled, and never silently all there is."""

import pytest
import torch

from parlearn.learn.losses import (
    NoObservations,
    global_rmse,
    range_boundary_loss,
    squared_error,
    weighted_loss,
)

NAN = torch.nan


def test_rmse_is_global_and_masks_gaps():
    simulated = torch.tensor([[1.0, 2.0, 9.0], [0.0, 0.0, 0.0]], requires_grad=True)
    observed = torch.tensor([[0.0, 2.0, NAN], [NAN, NAN, 2.0]])
    loss = global_rmse(simulated, observed)
    assert torch.isclose(loss, torch.tensor((1 + 0 + 4) / 3).sqrt())
    loss.backward()
    assert simulated.grad[torch.isnan(observed)].abs().max() == 0
    assert torch.isfinite(simulated.grad).all()


def test_a_perfect_fit_has_a_finite_gradient():
    simulated = torch.ones(3, requires_grad=True)
    global_rmse(simulated, torch.ones(3)).backward()
    assert torch.isfinite(simulated.grad).all()


def test_no_observation_is_an_error():
    with pytest.raises(NoObservations):
        global_rmse(torch.ones(2), torch.full((2,), NAN))
    with pytest.raises(NoObservations):
        weighted_loss({}, {"soil_moisture": 1.0})


def test_a_failed_model_is_not_a_gap():
    with pytest.raises(FloatingPointError, match="1 values that are not numbers on 2"):
        squared_error(torch.tensor([NAN, 1.0, NAN]), torch.tensor([0.1, 0.2, NAN]))


def test_targets_are_weighted():
    errors = {"soil_moisture": torch.tensor(0.04), "evapotranspiration": torch.tensor(1.0)}
    weights = {"soil_moisture": 3.0, "evapotranspiration": 1.0}
    assert torch.isclose(weighted_loss(errors, weights), torch.tensor(0.28))
    assert weighted_loss({"soil_moisture": torch.tensor(0.04)}, weights).item() == pytest.approx(
        0.04
    )


def test_range_boundary_loss_by_hand():
    """Two parameters, so alpha = 2; two cells: one inside, one with 0.2 above and 0.3 below."""
    inside = torch.tensor([[0.0, 1.0]])
    assert range_boundary_loss(inside).item() == 0
    outside = torch.tensor([[1.2, -0.3]], requires_grad=True)
    loss = range_boundary_loss(outside)
    assert loss.item() == pytest.approx(2 * 0.2 / 1.01 + 2 * 0.3 / 1.01)
    loss.backward()
    assert outside.grad.tolist()[0] == pytest.approx([2 / 1.01, -2 / 1.01])
    both = torch.tensor([[1.2, 1.4], [0.5, 0.5]])
    assert range_boundary_loss(both).item() == pytest.approx(0.5 * 2 * (0.2 + 0.4) / 2.01)


def test_range_boundary_loss_of_given_bounds():
    """Table 1 of Li & Lu: ds 0 to 7.6, dsmax 0 to 10.8; 1.4 above the one, 2 below the other."""
    lower, upper = torch.tensor([0.0, 0.0]), torch.tensor([7.6, 10.8])
    loss = range_boundary_loss(torch.tensor([[9.0, -2.0]]), lower, upper)
    assert loss.item() == pytest.approx(2 * 1.4 / 1.01 + 2 * 2.0 / 1.01)
