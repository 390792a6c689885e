"""netCDF granules on latitude-longitude grids: dimensions by name, values by their attributes."""

import re
from contextlib import contextmanager
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd

from parlearn.geometry.grids import Box, LatLonGrid
from parlearn.sources.granules import GranuleError, window_of
from parlearn.sources.units import same_unit

LATITUDES, LONGITUDES, TIMES = ("lat", "latitude"), ("lon", "longitude"), ("time",)
CALENDARS = ("standard", "gregorian", "proleptic_gregorian")
SECONDS = {"second": 1, "sec": 1, "s": 1, "minute": 60, "min": 60, "hour": 3600, "hr": 3600}
SECONDS |= {"h": 3600, "day": 86400, "d": 86400}


@contextmanager
def opened(path):
    """The file with nothing decoded behind one's back."""
    with netCDF4.Dataset(path) as ds:
        ds.set_auto_maskandscale(False)
        yield ds


def variable_of(ds, names, path, what="variable"):
    """The variable of one of several names, whatever their case."""
    present = {name.lower(): name for name in ds.variables}
    for name in names:
        if name.lower() in present:
            return ds.variables[present[name.lower()]]
    raise GranuleError(
        f"{path}: has no {what} {' or '.join(names)}; there are {', '.join(ds.variables)}"
    )


def grid_of(ds, path, step: float, centre: tuple[float, float]) -> LatLonGrid:
    """The grid of a file's coordinates, which must be one of the product's cells.

    Parameters
    ----------
    step : of the product's grid (degrees)
    centre : latitude and longitude of the centre of any of its cells

    Raises
    ------
    GranuleError, GridError
        for another spacing or phase, and for longitudes that run on beyond 180.
    """
    lat = _centres(variable_of(ds, LATITUDES, path, "latitudes"))
    lon = _centres(variable_of(ds, LONGITUDES, path, "longitudes"))
    if lon.max() > 180 + step:
        if lon.min() < 180:
            raise GranuleError(
                f"{path}: longitudes run from {lon.min():g} to {lon.max():g}; needed are -180 to "
                "180 (cdo sellonlatbox,-180,180,-90,90 makes them)"
            )
        lon = lon - 360
    grid = naming(path, LatLonGrid.from_centres, lat, lon)
    off = np.array([(lat[0] - centre[0]) / step, (lon[0] - centre[1]) / step])
    if (
        abs(abs(grid.dlat) - step) > 1e-3 * step
        or abs(grid.dlon - step) > 1e-3 * step
        or np.abs(off - np.round(off)).max() > 0.01
    ):
        raise GranuleError(
            f"{path}: wrong grid: cells of {abs(grid.dlat):g} x {grid.dlon:g} degrees from "
            f"{lat[0]:g} N, {lon[0]:g} E; the product has {step:g} degrees with a centre at "
            f"{centre[0]:g} N, {centre[1]:g} E"
        )
    # on the product's own numbers, not on their float32 rounding
    lat0, lon0 = np.array(centre) + step * np.round(off)
    return LatLonGrid(
        round(float(lat0), 9),
        round(float(lon0), 9),
        step if grid.dlat > 0 else -step,
        step,
        *grid.shape,
    )


def naming(path, work, *arguments):
    """`work`, its errors told with the file."""
    try:
        return work(*arguments)
    except ValueError as error:
        raise type(error)(f"{path}: {error}") from error


def _centres(variable) -> np.ndarray:
    return np.asarray(variable[:], dtype=np.float64).ravel()


class Window:
    """A file's grid and the cells of a region in it."""

    def __init__(self, ds, path, box: Box, step: float, centre: tuple[float, float]):
        self.whole = grid_of(ds, path, step, centre)
        self.rows, self.cols = window_of(self.whole, box, str(path))
        self.grid = self.whole.cut(self.rows, self.cols)
        self._step, self._centre = step, centre

    def check(self, ds, path) -> None:
        """Refuse a file on another grid than the first."""
        other = grid_of(ds, path, self._step, self._centre)
        if other != self.whole:
            raise GranuleError(f"{path}: wrong grid: {other}, the granules before: {self.whole}")

    def load(self, variable, path, times: slice, sentinel=None) -> np.ndarray:
        """A variable's values in the window (time, y, x) float32, decoded, NaN = missing."""
        order = [_place(variable, names, path) for names in (TIMES, LATITUDES, LONGITUDES)]
        index = [slice(None)] * 3
        for place, part in zip(order, (times, self.rows, self.cols)):
            index[place] = part
        raw = np.transpose(variable[tuple(index)], order)
        return decode(raw, variable, path, sentinel)


