"""The archives of a twin: granules as satellite missions and reanalyses would publish them.

Granules have the true formats, names, grids, units and flags of the products
(:mod:`parlearn.sources.twin.granules`), cropped to the region and, for the weather, grouped by
month as an archive's subsetting service does. From here on a twin is treated as the archives are.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.geometry.grids import (
    MODIS_RADIUS,
    Box,
    EaseGrid,
    GridError,
    LatLonGrid,
    SinusoidalGrid,
)
from parlearn.land.subdaily import specific_humidity
from parlearn.plan.places import PLACES, box
from parlearn.sources.twin.config import TwinConfig
from parlearn.sources.twin.granules import cmfd, gleam, mod16, nldas, smap
from parlearn.sources.twin.hours import Hours
from parlearn.sources.twin.observe import estimates, retrievals
from parlearn.sources.twin.region import draw_region
from parlearn.storage.files import replacing, sha256, write_text

#: east and north part of the wind: it blows from the south-west
HEADING = 0.8, 0.6
NOT_RECOMMENDED, FROZEN, SNOW, OFF_SWATH = 1, 128 | 256, 32, 65534
#: MOD16: share of the pixels that are no land that evaporates, and their class
WATER, URBAN, FILL = (0.02, 32766), (0.01, 32762), 32767
PATCH = 4  # pixels of a side of a lake or a town
STEP = 8  # days of a composite
MAPS = {
    "soil.nc": ("sand", "clay", "silt"),
    "landcover.nc": ("igbp",),
    "ndvi.nc": ("ndvi",),
    "elevation.nc": ("elevation", "slope"),
}
UNITS = {"elevation": "m", "slope": "m km-1", "igbp": "1", "ndvi": "1"}


def grid_of(config: TwinConfig) -> tuple[LatLonGrid, Box]:
    """The grid of a twin, row 0 in the south, and its edges."""
    edges, step = Box(**box(config.place, *config.shape)), PLACES[config.place].resolution
    south, west = edges.south + step / 2, edges.west + step / 2
    return LatLonGrid(south, west, step, step, *config.shape), edges


def write_statics(config: TwinConfig, folder) -> None:
    """The maps of a twin, as :mod:`parlearn.sources.statics` reads them."""
    grid, _ = grid_of(config)
    region = draw_region(config, config.generators())
    for file, names in MAPS.items():
        ds = xr.Dataset(
            {
                name: (
                    ("lat", "lon"),
                    region[name].values.reshape(grid.shape).astype(np.float32),
                    {"units": UNITS.get(name, "%")},
                )
                for name in names
            },
            coords={"lat": grid.lat, "lon": grid.lon},
            attrs={"title": f"invented region, seed {config.seed}"},
        )
        with replacing(Path(folder) / file) as temporary:
            ds.to_netcdf(temporary, engine="netcdf4")


def write_granules(
    config: TwinConfig, domain: xr.Dataset, forcing: xr.Dataset, truth: xr.Dataset, folders
) -> dict[str, list[Path]]:
    """All granules of a twin's products, product -> files.

    Parameters
    ----------
    domain, forcing, truth : of all cells of the grid, row by row from the south
    folders : of each product, laid out as in its archive
    """
    where, generators = PLACES[config.place], config.generators()
    written = {}
    weather = {"nldas": _write_nldas, "cmfd": _write_cmfd}[where.weather]
    written[where.weather] = weather(config, forcing, folders[where.weather])
    products = where.observations.values()
    if "smap" in products:
        seen = retrievals(config, domain, forcing, truth, generators["soil_moisture"])
        written["smap"] = _write_smap(config, seen, folders["smap"])
    flux = estimates(config, domain, truth, generators["evapotranspiration"])
    if "mod16" in products:
        written["mod16"] = _write_mod16(config, flux, folders["mod16"])
    if "gleam" in products:
        written["gleam"] = _write_gleam(config, flux, folders["gleam"])
    return written


def seal(paths: list[Path], folder) -> None:
    """Make granules read-only, as what is published does not change, and list their checksums."""
    lines = []
    for path in paths:
        path.chmod(0o444)
        lines.append(f"{sha256(path)}  {path.relative_to(folder)}\n")
    write_text("".join(lines), Path(folder) / "SHA256SUMS")


def _months(forcing, step: int):
    """Stamps of UTC of the months that hold the local days, a month at a time."""
    time, half = forcing["time"].values, np.timedelta64(12, "h")
    ends = time[0] - half, time[-1] + np.timedelta64(1, "D") + half
    first, last = (end.astype("datetime64[M]") for end in ends)
    for month in np.arange(first, last + np.timedelta64(1, "M")):
        begin, end = (m.astype("datetime64[h]") for m in (month, month + np.timedelta64(1, "M")))
        yield np.arange(begin, end, np.timedelta64(step, "h"))


def _write_nldas(config, forcing, folder):
    grid, _ = grid_of(config)
    hours, paths = Hours(forcing, grid.shape, grid.lat, grid.lon), []
    for stamps in _months(forcing, 1):
        now = hours.at(stamps)
        fields = {
            "Tair": now["tair"] + np.float32(273.15),
            "Qair": specific_humidity(now["vp"], now["pressure"]),
            "PSurf": 1000 * now["pressure"],
            "Wind_E": np.float32(HEADING[0]) * now["wind"],
            "Wind_N": np.float32(HEADING[1]) * now["wind"],
            "LWdown": now["lwdown"],
            "SWdown": now["swdown"],
            "Rainf": now["prec"],
        }
        paths += nldas.write(folder, stamps, grid, fields)
    return paths


def _write_cmfd(config, forcing, folder):
    grid, _ = grid_of(config)
    fine = _tenth_degree(config)
    rows, cols = _containing(grid, fine.lat), _containing(grid, fine.lon, "lon")
    hours, paths = Hours(forcing, grid.shape, grid.lat, grid.lon, 3), []
    for stamps in _months(forcing, 3):
        now = {name: v[:, rows[:, None], cols] for name, v in hours.at(stamps).items()}
        fields = {
            "temp": now["tair"] + np.float32(273.15),
            "pres": 1000 * now["pressure"],
            "shum": specific_humidity(now["vp"], now["pressure"]),
            "wind": now["wind"],
            "srad": now["swdown"],
            "lrad": now["lwdown"],
            "prec": now["prec"] / 3,
        }
        paths += cmfd.write(folder, stamps, fine, fields)
    return paths


def _tenth_degree(config) -> LatLonGrid:
    """The cells of the 0.1 degree grid of CMFD that touch a twin."""
    whole = LatLonGrid(15.05, 70.05, 0.1, 0.1, 400, 700)
    return whole.cut(*whole.window(grid_of(config)[1]))


def _containing(grid: LatLonGrid, places, axis="lat"):
    """Row or column of the cell that holds each place, the nearest one beyond the edge."""
    edges = grid.lat_edges if axis == "lat" else grid.lon_edges
    return np.clip(np.searchsorted(edges, places) - 1, 0, len(edges) - 2)


def _write_smap(config, seen, folder):
    grid, edges = grid_of(config)
    whole = EaseGrid("9km")
    pixels = whole.cut(*whole.window(edges))
    rows = _containing(grid, pixels.lat)
    cols = _containing(grid, pixels.lon, "lon")
    cell = rows[:, None] * grid.cols + cols
    recorded = np.flatnonzero(seen["time"].values >= np.datetime64(str(config.start)))
    moisture = seen["soil_moisture"].values[:, recorded].T[:, cell]
    frost, snow = (seen[name].values[:, recorded].T[:, cell] for name in ("frost", "snow"))
    swath = np.isfinite(moisture)
    quality = np.where(swath, np.where(frost | snow, NOT_RECOMMENDED, 0), OFF_SWATH)
    surface = np.where(swath, FROZEN * frost + SNOW * snow, OFF_SWATH)
    nothing = np.full_like(moisture, np.nan), np.full(moisture.shape, OFF_SWATH, np.uint16)
    morning = moisture, quality.astype(np.uint16), surface.astype(np.uint16)
    names = "soil_moisture", "retrieval_qual_flag", "surface_flag"
    passes = {
        "am": dict(zip(names, morning, strict=True)),
        "pm": dict(zip(names, (*nothing, nothing[1]), strict=True)),
    }
    days = seen["time"].values[recorded]
    return smap.write(folder, days, pixels, passes)


def _write_mod16(config, flux, folder):
    grid, edges = grid_of(config)
    starts, sums = composites(flux)
    paths = []
    for tile, pixels in tiles(edges):
        x = 0.5 * (pixels.x_edges[:-1] + pixels.x_edges[1:])
        lat = np.rad2deg(0.5 * (pixels.y_edges[:-1] + pixels.y_edges[1:]) / MODIS_RADIUS)
        lon = np.rad2deg(x / (MODIS_RADIUS * np.cos(np.deg2rad(lat)))[:, None])
        inside = (lon > edges.west) & (lon < edges.east)
        inside &= ((lat > edges.south) & (lat < edges.north))[:, None]
        cell = _containing(grid, lat)[:, None] * grid.cols + _containing(grid, lon, "lon")
        classes = _classes(config, pixels)
        packed = np.round(10 * np.maximum(sums, 0)).astype(np.int16)
        for start, values in zip(starts, packed):
            layer = np.where(inside, np.where(classes > 0, classes, values[cell]), FILL)
            layers = {"ET_500m": layer.astype(np.int16)[None]}
            paths += mod16.write(folder, [start], tile, pixels, layers)
    return paths


def composites(flux: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """First days (composite,) and sums (composite, cell) of the 8-day composites of a daily flux.

    They begin on days 1, 9, ... of each year, the last is cut at the year's end; those with a day
    without a value are left out.
    """
    time = pd.DatetimeIndex(flux["time"].values)
    starts = (time.year * 1000 + (time.day_of_year - 1) // STEP * STEP + 1).to_numpy()
    values = flux.values.T
    first, sums = [], []
    for start in np.unique(starts):
        days = np.flatnonzero(starts == start)
        begin = pd.Timestamp(int(start) // 1000, 1, 1) + pd.Timedelta(days=int(start) % 1000 - 1)
        length = min(STEP, (pd.Timestamp(begin.year + 1, 1, 1) - begin).days)
        if len(days) == length and np.isfinite(values[days]).all():
            first.append(begin.to_datetime64())
            sums.append(values[days].sum(axis=0))
    return np.array(first, dtype="datetime64[D]"), np.array(sums)


def tiles(edges: Box) -> list[tuple[str, SinusoidalGrid]]:
    """The MODIS tiles that touch a region, each cut to the pixels that may."""
    found = []
    for v in range(18):
        for h in range(36):
            tile = SinusoidalGrid.tile(h, v)
            try:
                found.append((f"h{h:02d}v{v:02d}", tile.cut(*tile.window(edges))))
            except GridError:
                continue
    return found


def _classes(config, pixels):
    """Class of the pixels that are lakes or towns, 0 elsewhere; where a place is, it stays."""
    rng = np.random.default_rng([config.seed, pixels.rows, pixels.cols])
    draw = rng.random((-(-pixels.rows // PATCH), -(-pixels.cols // PATCH)))
    draw = draw.repeat(PATCH, 0).repeat(PATCH, 1)[: pixels.rows, : pixels.cols]
    town = (draw >= WATER[0]) & (draw < WATER[0] + URBAN[0])
    return np.select([draw < WATER[0], town], [WATER[1], URBAN[1]])


def _write_gleam(config, flux, folder):
    grid, _ = grid_of(config)
    recorded = flux["time"].values >= np.datetime64(str(config.start))
    values = flux.values[:, recorded].T.reshape(-1, *grid.shape)
    days = flux["time"].values[recorded].astype("datetime64[D]")
    # files hold whole years, rows from the north
    first, end = (days[k].astype("datetime64[Y]") for k in (0, -1))
    year = np.timedelta64(1, "Y")
    whole = np.arange(first.astype("datetime64[D]"), (end + year).astype("datetime64[D]"))
    field = np.full((len(whole), *grid.shape), np.nan, np.float32)
    field[np.searchsorted(whole, days)] = values[:, ::-1]
    return gleam.write(folder, whole, northern_first(grid), {"E": field})


def northern_first(grid: LatLonGrid) -> LatLonGrid:
    """The same cells, rows from the north."""
    return LatLonGrid(grid.lat[-1], grid.lon0, -grid.dlat, grid.dlon, grid.rows, grid.cols)
