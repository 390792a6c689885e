"""SCE-UA over a domain: parameters everywhere, accounts that add up, files that keep contracts."""

import numpy as np
import pytest
import torch

from parlearn.calibrate.domain import calibrate_domain, calibrate_part, join
from parlearn.calibrate.sceua import Settings
from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.parameter import Parameter
from parlearn.networks.scalers import Scaler, Scalers
from parlearn.runs import outputs
from parlearn.storage import contracts
from parlearn.study.roles import ROLES
from parlearn.study.tensors import Study

CELLS, DAYS, TRAINING = 6, 40, slice(5, 35)
SPACE = ParameterSpace([Parameter("level", "1", 0.0, 1.0), Parameter("swing", "1", 0.0, 0.5)])
SETTINGS = Settings(max_evaluations=400, complexes=2)


class Wave(ProcessModel):
    """Moisture that swings about a level."""

    space, outputs, warmup = SPACE, ("soil_moisture",), 0
    n_cells, n_days = CELLS, DAYS

    def simulate(self, parameters, cells=None, days=None):
        day = torch.arange(DAYS)[days or slice(None)]
        level, swing = parameters.unbind(-1)
        return (level[..., None] + swing[..., None] * torch.sin(day / 3.0))[..., None]


def make_study(truth, slope=1.0, offset=0.0):
    wave = Wave().simulate(truth)[..., 0]
    seen = torch.full((CELLS, DAYS, 1), torch.nan)
    seen[:, 1:, 0] = slope * 0.5 * (wave[:, 1:] + wave[:, :-1]) + offset
    outside = torch.ones(DAYS, dtype=bool)
    outside[TRAINING] = False
    seen[:, outside] = torch.nan
    seen[:, ::3] = torch.nan
    role = torch.tensor([ROLES[r] for r in ("train",) * 4 + ("validate", "test")], dtype=torch.int8)
    one = Scaler(("a",), ("1",), (0.0,), (1.0,), (False,))
    return Study(
        np.datetime64("2015-01-01") + np.arange(DAYS),
        TRAINING,
        role,
        torch.zeros(CELLS, 1),
        torch.zeros(CELLS, TRAINING.stop - TRAINING.start, 1),
        seen,
        ("soil_moisture",),
        Scalers(one, one, one),
    )


@pytest.fixture
def truth():
    unit = torch.rand(CELLS, 2, generator=torch.Generator().manual_seed(3))
    return SPACE.to_physical(0.2 + 0.6 * unit)


DONOR = np.array([0, 1, 2, 3, 1, 2])


def run(truth, **options):
    study = make_study(truth)
    start = SPACE.to_physical(torch.full((CELLS, 2), 0.5))
    options = {"settings": SETTINGS} | options
    settings = options.pop("settings")
    return calibrate_domain(Wave(), study, settings, donor=DONOR, start=start, **options)


def test_finds_each_cell_and_gives_the_others_a_donors(truth):
    found = run(truth)
    assert torch.allclose(found.parameters[:4], truth[:4], atol=0.01)
    assert torch.equal(found.parameters[4:], found.parameters[DONOR[4:]])
    assert (found.slope, found.offset) == (1.0, 0.0)
    assert (found.cells["evaluations"] <= SETTINGS.max_evaluations).all()
    assert found.history["runs_per_cell"].iloc[-1] == found.cells["evaluations"].mean()


def test_the_search_begins_with_the_known_parameters(truth):
    """Its first record is their error after one run, so that runs to an error are exact."""
    found = run(truth)
    start = SPACE.to_physical(torch.full((CELLS, 2), 0.5))
    assert found.history["runs_per_cell"].tolist()[:5] == [1, 2, 4, 8, 10]
    first = torch.from_numpy(found.trajectory["parameters"][0])
    assert torch.allclose(first, start)
    study = make_study(truth)
    wave = Wave().simulate(start)[..., 0]
    error = (0.5 * (wave[:, 1:] + wave[:, :-1]) - study.observations[:, 1:, 0])[:4]
    rmse = error.square().nanmean(1).sqrt()
    assert found.history["train_loss"].iloc[0] == pytest.approx(float(rmse.mean()), rel=1e-5)


