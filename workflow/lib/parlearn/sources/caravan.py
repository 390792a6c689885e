"""Native files of Caravan: weather of ERA5-Land and streamflow of basins of any country.

Kratzert et al. (2023, doi:10.1038/s41597-023-01975-w). In the folder of the data, as published,
where COLLECTION is camels, camelsgb, hysets and so on::

    timeseries/{csv,netcdf}/COLLECTION/COLLECTION_GAUGE.{csv,nc}
    attributes/COLLECTION/attributes_other_COLLECTION.csv
    attributes/COLLECTION/attributes_hydroatlas_COLLECTION.csv     (optional)

Daily values in mm, degC, W m-2, kPa and m s-1; streamflow in mm day-1. What is done with them:

- radiation is net: what comes down is the net shortwave over 1 - albedo (0.2), and the net longwave
  with what a surface at air temperature emits;
- vapour pressure is that of saturation at the dew point; wind is the length of its mean vector;
- elevation is HydroATLAS's, and without that file follows from the mean pressure;
- ``potential_evaporation_sum`` (ERA5-Land) is several times what can evaporate, and is never read,
  nor are the climate indices of ``attributes_caravan``, which hold it and span all years.

Nothing is told of soil and leaves that VIC could be set up with: the domain has no land.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.land.radiation import STEFAN_BOLTZMANN
from parlearn.land.subdaily import MINIMUM_WIND
from parlearn.sources import records
from parlearn.sources.records import FLOW, RecordsError, Unusable

ALBEDO, EMISSIVITY = 0.2, 0.97
#: form of the time series -> its folder's name is also that; end of the files' names
FORMS = {"csv": ".csv", "netcdf": ".nc"}
COLUMNS = (
    "total_precipitation_sum",
    "temperature_2m_mean",
    "temperature_2m_min",
    "temperature_2m_max",
    "surface_net_solar_radiation_mean",
    "surface_net_thermal_radiation_mean",
    "surface_pressure_mean",
    "dewpoint_temperature_2m_mean",
    "u_component_of_wind_10m_mean",
    "v_component_of_wind_10m_mean",
    FLOW,
)
#: attributes of HydroATLAS that networks may be told -> unit
HYDROATLAS = {
    "ele_mt_sav": "m",
    "slp_dg_sav": "0.1 degree",
    "for_pc_sse": "%",
    "crp_pc_sse": "%",
    "snd_pc_sav": "%",
    "slt_pc_sav": "%",
    "cly_pc_sav": "%",
    "lka_pc_sse": "0.1 %",
    "kar_pc_sse": "%",
    "soc_th_sav": "t ha-1",
}


def file_names(names: Iterable[str], source) -> list[str]:
    """Those of a folder's files (paths relative to the data) that are read."""
    form, end = source["files"], FORMS[source["files"]]
    chosen, wanted, kept = source.get("collections"), records.wanted(source), []
    for name in names:
        parts = Path(name).parts
        series = parts[:2] == ("timeseries", form) and len(parts) == 4 and name.endswith(end)
        series = series and (wanted is None or Path(name).stem in wanted)
        table = parts[0] == "attributes" and len(parts) == 3
        if table:
            stem = Path(name).stem.removesuffix(f"_{parts[1]}")
            table = stem in ("attributes_other", "attributes_hydroatlas")
        if (series or table) and (not chosen or parts[-2] in chosen):
            kept.append(name)
    return sorted(kept)


def read_basins(folder, names: Sequence[str], source, record: Sequence[str]) -> xr.Dataset:
    """Records of the basins of a folder, see :func:`parlearn.sources.records.gather`.

    Parameters
    ----------
    folder : of the data
    names : its files that are read, of :func:`file_names`
    source : ``files`` (csv or netcdf); ``basins``, a list of gauges, or None for all that are there
    record : first and last day of the record; weather begins a year earlier
    """
    folder, days = Path(folder), records.days_of(record)
    paths = {Path(name).stem: folder / name for name in names if name.startswith("timeseries")}
    known, attributes = _known(folder, [name for name in names if name.startswith("attributes")])
    gauges = records.wanted(source) or sorted(paths)
    if not gauges:
        raise RecordsError(f"{folder}: has no time series in timeseries/{source['files']}")
    without = "elev" not in known
    if without:
        known["elev"] = np.nan

    def read(gauge):
        if gauge not in paths:
            raise Unusable("no file of its time series")
        date, table = read_series(paths[gauge])
        series = {name: records.on_days(days, date, v) for name, v in daily(table).items()}
        flow = series.pop(FLOW)
        records.check_weather(series, days)
        records.check_flow(flow, days)
        if without:
            known.loc[gauge, "elev"] = elevation_from_pressure(series["pressure"].mean())
        return series | {FLOW: flow}

    return records.gather(gauges, days, read, known, attributes, {})


