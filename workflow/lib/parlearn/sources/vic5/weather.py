"""Forcing of VIC 5's image driver, as users have it, in the form of forcing.nc.

A file for each calendar year; steps of 1, 3, 6 or 24 hours, stamped at their beginning, in the days
of the file (VIC runs 00 to 24 h of the file's clock as one day). VIC here takes temperature and
shortwave in steps of 3 hours and means of the day of all else: steps of one hour are averaged, of
six hours taken twice, and of a day spread as :mod:`parlearn.land.subdaily` has it.
"""

from collections.abc import Mapping
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import xarray as xr

from parlearn.land.subdaily import STEPS, vic_forcing
from parlearn.sources.units import same_unit
from parlearn.sources.vic5.files import Grid, VicFileError, check_places, numbers, open_raw, spelt

#: steps of a file, hours
HOURS = (1, 3, 6, 24)
#: VIC's FORCE_TYPE -> ours, unit that VIC takes it for, names that are usual, plausible range
TYPES = {
    "AIR_TEMP": ("tair", "degC", ("tas", "temp", "air_temp", "AIR_TEMP"), (-90, 70)),
    "PREC": ("prec", "mm", ("prcp", "prec", "PREC", "pr"), (0, 500)),
    "PRESSURE": ("pressure", "kPa", ("pres", "air_pressure", "pressure", "PRESSURE"), (30, 112)),
    "SWDOWN": ("swdown", "W m-2", ("dswrf", "shortwave", "swdown", "SWDOWN"), (0, 1800)),
    "LWDOWN": ("lwdown", "W m-2", ("dlwrf", "longwave", "lwdown", "LWDOWN"), (20, 800)),
    "VP": ("vp", "kPa", ("vp", "vapor_pressure", "vapour_pressure", "VP"), (0, 12)),
    "WIND": ("wind", "m s-1", ("wind", "WIND"), (0, 100)),
}
_OF_A_STEP = ("timestep-1", "step-1", "per step", "per timestep", "/step", "/timestep")