def test_files_keep_their_contracts(truth):
    found = run(truth)
    contracts.check_table(found.history, "history.csv", "history")
    contracts.check(
        outputs.trajectory_dataset(SPACE, **found.trajectory), "trajectory.nc", "trajectory"
    )
    contracts.check(
        outputs.parameters_dataset(SPACE, found.parameters, found.slope, found.offset),
        "parameters.nc",
        "parameters",
    )
    assert len(found.trajectory["epoch"]) == len(found.history)


def test_the_line_is_held(truth):
    slope, offset = line = 0.5, 0.1
    study = make_study(truth, *line)
    start = truth.roll(1, 0)
    found = calibrate_domain(Wave(), study, SETTINGS, donor=DONOR, start=start, line=line)
    assert (found.slope, found.offset) == line
    assert set(found.trajectory["slope"]) == {np.float32(slope)}
    assert torch.allclose(found.parameters[:4], truth[:4], atol=0.01)
    # the errors that the search reports are those of what is written
    wave = Wave().simulate(found.parameters)[..., 0]
    paired = slope * 0.5 * (wave[:, 1:] + wave[:, :-1]) + offset
    days = slice(max(study.training.start, 1), study.training.stop)
    error = (paired - study.observations[:, 1:, 0])[:, days.start - 1 : days.stop - 1]
    rmse = error.square().nanmean(1).sqrt()[found.cells["cell"].to_numpy().copy()]
    assert torch.allclose(
        rmse.double(), torch.from_numpy(found.cells["rmse"].to_numpy().copy()).double(), atol=1e-5
    )


def test_killed_search_goes_on_to_the_same_numbers(truth, tmp_path):
    whole = run(truth)
    path = tmp_path / "checkpoint.npz"
    run(truth, checkpoint=path)
    again = run(truth, checkpoint=path)
    assert torch.equal(whole.parameters, again.parameters)


@pytest.fixture
def parts(truth):
    """The four training cells in three jobs."""
    study, start = make_study(truth, slope=0.5, offset=0.1), truth.roll(1, 0)
    return [
        calibrate_part(Wave(), study, SETTINGS, start=start, line=(0.5, 0.1), part=part, parts=3)
        for part in range(3)
    ]


def test_parts_joined_are_what_one_job_finds(truth, parts):
    study, start = make_study(truth, slope=0.5, offset=0.1), truth.roll(1, 0)
    whole = calibrate_domain(Wave(), study, SETTINGS, donor=DONOR, start=start, line=(0.5, 0.1))
    assert [ds["cell"].values.tolist() for ds in parts] == [[0, 3], [1], [2]]
    assert len({ds.sizes["record"] for ds in parts}) > 1, "no part waits for another"
    joined = join(parts[::-1], DONOR)
    assert torch.equal(joined.parameters, whole.parameters)
    assert joined.cells.equals(whole.cells)
    assert (joined.slope, joined.offset) == (whole.slope, whole.offset)
    same = ["epoch", "runs_per_cell", "train_loss"]
    assert joined.history[same].equals(whole.history[same])
    assert np.array_equal(joined.trajectory["parameters"], whole.trajectory["parameters"])
    spent = sum(float(ds["seconds"][-1]) for ds in parts)
    assert joined.history["seconds"].iloc[-1] == pytest.approx(spent)


def test_parts_keep_their_contract(parts, tmp_path):
    contracts.write(parts[0], tmp_path / "batch-0.nc", "calibration")
    back = contracts.read(tmp_path / "batch-0.nc", "calibration")
    assert back["reason"].values.tolist() == parts[0]["reason"].values.tolist()
    assert float(back["slope"]) == pytest.approx(float(parts[0]["slope"]))


def test_parts_that_do_not_belong_together_are_refused(truth, parts):
    with pytest.raises(ValueError, match="cells in common"):
        join([*parts, parts[0]], DONOR)
    other = parts[1].assign(slope=parts[1]["slope"] + 1)
    with pytest.raises(ValueError, match="different observation maps"):
        join([parts[0], other, parts[2]], DONOR)


def test_more_parts_than_cells_are_refused(truth):
    with pytest.raises(ValueError, match="4 training cells .* in 5 parts: lower calibrate.batches"):
        calibrate_part(Wave(), make_study(truth), SETTINGS, start=truth, parts=5)
