"""From hourly or 3-hourly weather to days and their eight 3-hour steps, in UTC or solar time.

A solar day runs from midnight to midnight of local mean solar time, to the nearest step of the
data: the clock of each column of longitude is shifted by longitude / 15 hours, rounded to hours
(NLDAS) or to 3 hours (CMFD). With stamps 0..n from the day's first midnight to the next:

- amounts (``prec``) belong to the time that ends at their stamp: stamps 1..n are summed;
- states at the stamp are joined by straight lines, and a mean is the area below them: half of the
  first and of the last stamp, and all between;
- CMFD's radiation is the mean of the 1.5 hours before and after its stamp: half of the first and of
  the last stamp's lie within the day or step, so it has the very same weights.

Vapour pressure and wind speed are worked out at each stamp and then averaged. A day that lacks one
of its stamps is a gap, and is counted. Where a product has daily data only,
:func:`parlearn.land.subdaily.vic_forcing` makes the steps.
"""

import uuid
from dataclasses import dataclass
from functools import partial

import dask
import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr

from parlearn.land.subdaily import MINIMUM_WIND, STEPS, vapour_pressure, wind_speed

#: bytes of input that one piece of the work loads, if one day is not more; three times as much is
#: held at once, in each thread
BLOCK_BYTES = 200e6
#: units in which the readers give the weather
UNITS = {
    "prec": "mm",
    "tair": "K",
    "qair": "kg kg-1",
    "pressure": "Pa",
    "u": "m s-1",
    "v": "m s-1",
    "wind": "m s-1",
    "lwdown": "W m-2",
    "swdown": "W m-2",
}


@dataclass(frozen=True)
class _Variable:
    sources: tuple[str, ...]
    derive: callable  # of the sources, at each stamp
    units: str
    long_name: str
    steps: bool = False  # also kept as 3-hour means


_VARIABLES = {
    "prec": _Variable(("prec",), lambda p: p, "mm day-1", "precipitation"),
    "tair": _Variable(
        ("tair",), lambda t: t - np.float32(273.15), "degC", "mean air temperature", True
    ),
    "swdown": _Variable(("swdown",), lambda s: s, "W m-2", "mean downward shortwave", True),
    "lwdown": _Variable(("lwdown",), lambda s: s, "W m-2", "mean downward longwave"),
    "vp": _Variable(
        ("qair", "pressure"), lambda q, p: vapour_pressure(q, p) / 1000, "kPa", "vapour pressure"
    ),
    "pressure": _Variable(("pressure",), lambda p: p / 1000, "kPa", "air pressure"),
    "wind": _Variable(("u", "v"), wind_speed, "m s-1", "wind speed"),
}
_SPEED = _Variable(("wind",), lambda w: np.maximum(w, MINIMUM_WIND), "m s-1", "wind speed")


def solar_shift(longitude, hours: int) -> np.ndarray:
    """Steps of `hours` by which local solar time is ahead of UTC at longitudes (degrees east)."""
    longitude = (np.asarray(longitude, dtype=np.float64) + 180) % 360 - 180
    return np.rint(longitude / 15 / hours).astype(int)


def stamps(first, last, longitude, hours: int, day: str) -> pd.DatetimeIndex:
    """All stamps (UTC) needed for the days `first` to `last`, both included."""
    shift = _shift(longitude, hours, day)
    step = pd.Timedelta(hours=hours)
    start, end = pd.Timestamp(first), pd.Timestamp(last) + pd.Timedelta(days=1)
    if start >= end:
        raise ValueError(f"days {first} to {last}: the first must not come after the last")
    return pd.date_range(start - shift.max() * step, end - shift.min() * step, freq=step)


