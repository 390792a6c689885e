"""Static maps: soil, land cover, greenness, terrain, published parameters.

They come as a folder of netCDF files, each on a regular lat-lon grid of its own, at least as fine
as the target: what an archive offers as GeoTIFF or HDF is brought into this form by its reader,
e.g. with ``gdal_translate -of netCDF`` and ``ncrename``. ``config/README.md`` says where each can
be had.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from parlearn.geometry.grids import Box, GridError, LatLonGrid
from parlearn.geometry.regrid import Regridder

#: IGBP classes that are no land to model: wetland, snow and ice, water (17, 0 in old maps)
NOT_MODELLED = (0, 11, 15, 17)
HIGHEST_CLASS = 17


class StaticsError(ValueError):
    """A map is missing, or not what it should be."""


@dataclass(frozen=True)
class Map:
    """A variable of a file of the folder."""

    file: str
    name: str
    unit: str
    lower: float
    upper: float
    what: str
    optional: bool = False
    classes: bool = False


#: file of published parameters, for studies that ask for them
PRIORS = "parameters.nc"
MAPS = (
    Map("soil.nc", "sand", "%", 0, 100, "sand in the fine earth, mean over the profile"),
    Map("soil.nc", "clay", "%", 0, 100, "clay in the fine earth"),
    Map("soil.nc", "silt", "%", 0, 100, "silt in the fine earth"),
    Map("landcover.nc", "igbp", "1", 0, HIGHEST_CLASS, "IGBP land-cover class", classes=True),
    Map("ndvi.nc", "ndvi", "1", -1, 1, "mean NDVI"),
    Map("elevation.nc", "elevation", "m", -500, 9000, "elevation"),
    Map("elevation.nc", "slope", "m km-1", 0, 2000, "slope of the terrain", optional=True),
    # the defaults learned parameters are compared with; without them they follow from texture
    Map(PRIORS, "infilt", "1", 0, 10, "published infilt"),
    Map(PRIORS, "Ds", "1", 0, 10, "published Ds"),
    Map(PRIORS, "Dsmax", "mm day-1", 0, 1e3, "published Dsmax"),
    Map(PRIORS, "Ws", "1", 0, 1, "published Ws"),
    Map(PRIORS, "expt", "1", 0, 100, "published expt"),
    Map(PRIORS, "depth2", "m", 0, 100, "published depth of layer 2", optional=True),
    Map(PRIORS, "depth3", "m", 0, 100, "published depth of layer 3", optional=True),
)


def missing(folder, priors: bool = False) -> list[str]:
    """What the folder lacks, a sentence each; empty where it is complete."""
    needed: dict[str, list[Map]] = {}
    for entry in wanted(priors):
        if not entry.optional:
            needed.setdefault(entry.file, []).append(entry)
    return [
        f"{name} with " + ", ".join(f"{m.name} ({m.what}, {m.unit})" for m in maps)
        for name, maps in needed.items()
        if not (Path(folder) / name).is_file()
    ]


def wanted(priors: bool) -> list[Map]:
    """The maps of a study, published parameters among them or not."""
    return [entry for entry in MAPS if priors or entry.file != PRIORS]


def read_statics(
    folder, target: LatLonGrid, minimum: float, weights=None, priors: bool = False
) -> xr.Dataset:
    """All maps of a folder on the target grid.

    Parameters
    ----------
    folder : with the files of :data:`MAPS`
    target : grid of the study
    minimum : share of a cell that must be covered; below it the cell is missing
    weights : folder that keeps the weights of regridding
    priors : read published parameters, too

    Returns
    -------
    xarray.Dataset (lat, lon): each map as the mean over the cell's area; ``igbp``: the class with
    the largest area among those VIC can model, missing where these cover less than ``minimum``.

    Raises
    ------
    StaticsError
        naming file, variable and what is wrong.
    """
    folder = Path(folder)
    if lacking := missing(folder, priors):
        raise StaticsError(f"{folder} lacks {'; '.join(lacking)} (see config/README.md)")
    found = {}
    for entry in wanted(priors):
        values, grid = _read(folder / entry.file, entry, target)
        if values is not None:
            regridder = Regridder(grid, target, minimum, weights)
            found[entry.name] = (
                _largest_class(values, regridder, minimum)
                if entry.classes
                else regridder.apply(values)
            )
    units = {entry.name: {"units": entry.unit, "long_name": entry.what} for entry in MAPS}
    return xr.Dataset(
        {name: (("lat", "lon"), values, units[name]) for name, values in found.items()},
        coords={"lat": target.lat, "lon": target.lon},
    )


def _read(path, entry, target):
    """Values (row, col) of a map around the target, NaN where missing, and their grid."""
    try:
        opened = xr.open_dataset(path, engine="netcdf4")
    except (OSError, RuntimeError) as error:
        raise StaticsError(f"{path} is not a readable netCDF file ({error})") from error
    with opened as ds:
        if entry.name not in ds:
            if entry.optional:
                return None, None
            raise StaticsError(
                f"{path} has no variable {entry.name!r} ({entry.what}, {entry.unit}); it has "
                f"{', '.join(map(str, ds.data_vars))}"
            )
        variable = ds[entry.name]
        if set(variable.dims) != {"lat", "lon"}:
            raise StaticsError(f"{path}: {entry.name} has dimensions {variable.dims}, not lat, lon")
        unit = variable.attrs.get("units")
        if unit != entry.unit:
            raise StaticsError(f"{path}: {entry.name} is in {unit!r}, not in {entry.unit!r}")
        try:
            grid = LatLonGrid.from_centres(ds["lat"].values, ds["lon"].values)
            box = Box(
                target.lat_edges.min(),
                target.lat_edges.max(),
                target.lon_edges.min(),
                target.lon_edges.max(),
            )
            rows, cols = grid.window(box)
        except GridError as error:
            raise StaticsError(f"{path}: {error}") from error
        values = variable.transpose("lat", "lon").isel(lat=rows, lon=cols).values
    values = values.astype(np.float32)
    with np.errstate(invalid="ignore"):
        wrong = (values < entry.lower) | (values > entry.upper)
    if wrong.any():
        raise StaticsError(
            f"{path}: {int(wrong.sum())} values of {entry.name} are outside {entry.lower:g} to "
            f"{entry.upper:g}{'' if entry.unit == '1' else f' {entry.unit}'}, the first is "
            f"{values[wrong][0]:g}"
        )
    if entry.classes and (values[np.isfinite(values)] % 1).any():
        raise StaticsError(f"{path}: {entry.name} holds numbers that are no classes")
    return values, grid.cut(rows, cols)


def _largest_class(values, regridder, minimum):
    """The class of the largest area in each target cell, of those modelled."""
    classes = np.array(
        [c for c in np.unique(values[np.isfinite(values)]) if c not in NOT_MODELLED], np.float32
    )
    if not len(classes):
        return np.full(regridder.target.shape, np.nan, np.float32)
    # where there is no map there is no land, so that shares are of the whole cell
    shares = np.stack([regridder.apply((values == c).astype(np.float32)) for c in classes])
    largest = classes[shares.argmax(axis=0)]
    return np.where(shares.sum(axis=0) >= minimum, largest, np.nan).astype(np.float32)
