"""One line for all methods: it is found, and under it none is held back."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from parlearn.calibrate import line as module
from parlearn.calibrate.domain import calibrate_domain
from parlearn.calibrate.line import best_line, fit_joint_line, read_line
from parlearn.calibrate.objective import TrainingError
from parlearn.calibrate.sceua import Settings as SceuaSettings
from parlearn.learn import dpl
from parlearn.learn.settings import Settings
from parlearn.models.observation import fit_domain_map, pair
from parlearn.storage.files import write_json

_spec = importlib.util.spec_from_file_location("test_dpl", Path(__file__).with_name("test_dpl.py"))
bucket = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bucket)
CELLS, SPACE, TRAINING = bucket.CELLS, bucket.SPACE, bucket.TRAINING
Bucket, make_study = bucket.Bucket, bucket.make_study

TRUE = 0.7, 0.06
MIDDLE = SPACE.to_physical(torch.full((CELLS, 2), 0.5))


def test_finds_the_line_where_least_squares_from_the_start_is_too_flat():
    study, model, truth = make_study(slope=TRUE[0], offset=TRUE[1])
    start = truth.roll(7, 0)
    found = fit_joint_line(model, study, start, seed=1)
    assert found.rmse == pytest.approx(0.01, abs=0.002), "the noise of the observations"
    assert found.cells == len(study.cells("train"))
    assert found.runs % module.SETS == 0
    days = slice(TRAINING.start - 1, TRAINING.stop)
    paired = pair(model.simulate(start, days=days)[..., 1], "soil_moisture")
    flat, _ = fit_domain_map(paired[:45], study.observations[:45, TRAINING, 0])
    # the bucket's size does in part what a slope does, so several lines fit to the noise
    assert flat < 0.4
    assert abs(found.slope - TRUE[0]) < 0.2


def test_what_must_not_be_seen_changes_nothing():
    """Not the cells that validate or test, nor days outside the training period."""
    study, model, _ = make_study(slope=TRUE[0], offset=TRUE[1])
    found = fit_joint_line(model, study, MIDDLE, seed=1)

    def elsewhere(observations):
        observations[45:] *= 0.5
        observations[:, TRAINING.stop :] += 1.0

    other, _, _ = make_study(slope=TRUE[0], offset=TRUE[1], observe=elsewhere)
    assert fit_joint_line(model, other, MIDDLE, seed=1) == found


def test_no_network_is_below_sceua_at_the_cells_it_was_trained_on():
    """The condition of a fair line: the same parameters, model and line, the budget used up."""
    study, model, _ = make_study(slope=TRUE[0], offset=TRUE[1])
    found = fit_joint_line(model, study, MIDDLE, seed=1)
    line = found.slope, found.offset
    cells = study.cells("train")
    settings = SceuaSettings(max_evaluations=400, complexes=3, seed=1)
    donor = np.minimum(np.arange(CELLS), 44)
    searched = calibrate_domain(model, study, settings, donor=donor, start=MIDDLE, line=line)
    learned = dpl.learn(
        "dpl_a",
        study,
        model,
        Settings(epochs=80, hidden=16, learning_rate=0.02),
        seed=1,
        start=MIDDLE,
        line=line,
    )
    error = TrainingError(model, study, cells, slope=line[0], offset=line[1])
    of_search, of_network = (
        float(error(cells, SPACE.to_unit(parameters[cells])[:, None]).median())
        for parameters in (searched.parameters, learned.parameters)
    )
    assert of_network >= 0.99 * of_search
    # both are near the noise: the line lets them
    assert of_search < 0.0105
    assert of_network < 0.015


def test_best_line_by_hand():
    """Two cells of two runs each: the second runs lie on y = 2 x + 1."""
    x = torch.tensor([[[0.0, 1.0, 5.0], [3.0, 0.0, 9.0]], [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]])
    y = 2 * x[1] + 1
    sums = torch.stack(
        [
            values.expand_as(x).double().sum(-1)
            for values in (torch.ones(3), x, y, x * x, x * y, y * y)
        ],
        -1,
    )
    slope, offset, best = best_line(sums)
    assert (slope, offset) == pytest.approx((2, 1))
    assert best.tolist() == [1, 1]


def test_errors(tmp_path):
    study, model, _ = make_study()
    flux = replace(study, targets=("evapotranspiration",))
    with pytest.raises(ValueError, match="evapotranspiration needs no line"):
        fit_joint_line(model, flux, MIDDLE, seed=1)
    blank = replace(study, observations=torch.full_like(study.observations, torch.nan))
    with pytest.raises(ValueError, match="0 training cells have observations"):
        fit_joint_line(model, blank, MIDDLE, seed=1)
    failing = Bucket(model.rain.clone())
    failing.rain[4, 40] = torch.nan
    with pytest.raises(FloatingPointError, match="soil_moisture is not a number"):
        fit_joint_line(failing, study, MIDDLE, seed=1)
    assert read_line([]) is None
    write_json({"slope": 0.5, "offset": 0.1}, tmp_path / "line.json")
    assert read_line(tmp_path / "line.json") == (0.5, 0.1)
