import numpy as np
import pytest

from parlearn.land.climate import catchment_indices, climate_attributes, priestley_taylor

DAYS = np.arange(1, 366)
SEASON = np.cos(2 * np.pi * (DAYS - 200) / 365.25)  # 1 in mid July


def attributes(prec, tair):
    flat = np.ones_like(tair)
    return {
        name: values
        for name, (_, values) in climate_attributes(
            prec, tair, 200 * flat, 300 * flat, 95 * flat, DAYS
        ).items()
    }


def test_summer_rain_winter_rain_no_rain():
    tair = np.stack([10 + 15 * SEASON] * 3)
    prec = np.stack([2 + 1.5 * SEASON, 2 - 1.5 * SEASON, 0 * SEASON])
    got = attributes(prec, tair)
    np.testing.assert_allclose(got["precipitation"], [2, 2, 0], atol=0.01)
    np.testing.assert_allclose(got["temperature_amplitude"], 15, rtol=0.01)
    np.testing.assert_allclose(got["precipitation_seasonality"], [0.75, -0.75, 0], atol=0.01)
    assert got["snow_fraction"][0] < 0.1 < 0.3 < got["snow_fraction"][1]
    assert got["snow_fraction"][2] == 0
    assert got["aridity_index"][2] == 0
    np.testing.assert_allclose(got["wet_days"], [(p > 1).mean() for p in prec])


def test_priestley_taylor_at_20_degrees():
    # Rn = 0.8 * 250 + 0.97 * (350 - 5.67e-8 * 293.15^4) W m-2 = 133.3; alpha s / (s + gamma) = 0.86
    assert priestley_taylor(20.0, 250.0, 350.0, 101.3) == pytest.approx(4.05, rel=0.01)
    assert priestley_taylor(-10.0, 0.0, 150.0, 101.3) == 0


def test_less_than_a_year_is_refused():
    short = np.ones((1, 200))
    with pytest.raises(ValueError, match="whole year"):
        climate_attributes(short, short, short, short, short, np.arange(200) + 1)


def test_indices_of_catchments():
    days = np.tile(DAYS, 2)
    tair = np.stack([10 + 15 * np.tile(SEASON, 2)] * 3)
    prec = np.zeros((3, 730))
    prec[0, ::10] = 10.0  # one wet day in ten, then nine dry ones
    prec[1] = 2.0
    got = {
        name: values
        for name, (_, values) in catchment_indices(prec, tair, 3 + 0 * tair, days).items()
    }
    np.testing.assert_allclose(got["p_mean"], [1, 2, 0])
    np.testing.assert_allclose(got["aridity"][:2], [3, 1.5])
    np.testing.assert_allclose(got["high_prec_freq"], [36.525, 0, 0])
    np.testing.assert_allclose(got["high_prec_dur"], [1, 0, 0])
    np.testing.assert_allclose(got["low_prec_freq"], [328.725, 0, 365.25])
    np.testing.assert_allclose(got["low_prec_dur"], [9, 0, 730])
    frozen = (tair[0] < 0).mean()
    np.testing.assert_allclose(got["frac_snow"], [frozen, frozen, 0], atol=0.02)
    np.testing.assert_allclose(got["p_seasonality"][1:], 0, atol=0.01)


def test_indices_need_a_year():
    short = np.ones((1, 200))
    with pytest.raises(ValueError, match="whole year"):
        catchment_indices(short, short, short, np.arange(200) + 1)
