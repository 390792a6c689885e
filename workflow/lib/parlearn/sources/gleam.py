"""GLEAM daily fields, v3 (0.25 degree) and v4 (0.1 degree): a netCDF file a variable and year.

The order of dimensions changed with v3.6: they are taken by name. Rows run from the north.
Martens et al. 2017 (doi:10.5194/gmd-10-1903-2017).
"""

import re

import numpy as np

from parlearn.geometry.grids import Box
from parlearn.sources.assemble import Part, Variable, assemble, axis_of
from parlearn.sources.granules import (
    Coverage,
    GranuleError,
    Granules,
    choose,
    dataset,
    first_readable,
)
from parlearn.sources.netcdf import Window, check_unit, opened, places_of, times_of, variable_of

#: ``E_2011_GLEAM_v3.7a.nc``
NAME = re.compile(r"(?P<name>[A-Za-z]+)_(?P<year>\d{4})_GLEAM_(?P<version>v[34]\.\d+[a-z]?)\.nc")
#: major version -> spacing (degrees), centre of a cell (latitude, longitude)
GRIDS = {"v3": (0.25, (89.875, -179.875)), "v4": (0.1, (89.95, -179.95))}
#: first letters of a version -> record; the first that fits
RECORDS = {
    "v3.7a": ("1980-01-01", "2022-12-31"),
    "v3.7b": ("2003-01-01", "2022-12-31"),
    "v": ("1980-01-01", None),
}
#: ours -> theirs (names of files and variables, of v3 | v4), the unit their attribute must say
VARIABLES = {
    "evapotranspiration": ("E", "mm/day", Variable("mm day-1", -5, 25, "actual evaporation")),
    "transpiration": ("Et", "mm/day", Variable("mm day-1", -5, 25, "transpiration")),
    "bare_soil_evaporation": ("Eb", "mm/day", Variable("mm day-1", -5, 25, "from bare soil")),
    "interception": ("Ei", "mm/day", Variable("mm day-1", -5, 50, "interception loss")),
    "snow_sublimation": ("Es", "mm/day", Variable("mm day-1", -5, 25, "from snow")),
    "open_water_evaporation": ("Ew", "mm/day", Variable("mm day-1", -5, 25, "from open water")),
    "potential_evaporation": ("Ep", "mm/day", Variable("mm day-1", -5, 40, "potential")),
    "stress": ("S", "-", Variable("1", 0, 1, "evaporative stress")),
    "root_zone_moisture": (
        "SMroot|SMrz",
        "m3/m3",
        Variable("m3 m-3", 0, 1, "in the root zone"),
    ),
    "surface_moisture": ("SMsurf|SMs", "m3/m3", Variable("m3 m-3", 0, 1, "at the surface")),
}


def read(
    paths, box: Box, variables=("evapotranspiration",), period=None, unreadable="error"
) -> Granules:
    """Daily fields of a region.

    Parameters
    ----------
    paths : of granules of one version; those of other variables are left alone
    variables : names of :data:`VARIABLES`
    period : (first, last) day wanted, inclusive. Without it: first to last day given
    unreadable : 'error', or 'gap' to count damaged granules and leave their days missing

    Returns
    -------
    Granules, (time = day), the variables in the units of :data:`VARIABLES`.

    Raises
    ------
    GranuleError, GridError
        naming the file: several versions, wrong grid, units or times, no fill value, a region or
        period outside the product.
    """
    for name in variables:
        if name not in VARIABLES:
            raise ValueError(f"gleam: no variable {name!r}; there are {', '.join(VARIABLES)}")
    noted = Coverage("gleam")
    granules = choose(paths, NAME, _describe, noted)
    version = granules[0].version
    step, centre = GRIDS[version[:2]]

    def look(path):
        with opened(path) as ds:
            return Window(ds, path, box, step, centre)

    wanted = {}
    for name in variables:
        theirs = VARIABLES[name][0].split("|")
        wanted[name] = [g for g in granules if g.date.split(" ")[0] in theirs]
        if not wanted[name]:
            raise GranuleError(
                f"gleam: none of the {len(granules)} granules given holds {theirs[0]} ({name}); "
                f"they begin with {granules[0].path}"
            )
    window = first_readable([g for some in wanted.values() for g in some], look, unreadable)
    record = next(r for start, r in RECORDS.items() if version.startswith(start))
    days = [_days(g) for some in wanted.values() for g in some]
    axis = axis_of(np.concatenate(days), period, np.timedelta64(1, "D"), record, "gleam")
    arrays = {}
    for name, some in wanted.items():
        theirs, unit, variable = VARIABLES[name]

        def load(path, times, theirs=theirs, unit=unit):
            with opened(path) as ds:
                window.check(ds, path)
                part = places_of(times_of(ds, path).astype("datetime64[D]"), times, path)
                found = variable_of(ds, theirs.split("|"), path)
                check_unit(found, unit, path)
                return window.load(found, path, part)[None]

        parts = [Part(g, _days(g), load) for g in some]
        arrays |= assemble(parts, axis, {name: variable}, window.grid, noted, unreadable, name)
    return Granules(dataset(arrays, axis), window.grid, noted)


def _describe(match):
    return f"{match['name']} {match['year']}", match["version"], (match.string,)


def _days(granule):
    """All days of the year of the name; held against the file when it is loaded."""
    year = granule.date.split(" ")[1]
    first, end = np.datetime64(f"{year}-01-01"), np.datetime64(f"{int(year) + 1}-01-01")
    return np.arange(first, end).astype("datetime64[s]")
