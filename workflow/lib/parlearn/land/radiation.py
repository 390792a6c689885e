"""Radiation that reaches the ground, from the sun's path, the air and the cloud."""

import numpy as np

from parlearn.land.evaporation import extraterrestrial_radiation

STEFAN_BOLTZMANN = 5.67e-8


def clear_sky_radiation(latitude, elevation, day_of_year):
    """Shortwave at the ground under a clear sky, W m-2, (cell, day) (FAO-56, eq. 37)."""
    elevation = np.asarray(elevation)[:, None]
    return (0.75 + 2e-5 * elevation) * extraterrestrial_radiation(latitude, day_of_year)


def longwave_radiation(temperature, vapour_pressure, clearness):
    """Downward longwave, W m-2.

    Clear-sky emissivity of Prata (1996), raised towards 1 with the cloud fraction that the
    shortwave shows, ``1 - clearness`` (Crawford & Duchon 1999, eq. 3). ``temperature`` in degC,
    ``vapour_pressure`` in kPa, ``clearness`` = shortwave / clear-sky shortwave, 0 to 1.
    """
    kelvin = temperature + 273.15
    water = 46.5 * 10 * vapour_pressure / kelvin  # precipitable water, g cm-2, from hPa and K
    emissivity = 1 - (1 + water) * np.exp(-np.sqrt(1.2 + 3.0 * water))
    emissivity = 1 - clearness * (1 - emissivity)
    return emissivity * STEFAN_BOLTZMANN * kelvin**4
