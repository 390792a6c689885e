"""A study on a regular grid from regridded products: cells, weather and observations.

The same for a twin and for the archives. Weather is NLDAS-2 or CMFD, observations SMAP, MOD16A2 or
GLEAM, all on the target grid; maps that do not change come from :mod:`parlearn.sources.statics`. A
cell is used where all of these are there; what is left out is counted (:func:`coverage`).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.land.climate import climate_attributes
from parlearn.land.soil import soil_statics
from parlearn.land.subdaily import MINIMUM_WIND
from parlearn.land.vegetation import IGBP, vegetation_statics
from parlearn.storage import contracts
from parlearn.study.splits import grid_splits, keep_used

#: maps that networks are told, where there are such
ATTRIBUTES = ("sand", "clay", "silt", "elevation", "slope", "ndvi")
#: of the published parameters, as the domain has them
PRIOR = "prior_"
WEATHER = ("prec", "tair", "swdown", "lwdown", "vp", "pressure", "wind")
STEPS = ("tair_3h", "swdown_3h")
#: days that are read at once
DAYS = 31


class GriddedError(ValueError):
    """Regridded files that do not make a study."""


def coverage(
    statics: xr.Dataset, weather: Sequence, observed: Sequence, target: str, training: Sequence[str]
) -> pd.DataFrame:
    """Which cells of the grid can be used, and why not.

    Parameters
    ----------
    statics : (lat, lon), as :func:`parlearn.sources.statics.read_statics` gives them
    weather, observed : paths of regridded files of weather and of ``target``, in order of time
    training : first and last day, ISO, inclusive: a cell without an observation in it is left out

    Returns
    -------
    A row each cell, row by row from the first latitude: lat, lon, row, col, days_without_weather,
    observations_training, kept (bool), reason (empty where kept).
    """
    shape = statics.sizes["lat"], statics.sizes["lon"]
    gaps, seen = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for path in weather:
        with contracts.part_of(path) as ds:
            part = ds.sel(time=slice(*training))
            if part.sizes["time"]:
                bad = np.zeros((part.sizes["time"], *shape), bool)
                for name in WEATHER:
                    bad |= np.isnan(part[name].transpose("time", "lat", "lon").values)
                whole = bad.all(axis=(1, 2))  # no weather anywhere: not a matter of the cell
                gaps += bad[~whole].sum(axis=0)
    for path in observed:
        with contracts.part_of(path) as ds:
            # a composite that goes on after the training period is none of it
            within = ds["time"].values >= np.datetime64(training[0])
            within &= _ends(ds) <= pd.Timestamp(training[1])
            part = ds[target].transpose("time", "lat", "lon")[within]
            seen += np.isfinite(part.values).sum(axis=0)
    reasons = np.full(shape, "", dtype=object)
    # the last reason written is the one that stands: the plainest ones come last
    if observed:
        reasons[seen == 0] = f"no {target} in {training[0]}..{training[1]}"
    reasons[gaps > 0] = "weather has gaps"
    for name in [name for name in ATTRIBUTES if name in statics] + ["igbp"]:
        reasons[~np.isfinite(statics[name].values)] = f"no {name}"
    cover = statics["igbp"].values
    reasons[np.isfinite(cover) & ~np.isin(cover, list(IGBP))] = "no vegetation class for its cover"
    texture = sum(statics[name].values for name in ("sand", "clay", "silt"))
    reasons[np.isfinite(texture) & ((texture < 30) | (texture > 130))] = "soil texture is no whole"
    row, col = np.indices(shape)
    return pd.DataFrame(
        {
            "lat": statics["lat"].values[row].ravel(),
            "lon": statics["lon"].values[col].ravel(),
            "row": row.ravel(),
            "col": col.ravel(),
            "days_without_weather": gaps.ravel(),
            "observations_training": seen.ravel(),
            "kept": reasons.ravel() == "",
            "reason": reasons.ravel(),
        }
    )


def build_domain(
    statics: xr.Dataset,
    table: pd.DataFrame,
    weather: Sequence,
    training: Sequence[str],
    samplings: Mapping[str, int],
    seed: int,
) -> xr.Dataset:
    """Cells that a sampling uses, VIC's constants, attributes of the networks, and splits.

    Parameters
    ----------
    table : of :func:`coverage`
    weather, training : climate attributes and the deep soil temperature are those of these days
    samplings, seed : see :func:`parlearn.study.splits.grid_splits`

    Returns
    -------
    xarray.Dataset in the form of domain.nc; ``row`` and ``col`` are those of the target grid.
    """
    kept = table[table["kept"]]
    if kept.empty:
        reasons = table["reason"].value_counts()
        raise GriddedError(
            f"none of {len(table)} cells can be used; most are left out for: {reasons.index[0]}"
        )
    columns = [kept[name].to_numpy() for name in ("lat", "lon", "row", "col")]
    splits = grid_splits(*columns, dict(samplings), seed)
    places = xr.Dataset(
        {name: ("cell", v) for name, v in zip(("lat", "lon", "row", "col"), columns)}
    )
    places["lat"].attrs["units"], places["lon"].attrs["units"] = "degrees_north", "degrees_east"
    for name, start in (("row", "the first latitude"), ("col", "the west")):
        places[name].attrs = {"units": "1", "long_name": f"{name} of the grid, from {start}"}
    (places,) = keep_used(places.merge(splits))
    at = [xr.DataArray(places[name].values, dims="cell") for name in ("row", "col")]
    maps = {name: statics[name].isel(lat=at[0], lon=at[1]).values for name in statics.data_vars}
    # of these days alone: networks are not told of weather they are tested in
    days = pd.date_range(*training)
    daily = _cells(weather, places, days, ("prec", "tair", "swdown", "lwdown", "pressure"))
    climate = climate_attributes(**daily, day_of_year=days.day_of_year.to_numpy())
    plants = vegetation_statics(maps["igbp"].astype(int), maps["ndvi"])
    units = {name: statics[name].attrs.get("units", "1") for name in statics.data_vars}
    told = {name: (units[name], maps[name]) for name in ATTRIBUTES if name in maps}
    told["tree_fraction"] = "1", (plants["Cv"] * plants["overstory"]).sum("veg_class").values
    told |= {f"climate_{name}": column for name, column in climate.items()}
    soil = soil_statics(maps["sand"], maps["clay"], maps["silt"])
    domain = xr.merge([soil, plants, places], compat="no_conflicts", join="exact")
    domain["elev"] = "cell", maps["elevation"], {"units": "m", "long_name": "elevation"}
    domain["avg_T"] = (
        "cell",
        daily["tair"].mean(axis=1),
        {"units": "degC", "long_name": "mean air temperature (deep soil)"},
    )
    domain["igbp"] = "cell", maps["igbp"].astype(int), {"long_name": "IGBP land cover"}
    for name in ("infilt", "Ds", "Dsmax", "Ws", "expt", "depth2", "depth3"):
        if name in maps:
            domain[PRIOR + name] = "cell", maps[name], statics[name].attrs
    names, values = list(told), [column for _, column in told.values()]
    domain["attributes"] = ("cell", "attribute"), np.stack(values, axis=-1).astype(np.float32)
    domain["attribute"] = "attribute", np.array(names, dtype=str)
    domain["attribute_units"] = (
        "attribute",
        np.array([unit for unit, _ in told.values()], dtype=str),
    )
    domain.attrs = {"cells_in_source": len(table), "cells_usable": len(kept)}
    return domain


def build_forcing(weather: Sequence, domain: xr.Dataset, record: Sequence[str]) -> xr.Dataset:
    """Weather of a domain's cells in the form of forcing.nc, the year before the record first.

    Raises
    ------
    GriddedError
        naming days or cells without weather: VIC cannot run over a gap.
    """
    first, last = (pd.Timestamp(day) for day in record)
    days = pd.date_range(first - pd.DateOffset(years=1), last, freq="D", unit="ns")
    daily = _cells(weather, domain, days, (*WEATHER, *STEPS))
    daily["wind"] = np.maximum(daily["wind"], MINIMUM_WIND)
    units = {name: v.attrs for name, v in _first(weather).items()}
    forcing = xr.Dataset(
        {
            name: (("cell", "time", "step")[: values.ndim], values, units[name])
            for name, values in daily.items()
        },
        coords={"time": days},
    )
    forcing.attrs["record_start"] = str(first.date())
    forcing.attrs["spinup"] = "weather of the year before the record"
    return forcing


def build_observations(
    products: Mapping[str, Sequence], domain: xr.Dataset, record: Sequence[str]
) -> xr.Dataset:
    """Observations of a domain's cells on the time axis of its forcing, NaN where none.

    ``products``: target -> paths of the regridded files that have it, in order of time. A target
    whose files hold composites stands on their last day, with the number of days beside it.
    """
    first, last = (pd.Timestamp(day) for day in record)
    days = pd.date_range(first - pd.DateOffset(years=1), last, freq="D", unit="ns")
    observations = xr.Dataset(coords={"time": days}, attrs={"record_start": str(first.date())})
    for target, paths in products.items():
        values = np.full((domain.sizes["cell"], len(days)), np.nan, np.float32)
        lengths = np.ones(len(days), np.int32)
        composite = False
        for path in paths:
            with contracts.part_of(path) as ds:
                ends, attrs, composite = _ends(ds), ds[target].attrs, "days" in ds
                inside = np.flatnonzero((ends >= first) & (ends <= last))
                place = days.get_indexer(ends[inside])
                field = ds[target].transpose("time", "lat", "lon").values[inside]
                values[:, place] = field[:, domain["row"].values, domain["col"].values].T
                if composite:
                    lengths[place] = ds["days"].values[inside]
        observations[target] = ("cell", "time"), values, attrs
        if composite:
            observations[f"{target}_days"] = (
                "time",
                lengths,
                {"units": "1", "long_name": "days, up to this one, that an observation is mean of"},
            )
        seen = np.flatnonzero(np.isfinite(values).any(axis=0))
        if not len(seen):
            raise GriddedError(f"there is no {target} in the record {record[0]} .. {record[1]}")
        observations.attrs[f"last_{target}"] = str(days[seen[-1]].date())
    return observations


def cut_truth(truth: xr.Dataset, domain: xr.Dataset) -> xr.Dataset:
    """The truth of a twin at the cells of a domain, in its order; basins by the names of gauges."""
    names = ("gauge",) if "gauge" in domain else ("row", "col")

    def keys(ds):
        return zip(*(ds[name].values.tolist() for name in names), strict=True)

    there = {key: k for k, key in enumerate(keys(truth))}
    cells = [there.get(key, -1) for key in keys(domain)]
    cut = truth.isel(cell=cells)
    same = all(np.allclose(cut[name], domain[name], atol=1e-4) for name in ("lat", "lon"))
    if min(cells) < 0 or not same:
        raise GriddedError("the truth is not of the domain's grid: make both again")
    return cut


def _ends(ds) -> pd.DatetimeIndex:
    """The last day that each time of a regridded file speaks of."""
    ends = pd.DatetimeIndex(ds["time"].values)
    return ends + pd.to_timedelta(ds["days"].values - 1, unit="D") if "days" in ds else ends


def _cells(paths, domain, days, names):
    """Series of a domain's cells without gaps, name -> float32 (cell, day[, step]).

    Raises
    ------
    GriddedError
        for days without a file, and for gaps, naming the first day and cell.
    """
    rows, cols = (domain[name].values for name in ("row", "col"))
    series, there = {}, np.zeros(len(days), bool)
    for path in paths:
        with contracts.part_of(path) as ds:
            place = days.get_indexer(ds["time"].values)
            inside = np.flatnonzero(place >= 0)
            if not inside.size:
                continue
            there[place[inside]] = True
            for name in names:
                # a year of steps over a continent is more than a job has: some days at once
                for part in np.split(inside, np.arange(DAYS, inside.size, DAYS)):
                    field = ds[name].isel(time=slice(part[0], part[-1] + 1))
                    field = np.moveaxis(field.transpose("lat", "lon", "time", ...).values, 2, 0)
                    shape = (len(rows), len(days), *field.shape[3:])
                    own = series.setdefault(name, np.full(shape, np.nan, np.float32))
                    own[:, place[part]] = np.moveaxis(field[:, rows, cols], 0, 1)
    if not there.all():
        lost = days[~there]
        raise GriddedError(
            f"weather has no file for {len(lost)} of {len(days)} days, the first {lost[0].date()}: "
            "retrieve the product again, or shorten source.record"
        )
    for name, values in series.items():
        gaps = np.isnan(values).reshape(*values.shape[:2], -1).any(axis=2)
        if gaps.any():
            cell, day = np.argwhere(gaps)[0]
            raise GriddedError(
                f"{name} is missing on {int(gaps.any(axis=0).sum())} days in "
                f"{int(gaps.any(axis=1).sum())} cells, the first on {days[day].date()} at "
                f"{domain['lat'].values[cell]:.3f} N, {domain['lon'].values[cell]:.3f} E: VIC "
                "cannot run over a gap. See coverage.csv for the hours that are missing"
            )
    return series


def _first(paths):
    with contracts.part_of(paths[0]) as ds:
        return {name: ds[name] for name in (*WEATHER, *STEPS)}
