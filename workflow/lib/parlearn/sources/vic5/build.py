"""A user's VIC 5 in the form of the files of a study, and calibrated parameters in the user's."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.land.climate import climate_attributes
from parlearn.models.vic5.export import parameter_file
from parlearn.plan.targets import TARGETS
from parlearn.sources.units import same_unit
from parlearn.sources.vic5 import land
from parlearn.sources.vic5.files import (
    Grid,
    VicFileError,
    check_places,
    numbers,
    open_raw,
    read_grid,
    read_parameters,
    spelt,
)
from parlearn.sources.vic5.weather import read_forcing
from parlearn.study.folds import basin_splits, most_alike
from parlearn.study.splits import TRAIN, UNUSED, nearest

#: what of the land the networks are told, and its unit
_TOLD = {
    "elev": "m",
    "porosity": "m3 m-3",
    "Ksat": "mm day-1",
    "b_clapp": "1",
    "theta_wp": "m3 m-3",
    "quartz": "1",
}
#: days of the weather that tells of a climate
YEAR = 365
#: parameter that is learned -> variables of the user's file that it changes
CHANGES = {
    **{name: (name,) for name in ("infilt", "Ds", "Dsmax", "Ws", "Wcr_FRACT", "Ksat", "expt")},
    **dict.fromkeys(("depth1", "depth2", "depth3"), ("depth", "init_moist")),
    "resid_share": ("resid_moist",),
    "Wpwp_share": ("Wpwp_FRACT", "resid_moist"),
    "Wcr_FRACT": ("Wcr_FRACT", "Wpwp_FRACT", "resid_moist"),
    "porosity": ("bulk_density", "resid_moist", "init_moist"),
}
#: factors of variables of the classes with plants
FACTORS = {"rmin_factor": "rmin", "LAI_factor": "LAI", "albedo_factor": "albedo"}


def read_land(source: Mapping) -> tuple[Grid, xr.Dataset, pd.DataFrame]:
    """Grid, parameter file as it is, and what of it is left out.

    Parameters
    ----------
    source : ``domain``, ``parameters`` (paths); optionally ``names`` (of the domain file) and
        ``leave_out`` (of :data:`~parlearn.sources.vic5.land.LEFT_OUT`)
    """
    grid = read_grid(source["domain"], source.get("names"))
    table = read_parameters(source["parameters"], grid)
    left_out = land.beyond(source["parameters"], table, grid, source.get("leave_out", ()))
    return grid, table, left_out


def build_forcing(source: Mapping) -> xr.Dataset:
    """Forcing of the cells that are run, in the form of forcing.nc.

    Parameters
    ----------
    source : ``domain``, ``forcing`` (prefix) and ``record``; optionally ``names``, ``variables``
        and ``units``, see :func:`~parlearn.sources.vic5.weather.read_forcing`
    """
    return read_forcing(
        source["forcing"],
        read_grid(source["domain"], source.get("names")),
        source["record"],
        names=source.get("variables"),
        units=source.get("units"),
    )


def build_domain(
    source: Mapping,
    forcing: xr.Dataset,
    observations: xr.Dataset,
    training: Sequence[str],
    samplings: Mapping[str, Mapping],
    seed: int,
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Cells, VIC's constants, attributes of networks and splits, in the form of domain.nc.

    Parameters
    ----------
    source : see :func:`read_land`; ``canopy: closed`` as VIC's FCAN_SRC FROM_DEFAULT
    forcing : of :func:`build_forcing`
    observations : of :func:`build_observations`; cells with fewer than two of each target in the
        training period have no role, and take the parameters of their donor
    training : first and last day that climate attributes are of; under a year there are none
    samplings, seed : see :func:`parlearn.study.folds.basin_splits`

    Returns
    -------
    The domain, and what of the user's file is left out.
    """
    grid, table, left_out = read_land(source)
    path = source["parameters"]
    closed = source.get("canopy", "file") == "closed"
    domain = land.vegetation(path, table, grid, closed)
    ground = land.soil(table, grid)
    for name, (values, unit) in ground.items():
        domain[name] = "cell", values, {"units": unit}
    rows, columns = grid.cells
    places = {"lat": ("degrees_north", grid.lat), "lon": ("degrees_east", grid.lon)}
    for name, (unit, values) in places.items():
        domain[name] = "cell", values[rows, columns], {"units": unit}
    domain["row"], domain["col"] = ("cell", rows), ("cell", columns)
    days = forcing.sel(time=slice(*training))
    climate = {}
    # cells would be told apart by the season that a shorter period leaves out
    if days.sizes["time"] >= YEAR:
        weather = ("prec", "tair", "swdown", "lwdown", "pressure")
        climate = climate_attributes(
            **{name: days[name].values.astype(float) for name in weather},
            day_of_year=days["time"].dt.dayofyear.values,
        )
    told = {name: (unit, ground[name][0]) for name, unit in _TOLD.items()}
    cover, bare = domain["Cv"].values, domain["Cv"].values[:, -1]
    told |= {
        "bare": ("1", bare),
        "trees": ("1", (cover * domain["overstory"].values).sum(1)),
        "leaf_area": ("m2 m-2", (cover[..., None] * domain["LAI"].values).sum(1).mean(-1)),
    }
    told |= {f"climate_{name}": column for name, column in climate.items()}
    values = np.stack([column for _, column in told.values()], -1).astype(np.float32)
    domain["attributes"] = ("cell", "attribute"), values
    domain["attribute"] = "attribute", np.array([*told], dtype=str)
    domain["attribute_units"] = "attribute", np.array([u for u, _ in told.values()], dtype=str)
    seen = observations.sel(time=slice(*training))
    observed = np.all([series.notnull().sum("time") >= 2 for series in seen.values()], axis=0)
    if not observed.any():
        raise VicFileError(
            f"no cell has two observations of {', '.join(seen)} in {training[0]} .. {training[1]}: "
            "change the training period"
        )
    domain = domain.merge(_splits(domain, values, np.flatnonzero(observed), samplings, seed))
    said = "; ".join(f"{row.what} in {row.cells} cells" for row in left_out.itertuples())
    domain.attrs = {"source": f"parameters of VIC 5: {Path(path).name}", "left_out": said or "none"}
    return domain, left_out


