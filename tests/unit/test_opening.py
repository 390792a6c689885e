"""A run is opened from its files: the study it may see, the model it names."""

import numpy as np
import pytest
import xarray as xr

from parlearn.runs.opening import device_of, open_run
from parlearn.sources.twin import TwinConfig, build_inputs
from parlearn.storage import contracts

RUN = {
    "model": "vic",
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
    opened = open_run(files, RUN, parameters=["infilt", "expt"], device="auto")
    assert opened.device == "cpu"
    assert opened.model.space.names == ("infilt", "expt")
    assert opened.model.outputs == ("soil_moisture", "evapotranspiration")
    assert opened.study.n_cells == opened.model.n_cells == opened.domain.sizes["cell"]
    assert opened.study.n_days == opened.model.n_days
    assert opened.study.training_days == 366
    observed = opened.study.observations[~opened.study.observations.isnan()]
    assert observed.unique().tolist() == [0.25]


def test_unknown_model_is_refused(files):
    with pytest.raises(ValueError, match="there are vic and surrogate"):
        open_run(files, RUN | {"model": "hbv"}, parameters=["infilt"], device="cpu")


def test_vic_stays_on_the_cpu_unless_told():
    assert device_of("vic", "auto") == "cpu"
    assert device_of("vic", "cpu") == "cpu"
