"""China Meteorological Forcing Dataset V0106: 3-hourly, 0.1 degree, netCDF, also as .nc.gz.

A granule holds one variable and month. ``time`` is the stamp (UTC): precipitation is the mean rate
of the three hours before it, radiation the mean of 1.5 h before to 1.5 h after, all else the state
there. Values are packed: they are decoded by the attributes of each file.
He et al. 2020 (doi:10.1038/s41597-020-0369-y).
"""

import gzip
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

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

#: ``temp_CMFD_V0106_B-01_03hr_010deg_201501.nc.gz``; older copies: ``temp_ITPCAS-CMFD_...``
NAME = re.compile(
    r"(?P<name>[a-z]+)_(?:ITPCAS-)?CMFD_(?P<version>V\d{4}_B-\d\d)_03hr_010deg_(?P<date>\d{6})\.nc"
    r"(?:\.gz)?"
)
STEP, CENTRE = 0.1, (15.05, 70.05)
RECORD = ("1979-01-01", "2018-12-31")
HOURS = np.timedelta64(3, "h")
#: ours -> theirs, the unit their attribute must say, factor to ours, what is plausible
VARIABLES = {
    "prec": ("prec", "mm/hr", 3, Variable("mm", 0, 500, "precipitation of the 3 hours before")),
    "tair": ("temp", "K", 1, Variable("K", 190, 340, "air temperature at 2 m")),
    "pressure": ("pres", "Pa", 1, Variable("Pa", 3e4, 1.1e5, "surface pressure")),
    "qair": ("shum", "kg/kg", 1, Variable("kg kg-1", 0, 0.06, "specific humidity")),
    "wind": ("wind", "m/s", 1, Variable("m s-1", 0, 90, "wind speed at 10 m")),
    "lwdown": ("lrad", "W/m2", 1, Variable("W m-2", 20, 900, "longwave radiation")),
    "swdown": ("srad", "W/m2", 1, Variable("W m-2", -1, 1500, "shortwave radiation")),
}


def read(paths, box: Box, variables=tuple(VARIABLES), period=None, unreadable="error") -> Granules:
    """3-hourly forcing of a region.

    Parameters
    ----------
    paths : of granules of one version, ``.nc`` or ``.nc.gz``
    variables : names of :data:`VARIABLES`
    period : (first, last) stamp or date wanted, inclusive; a last date means its end, which is the
        stamp 00:00 of the next day. Without it: from the first to the last month given
    unreadable : 'error', or 'gap' to count damaged granules and leave their months missing

    Returns
    -------
    Granules, (time = stamp): prec (mm in the 3 hours ending at the stamp), tair (K), pressure (Pa),
    qair (kg kg-1), wind (m s-1), lwdown, swdown (W m-2, means around the stamp).

    Raises
    ------
    GranuleError, GridError
        naming the file: several versions, a variable without granules, wrong grid, units, packing
        or times, a region or period outside the product.
    """
    for name in variables:
        if name not in VARIABLES:
            raise ValueError(f"cmfd: no variable {name!r}; there are {', '.join(VARIABLES)}")
    noted = Coverage("cmfd")
    granules = choose(paths, NAME, _describe, noted)
    parts, window = {}, None
    for name in variables:
        theirs = VARIABLES[name][0]
        some = [g for g in granules if g.date.split(" ")[0] == theirs]
        if not some:
            raise GranuleError(
                f"cmfd: none of the {len(granules)} granules given holds {theirs} ({name}); they "
                f"begin with {granules[0].path}"
            )
        found, phase = first_readable(some, lambda path: _look(path, box), unreadable)
        window = window or found
        load = _loader(window, *VARIABLES[name][:3])
        parts[name] = [Part(g, _stamps(g, phase), load, whole=_packed(g.path)) for g in some]
    times = np.concatenate([part.times for some in parts.values() for part in some])
    axis = axis_of(times, period, HOURS, RECORD, "cmfd")
    arrays = {}
    for name, some in parts.items():
        variable = VARIABLES[name][3]
        arrays |= assemble(some, axis, {name: variable}, window.grid, noted, unreadable, name)
    return Granules(dataset(arrays, axis), window.grid, noted)


def _describe(match):
    # of two copies of a month the one that need not be decompressed
    return f"{match['name']} {match['date']}", match["version"], (not match.string.endswith("gz"),)


def _packed(path):
    return path.suffix == ".gz"


@contextmanager
def unpacked(path: Path):
    """The file, or a copy of it decompressed that lasts as long as the block."""
    if not _packed(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="parlearn-") as folder:
        plain = Path(folder) / path.stem
        with gzip.open(path) as source, open(plain, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        yield plain


def _look(path, box):
    """Window, and how long after the month's beginning its stamps begin."""
    with unpacked(path) as plain, opened(plain) as ds:
        window = Window(ds, path, box, STEP, CENTRE)
        first = times_of(ds, path)[0]
    phase = first - first.astype("datetime64[M]").astype("datetime64[s]")
    if phase not in (np.timedelta64(0, "h"), HOURS):
        raise GranuleError(f"{path}: begins at {first}, not at 00:00 or 03:00 of its month")
    return window, phase


def _stamps(granule, phase):
    """All stamps of the month of the name; held against the file when it is loaded."""
    text = granule.date.split(" ")[1]
    month = np.datetime64(f"{text[:4]}-{text[4:]}")
    start, end = (m.astype("datetime64[s]") + phase for m in (month, month + 1))
    return np.arange(start, end, HOURS)


def _loader(window, theirs, unit, factor):
    def load(path, times):
        with unpacked(path) as plain, opened(plain) as ds:
            window.check(ds, path)
            part = places_of(times_of(ds, path), times, path)
            variable = variable_of(ds, [theirs], path)
            check_unit(variable, unit, path)
            values = window.load(variable, path, part)
        values *= np.float32(factor)
        return values[None]

    return load
