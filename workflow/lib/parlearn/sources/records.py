"""Daily records of basins as the sources read them: one file, whatever they came from.

A source reads the weather, the streamflow and what is known of the land of each basin; here they
are put on one time axis and checked. A basin whose files cannot be used stays in the table with
the reason, without values: nothing is dropped unseen.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

#: weather of a day -> unit, least and greatest value that can be; the first four every source has
WEATHER = {
    "prec": ("mm day-1", 0, 2000),
    "tair": ("degC", -80, 60),
    "swdown": ("W m-2", 0, 600),
    "vp": ("kPa", 0, 12),
    "tmin": ("degC", -80, 60),
    "tmax": ("degC", -80, 60),
    "lwdown": ("W m-2", 20, 800),
    "pressure": ("kPa", 30, 112),
    "wind": ("m s-1", 0, 100),
}
FLOW = "streamflow"
#: mm day-1
MOST_FLOW = 2000
UNKNOWN = "no table of attributes has a line for it"
#: of the land of each basin -> unit; VIC is set up for a source that has them all
LAND = {
    "sand": "%",
    "clay": "%",
    "silt": "%",
    "porosity": "m3 m-3",
    "conductivity": "mm day-1",
    "soil_depth": "m",
    "forest": "1",
    "cover": "1",
    "green": "1",
    "lai_max": "m2 m-2",
    "lai_min": "m2 m-2",
}
PLACE = {"lat": "degrees_north", "lon": "degrees_east", "elev": "m", "area": "km2"}


class RecordsError(ValueError):
    """A folder of basins that cannot be read at all."""


class Unusable(ValueError):
    """A basin that cannot be used, and why."""


def days_of(record: Sequence[str]) -> np.ndarray:
    """The year of spin-up before a record, and the record: (day,) datetime64[D]."""
    first, last = (pd.Timestamp(day) for day in record)
    start = first - pd.DateOffset(years=1)
    return np.arange(start.date(), last.date() + pd.Timedelta(days=1), dtype="datetime64[D]")


def dates(year, month, day) -> np.ndarray:
    """datetime64[D] from numbers; Unusable where they are none or do not rise."""
    year, month, day = (np.asarray(v, dtype=np.int64) for v in (year, month, day))
    months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    found = months.astype("datetime64[D]") + (day - 1)
    wrong = (found.astype("datetime64[M]") != months) | (month < 1) | (month > 12) | (day < 1)
    if wrong.any():
        k = int(np.argmax(wrong))
        raise Unusable(f"{year[k]}-{month[k]}-{day[k]} is no date")
    return rising(found)


def rising(found: np.ndarray) -> np.ndarray:
    """The same days; Unusable where one does not come after the one before it."""
    back = np.diff(found) <= np.timedelta64(0, "D")
    if back.any():
        k = int(np.argmax(back))
        raise Unusable(f"dates are out of order: {found[k + 1]} follows {found[k]}")
    return found


def on_days(days: np.ndarray, found: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values (found,) on a time axis (day,), NaN where there is none."""
    place = (found - days[0]).astype(np.int64)
    inside = (place >= 0) & (place < days.size)
    series = np.full(days.size, np.nan, dtype=np.float32)
    series[place[inside]] = values[inside]
    return series


def check_weather(weather: Mapping[str, np.ndarray], days: np.ndarray) -> None:
    """Unusable where a series (day,) of a basin has a gap or holds what cannot be."""
    for name, values in weather.items():
        _, lower, upper = WEATHER[name]
        gaps = np.isnan(values)
        if gaps.any():
            first = days[int(np.argmax(gaps))]
            raise Unusable(f"forcing has gaps: no {name} on {int(gaps.sum())} days from {first} on")
        wrong = (values < lower) | (values > upper)
        if wrong.any():
            k = int(np.argmax(wrong))
            raise Unusable(
                f"forcing is impossible: {name} {values[k]:g} on {days[k]}, outside {lower:g} to "
                f"{upper:g} {WEATHER[name][0]}"
            )
    if "tmax" in weather and (below := weather["tmax"] < weather["tmin"]).any():
        k = int(np.argmax(below))
        raise Unusable(f"tmax is below tmin on {int(below.sum())} days, the first {days[k]}")