def _place(variable, names, path) -> int:
    dims = [dim.lower() for dim in variable.dimensions]
    for name in names:
        if name in dims and len(dims) == 3:
            return dims.index(name)
    raise GranuleError(
        f"{path}: {variable.name} has dimensions {variable.dimensions}, needed are time, lat, lon"
    )


def decode(raw, variable, path, sentinel=None) -> np.ndarray:
    """float32 with NaN for missing, by the attributes scale_factor, add_offset and _FillValue.

    Parameters
    ----------
    sentinel : values from this size on are missing, whatever the attributes say

    Raises
    ------
    GranuleError
        where a file does not say what is missing, or how whole numbers are packed.
    """
    where = f"{path}: {variable.name}"
    attributes = {name: variable.getncattr(name) for name in variable.ncattrs()}
    fills = [
        np.ravel(attributes[name]) for name in ("_FillValue", "missing_value") if name in attributes
    ]
    if not fills:
        raise GranuleError(
            f"{where} has no attribute _FillValue or missing_value: what is missing cannot be told"
        )
    if raw.dtype.kind in "iu" and "scale_factor" not in attributes:
        raise GranuleError(
            f"{where} is packed as {raw.dtype} without the attribute scale_factor: it cannot be "
            "decoded. Retrieve the file again"
        )
    fills = np.concatenate(fills).astype(raw.dtype)
    scale, offset = (
        float(attributes.get(n, d)) for n, d in (("scale_factor", 1), ("add_offset", 0))
    )
    values = np.empty(raw.shape, dtype=np.float32)
    for step, packed in enumerate(raw):  # in double, but not all times at once
        missing = np.isin(packed, fills)
        if sentinel is not None:
            missing |= np.abs(packed) >= sentinel
        values[step] = packed if (scale, offset) == (1, 0) else packed * scale + offset
        values[step][missing] = np.nan
    return values


def check_unit(variable, expected: str, path) -> None:
    unit = getattr(variable, "units", None)
    if unit is None:
        raise GranuleError(f"{path}: {variable.name} has no attribute units; needed is {expected}")
    if not same_unit(unit, expected):
        raise GranuleError(f"{path}: {variable.name} is in {unit!r}, not in {expected!r}")


def times_of(ds, path) -> np.ndarray:
    """Times of a file, datetime64[s], by the attributes of its time variable; to the minute."""
    variable = variable_of(ds, TIMES, path, "times")
    unit = getattr(variable, "units", "")
    match = re.fullmatch(r"\s*([A-Za-z]+)\s+since\s+(.+?)\s*", unit)
    scale = (
        SECONDS.get(match[1].lower()) or SECONDS.get(match[1].lower().rstrip("s"), 0)
        if match
        else 0
    )
    if not scale:
        raise GranuleError(f"{path}: time is in {unit!r}, needed is '<unit> since <date>'")
    calendar = getattr(variable, "calendar", "standard").lower()
    if calendar not in CALENDARS:
        raise GranuleError(f"{path}: time follows the calendar {calendar!r}, not the standard one")
    try:
        origin = pd.Timestamp(re.sub(r"\s*(UTC|Z)$", "", match[2]))
    except ValueError as error:
        raise GranuleError(f"{path}: time is in {unit!r}: no date in it") from error
    minutes = np.round(np.asarray(variable[:], dtype=np.float64).ravel() * scale / 60)
    return np.datetime64(origin.to_datetime64(), "s") + (minutes * 60).astype("timedelta64[s]")


def places_of(own, times, path: Path) -> slice:
    """Where consecutive `times` stand among those of a file."""
    start = int(np.searchsorted(own, times[0]))
    part = slice(start, start + times.size)
    if not np.array_equal(own[part], times):
        raise GranuleError(
            f"{path}: holds {own.size} times from {own[:1]} to {own[-1:]}, which are not those its "
            f"name promises ({times[0]} .. {times[-1]})"
        )
    return part
