"""GLEAM daily fields: a netCDF-4 file a variable and year."""

from pathlib import Path

import netCDF4
import numpy as np

from parlearn.geometry.grids import LatLonGrid
from parlearn.storage.files import replacing

MISSING = -999.0
UNITS = {"S": "-", "SMroot": "m3/m3", "SMsurf": "m3/m3"}


def write(folder, days, grid: LatLonGrid, fields: dict, version="v3.7a") -> list[Path]:
    """Write years as ``v3.7a/daily/YYYY/E_YYYY_GLEAM_v3.7a.nc``.

    Parameters
    ----------
    days : (time,) datetime64, whole years
    grid : of the arrays, rows from the north as GLEAM has them
    fields : name of GLEAM ('E', 'SMsurf', ...) -> (time, row, column), NaN = missing
    version : before v3.6 longitude comes before latitude in the files

    Returns
    -------
    The files, in order of variable and time.
    """
    days = np.asarray(days).astype("datetime64[D]")
    years = days.astype("datetime64[Y]")
    number = tuple(int(n) for n in version.strip("vabc").split("."))
    dims = ("time", "lat", "lon") if number >= (3, 6) else ("time", "lon", "lat")
    paths = []
    for name, values in fields.items():
        for year in np.unique(years):
            inside = np.flatnonzero(years == year)
            path = (
                Path(folder) / version / "daily" / f"{year}" / f"{name}_{year}_GLEAM_{version}.nc"
            )
            with replacing(path) as temporary:
                _write(temporary, name, days[inside], grid, values[inside], dims)
            paths.append(path)
    return paths


def _write(path, name, days, grid, values, dims):
    with netCDF4.Dataset(path, "w", format="NETCDF4") as ds:
        axes = {
            "time": ((days - days[0]).astype(np.int32), f"days since {days[0]} 00:00:00"),
            "lat": (grid.lat, "degrees_north"),
            "lon": (grid.lon, "degrees_east"),
        }
        for axis, (numbers, units) in axes.items():
            ds.createDimension(axis, len(numbers))
            variable = ds.createVariable(axis, "i4" if axis == "time" else "f4", (axis,))
            variable.setncatts({"units": units, "standard_name": axis})
            variable[:] = numbers
        variable = ds.createVariable(
            name, "f4", dims, zlib=True, complevel=1, fill_value=MISSING,
            chunksizes=[min(31, len(days)) if d == "time" else ds.dimensions[d].size for d in dims],
        )  # fmt: skip
        variable.set_auto_maskandscale(False)
        variable.setncatts({"units": UNITS.get(name, "mm/day"), "missing_value": MISSING})
        values = np.where(np.isnan(values), np.float32(MISSING), values).astype(np.float32)
        variable[:] = values if dims[1] == "lat" else values.transpose(0, 2, 1)