def _splits(domain, attributes, observed, samplings, seed) -> xr.Dataset:
    """Roles of the cells that are observed, and donors of all."""
    lat, lon = domain["lat"].values, domain["lon"].values
    made = basin_splits(
        lat[observed],
        lon[observed],
        np.full(len(observed), "domain"),
        attributes[observed],
        samplings,
        seed,
    )
    role = np.full((len(samplings), len(lat)), UNUSED, dtype=np.int8)
    role[:, observed] = made["role"].values
    trained = [np.flatnonzero(one == TRAIN) for one in role]
    tables = {
        "role": role,
        "donor": np.stack([nearest(lat, lon, among) for among in trained]),
        "donor_alike": np.stack([most_alike(attributes, among) for among in trained]),
    }
    return xr.Dataset(
        {name: (("sampling", "cell"), table, made[name].attrs) for name, table in tables.items()},
        coords={"sampling": made["sampling"]},
    )


def build_observations(files: Mapping[str, str], grid: Grid, forcing: xr.Dataset) -> xr.Dataset:
    """Observations of the cells on the time axis of the forcing, NaN where none.

    Parameters
    ----------
    files : target -> netCDF on the grid of the domain (time, y, x) with a variable of the target's
        name, or CSV with columns date, lat, lon and the target's, each line for the cell it lies in

    Raises
    ------
    VicFileError
        A column or variable that is missing, another grid or unit, a value out of range, a place
        outside the cells; no observation at all in the record.
    """
    days = forcing["time"].values.astype("datetime64[D]")
    record = np.datetime64(forcing.attrs["record_start"])
    out, attrs = {}, {"record_start": str(record)}
    for name, path in files.items():
        target = TARGETS[name]
        read = _of_table if Path(path).suffix == ".csv" else _of_grid
        values = read(Path(path), name, grid, days)
        values[:, days < record] = np.nan
        bad = (values < target.lower) | (values > target.upper)
        if bad.any():
            cell, day = np.argwhere(bad)[0]
            raise VicFileError(
                f"{path}: {name} is {values[cell, day]:g} on {days[day]} in cell {cell} "
                f"({int(bad.sum())} such values); in {target.unit} it lies between "
                f"{target.lower:g} and {target.upper:g}: convert it, or leave the value empty"
            )
        seen = np.flatnonzero(np.isfinite(values).any(0))
        if not seen.size:
            raise VicFileError(
                f"{path} has no {name} in the record, {record} .. {days[-1]}: change source.record"
            )
        out[name] = ("cell", "time"), values.astype(np.float32), {"units": target.unit}
        attrs[f"last_{name}"] = str(days[seen[-1]])
    return xr.Dataset(out, coords={"time": forcing["time"].values}, attrs=attrs)