def check_flow(flow: np.ndarray, days: np.ndarray) -> None:
    """Unusable where streamflow (day,) is negative or more than any river has; gaps are allowed."""
    if (flow < 0).any():
        k = int(np.nanargmax(flow < 0))
        raise Unusable(f"negative streamflow on {int((flow < 0).sum())} days, the first {days[k]}")
    if (flow > MOST_FLOW).any():
        k = int(np.nanargmax(flow))
        raise Unusable(f"streamflow of {flow[k]:g} mm day-1 on {days[k]}: is its area wrong?")


def gather(
    gauges: Sequence[str],
    days: np.ndarray,
    read: Callable[[str], Mapping[str, np.ndarray]],
    known: pd.DataFrame,
    attributes: Mapping[str, str],
    noted: Mapping[str, list[str]],
) -> xr.Dataset:
    """Records of all basins (``basins.nc``).

    Parameters
    ----------
    gauges : names of the basins, in their order
    days : (day,) datetime64[D]
    read : of a gauge its series (day,): the names of :data:`WEATHER`, and :data:`FLOW`; raises
        :class:`Unusable`
    known : row of a gauge -> what else is known, `read` may add to it: ``name``, ``region``,
        ``reason`` (empty where nothing is missing), :data:`PLACE`, :data:`LAND`, the attributes
    attributes : name -> unit, of those that networks may be told
    noted : gauge -> what a user should know of it; `read` may add to it

    Raises
    ------
    RecordsError
        where no basin can be used.
    """
    reasons = known["reason"].reindex(gauges).fillna(UNKNOWN).tolist()
    series = {}
    for k, gauge in enumerate(gauges):
        if reasons[k]:
            continue
        try:
            for name, values in read(gauge).items():
                if name not in series:
                    series[name] = np.full((len(gauges), days.size), np.nan, np.float32)
                series[name][k] = values
        except Unusable as error:
            reasons[k] = str(error)
    if all(reasons):
        most = pd.Series(reasons).value_counts().index[0]
        raise RecordsError(f"none of {len(gauges)} basins can be used; most often: {most}")
    known = known.reindex(gauges)
    ds = xr.Dataset(coords={"time": days.astype("datetime64[ns]")})
    notes = ["; ".join(noted.get(gauge, ())) for gauge in gauges]
    texts = {name: known[name].fillna("") for name in ("name", "region")}
    for name, values in (texts | {"gauge": gauges, "reason": reasons, "note": notes}).items():
        ds[name] = "basin", np.array(list(values), dtype=str)
    land = {name: unit for name, unit in LAND.items() if name in known}
    for name, unit in (PLACE | land).items():
        ds[name] = "basin", known[name].to_numpy(np.float64), {"units": unit}
    for name, values in series.items():
        unit = "mm day-1" if name == FLOW else WEATHER[name][0]
        ds[name] = ("basin", "time"), values, {"units": unit}
    ds["attributes"] = ("basin", "attribute"), known[list(attributes)].to_numpy(np.float32)
    ds["attribute"] = "attribute", np.array(list(attributes), dtype=str)
    ds["attribute_units"] = "attribute", np.array(list(attributes.values()), dtype=str)
    return ds


def names_in(folder) -> list[str]:
    """All files below a folder, relative to it; RecordsError where there is no such folder."""
    folder = Path(folder)
    if not folder.is_dir():
        raise RecordsError(f"there is no folder {folder}: correct source.mirror")
    return sorted(
        Path(place, name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder, followlinks=True)
        for name in names
    )


def wanted(source: Mapping) -> list[str] | None:
    """Basins that a source asks for by a list, ``basins``: names, one a line; None for all.

    RecordsError where the list is not there, names none, or names one twice.
    """
    path = source.get("basins")
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8") as stream:
            names = [line.strip() for line in stream if line.strip() and line[0] != "#"]
    except FileNotFoundError:
        raise RecordsError(f"there is no list of basins {path}: correct source.basins") from None
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not names:
        raise RecordsError(
            f"{path}: " + (f"{twice[0]} stands twice" if twice else "names no basin") + ": mend it"
        )
    return names
