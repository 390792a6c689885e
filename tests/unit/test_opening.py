"""A run is opened from its files: the study it may see, the model it names."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from parlearn.models.registry import PROCESSES, Process
from parlearn.runs.opening import default_of, device_of, open_process, open_run, space_of
from parlearn.sources.twin import TwinConfig, build_inputs
from parlearn.storage import contracts

MODEL = {"process": "vic", "parameters": ["infilt", "expt"]}
RUN = {
    "model": "process",
    "sampling": "s4",
    "period": "one_year",
    "span": ("2015-04-01", "2016-03-31"),
    "targets": ("soil_moisture",),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of a small twin; 0.25 observed every second day of the training period."""
    folder = tmp_path_factory.mktemp("study")
    domain, forcing = build_inputs(TwinConfig(rows=4, cols=8, years=2), {"s4": 4}, "2016-03-31", 0)
    days = forcing["time"].values
    first, last = (np.datetime64(day) for day in RUN["span"])
    seen = np.full((1, domain.sizes["cell"], days.size), np.nan)
    seen[:, :, (days >= first) & (days <= last)] = 0.25
    seen[:, :, ::2] = np.nan
    training = xr.Dataset(
        {"soil_moisture": (("period", "cell", "time"), seen)},
        coords={"time": days, "period": ["one_year"]},
    )
    made = {"domain": domain, "forcing": forcing, "training": training}
    for kind, ds in made.items():
        contracts.write(ds, folder / f"{kind}.nc", kind)
    return {kind: folder / f"{kind}.nc" for kind in made} | {"surrogate": []}


def test_study_and_model_are_of_the_same_cells_and_days(files):
    opened = open_run(files, RUN, model=MODEL, device="auto")
    assert opened.device == "cpu"
    assert opened.model.space.names == ("infilt", "expt")
    assert opened.model.outputs == ("soil_moisture", "evapotranspiration")
    assert opened.study.n_cells == opened.model.n_cells == opened.domain.sizes["cell"]
    assert opened.study.n_days == opened.model.n_days
    assert opened.study.training_days == 366
    assert opened.default.shape == (opened.study.n_cells, 2)
    observed = opened.study.observations[~opened.study.observations.isnan()]
    assert observed.unique().tolist() == [0.25]


def test_what_a_model_does_not_have_is_refused(files):
    with pytest.raises(ValueError, match="VIC has no parameter named 'beta'; there are infilt"):
        space_of(MODEL | {"parameters": ["beta"]})
    domain, forcing = (contracts.read(files[kind], kind) for kind in ("domain", "forcing"))
    with pytest.raises(ValueError, match="VIC has no output streamflow"):
        open_process(MODEL, domain, forcing, outputs=("streamflow",))


def test_defaults_are_inside_the_bounds(files):
    domain = contracts.read(files["domain"], "domain")
    for process in PROCESSES.values():
        names = [parameter.name for parameter in process.parameters]
        model = {"process": process.name, "parameters": names}
        space_of(model).check(default_of(model, domain))


def test_the_compiled_model_stays_on_the_cpu_unless_told():
    assert device_of("process", MODEL, "auto") == "cpu"
    assert device_of("process", MODEL, "cpu") == "cpu"


def test_a_model_that_works_in_files_gets_a_folder_that_goes_with_it(files, monkeypatch):
    class Files:
        def __init__(self, scratch):
            self.place = scratch
            (scratch / "run.txt").write_text("x")

    class Module:
        @staticmethod
        def build(domain, forcing, *, names, outputs, device, scratch):
            return Files(scratch)

    process = replace(PROCESSES["vic"], name="files", scratch=True)
    monkeypatch.setitem(PROCESSES, "files", process)
    monkeypatch.setattr(Process, "load", lambda self: Module)
    model = open_process(MODEL | {"process": "files"}, None, None)
    other = open_process(MODEL | {"process": "files"}, None, None)
    place = model.place
    assert place.is_dir()
    assert place != other.place
    del model
    assert not place.exists()
