"""A twin's weather by the hour: its days are what they were, and the night is dark."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from parlearn.land.days import UNITS, daily_forcing, stamps
from parlearn.land.subdaily import specific_humidity
from parlearn.sources.twin.hours import Hours, sunshine

LAT = np.array([26.0, 40.0, 49.0])
# on both sides of Greenwich and of the middle between two hours
LON = np.array([-124.0, -98.6, -97.4, -67.1, 3.0, 72.0, 117.4])
SHAPE = len(LAT), len(LON)
DAYS = pd.date_range("2015-12-20", "2016-01-10")
STATES = {"lwdown": (180, 400), "vp": (0.3, 1.2), "pressure": (80, 101), "wind": (1.5, 6)}


@pytest.fixture(scope="module")
def forcing():
    """Weather of which no day has anything to do with the next."""
    rng = np.random.default_rng(4)
    size = SHAPE[0] * SHAPE[1], len(DAYS)
    series = {name: rng.uniform(*limits, size) for name, limits in STATES.items()}
    series |= {"prec": rng.exponential(3, size), "swdown": rng.uniform(30, 250, size)}
    series["tair"] = rng.uniform(-15, 20, size)
    # half ranges of 2 to 9 K: the step from 12 to 15 h lies 1.5 hours before the warmest time
    swing = rng.uniform(2, 9, size)[..., None]
    middle = 1.5 + 3 * np.arange(8)
    steps = series["tair"][..., None] + swing * np.cos(2 * np.pi * (middle - 15) / 24)
    ds = {name: (("cell", "time"), v.astype(np.float32)) for name, v in series.items()}
    ds["tair_3h"] = ("cell", "time", "step"), steps.astype(np.float32)
    return xr.Dataset(ds, coords={"time": DAYS})


def by_day(forcing, step, days):
    """What daily aggregation makes of the stamps of the days."""
    needed = stamps(*days, LON, step, "solar")
    now = Hours(forcing, SHAPE, LAT, LON, step).at(needed.to_numpy())
    fields = {
        "prec": now["prec"],
        "tair": now["tair"] + np.float32(273.15),
        "qair": specific_humidity(now["vp"], now["pressure"]),
        "pressure": 1000 * now["pressure"],
        "wind": now["wind"],
        "lwdown": now["lwdown"],
        "swdown": now["swdown"],
    }
    ds = xr.Dataset(
        {name: (("time", "y", "x"), v, {"units": UNITS[name]}) for name, v in fields.items()},
        coords={"time": needed},
    )
    daily, missing = daily_forcing(ds, LON, *days, step, "solar")
    assert missing.empty
    return daily.compute()


def grid(values):
    return values.T.reshape(-1, *SHAPE)


@pytest.mark.parametrize("step", [1, 3])
def test_days_keep_their_sums_and_means_at_every_longitude(forcing, step):
    # the first and the last day lend their weather to the stamps beyond
    daily = by_day(forcing, step, ("2015-12-20", "2016-01-10"))
    for name in ("prec", "tair", "swdown", "pressure", "vp", "wind", "lwdown"):
        true = grid(forcing[name].values)
        assert daily[name].values == pytest.approx(true, rel=2e-4, abs=2e-3), name


@pytest.mark.parametrize("step", [1, 3])
def test_afternoons_are_warm_and_nights_dark_by_the_local_clock(forcing, step):
    daily = by_day(forcing, step, ("2015-12-21", "2016-01-09"))
    warmest = daily["tair_3h"].mean("time").argmax("step").values
    assert set(np.unique(warmest)) <= {4, 5}  # 12 to 18 h
    sun = daily["swdown_3h"]
    # in winter from 9 p.m. to 3 a.m.; most of it about noon
    assert float(sun.isel(step=[0, 7]).max()) == 0
    assert set(np.unique(sun.mean("time").argmax("step").values)) <= {3, 4}


def test_rain_falls_evenly_between_the_midnights_of_its_day(forcing):
    hours = Hours(forcing, SHAPE, LAT, LON)
    # 98.6 W is 7 hours behind, 97.4 W 6: the first hour of a day ends at 08:00 and at 07:00
    now = hours.at(pd.date_range("2015-12-25T06", "2015-12-25T08", freq="h").to_numpy())["prec"]
    christmas = 24 * now[:, 1]
    day = grid(forcing["prec"].values)[[4, 5], 1]  # 24 and 25 December
    assert christmas[:, 1] == pytest.approx(day[[0, 0, 1], 1], rel=1e-5)
    assert christmas[:, 2] == pytest.approx(day[[0, 1, 1], 2], rel=1e-5)


def test_what_cannot_be_negative_is_not(forcing):
    calm = forcing.copy(deep=True)
    for name in ("vp", "wind"):
        calm[name][:, 1::2] = 0.02 * calm[name][:, 1::2]
    for step in (1, 3):
        needed = stamps("2015-12-20", "2016-01-10", LON, step, "solar").to_numpy()
        now = Hours(calm, SHAPE, LAT, LON, step).at(needed)
        assert min(now["vp"].min(), now["wind"].min()) > 0


@pytest.mark.parametrize("step", [1, 3])
def test_the_sun_of_a_day_is_spread_over_its_stamps(step):
    shares = sunshine(np.array([-33.0, 0.0, 40.0, 80.0]), step)
    assert shares.shape == (366, 4, 24 // step)
    assert shares.mean(axis=2) == pytest.approx(1, abs=1e-5)
    noon = 12 // step
    assert (shares[:, :3].argmax(axis=2) == noon).all()
    assert shares[:, :3] == pytest.approx(shares[:, :3, (-np.arange(24 // step))], abs=1e-5)
    # 21 June at 40 N: dark from 8 p.m. to 4 a.m.; in the polar night the rest is spread evenly
    june = shares[171, 2]
    hours = step * np.arange(24 // step)
    assert (june[(hours < 3) | (hours > 21)] == 0).all()
    assert (june[(hours >= 6) & (hours <= 18)] > 0).all()
    assert shares[354, 3] == pytest.approx(1)
    # equinox at the equator: the mean of a cosine over its half turn is 1 / pi, noon's share pi
    around_noon = np.sin(np.pi * step / 24) / (np.pi * step / 24)
    assert shares[80, 1, noon] == pytest.approx(np.pi * around_noon, rel=2e-3)
