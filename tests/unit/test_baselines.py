"""Baselines look like a learner's result and use the training period alone."""

from types import SimpleNamespace

import pytest
import torch

from parlearn.learn.baselines import cell_mean, published
from parlearn.models.base import ParameterSpace
from parlearn.models.parameter import Parameter

SPACE = ParameterSpace((Parameter("leak", "day-1", 0.1, 0.5),))
ROLE = {"train": [0], "validate": [1], "test": [2]}


def study(observations):
    return SimpleNamespace(
        observations=observations[..., None],
        targets=("soil_moisture",),
        cells=lambda *roles: torch.tensor([c for role in roles for c in ROLE[role]]),
    )


def test_published_parameters_pass_through_checked():
    parameters = torch.tensor([[0.2], [0.3]])
    baseline = published(parameters, SPACE)
    assert torch.equal(baseline.parameters, parameters)
    assert (baseline.slope, baseline.offset) == (1, 0)
    with pytest.raises(ValueError, match="leak = 0.7"):
        published(torch.tensor([[0.7]]), SPACE)


def test_cell_mean_is_a_map_of_slope_zero(caplog):
    nan = torch.nan
    seen = torch.tensor([[nan, 0.1, 0.3], [0.4, nan, nan], [0.5, 0.1, nan], [nan, nan, nan]])
    baseline = cell_mean(study(seen), torch.full((4, 1), 0.2), "soil_moisture")
    assert torch.allclose(baseline.offset, torch.tensor([0.2, 0.4, 0.3, 0.2]))
    assert baseline.slope.tolist() == [0, 0, 0, 0]
    assert "1 unused cells" in caplog.text
    seen[2] = nan
    with pytest.raises(ValueError, match="1 cells have no soil_moisture.* cell 2"):
        cell_mean(study(seen), torch.full((4, 1), 0.2), "soil_moisture")
