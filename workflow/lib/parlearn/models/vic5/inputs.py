"""All that the image driver of VIC 5 reads for one run: grid, parameters, weather, instructions.

The grid is invented: a row for each parameter set, a column for each cell. Formats are those of
the manual of VIC 5, "Image Driver".
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.models.vic.constants import SNOW_STEPS
from parlearn.models.vic5.export import domain_file, parameter_file

#: type of forcing of VIC 5 -> variable of our files, and of a forcing.nc
FORCING = {
    "AIR_TEMP": ("tas", "tair_3h"),
    "PREC": ("prcp", "prec"),
    "PRESSURE": ("pres", "pressure"),
    "SWDOWN": ("dswrf", "swdown_3h"),
    "LWDOWN": ("dlwrf", "lwdown"),
    "VP": ("vp", "vp"),
    "WIND": ("wind", "wind"),
}
#: settings under which VIC 5 is what :mod:`parlearn.models.vic` is
SETTINGS = {
    "MODEL_STEPS_PER_DAY": 1,
    "SNOW_STEPS_PER_DAY": SNOW_STEPS,
    "RUNOFF_STEPS_PER_DAY": 24,
    "CALENDAR": "STANDARD",
    "FULL_ENERGY": "FALSE",
    "FROZEN_SOIL": "FALSE",
    "NODES": 3,
    "SNOW_BAND": "FALSE",
    "BASEFLOW": "ARNO",
    "JULY_TAVG_SUPPLIED": "FALSE",
    "ORGANIC_FRACT": "FALSE",
    "LAI_SRC": "FROM_VEGPARAM",
    "FCAN_SRC": "FROM_VEGPARAM",
    "ALB_SRC": "FROM_VEGLIB",
}
RESULTS = "results"


def write_inputs(folder: Path, domain, forcing, values, names, variables: Iterable[str]) -> Path:
    """Write the files of one run into an empty folder.

    Parameters
    ----------
    domain : of a study, its cells those of the run
    forcing : of a study, its cells and days those of the run
    values : (set, cell, parameter) physical
    names : of the parameters
    variables : of VIC 5, to be put out each day

    Returns
    -------
    The global parameter file.
    """
    sets, cells, _ = values.shape
    everywhere = domain.isel(cell=np.tile(np.arange(cells), sets))
    table = xr.Dataset(
        {"parameters": (("parameter", "cell"), values.reshape(sets * cells, -1).T)},
        coords={"parameter": list(names)},
    )
    made = parameter_file(everywhere, table)
    wind = np.ones((sets, cells))
    if "aero_factor" in made:
        wind = made["aero_factor"].values.reshape(sets, cells)
        made = made.drop_vars("aero_factor")
    _in_rows(made, sets).to_netcdf(folder / "parameters.nc", format="NETCDF4")
    _in_rows(domain_file(everywhere), sets).to_netcdf(folder / "domain.nc", format="NETCDF4")
    days = pd.DatetimeIndex(forcing["time"].values)
    for year in days.year.unique():
        of_year = _weather(forcing.isel(time=np.flatnonzero(days.year == year)), wind)
        of_year.to_netcdf(folder / f"forcing.{year}.nc", format="NETCDF3_64BIT")
    path = folder / "global.txt"
    path.write_text(_global_parameters(folder, days, variables), encoding="utf-8")
    return path


def _in_rows(table: xr.Dataset, rows: int) -> xr.Dataset:
    """The same with its one row of cells broken into so many."""

    def broken(variable):
        if variable.dims[-2:] != ("y", "x"):
            return variable
        shape = (*variable.shape[:-2], rows, variable.shape[-1] // rows)
        return xr.Variable(variable.dims, variable.values.reshape(shape), variable.attrs)

    return xr.Dataset(
        {name: broken(table[name].variable) for name in table.variables}, attrs=table.attrs
    )


def _weather(forcing, wind) -> xr.Dataset:
    """Forcing of days of one calendar year on the grid (set, cell), in steps; the wind divided."""
    days = forcing.sizes["time"]
    steps = days * SNOW_STEPS
    made = {}
    for name, source in FORCING.values():
        table = forcing[source].transpose("time", ..., "cell").values.astype(float)
        if table.ndim == 2:
            table = np.repeat(table, SNOW_STEPS, axis=0)
        table = table.reshape(steps, 1, -1)
        if name == "prcp":
            table = table / SNOW_STEPS
        made[name] = (
            table / wind if name == "wind" else np.broadcast_to(table, (steps, *wind.shape))
        )
    out = xr.Dataset({n: (("time", "y", "x"), v.astype("f4")) for n, v in made.items()})
    first = pd.Timestamp(forcing["time"].values[0])
    hours = np.arange(steps) * (24.0 / SNOW_STEPS)
    units = {"units": f"hours since {first:%Y-%m-%d} 00:00:00", "calendar": "standard"}
    return out.assign(time=("time", hours, units))


def _global_parameters(folder, days, variables) -> str:
    first, last = days[0], days[-1]
    results = folder / RESULTS
    results.mkdir()
    lines = [f"{key} {value}" for key, value in SETTINGS.items()]
    for name, day in (("START", first), ("END", last)):
        lines += [f"{name}YEAR {day.year}", f"{name}MONTH {day.month}", f"{name}DAY {day.day}"]
    lines.append(f"DOMAIN {folder / 'domain.nc'}")
    of_domain = {"LAT": "lat", "LON": "lon", "MASK": "mask", "AREA": "area", "FRAC": "frac"}
    of_domain |= {"YDIM": "y", "XDIM": "x"}
    lines += [f"DOMAIN_TYPE {key} {name}" for key, name in of_domain.items()]
    lines.append(f"FORCING1 {folder / 'forcing.'}")
    lines += [f"FORCE_TYPE {key} {name}" for key, (name, _) in FORCING.items()]
    lines += [f"PARAMETERS {folder / 'parameters.nc'}"]
    lines += [f"RESULT_DIR {results}", f"LOG_DIR {folder}/"]
    lines += ["OUTFILE daily", "AGGFREQ NDAYS 1", "OUT_FORMAT NETCDF4", "HISTFREQ END"]
    lines += [f"OUTVAR {name} * OUT_TYPE_DOUBLE" for name in variables]
    return "\n".join(lines) + "\n"
