"""From daily means to what VIC reads: 3-hour temperature and shortwave, vapour pressure, pressure.

Days are 00-24 h local solar time in eight steps of three hours. Temperature follows a cosine that
peaks at 15 h, between the least and the greatest temperature of the day where these are known;
shortwave follows the cosine of the zenith angle on a horizontal plane. Declination, Sun-Earth
distance and sunset hour angle: Allen et al. (1998), FAO Irrigation and Drainage Paper 56,
equations 21-25.
"""

import numpy as np
import xarray as xr

STEPS = 8
SOLAR_CONSTANT = 1367.0  # W m-2
MINIMUM_WIND = 0.5  # m s-1; resistances grow without bound as wind goes to 0
#: half range of the daily temperature wave: K per unit of clearness, and its limits
AMPLITUDE_PER_CLEARNESS, AMPLITUDE_LIMITS = 10.0, (2.0, 9.0)


def pressure_from_elevation(elevation):
    """Air pressure (kPa) of the standard atmosphere at an elevation in m (ISO 2533)."""
    return 101.325 * (1 - 2.25577e-5 * np.asarray(elevation, dtype=np.float64)) ** 5.25588


def vapour_pressure(specific_humidity, pressure):
    """Vapour pressure, in the unit of ``pressure``, from specific humidity (kg kg-1)."""
    return specific_humidity * pressure / (0.622 + 0.378 * specific_humidity)


def specific_humidity(vapour_pressure, pressure):
    """Specific humidity (kg kg-1) from vapour pressure and pressure in one unit: the inverse of
    :func:`vapour_pressure`."""
    return 0.622 * vapour_pressure / (pressure - 0.378 * vapour_pressure)


def wind_speed(u, v):
    """Wind speed (m s-1) from its components, not below :data:`MINIMUM_WIND`."""
    return np.maximum(np.hypot(u, v), MINIMUM_WIND)


def cos_zenith(latitude, day_of_year):
    """Mean cosine of the zenith angle over each 3-hour step, the night counted as zero.

    Parameters
    ----------
    latitude : (cell,) degrees north
    day_of_year : (time,) 1..366

    Returns
    -------
    (cell, time, 8) float64, integrated exactly between sunrise and sunset.
    """
    phi = np.deg2rad(np.asarray(latitude, dtype=np.float64))[:, None, None]
    day = np.asarray(day_of_year, dtype=np.float64)[None, :, None]
    declination = 0.409 * np.sin(2 * np.pi * day / 365 - 1.39)
    constant = np.sin(phi) * np.sin(declination)
    amplitude = np.cos(phi) * np.cos(declination)
    # clipping gives 0 in the polar night and pi under the midnight sun; the pole has amplitude 0
    sunset = np.arccos(np.clip(-constant / np.maximum(amplitude, 1e-12), -1, 1))
    edges = np.linspace(-np.pi, np.pi, STEPS + 1)
    hour = np.clip(edges, -sunset, sunset)
    integral = constant * hour + amplitude * np.sin(hour)
    return np.maximum(np.diff(integral, axis=-1), 0) / (2 * np.pi / STEPS)


def temperature_amplitude(swdown, latitude, day_of_year):
    """Half range (K) of the daily temperature wave, from the clearness of the sky.

    10 K times the ratio of shortwave (cell, time) in W m-2 to that at the top of the atmosphere,
    held within 2 and 9 K.
    """
    cosine = cos_zenith(latitude, day_of_year).mean(axis=-1)
    return _amplitude(swdown, cosine, day_of_year)


def _amplitude(swdown, mean_cosine, day_of_year):
    distance = 1 + 0.033 * np.cos(2 * np.pi * np.asarray(day_of_year) / 365)
    top = np.maximum(SOLAR_CONSTANT * distance * mean_cosine, 1e-6)
    return np.clip(AMPLITUDE_PER_CLEARNESS * swdown / top, *AMPLITUDE_LIMITS)


