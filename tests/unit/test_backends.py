"""Two implementations of one model are held against each other, and programs told to their jobs."""

from pathlib import Path

import pytest
import xarray as xr

from parlearn.models.registry import PROCESSES, twin_of
from parlearn.models.vic.model import VIC
from parlearn.plan import program
from parlearn.plan.experiments import model_of
from parlearn.runs import backends
from parlearn.runs.backends import hold_together

FIXTURE = Path(__file__).parents[1] / "data" / "vic5-synthetic"
MODEL = {"process": "vic", "parameters": ["infilt", "soil_rarc", "expt"]}


@pytest.fixture
def inputs():
    return xr.load_dataset(FIXTURE / "inputs.nc").isel(time=slice(0, 90))


@pytest.fixture
def both(inputs, monkeypatch):
    """Runs VIC in place of both; the other's evaporation may be changed by a factor."""
    asked = []

    def run(factor=1.0):
        class Changed(VIC):
            def simulate(self, *given):
                series = super().simulate(*given)
                series[..., self.outputs.index("evapotranspiration")] *= factor
                return series

        def opens(model, domain, forcing, *, outputs):
            asked.append(model)
            made = Changed if model["process"] != "vic" else VIC
            return made(domain, forcing, names=model["parameters"], outputs=outputs)

        monkeypatch.setattr(backends, "open_process", opens)
        return hold_together(MODEL, inputs, inputs, cells=3, sets=2, seed=5)

    return run, asked


def test_alike_models_meet_every_bar(both):
    run, asked = both
    table, text = run()
    assert table["met"].all()
    assert {"moist1", "runoff", "swe"} <= set(table["quantity"].str.split(",").str[0])
    assert "MISSED" not in text
    # parameters that one of them does not have keep their default
    assert [(m["process"], m["parameters"]) for m in asked] == [
        ("vic", ["infilt", "expt"]),
        ("vic5", ["infilt", "expt"]),
    ]


def test_where_they_differ_the_bar_and_the_cell_of_the_domain_are_named(both):
    run, _ = both
    table, text = run(1.5)
    missed = table[~table["met"]]
    assert set(missed["quantity"]) == {"evapotranspiration"}
    assert "MISSED" in text
    chosen = backends.choose_cells(8, 3, 5).tolist()
    assert set(table["cell"]) <= set(chosen)


def test_twins_name_each_other():
    for process in PROCESSES.values():
        if process.same_as:
            other = twin_of(process)
            assert other.name == process.same_as
            assert twin_of(other) is process
    assert twin_of(PROCESSES["hbv"]) is None


PROGRAM = {"path": "bin/vic.exe", "version": "5.1.0", "ranks": 4, "threads": 2, "mem_mb": 900}


def test_what_decides_no_answer_goes_through_the_environment(tmp_path):
    model = MODEL | {"program": PROGRAM, "simulate_with": ["process"]}
    assert model_of({"model": model}) == MODEL | {"program": {"version": "5.1.0"}}
    assert model_of({"model": MODEL | {"program": {"ranks": 2}}}) == MODEL
    assert program.surroundings(PROCESSES["vic5"], model, tmp_path) == {
        "VIC5_IMAGE": str(tmp_path / "bin/vic.exe"),
        "VIC5_IMAGE_RANKS": "4",
        "VIC5_IMAGE_THREADS": "2",
    }
    assert (program.cores(model), program.memory_mb(model)) == (8, 900)
    assert (program.cores(MODEL), program.memory_mb(MODEL)) == (1, 0)


def test_a_program_that_is_not_there_or_not_run_is_refused(tmp_path):
    model = {"program": PROGRAM}
    [problem] = program.program_problems(PROCESSES["vic5"], model, tmp_path)
    assert "model.program.path: there is no file bin/vic.exe" in problem
    [problem] = program.program_problems(PROCESSES["vic"], model, tmp_path)
    assert problem == "model.program: VIC runs no program: take the key out"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/vic.exe").touch()
    assert [*program.program_problems(PROCESSES["vic5"], model, tmp_path)] == []