def read_series(path) -> tuple[np.ndarray, pd.DataFrame]:
    """Days (day,) datetime64[D] and columns :data:`COLUMNS` of one basin; Unusable on others."""
    path = Path(path)
    try:
        if path.suffix == ".nc":
            with xr.open_dataset(path) as ds:
                table = ds[[name for name in COLUMNS if name in ds]].load().to_dataframe()
            date = pd.DatetimeIndex(table.index.get_level_values("date"))
        else:
            table = pd.read_csv(path, usecols=lambda name: name == "date" or name in COLUMNS)
            date = pd.DatetimeIndex(pd.to_datetime(table["date"], format="%Y-%m-%d"))
        if missing := [name for name in COLUMNS if name not in table]:
            raise Unusable(f"{path.name}: has no {', '.join(missing)}")
        values = table[list(COLUMNS)].astype(np.float64)
    except Unusable:
        raise
    except (OSError, ValueError, KeyError, pd.errors.ParserError, pd.errors.EmptyDataError):
        raise Unusable(f"{path.name}: is no time series of Caravan") from None
    return records.rising(date.to_numpy().astype("datetime64[D]")), values


def daily(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Weather and streamflow of a basin in units of :data:`parlearn.sources.records.WEATHER`."""
    raw = {name: table[name].to_numpy() for name in COLUMNS}
    tair = raw["temperature_2m_mean"]
    emitted = EMISSIVITY * STEFAN_BOLTZMANN * (tair + 273.15) ** 4
    dew = raw["dewpoint_temperature_2m_mean"]
    wind = np.hypot(raw["u_component_of_wind_10m_mean"], raw["v_component_of_wind_10m_mean"])
    return {
        "prec": raw["total_precipitation_sum"],
        "tair": tair,
        "tmin": raw["temperature_2m_min"],
        "tmax": raw["temperature_2m_max"],
        # the mean over a polar night is written as a small negative number
        "swdown": np.maximum(raw["surface_net_solar_radiation_mean"], 0) / (1 - ALBEDO),
        "lwdown": (raw["surface_net_thermal_radiation_mean"] + emitted) / EMISSIVITY,
        "vp": 0.61078 * np.exp(17.269 * dew / (237.3 + dew)),
        "pressure": raw["surface_pressure_mean"],
        "wind": np.maximum(wind, MINIMUM_WIND),
        FLOW: raw[FLOW],
    }


def elevation_from_pressure(pressure) -> float:
    """Elevation (m) of a mean pressure (kPa) in the standard atmosphere (ISO 2533)."""
    return float((1 - (pressure / 101.325) ** (1 / 5.25588)) / 2.25577e-5)


def _known(folder, names) -> tuple[pd.DataFrame, dict[str, str]]:
    """What the tables of attributes tell of each gauge, and which of it networks may be told."""
    parts = {"other": [], "hydroatlas": []}
    for name in names:
        table = _read(folder / name)
        kind = Path(name).stem.split("_")[1]
        parts[kind].append(table.assign(region=Path(name).parts[1]))
    if not parts["other"]:
        raise RecordsError(
            f"{folder}: has no attributes/COLLECTION/attributes_other_COLLECTION.csv"
        )
    known = pd.concat(parts["other"])
    for column in ("gauge_lat", "gauge_lon", "area"):
        if column not in known:
            raise RecordsError(f"{folder}: attributes_other has no column {column}")
    attributes, reason = {"area": "km2"}, pd.Series("", index=known.index)
    if parts["hydroatlas"]:
        atlas = pd.concat(parts["hydroatlas"])
        if missing := [name for name in HYDROATLAS if name not in atlas]:
            raise RecordsError(f"{folder}: attributes_hydroatlas has no {', '.join(missing)}")
        known = known.join(atlas[list(HYDROATLAS)])
        known["elev"] = known["ele_mt_sav"]
        attributes |= HYDROATLAS
        reason[~known.index.isin(atlas.index)] = "attributes_hydroatlas has no line for it"
    if twice := sorted(known.index[known.index.duplicated()]):
        raise RecordsError(f"{folder}: the tables of attributes have {twice[0]} twice")
    reason[~(known["area"] > 0)] = "attributes_other: no area"
    for column in ("gauge_lat", "gauge_lon"):
        reason[known[column].isna()] = f"attributes_other: no {column}"
    name = known.get("gauge_name", "")
    known = known.assign(name=name, reason=reason, lat=known["gauge_lat"], lon=known["gauge_lon"])
    return known, attributes


def _read(path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype={"gauge_id": str}).set_index("gauge_id")
    except (KeyError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise RecordsError(f"{path}: is no table with a column gauge_id ({error})") from error
