"""Domain and parameter files of VIC 5's image driver, as users have them.

What is read is kept as it is in the file: names, types, fill values and attributes, so that a file
written again holds the same, value by value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from parlearn.models.vic5.format import CLASS, OF_CLASSES, OPTIONAL, VARIABLES
from parlearn.sources.units import same_unit

#: VIC's keys of DOMAIN_TYPE -> usual names
DOMAIN_NAMES = {"LAT": "lat", "LON": "lon", "MASK": "mask", "FRAC": "frac", "AREA": "area"}
#: spellings of units that :func:`~parlearn.sources.units.same_unit` does not know
SPELT = {
    **dict.fromkeys(("C", "deg C", "degrees C", "Celsius", "celsius", "deg_C"), "degC"),
    **dict.fromkeys(("fraction", "N/A", "unitless", "none", "mm mm-1", "m2 m-2", "m3 m-3"), "1"),
    **dict.fromkeys(("mm- d-1", "mm d-1", "mm/d"), "mm day-1"),
}
#: furthest that the places of two files may be apart, degrees
SAME_PLACE = 1e-4


class VicFileError(ValueError):
    """A file of VIC that is missing, damaged, or not what it should be; names file and variable."""


@dataclass(frozen=True)
class Grid:
    """The grid of a domain file.

    path : of the file
    lat, lon : (y, x) degrees
    active : (y, x) bool, cells that are run
    frac : (y, x) share of the cell inside the domain
    """

    path: Path
    lat: np.ndarray
    lon: np.ndarray
    active: np.ndarray
    frac: np.ndarray

    @property
    def cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of each cell that is run, rows first."""
        return np.nonzero(self.active)


