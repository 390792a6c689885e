import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parlearn.land.subdaily import (
    MINIMUM_WIND,
    cos_zenith,
    pressure_from_elevation,
    temperature_amplitude,
    three_hourly,
    vapour_pressure,
    vic_forcing,
    wind_speed,
)

latitude = st.floats(-89, 89)
day = st.integers(1, 366)


def test_equinox_at_the_equator():
    # day 80: declination is almost 0, the day lasts 6 to 18 h, cos z = cos of the hour angle
    steps = cos_zenith([0.0], [80])[0, 0]
    assert steps[[0, 1, 6, 7]] == pytest.approx([0, 0, 0, 0], abs=1e-3)
    assert steps[2] == pytest.approx((1 - np.cos(np.pi / 4)) / (np.pi / 4), rel=1e-3)
    assert steps.mean() == pytest.approx(1 / np.pi, rel=1e-3)


@settings(deadline=None)
@given(latitude, day)
def test_zenith_agrees_with_fine_sampling(lat, number):
    declination = 0.409 * np.sin(2 * np.pi * number / 365 - 1.39)
    hour = 2 * np.pi * ((np.arange(2880) + 0.5) / 2880 - 0.5)
    phi = np.deg2rad(lat)
    sampled = np.maximum(
        np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour), 0
    )
    steps = cos_zenith([lat], [number])[0, 0]
    np.testing.assert_allclose(steps, sampled.reshape(8, -1).mean(axis=1), atol=2e-6)


@settings(deadline=None)
@given(st.lists(latitude, min_size=1, max_size=4), st.floats(0, 400), st.floats(-40, 45))
def test_daily_means_are_kept(lats, sw, t):
    days = np.array([1, 172, 356])
    shape = (len(lats), days.size)
    tair, swdown = three_hourly(np.full(shape, t), np.full(shape, sw), lats, days)
    np.testing.assert_allclose(tair.mean(axis=-1), t, atol=1e-4)
    np.testing.assert_allclose(swdown.mean(axis=-1), sw, atol=1e-3)
    assert (swdown >= 0).all()
    half = (tair.max(axis=-1) - tair.min(axis=-1)) / 2
    # steps are centred at 13:30 and 16:30 around the peak at 15 h, so the wave is a little cut
    assert (half >= 2 * np.cos(np.pi / 8) - 1e-3).all()
    assert (half <= 9 * np.cos(np.pi / 8) + 1e-3).all()


def test_warmest_about_15_h_brightest_around_noon():
    tair, swdown = three_hourly(np.full((1, 1), 10.0), np.full((1, 1), 250.0), [40.0], [172])
    assert set(np.argsort(tair[0, 0])[-2:]) == {4, 5}
    assert set(np.argsort(swdown[0, 0])[-2:]) == {3, 4}


def test_polar_night_spreads_what_light_there_is():
    _, swdown = three_hourly(np.zeros((1, 1)), np.full((1, 1), 3.0), [80.0], [356])
    np.testing.assert_allclose(swdown, 3.0)


def test_amplitude_follows_clearness_within_its_limits():
    swdown = np.array([[1.0, 150.0, 2000.0]])
    amplitude = temperature_amplitude(swdown, [40.0], [172, 172, 172])
    assert amplitude[0, 0] == 2
    assert amplitude[0, 2] == 9
    assert 2 < amplitude[0, 1] < 9


def test_cells_of_mixed_latitudes_are_as_each_alone():
    rng = np.random.default_rng(0)
    lats, days = np.array([45.0, 30.0, 45.0, 60.0]), np.arange(1, 366, 7)
    tair = rng.normal(10, 8, (4, days.size))
    swdown = rng.uniform(20, 350, (4, days.size))
    together = three_hourly(tair, swdown, lats, days)
    for k in range(4):
        alone = three_hourly(tair[[k]], swdown[[k]], lats[[k]], days)
        for one, all_cells in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one[0], all_cells[k])


