"""Exact areas shared by the cells of a source grid and those of a regular lat-lon grid.

Areas are in steradians on a sphere of radius 1: times the square of a radius they are m2. The
surface is that of the source: EASE-Grid 2.0 lies on WGS84, so geodetic latitudes become authalic
ones, on the sphere of the ellipsoid's area (Snyder 1987, Map Projections: A Working Manual, USGS
Professional Paper 1395, eqs. 3-11 and 3-12, and for the projection 10-13 to 10-16). Lat-lon and
MODIS sinusoidal grids lie on a sphere, and the geodetic latitude of the target is taken as it is.
"""

import numpy as np
from scipy import sparse

from parlearn.geometry.grids import (
    MODIS_RADIUS,
    WGS84_A,
    WGS84_E2,
    EaseGrid,
    Grid,
    GridError,
    LatLonGrid,
    SinusoidalGrid,
)

#: shared pieces narrower than this part of a cell are rounding of edges that are meant to agree
SLIVER = 1e-8
#: pixels of a sinusoidal grid worked on at once; bounds memory to some 200 MB
BLOCK = 1_000_000


def authalic_sine(latitude):
    """Sine of the authalic latitude on WGS84 of a geodetic one (degrees); -1 to 1 at the poles."""
    return _q(np.sin(np.deg2rad(latitude))) / _q(1.0)


def _q(sine):
    """q of Snyder (1987), eq. 3-12, from the sine of the geodetic latitude."""
    e = np.sqrt(WGS84_E2)
    return (1 - WGS84_E2) * (sine / (1 - WGS84_E2 * sine**2) + np.arctanh(e * sine) / e)


def cell_areas(target: LatLonGrid, source: Grid) -> np.ndarray:
    """Areas (lat, lon) of the target's cells on the surface of the source, steradians, float64."""
    heights = np.abs(np.diff(_sines(target, source)))
    return heights[:, None] * np.diff(np.deg2rad(_longitudes(target)))[None, :]


def overlap(source: Grid, target: LatLonGrid) -> sparse.csr_array:
    """Area each target cell shares with each source cell.

    Parameters
    ----------
    source : grid of any kind; longitudes may run -180..180 or 0..360, or cross either
    target : regular lat-lon grid, likewise

    Returns
    -------
    (target cells, source cells) float64 steradians, cells counted along rows of the arrays. Rows
    of target cells outside of the source are empty.

    Raises
    ------
    GridError
        where a lat-lon grid spans more than 360 degrees or reaches wholly beyond a pole.
    """
    if isinstance(source, SinusoidalGrid):
        return _sinusoidal(source, target)
    if isinstance(source, EaseGrid):
        # x = a k0 longitude and y = a q / (2 k0), with true scale at 30 degrees
        k0 = np.cos(np.pi / 6) / np.sqrt(1 - WGS84_E2 * np.sin(np.pi / 6) ** 2)
        lon_edges = np.rad2deg(source.x_edges / (WGS84_A * k0))
        sines = np.clip(source.y_edges * 2 * k0 / (WGS84_A * _q(1.0)), -1, 1)
    else:
        lon_edges, sines = _longitudes(source), _sines(source, source)
    row = _shared(sines, _sines(target, source), source.rows, target.rows)
    turns = [
        _shared(lon_edges + turn, _longitudes(target), source.cols, target.cols)
        for turn in (-720, -360, 0, 360, 720)
    ]
    return sparse.csr_array(sparse.kron(row, np.deg2rad(1) * sum(turns), format="csr"))


def _sines(grid: LatLonGrid, surface: Grid):
    """Sines of the parallels between the rows, on the surface of another grid."""
    edges = np.clip(grid.lat_edges, -90, 90)
    if (np.diff(edges) == 0).any():
        raise GridError(f"latitudes {grid.lat[0]:g} to {grid.lat[-1]:g} reach beyond a pole")
    if isinstance(surface, EaseGrid):
        return authalic_sine(edges)
    return np.sin(np.deg2rad(edges))


def _longitudes(grid: LatLonGrid):
    edges = grid.lon_edges
    span = edges[-1] - edges[0]
    if span > 360 + SLIVER * grid.dlon:
        raise GridError(f"longitudes {edges[0]:g} to {edges[-1]:g} are more than 360 degrees")
    return edges


def _overlay(source, target, extra=()):
    """Pieces of a line cut by two sets of edges, each rising or falling.

    Returns (source interval, target interval, low, high) of the pieces that lie in both.
    """
    ends = [np.sort(np.asarray(edges, dtype=np.float64)) for edges in (source, target)]
    cuts = np.unique(np.concatenate([*ends, np.asarray(extra, dtype=np.float64)]))
    low, high = cuts[:-1], cuts[1:]
    places, width = [], np.inf
    for edges, given in zip(ends, (source, target)):
        place = np.searchsorted(edges, (low + high) / 2, side="right") - 1
        inside = (place >= 0) & (place < len(edges) - 1)
        place = np.where(inside, place, 0)
        width = np.minimum(width, np.where(inside, np.diff(edges)[place], 0))
        places.append(len(edges) - 2 - place if given[-1] < given[0] else place)
    keep = (width > 0) & (high - low > SLIVER * width)
    return *(place[keep] for place in places), low[keep], high[keep]


def _shared(source, target, n_source, n_target):
    """Lengths shared (target, source) of the intervals between edges."""
    j, i, low, high = _overlay(source, target)
    return sparse.csr_array((high - low, (i, j)), shape=(n_target, n_source))


def _sinusoidal(source: SinusoidalGrid, target: LatLonGrid) -> sparse.csr_array:
    """Area overlap with sinusoidal pixels.

    The projection keeps areas: with R = 1 a pixel has x1 - x0 times its latitudes. A parallel is a
    line of constant y, a meridian the curve x = longitude cos(latitude). So a row of pixels is cut
    at the parallels, and what lies west of a meridian is integrated in closed form.
    """
    x = source.x_edges / MODIS_RADIUS
    y = np.clip(source.y_edges / MODIS_RADIUS, -np.pi / 2, np.pi / 2)
    _sines(target, source)  # refuses rows beyond a pole
    parallels = np.deg2rad(np.clip(target.lat_edges, -90, 90))
    # the equator is a cut too: within a strip the cosine runs one way
    rows, lats, low, high = _overlay(y, parallels, extra=[0.0])
    edges = np.deg2rad(_longitudes(target))
    found = []
    for turn in (-4 * np.pi, -2 * np.pi, 0.0, 2 * np.pi, 4 * np.pi):
        inside = np.clip(edges + turn, -np.pi, np.pi)
        cols = np.flatnonzero(np.diff(inside) > SLIVER * np.deg2rad(target.dlon))
        if not cols.size:
            continue
        meridians = inside[cols[0] : cols[-1] + 2]
        step = max(1, BLOCK // source.cols)
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            strip, pixel, col, area = _strips(x, low[part], high[part], meridians)
            strip += start
            i = lats[strip] * target.cols + cols[0] + col
            j = rows[strip] * source.cols + pixel
            found.append((area, i.astype(np.int32), j.astype(np.int32)))
    shape = (target.rows * target.cols, source.rows * source.cols)
    if not found:
        return sparse.csr_array(shape)
    area, i, j = (np.concatenate(parts) for parts in zip(*found))
    return sparse.csr_array((area, (i, j)), shape=shape)


def _strips(x, low, high, meridians):
    """Areas shared by the pixels of strips of latitude with the columns between meridians.

    Parameters
    ----------
    x : (pixel + 1,) edges, eastward, R = 1
    low, high : (strip,) latitudes (radians), both in one hemisphere
    meridians : (col + 1,) radians, eastward

    Returns
    -------
    strip, pixel, col, area : (pair,) of the pairs that touch.
    """
    # both hemispheres are alike
    near, far = np.minimum(np.abs(low), np.abs(high)), np.maximum(np.abs(low), np.abs(high))
    tiny = 1e-300  # in place of cos = 0 at the pole
    wide, narrow = (np.maximum(np.cos(v), tiny)[:, None] for v in (near, far))
    # longitudes at the corners; a meridian up to `west` leaves the whole pixel east of it, one
    # from `east` on the whole pixel west, and those between cross it
    west = np.minimum(x[:-1] / wide, x[:-1] / narrow)
    east = np.maximum(x[1:] / wide, x[1:] / narrow)
    first = np.searchsorted(meridians, west, side="right") - 1
    last = np.searchsorted(meridians, east, side="left")
    count = np.clip(last, 0, len(meridians) - 1) - np.clip(first, 0, None)
    strip, pixel = np.nonzero(count > 0)
    count, first = count[strip, pixel], np.clip(first[strip, pixel], 0, None)
    strip, pixel, first = (np.repeat(v, count) for v in (strip, pixel, first))
    col = first + np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)
    whole = (far - near)[strip] * np.diff(x)[pixel]
    area = np.zeros(len(col))
    for side, sign in ((1, 1.0), (0, -1.0)):
        part = meridians[col + side]
        # most pixels are crossed by no meridian: only the others are worth the trigonometry
        beyond = part >= east[strip, pixel]
        crossed = np.flatnonzero(~beyond & (part > west[strip, pixel]))
        area += sign * np.where(beyond, whole, 0.0)
        of, at = strip[crossed], pixel[crossed]
        bounds = part[crossed], near[of], far[of]
        area[crossed] += sign * (_capped(x[at + 1], *bounds) - _capped(x[at], *bounds))
    # differences of nearly equal areas may end a hair below zero
    keep = area > SLIVER * whole
    return strip[keep], pixel[keep], col[keep], area[keep]


def _capped(x, meridian, near, far):
    """Integral of min(meridian cos(t), x) over t from near to far, 0 <= near < far <= pi / 2."""
    meridian = np.where(meridian == 0, 1e-300, meridian)
    with np.errstate(over="ignore"):
        ratio = np.clip(x / meridian, 0, 1)
    cross = np.clip(np.arccos(ratio), near, far)
    eastern = x * (cross - near) + meridian * _sine_difference(cross, far)
    western = meridian * _sine_difference(near, cross) + x * (far - cross)
    return np.where(meridian > 0, eastern, western)


def _sine_difference(a, b):
    """sin(b) - sin(a) without loss of digits where they are close."""
    return 2 * np.cos((a + b) / 2) * np.sin((b - a) / 2)
