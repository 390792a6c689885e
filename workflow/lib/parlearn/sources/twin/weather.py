"""Daily weather for a made-up region: storms, seasons, and variables that agree with each other.

One latent Gaussian field, correlated in space and from day to day, carries the storms: it decides
which cells are wet, how much falls (so that amounts peak in the middle of a storm) and most of the
cloud. Cloud then sets shortwave, longwave, humidity and a part of temperature.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr
from scipy.stats import gamma

from parlearn.land.radiation import clear_sky_radiation, longwave_radiation
from parlearn.land.subdaily import MINIMUM_WIND, pressure_from_elevation
from parlearn.sources.twin.fields import evolving_field

DAYS_PER_YEAR = 365.25
GAMMA_SHAPE = 0.6  # of the amounts on wet days: many small, few large
DRIZZLE = 0.1  # mm day-1: less counts as dry

#: length (cells of 0.125 degree, about 12 km) -> share of variance
STORM_SCALES = {16.0: 0.65, 5.0: 0.35}
FRONT_SCALES = {40.0: 0.85, 10.0: 0.15}


@dataclass(frozen=True)
class Climate:
    """The normals the weather is drawn around; arrays (cell,) in row-major order of the grid."""

    latitude: np.ndarray  # degrees north
    elevation: np.ndarray  # m
    precipitation: np.ndarray  # mm year-1
    temperature: np.ndarray  # degC, annual mean
    amplitude: np.ndarray  # K, half the range of the annual cycle


def saturation_pressure(temperature):
    """Saturation vapour pressure (kPa) over water at ``temperature`` (degC); Tetens (1930)."""
    return 0.61078 * np.exp(17.269 * temperature / (237.3 + temperature))


def potential_evapotranspiration(radiation, temperature):
    """Potential evapotranspiration, mm day-1 (Oudin et al. 2005, eq. 3).

    ``radiation`` (W m-2) is that at the top of the atmosphere, ``temperature`` in degC.
    """
    latent_heat = 2.45e6  # J kg-1
    return np.maximum(radiation * 86400 / latent_heat * (temperature + 5) / 100, 0)


def season(day_of_year):
    """1 in mid-July, -1 in mid-January."""
    return np.cos(2 * np.pi * (np.asarray(day_of_year) - 198) / DAYS_PER_YEAR)


def _precipitation(climate: Climate, summer: np.ndarray, storms: np.ndarray) -> np.ndarray:
    """Amounts (day, cell), mm day-1, from the latent field of storms.

    A day is wet where the upper tail of the latent value is thinner than the chance of rain; how
    far it is beyond is its rank among wet days, which a gamma distribution turns into an amount.
    """
    annual = climate.precipitation
    chance = 0.15 + 0.3 * (1 - np.exp(-annual / 700))
    chance = (chance * (1 + 0.15 * summer)).astype(np.float32)
    concentration = 0.25 + 0.3 * np.exp(-annual / 700)  # the dry side has its rain in summer
    daily_mean = annual / DAYS_PER_YEAR * (1 + concentration * summer)

    thinness = -np.log(np.maximum(ndtr(-storms), 1e-7) / chance)  # < 0: dry
    table = np.linspace(0, 16, 1601)
    amounts = gamma.isf(np.exp(-table), GAMMA_SHAPE) / GAMMA_SHAPE
    amount = np.interp(thinness, table, amounts, left=0.0) * daily_mean / chance
    return np.where((thinness > 0) & (amount >= DRIZZLE), amount, 0).astype(np.float32)


def draw_weather(
    climate: Climate,
    time: pd.DatetimeIndex,
    shape: tuple[int, int],
    generators: dict[str, np.random.Generator],
) -> dict[str, np.ndarray]:
    """Daily weather, arrays (cell, day) float32.

    Parameters
    ----------
    climate : normals of the cells.
    time : the days.
    shape : rows and columns of the grid.
    generators : random streams ``storms``, ``clouds``, ``temperature``, ``humidity``, ``wind``.

    Returns
    -------
    prec (mm day-1), tair (degC), swdown, lwdown (W m-2), vp, pressure (kPa), wind (m s-1); vapour
    pressure is at most that of saturation at the day's mean temperature.
    """
    days = len(time)
    doy = time.day_of_year.to_numpy()[:, None].astype(np.float32)
    summer = season(doy)
    wetness = 1 - np.exp(-climate.precipitation / 600)

    storms = evolving_field(generators["storms"], days, shape, STORM_SCALES, 0.45)
    prec = _precipitation(climate, summer, storms)

    other = evolving_field(generators["clouds"], days, shape, {12.0: 1.0}, 0.4)
    cloud = ndtr(0.75 * storms + 0.6 * other + 0.9 * (wetness - 0.35) - 0.15 * summer)
    cloud = np.where(prec > 1, np.maximum(cloud, 0.6), cloud)
    clear_sky = clear_sky_radiation(climate.latitude, climate.elevation, time.day_of_year).T
    clearness = 1 - 0.75 * cloud**3.4  # Kasten & Czeplak (1980)
    swdown = clear_sky * clearness

    front = evolving_field(generators["temperature"], days, shape, FRONT_SCALES, 0.72)
    tair = climate.temperature - climate.amplitude * np.cos(2 * np.pi * (doy - 17) / DAYS_PER_YEAR)
    tair = tair + (4.3 - 1.5 * summer) * front  # winters are more changeable
    tair = tair - 3.5 * summer * (cloud - 0.5)  # cloud cools summer days, keeps winter days mild

    damp = evolving_field(generators["humidity"], days, shape, {20.0: 1.0}, 0.6)
    humidity = 0.42 + 0.3 * wetness - 0.06 * summer + 0.28 * (cloud - 0.5) + 0.07 * damp
    humidity = np.clip(humidity + 0.05 * (prec > 1), 0.15, 0.98)
    vp = humidity * saturation_pressure(tair)

    gusts = evolving_field(generators["wind"], days, shape, {30.0: 1.0}, 0.45)
    wind = (4.6 - 1.2 * wetness - 0.3 * summer) * np.exp(0.35 * gusts - 0.35**2 / 2)

    daily = {
        "prec": prec,
        "tair": tair,
        "swdown": swdown,
        "lwdown": longwave_radiation(tair, vp, clearness),
        "vp": vp,
        "pressure": np.broadcast_to(pressure_from_elevation(climate.elevation), prec.shape),
        "wind": np.maximum(wind, MINIMUM_WIND),
    }
    return {name: np.ascontiguousarray(v.T, dtype=np.float32) for name, v in daily.items()}