def test_pressure_vapour_pressure_and_wind():
    np.testing.assert_allclose(pressure_from_elevation([0, 1000]), [101.325, 89.87], rtol=1e-3)
    # saturated air at 20 degC and 101.325 kPa holds about 14.5 g of vapour per kg
    assert vapour_pressure(0.0145, 101.325) == pytest.approx(2.34, rel=0.01)
    np.testing.assert_allclose(wind_speed([3.0, 0.1], [4.0, 0.1]), [5.0, MINIMUM_WIND])


DAILY = ("prec", "tair", "swdown", "lwdown", "vp", "pressure", "wind")


def test_vic_forcing_is_complete_and_float32():
    time = np.arange("2015-12-30", "2016-01-03", dtype="datetime64[D]")
    daily = {name: np.full((2, 4), 1.0) for name in DAILY}
    forcing = vic_forcing(time, [30.0, 40.0], **daily)
    assert forcing.tair_3h.dims == ("cell", "time", "step")
    assert set(forcing) == {*DAILY, "tair_3h", "swdown_3h"}
    assert all(v.dtype == np.float32 and v.attrs["units"] for v in forcing.values())
    np.testing.assert_array_equal(forcing.time.values, time.astype("datetime64[ns]"))


def test_wrong_names_and_shapes_are_refused():
    time = np.arange("2015-01-01", "2015-01-05", dtype="datetime64[D]")
    daily = {name: np.ones((2, 4)) for name in DAILY}
    with pytest.raises(ValueError, match="needed are"):
        vic_forcing(time, [30.0, 40.0], **{k: v for k, v in daily.items() if k != "vp"})
    with pytest.raises(ValueError, match=r"must be \(cell, time\)"):
        three_hourly(np.ones((4, 2)), np.ones((4, 2)), [30.0, 40.0], [1, 2, 3, 4])


def test_temperature_swings_between_tmin_and_tmax_where_they_are_known():
    tmin, tmax = np.array([[-12.0, 5.0]]), np.array([[8.0, 5.0]])
    tair, _ = three_hourly((tmin + tmax) / 2, np.full((1, 2), 900.0), [40.0], [20, 200], tmin, tmax)
    np.testing.assert_allclose(tair.mean(axis=-1), [[-2, 5]], atol=1e-4)
    # steps are centred at 13:30 and 16:30 around the peak at 15 h
    np.testing.assert_allclose(tair[0, 0].max(), -2 + 10 * np.cos(np.pi / 8), atol=1e-4)
    np.testing.assert_allclose(tair[0, 0].min(), -2 - 10 * np.cos(np.pi / 8), atol=1e-4)
    np.testing.assert_allclose(tair[0, 1], 5, atol=1e-4)


def test_impossible_ranges_of_temperature_are_refused():
    ones = np.ones((2, 3))
    with pytest.raises(ValueError, match="tmax is below tmin at 1 values, the first is cell 1, d"):
        three_hourly(ones, ones, [40.0, 41.0], [1, 2, 3], ones, np.array([[2, 2, 2], [2, 2, 0.5]]))
    with pytest.raises(ValueError, match="only one of tmin and tmax"):
        three_hourly(ones, ones, [40.0, 41.0], [1, 2, 3], ones)
    with pytest.raises(ValueError, match=r"must be \(cell, time\)"):
        three_hourly(ones, ones, [40.0, 41.0], [1, 2, 3], ones.T, ones.T)


def test_forcing_keeps_tmin_and_tmax():
    time = np.arange("2015-01-01", "2015-01-05", dtype="datetime64[D]")
    daily = {name: np.ones((2, 4)) for name in DAILY}
    forcing = vic_forcing(time, [30.0, 40.0], **daily, tmin=np.zeros((2, 4)), tmax=np.ones((2, 4)))
    assert {"tmin", "tmax"} <= set(forcing)
    assert forcing.tmax.attrs["units"] == "degC"
    with pytest.raises(ValueError, match="needed are"):
        vic_forcing(time, [30.0, 40.0], **daily, tmin=np.zeros((2, 4)), tmx=np.ones((2, 4)))
