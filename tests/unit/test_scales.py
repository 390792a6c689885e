"""What errors are divided by where there are several targets."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from parlearn.plan import targets as registry
from parlearn.study.roles import ROLES
from parlearn.study.scales import error_scales

NAN = torch.nan
BOTH = ("soil_moisture", "evapotranspiration")


def study_of(moisture, flux, roles=("train", "train", "test")):
    role = torch.tensor([ROLES[name] for name in roles])
    observations = torch.stack([torch.tensor(moisture), torch.tensor(flux)], -1)
    return SimpleNamespace(
        n_cells=len(roles),
        targets=BOTH,
        observations=observations,
        device=torch.device("cpu"),
        cells=lambda name: (role == ROLES[name]).nonzero()[:, 0],
    )


STUDY = study_of(
    [[0.1, 0.3, NAN], [0.1, NAN, 0.3], [0.9, 0.0, 0.5]],
    [[1.0, 5.0, NAN], [5.0, NAN, 1.0], [99.0, NAN, NAN]],
)


def test_standard_deviation_of_the_training_cells():
    scales = error_scales(STUDY, BOTH)
    assert scales.tolist() == [pytest.approx([0.1, 2.0])] * 3
    assert error_scales(STUDY, BOTH[::-1])[0].tolist() == pytest.approx([2.0, 0.1])


def test_a_single_target_keeps_its_unit():
    assert error_scales(STUDY, ["evapotranspiration"]).tolist() == [[1.0]] * 3


def test_a_target_may_be_scaled_cell_by_cell(monkeypatch):
    own = replace(registry.TARGETS["evapotranspiration"], scale="unit")
    monkeypatch.setitem(registry.TARGETS, "evapotranspiration", own)
    study = study_of([[0.1, 0.3], [0.1, 0.2], [0, 1]], [[1.0, 5.0], [0.0, 2.0], [NAN, NAN]])
    assert error_scales(study, ["evapotranspiration"])[:2, 0].tolist() == [2.0, 1.0]
    assert error_scales(study, ["evapotranspiration"])[2].isnan().all()


def test_a_cell_without_an_error_may_have_a_single_observation():
    """Streamflow is scaled cell by cell; that of a test cell never enters a loss."""
    once = study_of([[0.1, 0.3]] * 3, [[1.0, 5.0], [0.0, 2.0], [3.0, NAN]])
    once.targets = ("soil_moisture", "streamflow")
    assert error_scales(once, ["streamflow"])[:2, 0].tolist() == [2.0, 1.0]
    dry = study_of([[0.1, 0.3]] * 3, [[1.0, 5.0], [0.0, 0.0], [3.0, 4.0]])
    dry.targets = ("soil_moisture", "streamflow")
    with pytest.raises(ValueError, match="streamflow does not vary at cell 1 in the training"):
        error_scales(dry, ["streamflow"])


def test_a_target_that_does_not_vary_is_refused(monkeypatch):
    study = study_of([[0.1, 0.3], [0.1, 0.2], [0, 1]], [[1.0, 1.0], [1.0, 1.0], [5.0, 6.0]])
    with pytest.raises(ValueError, match="evapotranspiration does not vary at the training cells"):
        error_scales(study, BOTH)
