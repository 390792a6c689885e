"""A study of basins from their daily records: domain, weather and streamflow.

The same for every source of basins (:data:`READERS`). Basins are units without a grid. What the
weather lacks is worked out or assumed, and said so: pressure of the standard atmosphere at the mean
elevation, longwave by Prata with the cloud that the shortwave shows, a wind of 2 m s-1, 3-hour
temperature between the day's least and greatest, 3-hour shortwave by the sun's path. There are no
snow bands: a basin has one elevation.
"""

from collections.abc import Mapping, Sequence
from types import ModuleType

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.land.climate import DAYS_PER_YEAR, catchment_indices, priestley_taylor
from parlearn.land.radiation import clear_sky_radiation, longwave_radiation
from parlearn.land.soil import soil_statics
from parlearn.land.subdaily import pressure_from_elevation, vic_forcing
from parlearn.land.tiles import forest_and_rest
from parlearn.sources import camels, caravan
from parlearn.sources.records import FLOW, LAND, PLACE, RecordsError
from parlearn.study.folds import basin_splits

#: source -> what reads its files; a twin of basins publishes files of CAMELS
READERS: Mapping[str, ModuleType] = {
    "camels": camels,
    "caravan": caravan,
    "twin_basins": camels,
}
WIND = 2.0  # m s-1
#: of VIC: thickness of layer 1 (m), and how the rest of the soil is parted into layers 2 and 3
LAYER_1, SHARE_2 = 0.1, 0.25
DAILY = ("prec", "tair", "swdown", "vp", "tmin", "tmax", "lwdown", "pressure", "wind")


def coverage(basins: xr.Dataset, training: Sequence[str]) -> pd.DataFrame:
    """Which basins are used, and why not (``basins.csv``).

    Parameters
    ----------
    basins : of :func:`parlearn.sources.records.gather`
    training : first and last day of the training period, ISO, inclusive

    Returns
    -------
    A row a basin: gauge, name, region, lat, lon, elev, area (km2); of the days of the training
    period with streamflow: observations_training, precipitation and streamflow (mm year-1),
    runoff_ratio; kept (bool), reason (empty where kept), note.
    """
    within = basins.sel(time=slice(*training))
    if within.sizes["time"] == 0:
        raise RecordsError(
            f"the training period {training[0]} .. {training[1]} is not in the record"
        )
    flow, prec = within[FLOW].values, within["prec"].values
    seen = np.isfinite(flow)
    count = seen.sum(axis=1)
    per_year = DAYS_PER_YEAR / np.maximum(count, 1)
    rain = np.where(seen, prec, 0).sum(axis=1) * per_year
    runoff = np.where(seen, flow, 0).sum(axis=1) * per_year
    reasons, notes = basins["reason"].values.astype(object), basins["note"].values.astype(object)
    none = (reasons == "") & (count == 0)
    reasons[none] = f"no {FLOW} in {training[0]}..{training[1]}"
    kept = reasons == ""
    ratio = np.where(kept, runoff / np.maximum(rain, 1e-6), np.nan)
    for k in np.flatnonzero(ratio > 1):
        more = f"more runoff than precipitation ({ratio[k]:.2f})"
        notes[k] = "; ".join(filter(None, (notes[k], more)))
    return pd.DataFrame(
        {
            **{name: basins[name].values for name in ("gauge", "name", "region", *PLACE)},
            "observations_training": count,
            "precipitation": np.where(kept, rain, np.nan),
            FLOW: np.where(kept, runoff, np.nan),
            "runoff_ratio": ratio,
            "kept": kept,
            "reason": reasons,
            "note": notes,
        }
    )


def build_domain(
    basins: xr.Dataset,
    table: pd.DataFrame,
    training: Sequence[str],
    samplings: Mapping[str, Mapping],
    seed: int,
) -> xr.Dataset:
    """Basins that are used, attributes of networks, splits; where land is known VIC's constants.

    Parameters
    ----------
    table : of :func:`coverage`
    training : climate attributes and the deep soil temperature are those of these days
    samplings, seed : see :func:`parlearn.study.folds.basin_splits`

    Returns
    -------
    xarray.Dataset in the form of domain.nc, without row and col, since basins lie on no grid
    """
    kept = table["kept"].to_numpy()
    if not kept.any():
        reasons = table["reason"].value_counts()
        raise RecordsError(
            f"none of {len(table)} basins can be used; most are left out for: {reasons.index[0]}"
        )
    chosen = basins.isel(basin=np.flatnonzero(kept)).rename(basin="cell")
    days = chosen.sel(time=slice(*training))
    day_of_year = days["time"].dt.dayofyear.values
    weather, _ = completed(days, chosen["lat"].values, chosen["elev"].values)
    tair = weather["tair"]
    demand = priestley_taylor(*(weather[n] for n in ("tair", "swdown", "lwdown", "pressure")))
    climate = catchment_indices(weather["prec"], tair, demand, day_of_year)
    names = [str(name) for name in chosen["attribute"].values]
    units = [str(unit) for unit in chosen["attribute_units"].values]
    values = [*chosen["attributes"].values.T, *(column for _, column in climate.values())]
    parts = [_land(chosen)] if all(name in chosen for name in LAND) else []
    domain = xr.merge(parts, join="exact") if parts else xr.Dataset()
    for name in (*PLACE, "gauge", "name", "region"):
        domain[name] = chosen[name]
    domain["avg_T"] = (
        "cell",
        tair.mean(axis=1, dtype=np.float64),
        {"units": "degC", "long_name": "mean air temperature (deep soil)"},
    )
    domain["attributes"] = ("cell", "attribute"), np.stack(values, axis=-1).astype(np.float32)
    domain["attribute"] = "attribute", np.array([*names, *climate], dtype=str)
    domain["attribute_units"] = (
        "attribute",
        np.array([*units, *(unit for unit, _ in climate.values())], dtype=str),
    )
    splits = basin_splits(
        domain["lat"].values,
        domain["lon"].values,
        domain["region"].values.astype(str),
        domain["attributes"].values,
        samplings,
        seed,
    )
    domain = domain.drop_vars("time", errors="ignore").merge(splits)
    domain.attrs = {"basins_in_source": len(table), "basins_kept": int(kept.sum())}
    return domain


