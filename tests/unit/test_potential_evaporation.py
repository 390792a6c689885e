"""Potential evapotranspiration: worked examples of FAO-56 and published formulas."""

import numpy as np
import pytest

from parlearn.land.evaporation import extraterrestrial_radiation, hargreaves, oudin


def test_radiation_of_the_worked_example():
    # FAO-56, example 8: 20 degrees south on 3 September, 32.2 MJ m-2 day-1
    radiation = extraterrestrial_radiation([-20.0], [246])
    assert radiation[0, 0] * 0.0864 == pytest.approx(32.2, abs=0.05)


def test_radiation_by_the_closed_form():
    """Equation 21 with its sunset hour angle; ours is the sum of eight steps of the day."""
    latitude, day = np.array([-30.0, 0.0, 40.0, 40.0]), np.arange(1, 366, 7)
    phi, angle = np.deg2rad(latitude)[:, None], 2 * np.pi * day / 365
    tilt = 0.409 * np.sin(angle - 1.39)
    sunset = np.arccos(-np.tan(phi) * np.tan(tilt))
    height = sunset * np.sin(phi) * np.sin(tilt) + np.cos(phi) * np.cos(tilt) * np.sin(sunset)
    expected = 1440 / np.pi * 0.0820 * (1 + 0.033 * np.cos(angle)) * height
    got = extraterrestrial_radiation(latitude, day) * 0.0864
    np.testing.assert_allclose(got, expected, rtol=1e-3)
    assert extraterrestrial_radiation([80.0], [355])[0, 0] == 0


def test_hargreaves_by_hand():
    # FAO-56, example 20: 45.77 N in July, 26.6 and 14.8 degC, Ra 40.6 MJ m-2 day-1: 5.0 mm day-1
    value = hargreaves([[14.8]], [[26.6]], [45.77], [196])
    assert value[0, 0] == pytest.approx(5.0, abs=0.05)
    assert hargreaves([[-40.0]], [[-20.0]], [45.77], [196])[0, 0] == 0


def test_oudin_by_hand():
    # Ra / 2.45 * (T + 5) / 100 with Ra of the example above
    value = oudin([[20.0], [-5.0], [-20.0]], [-20.0] * 3, [246])
    assert value[:, 0] == pytest.approx([32.2 / 2.45 * 0.25, 0, 0], abs=0.01)


def test_tmax_below_tmin_is_refused():
    with pytest.raises(ValueError, match="tmax 3 is below tmin 5 degC at cell 0, day 1"):
        hargreaves([[1.0, 5.0]], [[2.0, 3.0]], [45.0], [1, 2])