def read_forcing(
    prefix,
    grid: Grid,
    record,
    *,
    names: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """Forcing of the cells of a domain in the form of forcing.nc, spin-up first, no gap.

    Parameters
    ----------
    prefix : VIC's FORCING1: files are named by it and the year, ``PREFIX2008.nc``
    record : first and last day, ISO; the year before it has the weather of the first one
    names : FORCE_TYPE -> name in the files, where it is none of the usual ones
    units : FORCE_TYPE -> unit the files are really in, where their attribute is wrong

    Raises
    ------
    VicFileError
        Files or variables that are missing, units that are not VIC's, values that cannot be in
        them, steps that are not regular, another grid, days that are not there.
    """
    first, last = (np.datetime64(day) for day in record)
    days = np.arange(first, last + 1)
    parts = [
        _of_year(Path(f"{prefix}{year}.nc"), grid, dict(names or {}), dict(units or {}))
        for year in range(pd.Timestamp(first).year, pd.Timestamp(last).year + 1)
    ]
    hours = {part[2] for part in parts}
    if len(hours) > 1:
        raise VicFileError(
            f"{prefix}: the years have steps of {sorted(hours)} hours: make them one"
        )
    found = np.concatenate([part[0] for part in parts])
    steps = {name: np.concatenate([part[1][name] for part in parts], 1) for name in parts[0][1]}
    absent = np.setdiff1d(days, found)
    if len(absent):
        raise VicFileError(
            f"{prefix}: the days {absent[0]} to {absent[-1]} ({len(absent)}) of the record "
            f"{record[0]} .. {record[1]} are not there: shorten source.record, or add the files"
        )
    chosen = np.searchsorted(found, days)
    timeline, lent = _with_spinup(days)
    steps = {name: values[:, chosen][:, lent] for name, values in steps.items()}
    lat = grid.lat[grid.cells]
    daily = {
        name: (values.sum(-1) if name == "prec" else values.mean(-1))
        for name, values in steps.items()
    }
    forcing = vic_forcing(timeline, lat, **daily)
    if (length := hours.pop()) != 24:
        for name in ("tair", "swdown"):
            forcing[f"{name}_3h"].values[:] = _in_steps(steps[name], length)
    forcing.attrs["record_start"] = str(first)
    forcing.attrs["spinup"] = "weather of the first year of the record, dated one year earlier"
    forcing.attrs["step_hours"] = length
    return forcing


def _of_year(path: Path, grid, names, units):
    """Days of a file, type -> (cell, day, step), and hours of a step."""
    table = open_raw(path)
    check_places(path, table, grid)
    time = _stamps(path, table)
    hours = _hours(path, time)
    per_day = 24 // hours
    days = time.astype("datetime64[D]")[::per_day]
    values = {}
    for kind, (ours, unit, usual, (lower, upper)) in TYPES.items():
        name = names.get(kind) or next((n for n in usual if n in table), None)
        if name is None or name not in table:
            raise VicFileError(
                f"{path} has no {kind} ({unit}){f' named {name}' if name else ''}; there are "
                f"{', '.join(map(str, table.data_vars))}: name it under source.variables"
            )
        said = units.get(kind) or str(table[name].attrs.get("units", unit))
        plain = spelt(said)
        for ending in _OF_A_STEP if kind == "PREC" else ():
            plain = plain.removesuffix(ending).strip()
        if not same_unit(spelt(plain), unit):
            raise VicFileError(
                f"{path}: {name} is in {said!r}, VIC takes {kind} for {unit}"
                f"{' per step' if kind == 'PREC' else ''}: convert it, or, where the attribute is "
                f"wrong, write source.units: {{{kind}: {unit}}}"
            )
        series = numbers(table, name)
        if series.shape != (len(time), *grid.active.shape):
            raise VicFileError(
                f"{path}: {name} has the shape {series.shape}, needed are {len(time)} steps on a "
                f"grid of {grid.active.shape}"
            )
        series = series[:, *grid.cells]
        bad = ~((series >= lower) & (series <= upper))
        if bad.any():
            step, cell = np.argwhere(bad)[0]
            raise VicFileError(
                f"{path}: {name} is {series[step, cell]:g} at {str(time[step])[:16]}, row "
                f"{grid.cells[0][cell]}, column {grid.cells[1][cell]} ({int(bad.sum())} such "
                f"values); {kind} in {unit} lies between {lower:g} and {upper:g}: it is missing "
                "there, or in another unit"
            )
        values[ours] = series.T.reshape(len(series.T), len(days), per_day)
    return days, values, hours


def _stamps(path, table) -> np.ndarray:
    """Times of a file as datetime64[s]."""
    if "time" not in table.variables:
        raise VicFileError(f"{path} has no time: each step needs its stamp")
    variable = table["time"]
    try:
        stamps = netCDF4.num2date(
            np.asarray(variable.values, dtype=np.float64),
            variable.attrs["units"],
            variable.attrs.get("calendar", "standard"),
        )
        return np.array([stamp.isoformat() for stamp in stamps], dtype="datetime64[s]")
    except (KeyError, ValueError) as error:
        raise VicFileError(
            f"{path}: time cannot be read ({error}): it needs units as 'hours since 2008-01-01' "
            "and a calendar that has every day of ours"
        ) from error


def _hours(path, time) -> int:
    """Hours of a step; VicFileError where steps are not regular or do not make whole days."""
    gaps = np.diff(time).astype(int)
    hours = gaps[0] / 3600 if len(gaps) else 0
    if hours not in HOURS:
        raise VicFileError(
            f"{path} has steps of {hours:g} hours; VIC here takes those of 1, 3, 6 or 24"
        )
    if (gaps != gaps[0]).any():
        k = int((gaps != gaps[0]).argmax())
        raise VicFileError(f"{path}: after {time[k]} a step is missing, or stands twice")
    if time[0] != time[0].astype("datetime64[D]") or len(time) % (24 // int(hours)):
        raise VicFileError(
            f"{path} goes from {time[0]} to {time[-1]}, which are no whole days of its steps: a "
            "stamp is the start of its step, and a day starts at 00 h"
        )
    return int(hours)


def _in_steps(values, hours) -> np.ndarray:
    """Means of 3 hours (cell, day, 8) of steps of 1, 3 or 6 hours."""
    if hours == 1:
        return values.reshape(*values.shape[:2], STEPS, 3).mean(-1)
    return np.repeat(values, hours // 3, axis=-1)


def _with_spinup(days):
    """The timeline with a year before it, and for each of its days the day whose weather it has."""
    record = pd.DatetimeIndex(days)
    spinup = pd.date_range(record[0] - pd.DateOffset(years=1), record[0] - pd.Timedelta(days=1))
    lent = record.get_indexer(pd.DatetimeIndex([d + pd.DateOffset(years=1) for d in spinup]))
    if (lent < 0).any():
        raise VicFileError(
            f"the record {days[0]} .. {days[-1]} is shorter than the year that is run before it: "
            "give a year at least"
        )
    return np.append(spinup.to_numpy(), record.to_numpy()).astype("datetime64[D]"), np.concatenate(
        [lent, np.arange(len(record))]
    )
