"""Potential evapotranspiration from temperature and the sun's path alone.

Radiation at the top of the atmosphere: Allen et al. (1998), FAO Irrigation and Drainage Paper 56,
equation 21.
"""

import numpy as np

from parlearn.land.subdaily import SOLAR_CONSTANT, cos_zenith

LATENT_HEAT = 2.45  # MJ kg-1


def extraterrestrial_radiation(latitude, day_of_year):
    """Daily mean radiation on a horizontal plane at the top of the atmosphere (W m-2).

    latitude : (cell,) degrees north; day_of_year : (day,) 1..366. Gives (cell, day) float64.
    """
    latitude, day = np.asarray(latitude, np.float64), np.asarray(day_of_year)
    # many cells share a latitude, and days come back each year
    places, cell = np.unique(latitude, return_inverse=True)
    days, when = np.unique(day, return_inverse=True)
    distance = 1 + 0.033 * np.cos(2 * np.pi * days / 365)
    table = SOLAR_CONSTANT * distance * cos_zenith(places, days).mean(axis=-1)
    return table[cell[:, None], when]


def _evaporated(radiation):
    """mm a day that a radiation in W m-2 would evaporate."""
    return radiation * 0.0864 / LATENT_HEAT


def oudin(tair, latitude, day_of_year):
    """Potential evapotranspiration (mm day-1) by temperature and the sun's path.

    Oudin et al. 2005, doi:10.1016/j.jhydrol.2004.08.026.
    tair : (cell, day) daily mean in degC. Zero at -5 degC and below (their eq. 3, with 5 and 100).
    """
    radiation = extraterrestrial_radiation(latitude, day_of_year)
    return _evaporated(radiation) * np.maximum(np.asarray(tair, np.float64) + 5, 0) / 100


def hargreaves(tmin, tmax, latitude, day_of_year):
    """Potential evapotranspiration (mm day-1) of Hargreaves & Samani 1985 (FAO-56, eq. 52).

    tmin, tmax : (cell, day) in degC. Zero where the mean is -17.8 degC or below.

    Raises
    ------
    ValueError
        Where a tmax is below its tmin.
    """
    tmin, tmax = np.asarray(tmin, np.float64), np.asarray(tmax, np.float64)
    if (tmax < tmin).any():
        cell, day = np.argwhere(tmax < tmin)[0]
        raise ValueError(
            f"tmax {tmax[cell, day]:g} is below tmin {tmin[cell, day]:g} degC at cell {cell}, day "
            f"{day}: correct the forcing or leave the cell out"
        )
    radiation = extraterrestrial_radiation(latitude, day_of_year)
    warmth = np.maximum((tmin + tmax) / 2 + 17.8, 0)
    return 0.0023 * _evaporated(radiation) * warmth * np.sqrt(tmax - tmin)
