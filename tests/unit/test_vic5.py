"""The original VIC 5 as a process model, against a stand-in for its executable; and programs."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from parlearn.calibrate.sceua import SCEUA, Settings
from parlearn.models.program import Program, ProgramError
from parlearn.models.vic5 import model as vic5
from parlearn.models.vic5.results import read_log
from parlearn.runs.opening import open_process

FIXTURE = Path(__file__).parents[1] / "data" / "vic5-synthetic"
STAND_IN = Path(__file__).with_name("stand_in_vic5.py")


VERSION = "VIC Driver  : Image\nVIC Version : 5.0.1 February 1, 2017\nVIC Git Tag : 5.1.0-5-g8f6c\n"


def program(path, text):
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def inputs():
    """The recorded cells, from a day within the recorded days on."""
    return xr.load_dataset(FIXTURE / "inputs.nc").isel(time=slice(300, 420))


@pytest.fixture
def recorded():
    return xr.load_dataset(FIXTURE / "daily_A.nc").isel(time=slice(300, 420))


@pytest.fixture
def executable(tmp_path, monkeypatch):
    path = program(
        tmp_path / "vic_image.exe",
        f"""if [ "$1" = -v ]; then printf "$STAND_IN_VERSION"; exit; fi
        exec {sys.executable} {STAND_IN} "$@" """,
    )
    monkeypatch.setenv("VIC5_IMAGE", str(path))
    monkeypatch.setenv("STAND_IN_VERSION", VERSION)
    monkeypatch.setenv("STAND_IN_RECORDED", str(FIXTURE))
    return path


@pytest.fixture
def opened(inputs, executable, tmp_path):
    """Opens the model on all recorded parameters; the parameters (set, cell, parameter)."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def opens(outputs=("moist2", "soil_moisture", "evapotranspiration"), **options):
        names = inputs["par_name"].values.astype(str)
        model = vic5.build(inputs, inputs, names=names, outputs=outputs, scratch=scratch, **options)
        return model, torch.as_tensor(inputs["params"].values)

    return opens


def test_every_answer_comes_back_in_its_place(opened, recorded, inputs):
    model, parameters = opened()
    cells, days = torch.tensor([6, 1, 3]), slice(40, 110)
    found = model.simulate(parameters[:, cells], cells, days)
    assert found.shape == (4, 3, 70, 3)
    of_layers = recorded["SOIL_MOIST"].values[:, cells][..., days]
    assert np.allclose(found[..., 0], of_layers[:, :, 1], rtol=1e-6)
    top = inputs["depth1"].values[cells][None, :, None]
    assert np.allclose(found[..., 1], of_layers[:, :, 0] / 1000 / top, rtol=1e-6)
    assert np.allclose(found[..., 2], recorded["EVAP"].values[:, cells][..., days], rtol=1e-6)
    assert not list(model.scratch.iterdir())


def test_points_of_one_cell_stand_beside_those_of_others(opened, recorded):
    """As SCE-UA asks where cells have unlike numbers of points: one row, cells repeated."""
    model, parameters = opened(outputs=("runoff",))
    cells, sets = torch.tensor([2, 2, 5, 0]), torch.tensor([0, 3, 1, 2])
    found = model.simulate(parameters[sets, cells][None], cells)
    assert np.allclose(found[0, ..., 0], recorded["RUNOFF"].values[sets, cells], rtol=1e-6)


def test_sceua_searches_through_it(opened, recorded):
    """Each call of the search is one run; rows of cells may be fewer than all."""
    model, parameters = opened(outputs=("moist2",))
    names = model.space.names
    wanted = torch.as_tensor(recorded["SOIL_MOIST"].values[2, :, 1])

    def errors(cells, unit):
        free = parameters[0, cells].expand(unit.shape[1], -1, -1).clone()
        infilt = model.space.subset(("infilt",)).to_physical(unit.transpose(0, 1).float())
        free[..., names.index("infilt")] = infilt[..., 0]
        series = model.simulate(free, cells)[..., 0]
        return (series - wanted[cells]).square().mean(-1).sqrt().T

    cells = torch.tensor([1, 6])
    found = SCEUA(errors, cells, 1, Settings(max_evaluations=6, complexes=1)).run()
    assert found.evaluations.tolist() == [6, 6]
    assert found.failed.tolist() == [0, 0]
    again = errors(cells, torch.from_numpy(found.best)[:, None])
    assert np.allclose(again[:, 0], found.value)


def test_more_sets_than_one_run_may_hold_are_run_one_after_the_other(opened, monkeypatch):
    model, parameters = opened(outputs=("swe",))
    together = model.simulate(parameters)
    monkeypatch.setattr(vic5, "LARGEST_FORCING", 8 * 120 * 8 * 7 * 4 * 3)
    assert torch.equal(model.simulate(parameters), together)
    assert model.runs == 1 + 2


