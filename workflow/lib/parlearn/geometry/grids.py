"""The grids on which products are published, and windows of these grids.

Regular lat-lon, EASE-Grid 2.0 and MODIS sinusoidal. A grid knows where its cells lie, and nothing
of files; :mod:`parlearn.geometry.regrid` knows how two overlap.
Row 0 is the first row of the arrays, whichever way they run.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

#: semi-major axis (m) and squared eccentricity of WGS84, the ellipsoid of EASE-Grid 2.0
WGS84_A, WGS84_E2 = 6378137.0, 0.0066943799901413165
#: radius (m) of the sphere of the MODIS sinusoidal grid
MODIS_RADIUS = 6371007.181
#: MODIS sinusoidal grid: upper left corner of the whole (m), width of a tile (m), pixels a side
MODIS_CORNER, MODIS_TILE, MODIS_PIXELS = (-20015109.354, 10007554.677), 1111950.5197, 2400
#: scale at the equator of EASE-Grid 2.0, whose true parallel is 30 degrees (Snyder 1987, 10-13)
EASE_SCALE = np.cos(np.radians(30)) / np.sqrt(1 - WGS84_E2 * np.sin(np.radians(30)) ** 2)
#: upper left corner (m) of the global EASE-Grid 2.0
EASE_CORNER = (-17367530.445, 7314540.8306)
#: name -> (cell size (m), rows, columns) of the global EASE-Grid 2.0
EASE_SIZES = {"36km": (36032.22084, 406, 964), "9km": (9008.05521, 1624, 3856)}


class Box(NamedTuple):
    """A region between parallels and meridians, degrees north and east."""

    south: float
    north: float
    west: float
    east: float


class GridError(ValueError):
    """Coordinates that are no grid, or a region outside of one."""


@dataclass(frozen=True)
class LatLonGrid:
    """Cells between parallels and meridians at a regular spacing.

    Attributes
    ----------
    lat0, lon0 : centre (degrees) of row 0, column 0
    dlat, dlon : from one row or column to the next (degrees); negative dlat runs southward
    rows, cols : number of them
    """

    lat0: float
    lon0: float
    dlat: float
    dlon: float
    rows: int
    cols: int

    @classmethod
    def from_centres(cls, lat, lon) -> "LatLonGrid":
        """From the coordinates of a file, (row,) and (col,) degrees; refuses irregular ones."""
        steps = []
        for name, values in (("latitudes", lat), ("longitudes", lon)):
            values = np.asarray(values, dtype=np.float64)
            if values.ndim != 1 or values.size < 2:
                raise GridError(f"{name} of shape {values.shape} are no grid")
            step = (values[-1] - values[0]) / (values.size - 1)
            # float32 coordinates are good to 1e-5 degree
            if step == 0 or np.abs(np.diff(values) - step).max() > 1e-3 * abs(step) + 3e-5:
                raise GridError(f"{name} from {values[0]} to {values[-1]} are not evenly spaced")
            steps.append(float(step))
        if steps[1] < 0:
            raise GridError("longitudes run westward")
        return cls(float(lat[0]), float(lon[0]), steps[0], steps[1], len(lat), len(lon))

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.cols

    @property
    def lat(self) -> np.ndarray:
        """Centres of the rows (row,)."""
        return self.lat0 + self.dlat * np.arange(self.rows)

    @property
    def lon(self) -> np.ndarray:
        """Centres of the columns (col,)."""
        return self.lon0 + self.dlon * np.arange(self.cols)

    @property
    def lat_edges(self) -> np.ndarray:
        """(row + 1,), in the order of the rows."""
        return self.lat0 + self.dlat * (np.arange(self.rows + 1) - 0.5)

    @property
    def lon_edges(self) -> np.ndarray:
        return self.lon0 + self.dlon * (np.arange(self.cols + 1) - 0.5)

    def window(self, box: Box) -> tuple[slice, slice]:
        """Rows and columns that touch a region.

        Raises
        ------
        GridError
            where the region does not lie wholly within the grid.
        """
        rows = _touched(self.lat_edges, box.south, box.north, "latitudes", self)
        return rows, _touched(self.lon_edges, box.west, box.east, "longitudes", self)

    def cut(self, rows: slice, cols: slice) -> "LatLonGrid":
        """The grid of a window."""
        rows, cols = range(self.rows)[rows], range(self.cols)[cols]
        return replace(
            self,
            lat0=self.lat0 + self.dlat * rows.start,
            lon0=self.lon0 + self.dlon * cols.start,
            rows=len(rows),
            cols=len(cols),
        )


@dataclass(frozen=True)
class EaseGrid:
    """A window of the global EASE-Grid 2.0 (EPSG:6933), row 0 of the globe in the north.

    Attributes
    ----------
    name : of :data:`EASE_SIZES`
    row0, col0 : place of the window in the globe
    rows, cols : its size; the whole globe where not given
    """

    name: str
    row0: int = 0
    col0: int = 0
    rows: int | None = None
    cols: int | None = None

    def __post_init__(self):
        if self.name not in EASE_SIZES:
            raise GridError(f"no EASE-Grid 2.0 named {self.name!r}: {', '.join(EASE_SIZES)}")
        _, rows, cols = EASE_SIZES[self.name]
        if self.rows is None:
            object.__setattr__(self, "rows", rows - self.row0)
        if self.cols is None:
            object.__setattr__(self, "cols", cols - self.col0)
        if not (0 <= self.row0 < self.row0 + self.rows <= rows) or not (
            0 <= self.col0 < self.col0 + self.cols <= cols
        ):
            raise GridError(
                f"rows {self.row0}+{self.rows}, columns {self.col0}+{self.cols} leave the "
                f"{rows} x {cols} cells of EASE-Grid 2.0 at {self.name}"
            )

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.cols

    @property
    def x_edges(self) -> np.ndarray:
        """(col + 1,) m, growing eastward."""
        size = EASE_SIZES[self.name][0]
        return EASE_CORNER[0] + size * (self.col0 + np.arange(self.cols + 1))

    @property
    def y_edges(self) -> np.ndarray:
        """(row + 1,) m, falling southward."""
        size = EASE_SIZES[self.name][0]
        return EASE_CORNER[1] - size * (self.row0 + np.arange(self.rows + 1))

    @property
    def lat(self) -> np.ndarray:
        """Latitudes (degrees) of the middle of the rows (row,)."""
        return ease_latitude((self.y_edges[:-1] + self.y_edges[1:]) / 2)

    @property
    def lon(self) -> np.ndarray:
        """Longitudes (degrees) of the middle of the columns (col,)."""
        return (self.lon_edges[:-1] + self.lon_edges[1:]) / 2

    @property
    def lat_edges(self) -> np.ndarray:
        """(row + 1,) degrees, falling."""
        return ease_latitude(self.y_edges)

    @property
    def lon_edges(self) -> np.ndarray:
        return np.degrees(self.x_edges / (WGS84_A * EASE_SCALE))

    def window(self, box: Box, margin: int = 1) -> tuple[slice, slice]:
        """Rows and columns that touch a region, and up to `margin` more where the grid has them.

        Raises
        ------
        GridError
            where the region does not lie wholly within the grid.
        """
        rows = _touched(self.lat_edges, box.south, box.north, "latitudes", self)
        cols = _touched(self.lon_edges, box.west, box.east, "longitudes", self)
        return _widened(rows, margin, self.rows), _widened(cols, margin, self.cols)

    def cut(self, rows: slice, cols: slice) -> "EaseGrid":
        """The grid of a window."""
        rows, cols = range(self.rows)[rows], range(self.cols)[cols]
        return EaseGrid(
            self.name, self.row0 + rows.start, self.col0 + cols.start, len(rows), len(cols)
        )


@dataclass(frozen=True)
class SinusoidalGrid:
    """A window of the MODIS sinusoidal grid: pixels square in metres, on a sphere.

    Attributes
    ----------
    x0, y0 : upper left corner (m)
    size : of a pixel (m)
    rows, cols : number of pixels
    """

    x0: float
    y0: float
    size: float
    rows: int
    cols: int

    @classmethod
    def tile(cls, h: int, v: int) -> "SinusoidalGrid":
        """A whole tile of 2400 x 2400 pixels of 463 m."""
        if not (0 <= h < 36 and 0 <= v < 18):
            raise GridError(f"there is no tile h{h:02d}v{v:02d}")
        x, y = MODIS_CORNER
        size = MODIS_TILE / MODIS_PIXELS
        return cls(x + h * MODIS_TILE, y - v * MODIS_TILE, size, MODIS_PIXELS, MODIS_PIXELS)

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.cols

    @property
    def x_edges(self) -> np.ndarray:
        """(col + 1,) m, growing eastward."""
        return self.x0 + self.size * np.arange(self.cols + 1)

    @property
    def y_edges(self) -> np.ndarray:
        """(row + 1,) m, falling southward."""
        return self.y0 - self.size * np.arange(self.rows + 1)

    def window(self, box: Box) -> tuple[slice, slice]:
        """The smallest window with all pixels that may touch a region, which may lie beyond.

        Meridians run aslant through the rows, so the window's corners may lie outside the region.

        Raises
        ------
        GridError
            where no pixel touches the region.
        """
        south, north = np.degrees(self.y_edges[[-1, 0]]) / MODIS_RADIUS
        low, high = max(south, box.south), min(north, box.north)
        if low < high:
            # a parallel is longest where it is nearest to the equator
            nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
            length = np.cos(np.radians([nearest, max(abs(low), abs(high))]))
            west, east = np.radians(box.west) * length, np.radians(box.east) * length
            x = MODIS_RADIUS * np.array([west.min(), east.max()])
            cols = np.clip((x - self.x0) / self.size, 0, self.cols)
            rows = (self.y0 - MODIS_RADIUS * np.radians([high, low])) / self.size
            rows = np.clip(rows, 0, self.rows)
            first_row, first_col = int(np.floor(rows[0])), int(np.floor(cols[0]))
            last_row, last_col = int(np.ceil(rows[1])), int(np.ceil(cols[1]))
            if first_row < last_row and first_col < last_col:
                return slice(first_row, last_row), slice(first_col, last_col)
        raise GridError(
            f"the region {box.south} to {box.north} N, {box.west} to {box.east} E has no pixel in "
            f"this window of the sinusoidal grid, which has {south:g} to {north:g} N, "
            f"{self.x_edges[0] / 1000:.0f} to {self.x_edges[-1] / 1000:.0f} km"
        )

    def cut(self, rows: slice, cols: slice) -> "SinusoidalGrid":
        """The grid of a window."""
        rows, cols = range(self.rows)[rows], range(self.cols)[cols]
        return replace(
            self,
            x0=self.x0 + self.size * cols.start,
            y0=self.y0 - self.size * rows.start,
            rows=len(rows),
            cols=len(cols),
        )


Grid = LatLonGrid | EaseGrid | SinusoidalGrid


def ease_latitude(y) -> np.ndarray:
    """Geodetic latitudes (degrees) at y (m) of EASE-Grid 2.0; Snyder 1987, 3-12 and 10-17."""
    y = np.asarray(y, dtype=np.float64)
    q, e = 2 * EASE_SCALE * y / WGS84_A, np.sqrt(WGS84_E2)
    sine = np.clip(q / 2, -1, 1)
    for _ in range(8):  # Newton's steps; q grows with the sine everywhere
        off = (1 - WGS84_E2) * (sine / (1 - WGS84_E2 * sine**2) + np.arctanh(e * sine) / e) - q
        sine = np.clip(sine - off * (1 - WGS84_E2 * sine**2) ** 2 / (2 * (1 - WGS84_E2)), -1, 1)
    return np.degrees(np.arcsin(sine))


def _widened(cells: slice, margin: int, size: int) -> slice:
    return slice(max(cells.start - margin, 0), min(cells.stop + margin, size))


def _touched(edges, low, high, what, grid) -> slice:
    """Cells between edges, whichever way they run, that touch low..high."""
    size = abs(edges[1] - edges[0])
    slack = 1e-6 * size
    if low >= high:
        raise GridError(f"{what} {low} to {high}: the first must be the smaller")
    # coordinates in single precision put the edges of fine grids off by this much
    if low < edges.min() - 0.01 * size or high > edges.max() + 0.01 * size:
        raise GridError(
            f"{what} {low} to {high} leave the grid, which has {edges.min():g} to {edges.max():g}"
        )
    lower, upper = np.minimum(edges[:-1], edges[1:]), np.maximum(edges[:-1], edges[1:])
    inside = np.flatnonzero((upper > low + slack) & (lower < high - slack))
    return slice(int(inside[0]), int(inside[-1]) + 1)
