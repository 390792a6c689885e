"""Maps of cells: discs on a projected map with borders, or a regular grid as it is."""

import json
from pathlib import Path

import numpy as np
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullLocator

#: Albers' equal-area conic, usual for the contiguous United States: standard parallels, origin
_ALBERS = (29.5, 45.5, 37.5, -96.0)

#: skill from low to high, and a parameter from its lower to its upper bound; both even in lightness
SKILL_MAP = "viridis"
PARAMETER_MAP = "plasma"

_LINES = {"neighbours": ("0.72", 0.4), "states": ("0.72", 0.35), "nation": ("0.45", 0.6)}


def albers(lon, lat):
    """Equal-area map coordinates in km (Snyder 1987, eqs. 14-1 to 14-6, sphere of 6371 km)."""
    first, second, origin, centre = np.radians(_ALBERS)
    n = (np.sin(first) + np.sin(second)) / 2
    c = np.cos(first) ** 2 + 2 * n * np.sin(first)

    def radius(latitude):
        return 6371.0 * np.sqrt(c - 2 * n * np.sin(latitude)) / n

    rho, theta = radius(np.radians(lat)), n * (np.radians(lon) - centre)
    return rho * np.sin(theta), radius(origin) - rho * np.cos(theta)


def is_grid(lat, lon) -> bool:
    """Whether cells stand on a regular lat-lon grid dense enough to be drawn as its cells."""
    lat, lon = np.asarray(lat, float), np.asarray(lon, float)
    steps = [np.diff(np.unique(np.round(v, 4))) for v in (lat, lon)]
    if not all(len(s) for s in steps):
        return False
    steps = np.array([s.min() for s in steps])
    places = (np.stack([lat, lon]) - [[lat.min()], [lon.min()]]) / steps[:, None]
    regular = np.abs(places - np.round(places)).max() < 0.05
    # every second column of a grid is no grid: its cells would be drawn twice as wide as they are
    square = steps.max() < 1.5 * steps.min()
    return bool(regular and square and len(lat) >= 0.3 * np.prod(places.max(1) + 1))


def _indices(degrees):
    """Place of each coordinate on its axis of a regular grid."""
    step = np.diff(np.unique(np.round(degrees, 4))).min()
    return np.round((degrees - degrees.min()) / step).astype(int)


def scale_colours(values, log=False, low=0.02, high=0.98):
    """One colour scale for several maps: quantiles `low` to `high` of all their values."""
    values = np.concatenate([np.ravel(v) for v in values])
    values = values[np.isfinite(values)]
    if values.size == 0:
        return Normalize(0, 1)
    bottom, top = np.quantile(values, [low, high])
    if not bottom < top:  # one value everywhere
        room = 0.1 * abs(bottom) or 0.1
        bottom, top = bottom - room, top + room
    norm = LogNorm(bottom, top) if log else Normalize(bottom, top)
    beyond = (values.min() < bottom * (1 - 1e-6), values.max() > top * (1 + 1e-6))
    norm.extend = {(False, False): "neither", (True, True): "both"}.get(
        beyond, "min" if beyond[0] else "max"
    )
    return norm


def aspect(lat, lon, borders=None) -> float:
    """Width over height of a map of these cells, to size its figure by."""
    if borders:
        return 1.65
    lat, lon = np.asarray(lat, float), np.asarray(lon, float)
    ratio = (np.ptp(lon) + 0.1) * np.cos(np.radians(lat.mean())) / (np.ptp(lat) + 0.1)
    return float(np.clip(ratio, 0.4, 3))


def draw_map(ax, lat, lon, values, norm, cmap, borders=None):
    """Draw the values of cells and return what a colour bar needs.

    Parameters
    ----------
    lat, lon, values : (cell,)
    borders : path, optional
        ``resources/borders/conus.json``; the map is then in Albers' projection with coastlines and
        states. Without it (an invented region) it is plain longitude and latitude.
    """
    lat, lon, values = (np.asarray(v, float) for v in (lat, lon, values))
    project = albers if borders else lambda x, y: (x, y)
    if is_grid(lat, lon):
        drawn = _mesh(ax, lat, lon, values, project)
    else:
        drawn = _discs(ax, lat, lon, values, project, borders)
    drawn.set(norm=norm, cmap=cmap, array=drawn.get_array(), zorder=2)
    if borders:
        _draw_borders(ax, borders)
        ax.set_aspect("equal")
        ax.set_axis_off()
    else:
        _frame(ax, lat)
    return drawn