def test_the_registry_opens_it(inputs, executable):
    model = open_process(
        {"process": "vic5", "parameters": ["infilt", "Ds"], "program": {"version": "5.1.0"}},
        inputs,
        inputs,
        outputs=("swe",),
    )
    default = vic5.default_parameters(inputs, ("infilt", "Ds"))
    assert model.simulate(default).shape == (8, 120, 1)


def test_log_tells_version_warnings_and_balance(opened, caplog):
    caplog.set_level("INFO")
    model, parameters = opened()
    model.simulate(parameters)
    assert "VIC 5.0.1 (Image driver, 5.1.0-5-g8f6c)" in caplog.text
    assert "4 sets at 8 cells, 120 days" in caplog.text
    assert "water balance 0 mm; 1 warnings, the first: one warning" in caplog.text


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("crash", "vic_image.exe was ended by SIGSEGV; log: "),
        (
            "exit",
            r"vic_image.exe ended with exit status 1, cell 4 \(.* N, .* E\), parameter set 0; "
            "its log says: cell 1 veg 2: the wilting point is greater",
        ),
        ("missing", "lack OUT_SOIL_MOIST: this build of VIC does not put it out"),
        (
            "gap",
            "OUT_SOIL_MOIST is not a number on 2002-02-23, nor in 0 other cells, cell 6 "
            r"\(.*\), parameter set 1",
        ),
        ("short", r"of 117 days at \(2, 2\) cells, asked were 120 days"),
        ("none", "it left 0 files of results in "),
        ("damaged", "cannot be read: "),
    ],
)
def test_a_run_that_fails_is_named_and_kept(opened, monkeypatch, tmp_path, fault, said):
    model, parameters = opened()
    monkeypatch.setenv("STAND_IN_FAULT", fault)
    cells = torch.tensor([6, 4])
    with pytest.raises(ProgramError, match=said) as caught:
        model.simulate(parameters[:2, cells], cells)
    kept = tmp_path / "scratch-run-1"
    assert str(caught.value).endswith(f"all files of the run are kept in {kept}")
    assert f"log: {kept / 'vic.log.20261126-1.000000.txt'};" in str(caught.value)
    assert {"global.txt", "domain.nc", "parameters.nc"} <= {path.name for path in kept.iterdir()}
    assert not list(model.scratch.iterdir())


def test_weather_and_wind_are_those_of_the_study(opened, inputs, monkeypatch, tmp_path):
    model, _ = opened()
    model.space = vic5.defaults.SPACE.subset(("aero_factor", "infilt"))
    monkeypatch.setenv("STAND_IN_FAULT", "crash")
    with pytest.raises(ProgramError):
        model.simulate(torch.tensor([[[2.0, 0.1]], [[0.5, 0.2]]]), torch.tensor([3]))
    kept = tmp_path / "scratch-run-1"
    with (
        xr.open_dataset(kept / "forcing.2001.nc") as first,
        xr.open_dataset(kept / "forcing.2002.nc") as second,
    ):
        assert str(second.time.values[0])[:19] == "2002-01-01T00:00:00"
        made = xr.concat([first.load(), second.load()], "time")
    assert str(made.time.values[0])[:10] == str(inputs.time.values[0])[:10]
    days = made.isel(x=0).coarsen(time=8)
    one = inputs.isel(cell=3)
    for y, factor in enumerate((2.0, 0.5)):
        wind = days.mean()["wind"].isel(y=y).values
        assert np.allclose(wind, one["wind"] / factor, rtol=1e-5)
        assert np.allclose(days.sum()["prcp"].isel(y=y), one["prec"], rtol=1e-5, atol=1e-6)
        steps = one["tair_3h"].values.reshape(-1)
        assert np.allclose(made["tas"].isel(x=0, y=y), steps, rtol=1e-6)
    with xr.open_dataset(kept / "parameters.nc") as written:
        assert "aero_factor" not in written
        assert np.allclose(written["infilt"].values[:, 0], [0.1, 0.2])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("VIC Driver  : Classic\nVIC Version : 5.1.0", "the image driver of VIC 5 is needed"),
        ("VIC Driver  : Image\nVIC Version : 4.2.d", "the image driver of VIC 5 is needed"),
        ("Usage: something else", "does not say which VIC it is"),
        (
            "VIC Driver  : Image\nVIC Version : 5.0.0\nVIC Git Tag : VIC.5.0.0",
            "and model.program.version asks for 5.1",
        ),
    ],
)
def test_another_program_or_version_is_refused(opened, monkeypatch, answer, said):
    monkeypatch.setenv("STAND_IN_VERSION", answer)
    with pytest.raises(ProgramError, match=said):
        opened(version="5.1")


def test_a_version_is_the_one_asked_for_by_number_or_tag(opened):
    for version in ("5.1", "5.1.0", "5.0.1", None):
        opened(version=version)
    with pytest.raises(ProgramError, match=r"asks for 5\.1\.00"):
        opened(version="5.1.00")