def three_hourly(tair, swdown, latitude, day_of_year, tmin=None, tmax=None):
    """Temperature and shortwave of the eight 3-hour steps; their daily means are kept.

    Parameters
    ----------
    tair, swdown : (cell, time) degC, W m-2
    latitude : (cell,) degrees north
    day_of_year : (time,) 1..366
    tmin, tmax : (cell, time) degC, optional: the temperature swings by half their difference around
        ``tair``; without them by what the clearness of the sky tells
        (:func:`temperature_amplitude`)

    Returns
    -------
    tair_3h, swdown_3h : (cell, time, 8) float32
        Where the sun does not rise all day any shortwave is spread evenly.

    Raises
    ------
    ValueError
        On arrays that do not fit, and where tmax is below tmin.
    """
    half_range = _half_range(tmin, tmax)
    tair, swdown = (np.asarray(v, dtype=np.float64) for v in (tair, swdown))
    latitude, day_of_year = np.asarray(latitude), np.asarray(day_of_year)
    shape = (latitude.size, day_of_year.size)
    if tair.shape != shape or swdown.shape != shape:
        raise ValueError(
            f"temperature {tair.shape} and shortwave {swdown.shape} must be (cell, time) = {shape}"
        )
    if half_range is not None and half_range.shape != shape:
        raise ValueError(f"tmin and tmax are {half_range.shape}, must be (cell, time) = {shape}")
    wave = np.cos(2 * np.pi * (3 * np.arange(STEPS) + 1.5 - 15) / 24)
    tair_3h = np.empty((*shape, STEPS), dtype=np.float32)
    swdown_3h = np.empty_like(tair_3h)
    # cells of one row share the sun, so each latitude is worked out once; this also bounds memory
    for value in np.unique(latitude):
        row = np.flatnonzero(latitude == value)
        steps = cos_zenith([value], day_of_year)[0]
        mean = steps.mean(axis=-1)
        share = np.where(mean[:, None] > 0, steps / np.where(mean > 0, mean, 1)[:, None], 1.0)
        if half_range is None:
            amplitude = _amplitude(swdown[row], mean, day_of_year)
        else:
            amplitude = half_range[row]
        tair_3h[row] = tair[row, :, None] + amplitude[..., None] * wave
        swdown_3h[row] = swdown[row, :, None] * share
    return tair_3h, swdown_3h


def _half_range(tmin, tmax):
    """Half of the day's range of temperature (K); None where it is not known."""
    if (tmin is None) != (tmax is None):
        raise ValueError("only one of tmin and tmax is given: give both or neither")
    if tmin is None:
        return None
    half = (np.asarray(tmax, dtype=np.float64) - np.asarray(tmin, dtype=np.float64)) / 2
    if (half < 0).any():
        cell, day = np.argwhere(half < 0)[0]
        raise ValueError(
            f"tmax is below tmin at {int((half < 0).sum())} values, the first is cell {cell}, day "
            f"{day}: correct the weather or leave the cell out"
        )
    return half


_FORCING = {
    "prec": ("mm day-1", "precipitation (spread evenly over the 8 steps)"),
    "tair": ("degC", "mean air temperature"),
    "swdown": ("W m-2", "mean downward shortwave"),
    "lwdown": ("W m-2", "downward longwave (constant in the day)"),
    "vp": ("kPa", "vapour pressure (constant in the day)"),
    "pressure": ("kPa", "air pressure (constant in the day)"),
    "wind": ("m s-1", "wind speed (constant in the day)"),
}
_RANGE = {
    "tmin": ("degC", "least air temperature of the day"),
    "tmax": ("degC", "greatest air temperature of the day"),
}


def vic_forcing(time, latitude, **daily) -> xr.Dataset:
    """The forcing VIC needs, from daily series.

    This is the way for weather of which only daily data exist. Hourly and 3-hourly weather keeps
    the steps it came with: :func:`parlearn.land.days.daily_forcing`.

    Parameters
    ----------
    time : (time,) datetime64, one entry a day
    latitude : (cell,) degrees north
    prec, tair, swdown, lwdown, vp, pressure, wind : (cell, time) arrays
        In mm day-1, degC, W m-2, W m-2, kPa, kPa, m s-1; all seven are needed.
    tmin, tmax : (cell, time) degC, optional; see :func:`three_hourly`

    Returns
    -------
    xarray.Dataset, dims cell, time, step(8), float32: what was given and tair_3h, swdown_3h.
    """
    known = _FORCING | {name: _RANGE[name] for name in _RANGE if name in daily}
    if set(daily) != set(known):
        raise ValueError(f"daily forcing has {sorted(daily)}, needed are {sorted(known)}")
    days = xr.DataArray(np.asarray(time, dtype="datetime64[ns]"), dims="time")
    tair_3h, swdown_3h = three_hourly(
        daily["tair"],
        daily["swdown"],
        latitude,
        days.dt.dayofyear.values,
        daily.get("tmin"),
        daily.get("tmax"),
    )
    variables = {
        name: (
            ("cell", "time"),
            np.asarray(daily[name], dtype=np.float32),
            {"units": units, "long_name": long_name},
        )
        for name, (units, long_name) in known.items()
    }
    dims = ("cell", "time", "step")
    variables["tair_3h"] = dims, tair_3h, _attrs("degC", "air temperature of the 3-hour steps")
    variables["swdown_3h"] = dims, swdown_3h, _attrs("W m-2", "shortwave of the 3-hour steps")
    return xr.Dataset(variables, coords={"time": days})


def _attrs(units, long_name):
    return {"units": units, "long_name": long_name}
