"""CMFD: 3-hourly, int16-packed netCDF files of a variable and month, plain or as .nc.gz."""

import gzip
import tempfile
from pathlib import Path

import netCDF4
import numpy as np

from parlearn.geometry.grids import LatLonGrid
from parlearn.storage.files import replacing

FOLDER, VERSION = "Data_forcing_03hr_010deg", "V0106_B-01"
FILL = np.int16(-32767)
#: variable -> folder, unit, long name, step and middle of the packed range
VARIABLES = {
    "temp": ("Temp", "K", "Near surface air temperature", 0.005, 270.0),
    "pres": ("Pres", "Pa", "Near surface air pressure", 2.0, 70000.0),
    "shum": ("SHum", "kg kg-1", "Near surface air specific humidity", 1e-6, 0.025),
    "wind": ("Wind", "m s-1", "Near surface wind speed", 0.002, 50.0),
    "srad": ("SRad", "W m-2", "Surface downward shortwave radiation", 0.05, 1000.0),
    "lrad": ("LRad", "W m-2", "Surface downward longwave radiation", 0.05, 1000.0),
    "prec": ("Prec", "mm hr-1", "Precipitation rate", 0.0025, 75.0),
}
EPOCH = np.datetime64("1900-01-01T00")


def write(folder, times, grid: LatLonGrid, fields: dict, compressed=False) -> list[Path]:
    """Write months as ``Data_forcing_03hr_010deg/Temp/temp_CMFD_V0106_B-01_03hr_010deg_YYYYMM.nc``.

    Parameters
    ----------
    times : (time,) datetime64, three hours apart
    grid : of the arrays
    fields : name of :data:`VARIABLES` -> (time, row, column) in its unit, NaN = missing. prec is
        the mean rate of the three hours before the stamp, srad and lrad are means around it
    compressed : write ``.nc.gz``

    Returns
    -------
    The files, in order of variable and time.
    """
    times = np.asarray(times).astype("datetime64[h]")
    months = times.astype("datetime64[M]")
    paths = []
    for name, values in fields.items():
        for month in np.unique(months):
            inside = np.flatnonzero(months == month)
            date = str(month).replace("-", "")
            path = Path(folder) / FOLDER / VARIABLES[name][0]
            path /= f"{name}_CMFD_{VERSION}_03hr_010deg_{date}.nc" + ".gz" * compressed
            with replacing(path) as temporary:
                if compressed:
                    _compress(temporary, name, times[inside], grid, values[inside])
                else:
                    _write(temporary, name, times[inside], grid, values[inside])
            paths.append(path)
    return paths


def _compress(path, *content):
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.nc"
        _write(plain, *content)
        # without name and time of the plain file, so that the same content gives the same bytes
        with open(path, "wb") as target, gzip.GzipFile("", "wb", 6, target, mtime=0) as packed:
            packed.write(plain.read_bytes())


def _write(path, name, times, grid, values):
    _, units, long_name, step, middle = VARIABLES[name]
    with netCDF4.Dataset(path, "w", format="NETCDF4") as ds:
        axes = {
            "time": ((times - EPOCH).astype(np.int32), "hours since 1900-01-01 00:00:0.0"),
            "lat": (grid.lat, "degrees_north"),
            "lon": (grid.lon, "degrees_east"),
        }
        for axis, (numbers, unit) in axes.items():
            ds.createDimension(axis, len(numbers))
            variable = ds.createVariable(axis, "i4" if axis == "time" else "f4", (axis,))
            variable.setncatts({"units": unit, "long_name": axis})
            variable[:] = numbers
        packed = np.round((np.asarray(values, dtype=np.float64) - middle) / step)
        if np.nanmax(np.abs(packed), initial=0) >= -int(FILL):
            raise ValueError(
                f"{name}: values from {np.nanmin(values):g} to {np.nanmax(values):g} {units} do "
                f"not fit into 16 bits in steps of {step:g} around {middle:g}"
            )
        variable = ds.createVariable(
            name, "i2", tuple(axes), zlib=True, complevel=1, fill_value=FILL,
            chunksizes=(min(len(times), 62), *grid.shape),
        )  # fmt: skip
        variable.set_auto_maskandscale(False)
        variable.setncatts(
            {"units": units, "long_name": long_name, "scale_factor": step, "add_offset": middle}
        )
        variable.missing_value = FILL
        variable[:] = np.where(np.isnan(packed), FILL, packed).astype(np.int16)