def _mesh(ax, lat, lon, values, project):
    rows, cols = _indices(lat), _indices(lon)
    field = np.full((rows.max() + 1, cols.max() + 1), np.nan)
    field[rows, cols] = values
    edges = [
        np.linspace(v.min() - s / 2, v.max() + s / 2, k + 1)
        for v, k, s in (
            (lon, field.shape[1], np.ptp(lon) / (field.shape[1] - 1)),
            (lat, field.shape[0], np.ptp(lat) / (field.shape[0] - 1)),
        )
    ]
    x, y = project(*np.meshgrid(*edges))
    return ax.pcolormesh(x, y, field, rasterized=field.size > 2000)


def _discs(ax, lat, lon, values, project, borders):
    """Discs nearly as wide as cells are apart: wider than the cells, so that they can be seen."""
    x, y = project(lon, lat)
    squeeze = 1.0 if borders else np.cos(np.radians(lat.mean()))
    size = 0.75 * _spacing(x * squeeze, y)
    there = np.isfinite(values)
    discs = EllipseCollection(
        np.full(there.sum(), size / squeeze),
        np.full(there.sum(), size),
        np.zeros(there.sum()),
        units="xy",
        offsets=np.column_stack([x, y])[there],
        offset_transform=ax.transData,
        linewidths=0,
    )
    discs.set_array(values[there])
    ax.add_collection(discs)
    ax.set_xlim(x.min() - size, x.max() + size)
    ax.set_ylim(y.min() - size, y.max() + size)
    return discs


def _spacing(x, y) -> float:
    """Median distance to the nearest other cell."""
    if len(x) < 2:
        return 1.0
    some = np.linspace(0, len(x) - 1, min(len(x), 300)).astype(int)
    distance = np.hypot(x[some, None] - x, y[some, None] - y)
    distance[np.arange(len(some)), some] = np.inf
    return float(np.median(distance.min(1)))


def _draw_borders(ax, borders):
    layers = json.loads(Path(borders).read_text(encoding="utf-8"))
    left, right, bottom, top = *ax.get_xlim(), *ax.get_ylim()
    for layer, (color, width) in _LINES.items():
        lines = [np.column_stack(albers(*_densify(np.array(line)).T)) for line in layers[layer]]
        ax.add_collection(
            LineCollection(lines, colors=color, linewidths=width, zorder=1, capstyle="round"),
            autolim=False,
        )
        if layer == "nation":
            x, y = np.concatenate(lines).T
            left, right = min(left, x.min()), max(right, x.max())
            bottom, top = min(bottom, y.min()), max(top, y.max())
    room = 0.01 * (right - left)
    ax.set_xlim(left - room, right + room)
    ax.set_ylim(bottom - room, top + room)


def _densify(line):
    """Points no more than a degree apart, so that a parallel is drawn as the curve it is."""
    steps = np.maximum(np.ceil(np.abs(np.diff(line, axis=0)).max(1)), 1).astype(int)
    at = np.concatenate([k + np.arange(n) / n for k, n in enumerate(steps)] + [[len(steps)]])
    return np.column_stack([np.interp(at, np.arange(len(line)), column) for column in line.T])


def _frame(ax, lat):
    ax.set_aspect(1 / np.cos(np.radians(lat.mean())))
    ax.spines[["top", "right"]].set_visible(True)
    for axis, hemisphere in ((ax.xaxis, "EW"), (ax.yaxis, "NS")):
        axis.set_major_locator(MaxNLocator(3, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(
            lambda v, _, h=hemisphere: f"{abs(v):g}°{h[0] if v >= 0 else h[1]}"
        )
    ax.tick_params(length=2)


def colour_bar(fig, drawn, axes, label, **options):
    """One colour bar for the maps in `axes`; arrows where values lie beyond its ends."""
    bar = fig.colorbar(drawn, ax=axes, **{"shrink": 0.85, "aspect": 25, "pad": 0.01, **options})
    bar.set_label(label)
    bar.outline.set_linewidth(0.4)
    if isinstance(drawn.norm, LogNorm):
        bar.locator, bar.formatter = LogLocator(subs=(1, 2, 5)), FormatStrFormatter("%g")
        bar.minorlocator = NullLocator()
        bar.update_ticks()
    return bar


def mark_sites(ax, lat, lon, names, borders=None):
    """Numbered example sites on a map drawn by :func:`draw_map`."""
    lat, lon = np.asarray(lat, float), np.asarray(lon, float)
    x, y = albers(lon, lat) if borders else (lon, lat)
    ax.plot(x, y, "o", ms=6, mfc="none", mec="white", mew=2.2, zorder=4)
    ax.plot(x, y, "o", ms=6, mfc="none", mec="black", mew=1.1, zorder=5)
    for a, b, name in zip(x, y, names, strict=True):
        ax.annotate(
            f"{name:g}",
            (a, b),
            (4, 3),
            textcoords="offset points",
            fontsize=8,
            fontweight="bold",
            zorder=6,
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )
