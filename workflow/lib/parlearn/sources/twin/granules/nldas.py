"""NLDAS_FORA0125_H 2.0: netCDF-4 of one hour, or of all hours of a month."""

from pathlib import Path

import netCDF4
import numpy as np

from parlearn.geometry.grids import LatLonGrid
from parlearn.storage.files import replacing

VERSION, MISSING = "020", -9999.0
#: name -> units, long name, step the values are rounded to (a power of two keeps files small)
VARIABLES = {
    "Tair": ("K", "2-m above ground temperature", 2.0**-6),
    "Qair": ("kg kg-1", "2-m above ground specific humidity", 2.0**-18),
    "PSurf": ("Pa", "surface pressure", 4.0),
    "Wind_E": ("m s-1", "10-m above ground zonal wind speed", 2.0**-6),
    "Wind_N": ("m s-1", "10-m above ground meridional wind speed", 2.0**-6),
    "LWdown": ("W m-2", "longwave radiation flux downwards at surface", 2.0**-3),
    "SWdown": ("W m-2", "shortwave radiation flux downwards at surface", 2.0**-3),
    "Rainf": ("kg m-2", "total precipitation hourly total", 2.0**-11),
    "PotEvap": ("kg m-2", "potential evaporation hourly total", 2.0**-11),
    "CRainf_frac": ("fraction", "fraction of total precipitation that is convective", 2.0**-10),
    "CAPE": ("J kg-1", "convective available potential energy", 1.0),
}


def write(folder, times, grid: LatLonGrid, fields: dict, group: str = "month") -> list[Path]:
    """Write hours as the archive has them (``YYYY/DOY``) or a file a month (``YYYY``).

    Parameters
    ----------
    times : (time,) datetime64, whole hours, the stamps
    grid : of the arrays
    fields : name of :data:`VARIABLES` -> (time, row, column) in its unit, NaN = missing. Rainf is
        the total of the hour ending at the stamp
    group : 'month' or 'hour'

    Returns
    -------
    The files, in order of time.
    """
    times = np.asarray(times).astype("datetime64[h]")
    if group == "month":
        keys = times.astype("datetime64[M]")
    elif group == "hour":
        keys = times
    else:
        raise ValueError(f"group {group!r} is neither 'month' nor 'hour'")
    paths = []
    for key in np.unique(keys):
        part = np.flatnonzero(keys == key)
        part = slice(part[0], part[-1] + 1)
        path = Path(folder) / name_of(key)
        with replacing(path) as temporary:
            _write(temporary, times[part], grid, {n: v[part] for n, v in fields.items()})
        paths.append(path)
    return paths


def name_of(key: np.datetime64) -> str:
    """Place of a granule under the archive, by its month (datetime64[M]) or hour."""
    text = str(key).replace("-", "")
    year = text[:4]
    if key.dtype == np.dtype("datetime64[M]"):
        return f"{year}/NLDAS_FORA0125_H.A{text}.{VERSION}.nc"
    of_year = (key.astype("datetime64[D]") - np.datetime64(f"{year}-01-01")).astype(int) + 1
    day, hour = text.split("T")
    return f"{year}/{of_year:03d}/NLDAS_FORA0125_H.A{day}.{hour}00.{VERSION}.nc"


def _write(path, times, grid, fields):
    with netCDF4.Dataset(path, "w", format="NETCDF4") as ds:
        ds.setncatts({"Conventions": "CF-1.6", "title": "NLDAS_FORA0125_H v2.0 (made up)"})
        axes = {
            "time": (_minutes(times), f"minutes since {times[0]}:00:00".replace("T", " ")),
            "lat": (grid.lat, "degrees_north"),
            "lon": (grid.lon, "degrees_east"),
        }
        for name, (values, units) in axes.items():
            ds.createDimension(name, values.size)
            kind = "i4" if name == "time" else "f4"
            axis = ds.createVariable(name, kind, (name,))
            axis.setncatts({"units": units, "standard_name": name})
            axis[:] = values
        chunks = (min(times.size, 124), *grid.shape)
        for name, values in fields.items():
            units, long_name, step = VARIABLES[name]
            variable = ds.createVariable(
                name, "f4", tuple(axes), zlib=True, complevel=1, chunksizes=chunks,
                fill_value=MISSING,
            )  # fmt: skip
            variable.set_auto_maskandscale(False)
            variable.setncatts({"units": units, "long_name": long_name, "missing_value": MISSING})
            rounded = np.round(np.asarray(values, dtype=np.float32) / np.float32(step))
            rounded *= np.float32(step)
            variable[:] = np.where(np.isnan(rounded), np.float32(MISSING), rounded)


def _minutes(times):
    return (times - times[0]).astype("timedelta64[m]").astype(np.int32)
