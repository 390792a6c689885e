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


def test_means_of_several_days_are_kept_where_all_their_days_lie_in_the_period():
    """Composites of four days end on days 3, 7 and 9 (which has three); training is days 2 to 8."""
    ds = observed()
    ends = [3, 7, 9]
    ds["evapotranspiration"][:, [d for d in range(10) if d not in ends]] = np.nan
    lengths = np.ones(10, dtype=np.int32)
    lengths[ends] = 4, 4, 3
    ds["evapotranspiration_days"] = "time", lengths, {"units": "1"}
    training = cut_training(ds, {"some": ["2015-04-01", "2015-04-07"]}, ["evapotranspiration"])
    contracts.check(training, "training.nc", "training")
    there = training["evapotranspiration"].sel(period="some").notnull().all("cell").values
    assert np.flatnonzero(there).tolist() == [7], "the one that ends on day 3 begins on day 0"
    assert training["evapotranspiration_days"].values.tolist() == lengths.tolist()
    with pytest.raises(ValueError, match="no evapotranspiration in the period short"):
        cut_training(ds, {"short": ["2015-04-01", "2015-04-02"]}, ["evapotranspiration"])
    assert list(cut_training(ds, PERIODS, ["soil_moisture"])) == ["soil_moisture"]
