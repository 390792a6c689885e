"""The executable of VIC 5 itself, where there is one: the same answers, and its end with the job.

VIC5_IMAGE=/path/to/vic_image.exe pytest tests/reference/test_vic5_image.py
"""

import os
import shutil
from pathlib import Path

import pytest
import torch
import xarray as xr

from parlearn.models.program import Program, ProgramError
from parlearn.models.vic5 import model as vic5
from parlearn.runs.backends import hold_together

FIXTURE = Path(__file__).parents[1] / "data" / "vic5-synthetic"

pytestmark = pytest.mark.skipif(
    "VIC5_IMAGE" not in os.environ,
    reason="VIC5_IMAGE names no vic_image.exe of VIC 5: nothing was run by the original",
)


@pytest.fixture
def inputs():
    return xr.load_dataset(FIXTURE / "inputs.nc").isel(time=slice(0, 200))


def test_both_implementations_answer_the_same(inputs):
    model = {
        "process": "vic5",
        "parameters": ["infilt", "expt", "depth2", "fcanopy", "aero_factor"],
    }
    table, text = hold_together(model, inputs, inputs, sets=3)
    assert table["met"].all(), text


def test_what_vic_refuses_is_said_with_its_cell(inputs, tmp_path, monkeypatch):
    (tmp_path / "scratch").mkdir()
    written = vic5.write_inputs

    def wrong(folder, *given):
        path = written(folder, *given)
        with xr.open_dataset(folder / "parameters.nc") as opened:
            table = opened.load()
        table["resid_moist"][:, 0, 5] = 0.4
        table.to_netcdf(folder / "parameters.nc")
        return path

    monkeypatch.setattr(vic5, "write_inputs", wrong)
    model = vic5.build(
        inputs, inputs, names=("infilt",), outputs=("runoff",), scratch=tmp_path / "scratch"
    )
    with pytest.raises(ProgramError, match="less than calculated residual moisture") as caught:
        model.simulate(vic5.default_parameters(inputs, ("infilt",)))
    assert str(tmp_path / "scratch-run-1") in str(caught.value)


@pytest.mark.skipif(not shutil.which("mpiexec"), reason="there is no mpiexec")
def test_ranks_answer_the_same_and_end_at_a_time_limit(inputs, tmp_path, monkeypatch):
    parameters = torch.as_tensor(inputs["params"].values)[:2]
    names = tuple(inputs["par_name"].values.astype(str))
    answers = []
    for ranks in (1, 2):
        monkeypatch.setenv("VIC5_IMAGE_RANKS", str(ranks))
        model = vic5.build(
            inputs, inputs, names=names, outputs=("moist1", "runoff"), scratch=tmp_path
        )
        answers.append(model.simulate(parameters, days=slice(0, 60)))
    assert torch.equal(*answers)
    model.program = Program(model.program.path, ranks=2, minutes=0.001)
    with pytest.raises(ProgramError, match="was ended after 0.001 minutes"):
        model.simulate(parameters)
