"""MODIS evapotranspiration, MOD16A2 and MOD16A2GF: 8-day composites by tile, 463 m, HDF4-EOS2.

The grid is taken from the file's own ``StructMetadata.0``, so whole tiles and subsets both work.
``ET_500m`` is the sum over the composite; composites begin on days 1, 9, ..., 361, the last has 5
days, or 6 in a leap year. Values above 32700 are classes, not data.
User guide: Running et al., MODIS Global Terrestrial Evapotranspiration (MOD16A2/A3).
"""

import re
from contextlib import contextmanager

import numpy as np
from pyhdf.SD import SD, SDC

from parlearn.geometry.grids import MODIS_RADIUS, Box, SinusoidalGrid
from parlearn.sources.assemble import Part, Variable, assemble, ends_of
from parlearn.sources.granules import (
    Coverage,
    GranuleError,
    Granules,
    choose,
    dataset,
    first_readable,
    window_of,
)
from parlearn.sources.units import same_unit

NAME = re.compile(
    r"(?P<product>MOD16A2(?:GF)?)\.A(?P<date>\d{7})\.(?P<tile>h\d\dv\d\d)\.(?P<version>\d{3})\."
    r"(?P<production>\d{13})\.hdf"
)
RECORD = ("2000-01-01", None)
GRID, LAYER = "MOD_Grid_MOD16A2", "ET_500m"
#: values of ET_500m that are classes
CLASSES = {
    32767: "fill",
    32766: "water",
    32765: "barren",
    32764: "snow or ice",
    32763: "wetland",
    32762: "urban",
    32761: "unclassified",
}
LARGEST, FILL, WATER = 32700, 32767, 32766
COMPOSITE = 8
EVAPOTRANSPIRATION = Variable("mm day-1", 0, 25, "evapotranspiration, mean of the composite")
WATER_SHARE = Variable("1", 0, 1, "pixel is classed as water")


def read(paths, box: Box, period=None, water: bool = False, unreadable: str = "error") -> Granules:
    """Evapotranspiration of the pixels of one tile that may touch a region.

    Parameters
    ----------
    paths : of granules of one tile, product and version
    period : (first, last) day wanted, inclusive: composites that begin in it
    water : also give where a pixel is of the class water (1) or not (0)
    unreadable : 'error', or 'gap' to count damaged granules and leave their composites missing

    Returns
    -------
    Granules, (time = first day of a composite; coordinate ``days``, its true length):
    evapotranspiration (mm day-1), mean over the composite; on request ``water`` (1).

    Raises
    ------
    GranuleError, GridError
        naming the file: several tiles, products or versions, another projection or grid, an
        attribute that is not there or not as expected, a region or period outside.
    """
    noted = Coverage("mod16")
    paths = list(paths)
    tiles = {m["tile"] for p in paths if (m := NAME.fullmatch(str(p).rpartition("/")[2]))}
    if len(tiles) > 1:
        raise GranuleError(f"mod16: granules of {len(tiles)} tiles ({', '.join(sorted(tiles))}): "
                           "one tile is read at a time")  # fmt: skip
    granules = choose(paths, NAME, _describe, noted)
    tile = tiles.pop()
    held = first_readable(granules, lambda path: _look(path, tile), unreadable)
    rows, cols = window_of(held, box, f"mod16, tile {tile}")
    grid = held.cut(rows, cols)
    variables = {"evapotranspiration": EVAPOTRANSPIRATION}
    if water:
        variables["water"] = WATER_SHARE

    def load(path, times):
        with opened(path) as file:
            found = _grid(file, path, tile)
            if found != held:
                raise GranuleError(f"{path}: wrong grid: {found}, the granules before: {held}")
            raw, scale = _raw(file, path, rows, cols)
        return _decoded(raw, scale, times[0], path.name, noted)[: len(variables), None]

    parts = [Part(g, np.array([_first_day(g)], dtype="datetime64[s]"), load) for g in granules]
    axis = _axis([part.times[0] for part in parts], period)
    arrays = assemble(parts, axis, variables, grid, noted, unreadable)
    length = composite_days(axis)
    days = ("time", length, {"long_name": "days of the composite", "units": "days"})
    return Granules(dataset(arrays, axis, days=days), grid, noted)


def composite_days(first) -> np.ndarray:
    """Days of the composites that begin on given dates (time,): 8, at the year's end what is left.

    >>> composite_days(np.array(["2015-12-19", "2015-12-27", "2016-12-26"], dtype="datetime64[D]"))
    array([8, 5, 6])
    """
    first = first.astype("datetime64[D]")
    next_year = (first.astype("datetime64[Y]") + 1).astype("datetime64[D]")
    return np.minimum(COMPOSITE, (next_year - first).astype(int))


def composite_starts(first, last) -> np.ndarray:
    """First days of all composites that begin in first..last, datetime64[D]."""
    days = np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1)
    of_year = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(int)
    return days[of_year % COMPOSITE == 0]


def _describe(match):
    version = f"{match['product']} {match['version']}"
    return match["date"], version, (match["production"],)


def _first_day(granule):
    year, day = granule.date[:4], int(granule.date[4:])
    if day > 361 or day % COMPOSITE != 1:
        raise GranuleError(f"{granule.path}: no composite begins on day {day} of a year")
    return np.datetime64(f"{year}-01-01") + (day - 1)