def open_raw(path) -> xr.Dataset:
    """A netCDF file as it is: nothing scaled, masked or decoded."""
    path = Path(path)
    if not path.is_file():
        raise VicFileError(f"there is no file {path}: correct its name")
    try:
        return xr.load_dataset(
            path, mask_and_scale=False, decode_times=False, decode_coords=False, engine="netcdf4"
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise VicFileError(f"{path} cannot be read as netCDF: {error}") from error


def write_raw(table: xr.Dataset, path) -> None:
    """Write what :func:`open_raw` gave, whole or not at all."""
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.part")
    encoding = {name: {"_FillValue": None} for name in table.variables}
    table.to_netcdf(unfinished, format="NETCDF4", encoding=encoding)
    unfinished.replace(path)


def numbers(table: xr.Dataset, name: str) -> np.ndarray:
    """A variable as float64, NaN where the file has its fill value."""
    variable = table[name]
    values = np.asarray(variable.values, dtype=np.float64).copy()
    for key in ("_FillValue", "missing_value"):
        fill = variable.attrs.get(key)
        if fill is not None:
            values[variable.values == fill] = np.nan
    return values


def read_grid(path, names: Mapping[str, str] | None = None) -> Grid:
    """The grid of a domain file.

    Parameters
    ----------
    names : VIC's keys of DOMAIN_TYPE (LAT, LON, MASK, FRAC) -> names in the file, where they differ
        from the usual ones

    Raises
    ------
    VicFileError
        A variable that is missing, of other dims, or out of range; a mask without a cell.
    """
    path, names = Path(path), DOMAIN_NAMES | dict(names or {})
    table = open_raw(path)
    for key in ("LAT", "LON", "MASK", "FRAC"):
        if names[key] not in table.variables:
            raise VicFileError(
                f"{path} has no {names[key]} (DOMAIN_TYPE {key}); there are "
                f"{', '.join(map(str, table.variables))}: name the one that it is"
            )
    mask = numbers(table, names["MASK"])
    if mask.ndim != 2:
        raise VicFileError(f"{path}: {names['MASK']} has {mask.ndim} dims, a grid has two")
    lat, lon = (numbers(table, names[key]) for key in ("LAT", "LON"))
    if lat.ndim == 1:
        lat, lon = np.meshgrid(lat, lon, indexing="ij")
    frac = numbers(table, names["FRAC"])
    for name, values in ((names["LAT"], lat), (names["LON"], lon), (names["FRAC"], frac)):
        if values.shape != mask.shape:
            raise VicFileError(
                f"{path}: {name} has the shape {values.shape}, {names['MASK']} {mask.shape}: they "
                "must be of one grid"
            )
    active = mask == 1
    if not active.any():
        raise VicFileError(f"{path}: {names['MASK']} is 1 nowhere: no cell would be run")
    if not (np.abs(lat[active]) <= 90).all() or not (np.abs(lon[active]) <= 360).all():
        raise VicFileError(f"{path}: cells that are run lie beyond 90 or 360 degrees")
    empty = active & ~(frac > 0)
    if empty.any():
        y, x = np.argwhere(empty)[0]
        raise VicFileError(
            f"{path}: {names['FRAC']} is {frac[y, x]:g} in {int(empty.sum())} cells that "
            f"{names['MASK']} runs, the first at row {y}, column {x}: mask them"
        )
    return Grid(path, lat, lon, active, frac)


def check_places(path, table: xr.Dataset, grid: Grid, lat="lat", lon="lon") -> None:
    """Raise VicFileError where a file is not on the grid of the domain."""
    for name, expected in ((lat, grid.lat), (lon, grid.lon)):
        if name not in table.variables:
            continue
        values = numbers(table, name)
        if values.ndim == 1:
            axis = expected[:, 0] if name == lat else expected[0]
            expected = axis
        if values.shape != expected.shape or np.nanmax(np.abs(values - expected)) > SAME_PLACE:
            raise VicFileError(
                f"{path} is on another grid than {grid.path}: {name} is of shape {values.shape} "
                f"from {np.nanmin(values):g} to {np.nanmax(values):g}, there {expected.shape} from "
                f"{expected.min():g} to {expected.max():g}: regrid it, or give the domain file of "
                "this grid"
            )


def spelt(unit: str) -> str:
    """A unit as this library spells it."""
    return SPELT.get(unit.strip(), unit.strip())


def read_parameters(path, grid: Grid) -> xr.Dataset:
    """The parameter file of a domain, as it is in the file, held to its format.

    Raises
    ------
    VicFileError
        Another grid; a variable that is missing, in other units, or in a cell that is run missing
        or out of range; cells of the mask that ``run_cell`` leaves out, or the other way round.
    """
    path, table = Path(path), open_raw(path)
    check_places(path, table, grid)
    wanted = VARIABLES | {name: v for name, v in OPTIONAL.items() if name in table.variables}
    for name, variable in wanted.items():
        if name not in table.variables:
            raise VicFileError(
                f"{path} lacks {name} ({variable.unit}), which VIC 5 needs: it is no parameter "
                "file of the image driver, or an incomplete one"
            )
        there = table[name].dims
        before = there[:-2]
        if len(before) != len(variable.dims) or table[name].shape[-2:] != grid.active.shape:
            raise VicFileError(
                f"{path}: {name} has dims {there} of sizes {table[name].shape}; needed are "
                f"{(*variable.dims, 'y', 'x')} on a grid of {grid.active.shape}"
            )
        said = spelt(str(table[name].attrs.get("units", "")))
        plain = said in ("", "-", "1", "-9999") or name == "infilt"
        if not plain and variable.unit != "1" and not same_unit(said, variable.unit):
            raise VicFileError(
                f"{path}: {name} is in {said!r}, VIC 5 takes it for {variable.unit}: convert it, "
                "or correct its attribute units"
            )
    if "run_cell" in table.variables:
        other = (numbers(table, "run_cell") == 1) != grid.active
        if other.any():
            y, x = np.argwhere(other)[0]
            raise VicFileError(
                f"{path}: run_cell and the mask of {grid.path} differ in {int(other.sum())} cells, "
                f"the first at row {y}, column {x}: make them the same"
            )
    _check_ranges(path, table, grid, wanted)
    return table


def _check_ranges(path, table, grid, wanted):
    cells = grid.cells
    area = numbers(table, "Cv")[:, *cells]  # (class, cell)
    grown = np.nan_to_num(area) > 0
    grown[-1] = False  # bare soil has constants of VIC's own
    for name, variable in wanted.items():
        values = numbers(table, name)[..., *cells]
        counts = np.ones(values.shape, bool)
        if name in OF_CLASSES:
            shape = (len(grown), *[1] * (values.ndim - 2), grown.shape[1])
            counts = np.broadcast_to(grown.reshape(shape), values.shape)
        if name == "Cv":
            values = np.nan_to_num(values)
        bad = counts & ~((values >= variable.lower) & (values <= variable.upper))
        if bad.any():
            *_, cell = where = np.argwhere(bad)[0]
            of_class = f", class {where[0] + 1}" if CLASS in variable.dims else ""
            raise VicFileError(
                f"{path}: {name} is {values[tuple(where)]:g} at row {cells[0][cell]}, column "
                f"{cells[1][cell]}{of_class} ({int(bad.sum())} such values); it lies between "
                f"{variable.lower:g} and {variable.upper:g} {variable.unit}: correct it, or mask "
                "the cell"
            )
