"""Synthetic satellite observations of the truth: errors, overpasses, snow, frost and cloud."""

import numpy as np
import pandas as pd
import torch
import xarray as xr

from parlearn.land.radiation import clear_sky_radiation
from parlearn.models import observation
from parlearn.sources.twin.config import TwinConfig

#: SMAP (Entekhabi et al. 2010, doi:10.1109/JPROC.2010.2043918): an orbit that comes back after
#: 117 turns in 8 days, crosses the equator southwards at 6 a.m. and sees a band 1,000 km wide,
#: to which half of a 40 km footprint is added on each side
ORBITS_PER_DAY = 117 / 8
INCLINATION = np.deg2rad(98.12)
HALF_SWATH = 520.0  # km
KM_PER_DEGREE = 111.2
#: the product keeps its retrievals within these (m3 m-3)
LOWEST_RETRIEVAL, HIGHEST_RETRIEVAL = 0.02, 0.50
SNOW_SEEN = 0.1  # mm of water: more on the ground hides the soil
CLOUD_FREE = 0.75  # of the clear-sky shortwave: with less the sky is too cloudy to see the ground


def overpasses(latitude, longitude, days) -> np.ndarray:
    """Whether the morning swath covers a cell: bool (cell, day).

    The nearest track is found on the lattice of the descending passes of a circular orbit.

    Parameters
    ----------
    latitude, longitude : (cell,) degrees, within 80 degrees of the equator
    days : (day,) integers, any origin; the pattern repeats after 8
    """
    spacing = 360 / ORBITS_PER_DAY

    def track_longitude(degrees):
        """Longitude of a southward track at a latitude, relative to its crossing of the equator."""
        along = -np.arcsin(np.sin(np.deg2rad(degrees)) / np.sin(INCLINATION))
        inertial = np.arctan2(-np.cos(INCLINATION) * np.sin(along), np.cos(along))
        return np.rad2deg(inertial) - along / (2 * np.pi) * spacing

    latitude = np.asarray(latitude, dtype=np.float64)
    slant = track_longitude(latitude + 0.05) - track_longitude(latitude - 0.05)
    across = np.cos(np.arctan(slant / 0.1 * np.cos(np.deg2rad(latitude))))
    km = KM_PER_DEGREE * np.cos(np.deg2rad(latitude)) * across
    east = (np.asarray(longitude) - track_longitude(latitude))[:, None] - 360.0 * np.asarray(days)
    away = np.abs((east + spacing / 2) % spacing - spacing / 2)
    return away * km[:, None] < HALF_SWATH


def observe(
    config: TwinConfig,
    domain: xr.Dataset,
    forcing: xr.Dataset,
    truth: xr.Dataset,
    generators: dict[str, np.random.Generator],
) -> xr.Dataset:
    """Observations (cell, time) from the truth; NaN where and when there is none.

    Soil moisture is that of :func:`retrievals` without frost and snow. Evapotranspiration is that
    of :func:`estimates` on days that are not cloudy.
    """
    retrieved = retrievals(config, domain, forcing, truth, generators["soil_moisture"])
    hidden = retrieved["frost"] | retrieved["snow"]
    flux = estimates(config, domain, truth, generators["evapotranspiration"])
    time = pd.DatetimeIndex(forcing["time"].values)
    clear_sky = clear_sky_radiation(domain["lat"].values, domain["elev"].values, time.day_of_year)
    clear = forcing["swdown"].values > CLOUD_FREE * clear_sky
    flux = flux.where(xr.DataArray(clear, dims=("cell", "time")))
    flux.attrs["long_name"] = "evapotranspiration of clear days (made up)"
    return xr.Dataset(
        {
            "soil_moisture": retrieved["soil_moisture"].where(~hidden),
            "evapotranspiration": flux,
        },
        attrs={"record_start": str(config.start)},
    )


def retrievals(config: TwinConfig, domain, forcing, truth, generator) -> xr.Dataset:
    """What SMAP's morning pass makes of each cell (cell, time).

    Soil moisture of 6 a.m., the mean of the ends of the day before and of the day, through a line
    (``sm_slope``, ``sm_offset``) and white noise (``sm_noise``), kept within the limits of the
    product; NaN off the swath and in the spin-up. ``frost`` at 6 a.m. and ``snow`` on the ground
    (bool) make it worthless.
    """
    time = pd.DatetimeIndex(forcing["time"].values)
    day_number = time.to_numpy().astype("datetime64[D]").astype(np.int64)
    end_of_day = torch.from_numpy(truth["soil_moisture"].values)
    morning = observation.observe(end_of_day, "soil_moisture").numpy()
    noise = _noise(config, domain, len(time), generator)
    values = config.sm_slope * morning + config.sm_offset + config.sm_noise * noise
    values = np.clip(values, LOWEST_RETRIEVAL, HIGHEST_RETRIEVAL)
    seen = overpasses(domain["lat"].values, domain["lon"].values, day_number)
    seen &= _recorded(config, time)
    # the third step begins at 6 a.m., the second ends there
    frost = forcing["tair_3h"].isel(step=[1, 2]).mean("step").values < 0
    snow = np.zeros(seen.shape, bool)
    if "swe" in truth:
        snow = truth["swe"].values > SNOW_SEEN
        snow[:, 1:] |= snow[:, :-1]
    dims = ("cell", "time")
    return xr.Dataset(
        {
            "soil_moisture": (
                dims,
                np.where(seen, values, np.nan).astype(np.float32),
                {"units": "m3 m-3", "long_name": "surface soil moisture at 6 a.m. (made up)"},
            ),
            "frost": (dims, frost),
            "snow": (dims, snow),
        },
        coords={"time": forcing["time"]},
    )


def estimates(config: TwinConfig, domain, truth, generator) -> xr.DataArray:
    """Daily evapotranspiration (cell, time) with an error in proportion (lognormal, unbiased,
    ``et_noise``), NaN in the spin-up."""
    time = pd.DatetimeIndex(truth["time"].values)
    spread = np.sqrt(np.log1p(config.et_noise**2))
    factor = np.exp(spread * _noise(config, domain, len(time), generator) - spread**2 / 2)
    values = np.where(_recorded(config, time), truth["evapotranspiration"].values * factor, np.nan)
    return xr.DataArray(
        values.astype(np.float32),
        dims=("cell", "time"),
        coords={"time": truth["time"]},
        attrs={"units": "mm day-1", "long_name": "evapotranspiration (made up)"},
    )


def _recorded(config, time):
    return np.asarray(time >= pd.Timestamp(config.start))


def _noise(config, domain, days, generator):
    """(cell, day) normal; drawn for the whole grid, so that a cell meets the same with and without
    others."""
    place = domain["row"].values * config.cols + domain["col"].values
    whole = generator.standard_normal((days, config.rows * config.cols), dtype=np.float32)
    return whole[:, place].T