def _of_grid(path, name, grid, days):
    table = open_raw(path)
    check_places(path, table, grid)
    if name not in table:
        raise VicFileError(
            f"{path} has no {name}; there are {', '.join(map(str, table.data_vars))}: rename the "
            "one that it is"
        )
    said = spelt(str(table[name].attrs.get("units", TARGETS[name].unit)))
    if not same_unit(said, TARGETS[name].unit) and said != "1":
        raise VicFileError(f"{path}: {name} is in {said!r}, needed is {TARGETS[name].unit}")
    with xr.open_dataset(path) as decoded:
        stamps = decoded["time"].values.astype("datetime64[D]")
    values = numbers(table, name)
    if values.shape != (len(stamps), *grid.active.shape):
        raise VicFileError(
            f"{path}: {name} has the shape {values.shape}, needed are {len(stamps)} days on a grid "
            f"of {grid.active.shape}"
        )
    out = np.full((len(grid.cells[0]), len(days)), np.nan)
    place, there = _places(stamps, days)
    out[:, place] = values[there][:, *grid.cells].T
    return out


def _of_table(path, name, grid, days):
    if not path.is_file():
        raise VicFileError(f"there is no file {path}: correct its name")
    table = pd.read_csv(path)
    for column in ("date", "lat", "lon", name):
        if column not in table:
            raise VicFileError(
                f"{path} has no column {column}; it needs date, lat, lon and {name}, and has "
                f"{', '.join(table.columns)}"
            )
    lat, lon = grid.lat[grid.cells], grid.lon[grid.cells]
    side = _side(grid)
    far = np.maximum(
        np.abs(table["lat"].to_numpy()[:, None] - lat),
        np.abs(table["lon"].to_numpy()[:, None] - lon),
    )
    cell = far.argmin(1)
    outside = far[np.arange(len(far)), cell] > 0.5 * side + 1e-6
    if outside.any():
        line = table[outside].iloc[0]
        raise VicFileError(
            f"{path}: {line['lat']:g} N, {line['lon']:g} E lies in none of the cells that are run "
            f"({int(outside.sum())} such lines): leave them out, or run those cells"
        )
    try:
        stamps = pd.to_datetime(table["date"], format="ISO8601").to_numpy("datetime64[D]")
    except ValueError as error:
        raise VicFileError(f"{path}: {error}: write dates as 2008-01-31") from error
    place, there = _places(stamps, days)
    frame = pd.DataFrame(
        {"cell": cell[there], "day": place, "value": table[name].to_numpy()[there]}
    )
    mean = frame.dropna().groupby(["cell", "day"])["value"].mean()
    out = np.full((len(lat), len(days)), np.nan)
    out[mean.index.get_level_values(0), mean.index.get_level_values(1)] = mean.to_numpy(float)
    return out


def _places(stamps, days):
    """Of the stamps that are among the days: where in the days they stand, and which they are."""
    there = (stamps >= days[0]) & (stamps <= days[-1])
    return (stamps[there] - days[0]).astype(int), there


def _side(grid) -> float:
    """Side of a cell, degrees: the least distance of rows or columns; any where there is one."""
    steps = [
        np.abs(np.diff(v, axis=a)) for v, a in ((grid.lat, 0), (grid.lon, 1)) if v.shape[a] > 1
    ]
    return float(max(step.max() for step in steps)) if steps else 1.0


def calibrated(source: Mapping, domain: xr.Dataset, parameters: xr.Dataset) -> xr.Dataset:
    """The user's parameter file with what was learned in it, and nothing else changed.

    Raises
    ------
    VicFileError
        A parameter was learned that moves cover or roots between classes, or is in no file.
    """
    # what a study leaves out stays in the user's file
    grid, table, _ = read_land(dict(source) | {"leave_out": land.LEFT_OUT})
    made = parameter_file(domain, parameters).isel(y=0)
    learned = [str(name) for name in parameters["parameter"].values]
    out = table.copy(deep=True)
    for name in learned:
        if name in FACTORS:
            factor = parameters["parameters"].sel(parameter=name).values.astype(float)
            _multiply(out, FACTORS[name], factor, grid)
            continue
        if name not in CHANGES:
            raise VicFileError(
                f"{name} was learned and stands in no variable of {source['parameters']} for "
                "itself: write a whole new file by export-vic5"
            )
        for variable in CHANGES[name]:
            values = out[variable].values
            values[..., *grid.cells] = made[variable].values.astype(values.dtype)
    return out


def _multiply(table, name, factor, grid):
    values = table[name].values
    grown = values[:-1, ..., *grid.cells] * factor
    values[:-1, ..., *grid.cells] = np.minimum(grown, 1.0) if name == "albedo" else grown
