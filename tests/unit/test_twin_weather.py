"""Made-up weather: seasons, storms, climates, and variables that do not contradict each other."""

import numpy as np
import pandas as pd
import pytest

from parlearn.land.evaporation import extraterrestrial_radiation
from parlearn.land.radiation import (
    STEFAN_BOLTZMANN,
    clear_sky_radiation,
    longwave_radiation,
)
from parlearn.land.subdaily import temperature_amplitude
from parlearn.sources.twin import TwinConfig
from parlearn.sources.twin.fields import axis_factor, evolving_field, random_fields
from parlearn.sources.twin.region import climate_of, draw_region
from parlearn.sources.twin.weather import (
    draw_weather,
    potential_evapotranspiration,
    saturation_pressure,
)

CONFIG = TwinConfig(rows=16, cols=24, years=4, seed=2)


@pytest.fixture(scope="module")
def region():
    return draw_region(CONFIG, CONFIG.generators())


@pytest.fixture(scope="module")
def weather(region):
    return draw_weather(climate_of(region), CONFIG.time, CONFIG.shape, CONFIG.generators())


def correlation_at(field, step):
    """Correlation between cells ``step`` columns apart; field (day, row, col)."""
    east, west = field[:, :, step:], field[:, :, : field.shape[2] - step]
    return np.corrcoef(east.ravel(), west.ravel())[0, 1]


def test_fields_have_unit_variance_and_the_correlation_asked_for():
    fields = random_fields(np.random.default_rng(1), 4000, (8, 14), {4.0: 1.0})
    assert abs(fields.mean()) < 0.03
    assert np.allclose(fields.std(axis=0), 1, atol=0.06)
    for step in (1, 4, 8):
        expected = np.exp(-0.5 * (step / 4) ** 2)
        assert correlation_at(fields, step) == pytest.approx(expected, abs=0.03)
    assert np.allclose(np.linalg.norm(axis_factor(20, 5.0), axis=1), 1)


def test_an_evolving_field_remembers_and_starts_stationary():
    days = evolving_field(np.random.default_rng(1), 4000, (6, 6), {3.0: 0.6, 1.5: 0.4}, 0.7)
    assert np.corrcoef(days[1:].ravel(), days[:-1].ravel())[0, 1] == pytest.approx(0.7, abs=0.02)
    assert days.std() == pytest.approx(1, abs=0.03)
    runs = np.stack(
        [evolving_field(np.random.default_rng(k), 3, (4, 4), {0.3: 1.0}, 0.7) for k in range(400)]
    )
    assert np.allclose(runs.std(axis=(0, 2)), 1, atol=0.05)


def test_weather_is_complete_and_possible(weather, region):
    for name, values in weather.items():
        assert values.dtype == np.float32, name
        assert values.shape == (384, len(CONFIG.time)), name
        assert np.isfinite(values).all(), name
    assert (weather["vp"] <= 0.9801 * saturation_pressure(weather["tair"])).all()
    clear = clear_sky_radiation(region["lat"], region["elevation"], CONFIG.time.day_of_year)
    share = weather["swdown"] / clear
    assert share.max() <= 1.0001
    assert share.min() > 0.2
    assert 0.65 < share.mean() < 0.95
    emissivity = weather["lwdown"] / (STEFAN_BOLTZMANN * (weather["tair"] + 273.15) ** 4)
    assert emissivity.min() > 0.5
    assert emissivity.max() <= 1
    assert weather["wind"].min() >= 0.5
    assert 2 < weather["wind"].mean() < 6
    assert weather["prec"].min() == 0
    assert weather["prec"].max() < 400
    assert weather["prec"][weather["prec"] > 0].min() >= 0.1


def test_rain_follows_its_normal_and_grows_eastwards(weather, region):
    annual = weather["prec"].mean(axis=1) * 365.25
    assert np.corrcoef(annual, region["precipitation"])[0, 1] > 0.9
    assert annual.mean() == pytest.approx(float(region["precipitation"].mean()), rel=0.15)
    west, east = (annual[region["col"].values == c].mean() for c in (0, CONFIG.cols - 1))
    assert west < 450
    assert east > 900
    wet = (weather["prec"] > 0).mean(axis=1)
    assert wet[region["col"].values == 0].mean() < wet[region["col"].values == 23].mean()
    assert wet.min() > 0.1
    assert wet.max() < 0.6