def _axis(times, period):
    first, last = min(times), max(times)
    if period is not None:
        first, last = ends_of(period, np.timedelta64(COMPOSITE, "D"), RECORD, "mod16")
    axis = composite_starts(first, last)
    if axis.size == 0:
        raise GranuleError(f"mod16: no composite begins in {period[0]} .. {period[1]}")
    return axis.astype("datetime64[s]")


@contextmanager
def opened(path):
    file = SD(str(path), SDC.READ)
    try:
        yield file
    finally:
        file.end()


def _look(path, tile):
    with opened(path) as file:
        return _grid(file, path, tile)


def _grid(file, path, tile) -> SinusoidalGrid:
    """The grid of ``StructMetadata.0``, which must be a window of the tile of the name."""
    text = "".join(
        value for name, value in sorted(file.attributes().items()) if name[:15] == "StructMetadata."
    )
    match = re.search(rf'GridName="{GRID}"(.*?)(GROUP=Dimension|END_GROUP=GRID_)', text, re.S)
    if not match:
        raise GranuleError(f"{path}: its StructMetadata.0 describes no grid {GRID}")
    fields = dict(re.findall(r"^\s*(\w+)=(.*?)\s*$", match[1], re.M))
    try:
        size = int(fields["YDim"]), int(fields["XDim"])
        left, top = _numbers(fields["UpperLeftPointMtrs"])
        right, bottom = _numbers(fields["LowerRightMtrs"])
        projection, parameters = fields["Projection"], _numbers(fields["ProjParams"])
    except (KeyError, ValueError) as error:
        raise GranuleError(
            f"{path}: its StructMetadata.0 lacks, or has unreadable, {error}"
        ) from error
    if (
        projection != "GCTP_SNSOID"
        or abs(parameters[0] - MODIS_RADIUS) > 0.01
        or any(parameters[1:])
        or fields.get("GridOrigin", "HDFE_GD_UL") != "HDFE_GD_UL"
    ):
        raise GranuleError(
            f"{path}: wrong grid: {projection} {fields['ProjParams']} "
            f"{fields.get('GridOrigin', '')}; needed is sinusoidal on a sphere of "
            f"{MODIS_RADIUS} m, from the upper left"
        )
    whole = SinusoidalGrid.tile(int(tile[1:3]), int(tile[4:6]))
    edges = np.array([(left - whole.x0), (right - whole.x0), whole.y0 - top, whole.y0 - bottom])
    col, last_col, row, last_row = edges / whole.size
    places = np.round([col, last_col, row, last_row])
    if (
        np.abs(places - [col, last_col, row, last_row]).max() > 0.01
        or (last_row - row).round() != size[0]
        or (last_col - col).round() != size[1]
        or not (row.round() >= 0 and col.round() >= 0)
        or last_row.round() > whole.rows
        or last_col.round() > whole.cols
    ):
        raise GranuleError(
            f"{path}: wrong grid: {size[0]} x {size[1]} pixels between {left:.3f}, {top:.3f} and "
            f"{right:.3f}, {bottom:.3f} m are no window of tile {tile} at {whole.size:.4f} m"
        )
    col, last_col, row, last_row = places.astype(int)
    return whole.cut(slice(int(row), int(last_row)), slice(int(col), int(last_col)))


def _numbers(text):
    return [float(number) for number in text.strip("()").split(",")]


def _raw(file, path, rows, cols):
    """Packed values of the window and their scale, by the attributes of the layer."""
    if LAYER not in file.datasets():
        raise GranuleError(f"{path}: has no layer {LAYER}; there are {', '.join(file.datasets())}")
    layer = file.select(LAYER)
    try:
        attributes = layer.attributes()
        needed = ("scale_factor", "add_offset", "_FillValue", "valid_range", "units")
        lacking = [name for name in needed if name not in attributes]
        if lacking:
            raise GranuleError(
                f"{path}: {LAYER} has no attribute {', '.join(lacking)}: it cannot be decoded"
            )
        if (
            attributes["add_offset"] != 0
            or attributes["_FillValue"] != FILL
            or list(attributes["valid_range"])[1] != LARGEST
            or not same_unit(attributes["units"], "kg/m^2/8day")
        ):
            raise GranuleError(
                f"{path}: {LAYER} has add_offset {attributes['add_offset']}, _FillValue "
                f"{attributes['_FillValue']}, valid_range {attributes['valid_range']}, units "
                f"{attributes['units']!r}; known are 0, {FILL}, [-32767, {LARGEST}], 'kg/m^2/8day'"
            )
        start = rows.start, cols.start
        count = rows.stop - rows.start, cols.stop - cols.start
        return layer.get(start, count), float(attributes["scale_factor"])
    finally:
        layer.endaccess()


def _decoded(raw, scale, first, granule, noted) -> np.ndarray:
    """(mean rate mm day-1, is water), (2, y, x); the classes are counted."""
    date = first.astype("datetime64[D]")
    data = raw <= LARGEST
    classes, counts = np.unique(raw[~data], return_counts=True)
    for value, count in zip(classes.tolist(), counts):
        noted.note(granule, date, f"class {CLASSES.get(value, f'unknown ({value})')}", count)
    rate = raw.astype(np.float64) * scale / composite_days(np.array([first]))[0]
    rate[~data] = np.nan
    water = np.where(raw == FILL, np.nan, raw == WATER)
    return np.stack([rate, water]).astype(np.float32)