def test_parameters_and_outputs_are_held_to_what_there_is(opened):
    with pytest.raises(ValueError, match="VIC 5 has no output streamflow"):
        opened(outputs=("streamflow",))
    model, parameters = opened()
    with pytest.raises(ValueError, match="7 parameters"):
        model.simulate(parameters[:, :3])
    with pytest.raises(ValueError, match="infilt = 2 is outside"):
        model.simulate(parameters * 0 + 2)


def test_no_program_is_said_to_be_none(monkeypatch, tmp_path):
    monkeypatch.delenv("SOME_PROGRAM", raising=False)
    with pytest.raises(ProgramError, match=r"set model\.program\.path .* or SOME_PROGRAM"):
        Program.of_environment("SOME_PROGRAM")
    monkeypatch.setenv("SOME_PROGRAM", str(tmp_path / "none"))
    with pytest.raises(ProgramError, match="there is no program"):
        Program.of_environment("SOME_PROGRAM")
    (tmp_path / "none").touch(0o644)
    with pytest.raises(ProgramError, match="chmod u"):
        Program.of_environment("SOME_PROGRAM")
    (tmp_path / "none").chmod(0o755)
    monkeypatch.setenv("SOME_PROGRAM_RANKS", "many")
    with pytest.raises(ProgramError, match="SOME_PROGRAM_RANKS is 'many': give a number"):
        Program.of_environment("SOME_PROGRAM")


def test_a_missing_library_is_named(tmp_path):
    said = "vic: error while loading shared libraries: libnetcdf.so.19: cannot open"
    path = program(tmp_path / "vic", f"echo '{said}' >&2; exit 127")
    with pytest.raises(ProgramError, match=r"needs the shared library libnetcdf\.so\.19"):
        Program(path).run(["-v"], tmp_path, tmp_path / "printed")


def test_a_file_that_is_no_program_is_refused(tmp_path):
    (tmp_path / "vic").write_bytes(b"\x7fELFnothing")
    (tmp_path / "vic").chmod(0o755)
    with pytest.raises(ProgramError, match="cannot be run: Exec format error"):
        Program(tmp_path / "vic").run(["-v"], tmp_path, tmp_path / "printed")


def test_ranks_are_started_by_mpiexec_with_their_threads(tmp_path, monkeypatch):
    program(tmp_path / "mpiexec", f'echo asked "$@" threads $OMP_NUM_THREADS > {tmp_path}/asked')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    path = program(tmp_path / "vic", "exit 0")
    Program(path, ranks=3, threads=2).run(["-g", "x"], tmp_path, tmp_path / "printed")
    assert (tmp_path / "asked").read_text() == f"asked -n 3 {path} -g x threads 2\n"
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(ProgramError, match="3 ranks are asked for and there is no mpiexec"):
        Program(path, ranks=3).run([], tmp_path, tmp_path / "printed")


def test_a_rank_counts_its_own_cells(tmp_path):
    """VIC deals cells out in turn: the second of the third of four ranks is the seventh."""
    (tmp_path / "printed").write_text("")
    (tmp_path / "vic.log.20261126-7.000002.txt").write_text(
        "[WARN] a.c:5: errno: None: first\n[ERROR] b.c:6: errno: None: cell 1 is wrong\n"
    )
    found = read_log(tmp_path, tmp_path / "printed", ranks=4)
    assert (found.cell, found.error, found.warnings) == (6, "cell 1 is wrong", ("first",))


@pytest.fixture
def hanging(tmp_path):
    """A program that holds a pipe open until it ends; the pipe's other end."""
    os.mkfifo(tmp_path / "held")
    path = program(tmp_path / "vic", f"exec 3>{tmp_path}/held; echo on >&3; exec tail -f /dev/null")
    end = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    yield path, end
    os.close(end)


def reads(end):
    """What comes through a pipe; nothing once its other end is closed."""
    assert select.select([end], [], [], 60)[0], "the program still holds the pipe"
    return os.read(end, 100)


def test_a_program_is_ended_at_its_time_limit(hanging, tmp_path):
    path, end = hanging
    with pytest.raises(ProgramError, match=r"was ended after 0\.02 minutes: raise"):
        Program(path, minutes=0.02).run([], tmp_path, tmp_path / "printed")
    while reads(end):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a program with its parent")
def test_a_program_ends_with_the_job_that_runs_it(hanging, tmp_path):
    _, end = hanging
    text = (
        "from pathlib import Path; from parlearn.models.program import Program; "
        f"here = Path({str(tmp_path)!r}); Program(here / 'vic').run([], here, here / 'printed')"
    )
    job = subprocess.Popen([sys.executable, "-c", text])
    assert reads(end) == b"on\n"
    job.send_signal(signal.SIGKILL)
    job.wait()
    assert reads(end) == b""
