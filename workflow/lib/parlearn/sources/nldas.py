"""NLDAS-2 primary forcing, NLDAS_FORA0125_H version 2.0: hourly, 0.125 degree, netCDF-4.

A granule holds one hour (the archive), or those of a day or a month (its subsets, joined in time).
``time`` is the stamp: Rainf is the total of the hour ending there, all else the state there.
Cells of water have no values. Mitchell et al. 2004, Xia et al. 2012 (doi:10.1029/2011JD016048).
"""

import re

import numpy as np

from parlearn.geometry.grids import Box
from parlearn.sources.assemble import Part, Variable, assemble, axis_of
from parlearn.sources.granules import (
    Coverage,
    GranuleError,
    Granules,
    UnreadableGranule,
    choose,
    dataset,
    first_readable,
    guarded,
)
from parlearn.sources.netcdf import Window, check_unit, opened, places_of, times_of, variable_of

#: ``NLDAS_FORA0125_H.A20150401.0000.020.nc``, ``...A201504.020.nc``; subsets end in .SUB.nc4
NAME = re.compile(
    r"NLDAS_FORA0125_H\.A(?P<date>\d{6}(?:\d\d(?:\.\d{4})?)?)\.(?P<version>\d{3})(?:\.nc4?)?(?:\.SUB)?"
    r"\.nc4?"
)
GRIB = re.compile(r"NLDAS_FORA0125_H\.A.*\.(grb|GRB)(\..*)?")
STEP, CENTRE = 0.125, (25.0625, -124.9375)
RECORD = ("1979-01-01", None)
#: fill of the GRIB files the netCDF ones were made from
UNDEFINED = 9.99e20
#: ours -> theirs, the unit their attribute must say, what is plausible in ours
VARIABLES = {
    "prec": ("Rainf", "kg m-2", Variable("mm", 0, 250, "precipitation of the hour ending then")),
    "tair": ("Tair", "K", Variable("K", 190, 340, "air temperature at 2 m")),
    "qair": ("Qair", "kg kg-1", Variable("kg kg-1", 0, 0.06, "specific humidity at 2 m")),
    "pressure": ("PSurf", "Pa", Variable("Pa", 4e4, 1.1e5, "surface pressure")),
    "u": ("Wind_E", "m s-1", Variable("m s-1", -90, 90, "eastward wind at 10 m")),
    "v": ("Wind_N", "m s-1", Variable("m s-1", -90, 90, "northward wind at 10 m")),
    "lwdown": ("LWdown", "W m-2", Variable("W m-2", 20, 900, "longwave radiation")),
    "swdown": ("SWdown", "W m-2", Variable("W m-2", -1, 1500, "shortwave radiation")),
}


def read(paths, box: Box, period=None, unreadable: str = "error") -> Granules:
    """Hourly forcing of a region.

    Parameters
    ----------
    paths : of granules, of one hour or of many
    period : (first, last) stamp or date wanted, inclusive; a last date means its end, which is the
        stamp 00:00 of the next day. Without it: from the first to the last hour given
    unreadable : 'error', or 'gap' to count damaged granules and leave their hours missing

    Returns
    -------
    Granules, (time = stamp): prec (mm in the hour ending at the stamp), tair (K), qair (kg kg-1),
    pressure (Pa), u, v (m s-1), lwdown, swdown (W m-2). Rows run as in the files.

    Raises
    ------
    GranuleError, GridError
        naming the file: version 002 (GRIB), several versions, wrong grid, units or times, a region
        or period outside the product.
    """
    noted = Coverage("nldas")
    paths = list(paths)
    for path in paths:
        if GRIB.fullmatch(str(path).rpartition("/")[2]):
            raise GranuleError(f"{path}: GRIB of version 002 is not read: retrieve version 2.0")
    granules = choose(paths, NAME, lambda m: (m["date"], m["version"], (m.string,)), noted)
    window = first_readable(granules, lambda path: _look(path, box), unreadable)
    parts = []
    for granule in granules:
        try:
            times = _times(granule)
        except UnreadableGranule:
            if unreadable == "error":
                raise
            noted.note(granule.path.name, granule.date, "unreadable")
            continue
        parts.append(Part(granule, times, lambda path, t: _load(path, t, window)))
    times = np.concatenate([part.times for part in parts])
    axis = axis_of(times, period, np.timedelta64(1, "h"), RECORD, "nldas")
    variables = {name: variable for name, (_, _, variable) in VARIABLES.items()}
    arrays = assemble(parts, axis, variables, window.grid, noted, unreadable)
    return Granules(dataset(arrays, axis), window.grid, noted)


def _look(path, box):
    with opened(path) as ds:
        return Window(ds, path, box, STEP, CENTRE)


def _times(granule):
    """Of one hour by its name, held against the file when it is loaded; of many from the file."""
    if "." in granule.date:
        day, hour = granule.date.split(".")
        stamp = f"{day[:4]}-{day[4:6]}-{day[6:]}T{hour[:2]}:{hour[2:]}"
        return np.array([stamp], dtype="datetime64[s]")

    def look(path):
        with opened(path) as ds:
            return times_of(ds, path)

    times = guarded(granule.path, look)
    name = np.datetime64("-".join(filter(None, re.split(r"(....)(..)", granule.date))))
    if (times.astype(name.dtype) != name).any():
        raise GranuleError(
            f"{granule.path}: holds {times[0]} .. {times[-1]}, which its name does not promise"
        )
    return times


def _load(path, times, window):
    values = np.empty((len(VARIABLES), times.size, *window.grid.shape), dtype=np.float32)
    with opened(path) as ds:
        window.check(ds, path)
        part = places_of(times_of(ds, path), times, path)
        for i, (name, unit, _) in enumerate(VARIABLES.values()):
            variable = variable_of(ds, [name], path)
            check_unit(variable, unit, path)
            values[i] = window.load(variable, path, part, UNDEFINED)
    return values
