"""The file a learner sees holds its targets, in its period, and nothing else."""

import numpy as np
import pytest
import xarray as xr

from parlearn.storage import contracts
from parlearn.study.training import cut_training

DAYS = np.datetime64("2015-03-30", "ns") + np.arange(10) * np.timedelta64(1, "D")
PERIODS = {"short": ["2015-04-01", "2015-04-02"], "long": ["2015-04-01", "2015-04-05"]}


def observed():
    rng = np.random.default_rng(1)
    return xr.Dataset(
        {
            "soil_moisture": (("cell", "time"), rng.random((3, 10)), {"units": "m3 m-3"}),
            "evapotranspiration": (("cell", "time"), rng.random((3, 10)), {"units": "mm day-1"}),
        },
        coords={"time": DAYS},
    )


def test_blank_outside_each_period_and_unchanged_inside():
    ds = observed()
    training = cut_training(ds, PERIODS, ["soil_moisture"])
    contracts.check(training, "training.nc", "training")
    assert list(training.data_vars) == ["soil_moisture"]
    for name, days in (("short", slice(2, 4)), ("long", slice(2, 7))):
        values = training["soil_moisture"].sel(period=name).values
        inside = np.zeros(10, dtype=bool)
        inside[days] = True
        assert np.isnan(values[:, ~inside]).all()
        assert np.array_equal(values[:, inside], ds["soil_moisture"].values[:, inside])
    assert training["soil_moisture"].attrs["units"] == "m3 m-3"


def test_errors():
    with pytest.raises(ValueError, match="no 'runoff' to learn from"):
        cut_training(observed(), PERIODS, ["runoff"])
    with pytest.raises(ValueError, match="no soil_moisture in the period later"):
        cut_training(observed(), {"later": ["2016-01-01", "2016-02-01"]}, ["soil_moisture"])
    composites = observed().assign(evapotranspiration_days=("time", np.full(10, 8)))
    with pytest.raises(ValueError, match="means of several days"):
        cut_training(composites, PERIODS, ["evapotranspiration"])
    assert list(cut_training(composites, PERIODS, ["soil_moisture"])) == ["soil_moisture"]
