"""Spellings of units that data producers use."""

import pytest

from parlearn.sources.units import same_unit


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kg/m^2", "kg m-2"),
        ("kg m**-2", "kg/m2"),
        ("W/m2", "W m-2"),
        ("cm**3/cm**3", "m3 m-3"),
        ("m3/m3", "-"),
        ("mm/day", "mm.day-1"),
        ("mm/d", "mm day^-1"),
        ("mm/hr", "mm h-1"),
        ("kg/m^2/8day", "kg m-2 8day-1"),
        ("Kelvin", "K"),
    ],
)
def test_same(one, other):
    assert same_unit(one, other)
    assert same_unit(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mm/hr", "mm/day"),
        ("kg/m^2/8day", "kg/m^2/day"),
        ("g/kg", "kg/kg"),
        ("degC", "K"),
        ("hPa", "Pa"),
        ("kg m-2", "kg m-2 s-1"),
        ("m/s", "m s"),
        ("percent", "1"),
        ("%", "1"),
        ("", "K"),
    ],
)
def test_different(one, other):
    assert not same_unit(one, other)