def completed(records: xr.Dataset, lat, elev) -> tuple[dict[str, np.ndarray], list[str]]:
    """Weather of basins with all that models need, and what of it is assumed, in words.

    Parameters
    ----------
    records : weather (cell, time) as a source has it
    lat, elev : (cell,) degrees north, m

    Returns
    -------
    name -> (cell, time) float32 in the units of forcing.nc; a sentence for each assumption
    """
    daily = {name: records[name].values for name in DAILY if name in records}
    shape, assumed = daily["prec"].shape, []
    if "pressure" not in daily:
        pressure = pressure_from_elevation(elev)[:, None].astype(np.float32)
        daily["pressure"] = np.broadcast_to(pressure, shape)
        assumed.append("pressure: standard atmosphere at the mean elevation")
    if "wind" not in daily:
        daily["wind"] = np.full(shape, WIND, np.float32)
        assumed.append(f"wind: {WIND:g} m s-1")
    if "lwdown" not in daily:
        clear = clear_sky_radiation(lat, elev, records["time"].dt.dayofyear.values)
        # the clear sky of the formula is a mean one: some days are clearer
        clearness = np.clip(daily["swdown"] / np.maximum(clear, 1e-6), 0, 1).astype(np.float32)
        daily["lwdown"] = longwave_radiation(daily["tair"], daily["vp"], clearness)
        assumed.append("longwave: Prata (1996), cloud from the clearness of the shortwave")
    if "tmax" not in daily:
        assumed.append("range of the day's temperature: from the clearness of the sky")
    return daily, assumed


def build_forcing(basins: xr.Dataset, domain: xr.Dataset, record: Sequence[str]) -> xr.Dataset:
    """Weather of a domain's basins in the form of forcing.nc, the year before the record first."""
    chosen = _of(basins, domain)
    lat = domain["lat"].values
    daily, assumed = completed(chosen, lat, domain["elev"].values)
    forcing = vic_forcing(chosen["time"].values, lat, **daily)
    forcing.attrs["record_start"] = str(record[0])
    forcing.attrs["spinup"] = "weather of the year before the record"
    forcing.attrs["assumed"] = "; ".join(assumed) or "nothing"
    return forcing


def build_observations(basins: xr.Dataset, domain: xr.Dataset, record: Sequence[str]) -> xr.Dataset:
    """Streamflow of a domain's basins on the time axis of its forcing, NaN where none."""
    chosen = _of(basins, domain)
    recorded = chosen["time"] >= np.datetime64(record[0])
    flow = chosen[FLOW].where(recorded).transpose("cell", "time")
    seen = np.flatnonzero(flow.notnull().any("cell").values)
    attrs = {"units": "mm day-1", "long_name": "streamflow over the area of the basin"}
    return xr.Dataset(
        {FLOW: (("cell", "time"), flow.values, attrs)},
        coords={"time": chosen["time"].values},
        attrs={
            "record_start": str(record[0]),
            f"last_{FLOW}": str(chosen["time"].values[seen[-1]])[:10] if seen.size else "none",
        },
    )


def _of(basins, domain) -> xr.Dataset:
    """Records of the basins of a domain, in its order."""
    there = {str(gauge): k for k, gauge in enumerate(basins["gauge"].values)}
    places = [there[str(gauge)] for gauge in domain["gauge"].values]
    return basins.isel(basin=places).rename(basin="cell")


def _land(chosen) -> xr.Dataset:
    """Soil and vegetation of VIC, the default depths of its layers among them."""
    land = {name: chosen[name].values.astype(np.float64) for name in LAND}
    soil = soil_statics(
        *(land[name] for name in ("sand", "clay", "silt", "porosity", "conductivity"))
    )
    plants = forest_and_rest(
        land["forest"], land["cover"].astype(int), land["green"], land["lai_max"], land["lai_min"]
    )
    below = np.maximum(land["soil_depth"] - LAYER_1, 0.0)
    depths = xr.Dataset(
        {
            name: (
                "cell",
                share * below,
                {"units": "m", "long_name": f"{name} of the soil's depth"},
            )
            for name, share in (("prior_depth2", SHARE_2), ("prior_depth3", 1 - SHARE_2))
        }
    )
    return xr.merge([soil, plants, depths], join="exact")