def daily_forcing(
    fields: xr.Dataset, longitude, first, last, hours: int, day: str = "solar"
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Daily weather and the 3-hour means of temperature and shortwave.

    Parameters
    ----------
    fields : dims (time, y, x), time in UTC and rising; numpy or dask, NaN is missing
        prec (mm in the step that ends at the stamp), tair (K), qair (kg kg-1), pressure (Pa), u and
        v or wind (m s-1), lwdown, swdown (W m-2).
    longitude : (x,) degrees east
    first, last : days wanted, both included; `fields` should hold all of :func:`stamps`
    hours : from one stamp to the next, 1 or 3
    day : "solar" or "utc"

    Returns
    -------
    xr.Dataset
        float32, lazy, in pieces of a few days of all variables (so compute them together):
        prec (mm day-1), tair (degC), swdown and lwdown (W m-2), vp and pressure (kPa), wind
        (m s-1), (time, y, x); tair_3h and swdown_3h (time, step, y, x).
    pd.DataFrame
        date, what, count: the days that lack stamps, and how many of those that any column needs.

    Raises
    ------
    ValueError
        where a variable is missing or in other units, or stamps are not what `hours` says.
    """
    if hours not in (1, 3):
        raise ValueError(f"steps of {hours} hours: they must be 1 or 3")
    variables = dict(_VARIABLES)
    if "wind" in fields:
        variables["wind"] = _SPEED
    _check(fields, variables)
    longitude = np.asarray(longitude)
    if longitude.shape != (fields.sizes["x"],):
        raise ValueError(f"longitude has shape {longitude.shape}, x has {fields.sizes['x']}")
    shift = _shift(longitude, hours, day)
    needed = stamps(first, last, longitude, hours, day)
    time = pd.DatetimeIndex(fields["time"].values)
    if not time.is_monotonic_increasing or not time.is_unique:
        raise ValueError("stamps do not rise: sort them, and leave duplicates aside")
    # where each stamp of the data stands among those needed, which have no holes
    place = (time - needed[0]) / pd.Timedelta(hours=hours)
    if (place != np.rint(place)).any():
        odd = time[np.argmax(place != np.rint(place))]
        raise ValueError(f"stamp {odd} is none of every {hours} hours from {needed[0]}")
    place = np.asarray(place, dtype=int)
    days = pd.date_range(first, last, freq="D")
    plan = [
        (v.sources, v.derive, _weights(24 // hours, v.steps, name == "prec"))
        for name, v in variables.items()
    ]
    means = _lazily(fields, plan, days, place, shift, hours)
    result, row = {}, 0
    for (name, variable), (_, _, weights) in zip(variables.items(), plan):
        last_row = row + len(weights) - 1
        attrs = {"units": variable.units, "long_name": variable.long_name}
        result[name] = ("time", "y", "x"), means[:, last_row], attrs
        if variable.steps:
            attrs = attrs | {"long_name": f"{variable.long_name} of the 3-hour steps"}
            result[f"{name}_3h"] = ("time", "step", "y", "x"), means[:, row:last_row], attrs
        row = last_row + 1
    clock = "local solar time" if day == "solar" else "UTC"
    ds = xr.Dataset(result, coords={"time": days.to_numpy("datetime64[ns]")}, attrs={"day": clock})
    ds = ds.assign_coords({c: fields[c] for c in ("y", "x", "lat", "lon") if c in fields.coords})
    return ds, _missing(days, place, needed, shift, hours)


def _shift(longitude, hours, day):
    if day not in ("solar", "utc"):
        raise ValueError(f"day is {day!r}: it must be 'solar' or 'utc'")
    shift = solar_shift(longitude, hours)
    return shift if day == "solar" else np.zeros_like(shift)


def _check(fields, variables):
    sources = sorted({s for v in variables.values() for s in v.sources})
    lacking = [s for s in sources if s not in fields]
    if lacking:
        raise ValueError(f"the weather lacks {', '.join(lacking)}; there are {list(fields)}")
    for name in sources:
        units, dims = fields[name].attrs.get("units"), fields[name].dims
        if units != UNITS[name]:
            raise ValueError(f"{name} is in {units!r}, must be in {UNITS[name]!r}")
        if dims != ("time", "y", "x"):
            raise ValueError(f"{name} has dimensions {dims}, must be time, y, x")


def _missing(days, place, needed, shift, hours):
    """Table of the days of which some column lacks stamps."""
    per_day = 24 // hours
    there = np.zeros(len(needed), dtype=int)
    there[place[(place >= 0) & (place < len(needed))]] = 1
    before = np.concatenate([[0], np.cumsum(there)])
    start = np.arange(len(days)) * per_day
    width = per_day + 1 + shift.max() - shift.min()
    lacking = width - (before[start + width] - before[start])
    odd = np.flatnonzero(lacking)
    return pd.DataFrame(
        {"date": days[odd].strftime("%Y-%m-%d"), "what": "stamps missing", "count": lacking[odd]}
    )


def _lazily(fields, plan, days, place, shift, hours):
    """(time, row, y, x): for each variable of the plan its steps, where kept, and its day."""
    per_day = 24 // hours
    names = sorted({s for sources, _, _ in plan for s in sources})
    _, ny, nx = fields[names[0]].shape
    length = max(1, int(BLOCK_BYTES // (per_day * ny * nx * 4 * len(names))))
    turns = np.flatnonzero(np.diff(shift)) + 1
    bands = [
        (slice(int(a), int(b)), int(shift.max() - shift[a]))
        for a, b in zip([0, *turns], [*turns, nx])
    ]
    blocks = []
    for start in range(0, len(days), length):
        count = min(length, len(days) - start)
        begin = start * per_day
        size = count * per_day + 1 + int(shift.max() - shift.min())
        low, high = np.searchsorted(place, [begin, begin + size])
        shape = (count, sum(len(weights) for _, _, weights in plan), ny, nx)
        if low == high:
            blocks.append(da.full(shape, np.nan, dtype=np.float32, chunks=-1))
            continue
        work = partial(
            _aggregate,
            {name: fields[name].data[low:high] for name in names},
            plan=plan,
            place=place[low:high] - begin,
            size=size,
            bands=bands,
            shape=shape,
            per_day=per_day,
        )
        # One task loads what it needs by itself. As tasks of their own the pieces that neighbours
        # share make the scheduler load on and on before it finishes any block.
        task = dask.delayed(work, name=f"daily-{uuid.uuid4().hex}", pure=False)()
        blocks.append(da.from_delayed(task, shape, dtype=np.float32))
    return da.concatenate(blocks)


def _weights(per_day, steps, amount):
    """(row, stamp) weights of the last stamps of a day: 3-hour steps where kept, then the day."""
    if amount:
        return np.ones((1, per_day), dtype=np.float32)
    each = per_day // STEPS
    rows = np.zeros((STEPS, per_day + 1))
    for step in range(STEPS):
        rows[step, step * each : (step + 1) * each] += 0.5 / each
        rows[step, step * each + 1 : (step + 1) * each + 1] += 0.5 / each
    day = rows.mean(axis=0, keepdims=True)
    return (np.concatenate([rows, day]) if steps else day).astype(np.float32)


def _aggregate(fields, *, plan, place, size, bands, shape, per_day):
    # all at once: a reader may get several variables from one look into a file
    (loaded,) = dask.compute(fields, scheduler="synchronous")
    result = np.empty(shape, dtype=np.float32)
    row = 0
    for sources, derive, weights in plan:
        values = derive(*(np.asarray(loaded[s], dtype=np.float32) for s in sources))
        if len(place) < size:
            whole = np.full((size, *values.shape[1:]), np.nan, dtype=np.float32)
            whole[place] = values
            values = whole
        rows, used = slice(row, row + len(weights)), weights.shape[1]
        row = rows.stop
        for columns, offset in bands:
            for day in range(shape[0]):
                end = offset + (day + 1) * per_day + 1
                window = values[end - used : end, :, columns]
                means = weights @ window.reshape(used, -1)
                # a stamp that is missing makes a gap of the day, and so of all its steps
                means[:-1, np.isnan(means[-1])] = np.nan
                result[day, rows, :, columns] = means.reshape(-1, *window.shape[1:])
    return result