def test_storms_are_coherent_in_space_and_last(weather):
    wet = (weather["prec"] > 0).T.reshape(-1, *CONFIG.shape).astype(float)
    assert correlation_at(wet, 1) > 0.75
    assert correlation_at(wet, 20) < correlation_at(wet, 8) < correlation_at(wet, 1)
    day = (weather["prec"] > 0).astype(float)
    after_wet = day[:, 1:][day[:, :-1] > 0].mean()
    after_dry = day[:, 1:][day[:, :-1] == 0].mean()
    assert after_wet > 1.3 * after_dry


def test_seasons_and_altitude(weather, region):
    tair, month = weather["tair"], CONFIG.time.month
    july, january = tair[:, month == 7].mean(), tair[:, month == 1].mean()
    assert 18 < july - january < 32
    mean = tair.mean(axis=1)
    assert np.corrcoef(mean, region["temperature"])[0, 1] > 0.97
    north, south = (mean[region["row"].values == r].mean() for r in (CONFIG.rows - 1, 0))
    assert south - north > 5
    assert weather["swdown"][:, month == 6].mean() > 2 * weather["swdown"][:, month == 12].mean()
    rain = weather["prec"]
    assert rain[:, (month >= 5) & (month <= 9)].sum() > 0.45 * rain.sum()


def test_wet_days_are_cloudy_and_damp(weather):
    wet, summer = weather["prec"] > 1, CONFIG.time.month == 7
    humidity = weather["vp"] / saturation_pressure(weather["tair"])
    assert humidity[wet].mean() > humidity[~wet].mean() + 0.08
    sun, wet = weather["swdown"][:, summer], wet[:, summer]
    assert sun[wet].mean() < 0.9 * sun[~wet].mean()


def test_snow_falls_in_the_cold_part_and_hardly_in_the_warm(weather, region):
    rain = weather["prec"]
    snow = np.where(weather["tair"] < 0, rain, 0).sum(axis=1) / rain.sum(axis=1)
    cold, warm = region["temperature"] < 5, region["temperature"] > 14
    assert snow[cold].mean() > 0.15 > 0.06 > snow[warm].mean()


def test_radiation_against_published_numbers():
    # FAO-56, example 8: 3 September, 20 degrees south: 32.2 MJ m-2 day-1
    got = extraterrestrial_radiation(np.array([-20.0]), np.array([246]))[0, 0] * 0.0864
    assert got == pytest.approx(32.2, abs=0.1)
    # clear sky, 15 degC and 1 kPa: Prata's emissivity is 0.77 to 0.78; overcast it is 1
    clear, overcast = (longwave_radiation(15.0, 1.0, c) for c in (1.0, 0.0))
    assert clear / overcast == pytest.approx(0.775, abs=0.01)
    assert overcast == pytest.approx(STEFAN_BOLTZMANN * 288.15**4)
    assert potential_evapotranspiration(100.0, -6.0) == 0
    assert potential_evapotranspiration(400.0, 20.0) == pytest.approx(3.53, abs=0.01)


def test_the_sun_is_that_of_the_disaggregation():
    """A clear day gives the greatest daily temperature range its formula allows."""
    latitude, day = np.array([40.0]), np.array([180])
    top = extraterrestrial_radiation(latitude, day)
    assert temperature_amplitude(0.75 * top, latitude, day)[0, 0] == pytest.approx(7.5, abs=0.01)


def test_time_covers_leap_years_without_a_gap():
    time = TwinConfig(start="2016-03-01", years=2).time
    assert time[0] == pd.Timestamp("2015-03-01")
    assert time[-1] == pd.Timestamp("2018-02-28")
    assert (np.diff(time.values) == np.timedelta64(1, "D")).all()
