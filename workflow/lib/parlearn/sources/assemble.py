"""Granules joined in time, loaded only when needed.

A reader says of each granule which times it holds and how to load them (:class:`Part`);
:func:`assemble` makes dask arrays on a time axis without holes of them. A time no granule holds is
missing (NaN) and counted, never filled. What is only seen when values are loaded (classes, values
out of range) enters the coverage then: read it after computing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dask
import dask.array as da
import numpy as np

from parlearn.geometry.grids import Grid
from parlearn.sources.granules import Coverage, Granule, GranuleError, UnreadableGranule, guarded

#: a granule is loaded in parts of about so many bytes
PART_BYTES = 64e6
#: where more than this share of a granule's values is implausible, its unit or packing is wrong
SHARE_IMPLAUSIBLE = 0.5
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Part:
    """A granule with the times it holds, and how its values are loaded.

    ``load(path, times)`` gives (variable, time, y, x) float32 for consecutive of its times; a
    granule that must be loaded at once has ``whole``.
    """

    granule: Granule
    times: np.ndarray
    load: Callable
    whole: bool = False


@dataclass(frozen=True)
class Variable:
    """units, and the range (same units) values can have"""

    units: str
    lower: float
    upper: float
    long_name: str = ""


def assemble(
    parts: Sequence[Part],
    axis: np.ndarray,
    variables: Mapping[str, Variable],
    grid: Grid,
    noted: Coverage,
    unreadable: str = "error",
    label: str = "",
) -> dict[str, tuple]:
    """Dask arrays on a time axis, name -> (dims, array, attributes).

    Parameters
    ----------
    parts : no two may hold the same time
    axis : (time,) datetime64, evenly or unevenly spaced; times no part holds are missing
    variables : in the order in which the parts load them
    unreadable : 'error', or 'gap' to count a damaged granule and leave its times missing
    label : of these variables in the coverage, where a product has granules of several

    Raises
    ------
    GranuleError
        where two granules hold the same time or none holds any of the axis.
    """
    owner = np.full(axis.size, -1)
    for i, part in enumerate(parts):
        places = np.searchsorted(axis, part.times).clip(max=axis.size - 1)
        places = places[axis[places] == part.times]
        if (owner[places] >= 0).any():
            place = places[owner[places] >= 0][0]
            other = parts[owner[place]].granule.path.name
            raise GranuleError(
                f"{noted.product}: {axis[place]} stands in both {other} and "
                f"{part.granule.path.name}; keep one of them"
            )
        owner[places] = i
    if (owner < 0).all():
        raise GranuleError(
            f"{noted.product}: none of the {len(parts)} granules given holds anything of "
            f"{axis[0]} .. {axis[-1]}; they begin with {parts[0].granule.path.name}"
        )
    _note_missing(axis[owner < 0], noted, label)
    shape = (len(variables), *grid.shape)
    step = max(1, int(PART_BYTES / (4 * np.prod(shape))))
    pieces = []
    for start, stop in _runs(owner):
        part = parts[owner[start]] if owner[start] >= 0 else None
        size = stop - start if part and part.whole else step
        for first in range(start, stop, size):
            times = axis[first : min(first + size, stop)]
            piece_shape = (shape[0], times.size, *shape[1:])
            if part is None:
                pieces.append(da.full(piece_shape, np.float32(np.nan), chunks=-1))
                continue
            loaded = dask.delayed(_load, pure=False, traverse=False)(
                part, times, piece_shape, variables, noted, unreadable
            )
            pieces.append(da.from_delayed(loaded, piece_shape, dtype=np.float32))
    stack = da.concatenate(pieces, axis=1)
    return {
        name: (
            ("time", "y", "x"),
            stack[i],
            {"units": variable.units, "long_name": variable.long_name or name},
        )
        for i, (name, variable) in enumerate(variables.items())
    }


def _load(part: Part, times, shape, variables, noted, unreadable) -> np.ndarray:
    path = part.granule.path
    try:
        values = guarded(path, part.load, times)
    except UnreadableGranule:
        if unreadable == "error":
            raise
        noted.note(path.name, part.granule.date, "unreadable")
        return np.full(shape, np.nan, dtype=np.float32)
    if values.shape != shape:
        raise GranuleError(f"{path}: gave values of shape {values.shape}, needed are {shape}")
    label = f"{times[0]}"[:16]
    for (name, variable), layer in zip(variables.items(), values):
        mask_implausible(layer, variable, f"{path}, {name}", path.name, label, name, noted)
    return values


def mask_implausible(values, variable: Variable, where, granule, date, name, noted) -> None:
    """Blank and count, in place, what cannot be; refuse a field that is mostly such."""
    wrong = (values < variable.lower) | (values > variable.upper)
    count = int(wrong.sum())
    if not count:
        return
    valid = int(np.isfinite(values).sum())
    if count > SHARE_IMPLAUSIBLE * valid:
        raise GranuleError(
            f"{where}: {count} of {valid} values are outside "
            f"{variable.lower:g}..{variable.upper:g} {variable.units} (the first is "
            f"{values[wrong][0]:g}): the unit or the packing is not what its attributes say"
        )
    noted.note(granule, date, f"{name} outside physical range", count)
    values[wrong] = np.nan


def _note_missing(times, noted, label) -> None:
    """One row a day, with the number of its times."""
    days, counts = np.unique(times.astype("datetime64[D]"), return_counts=True)
    for day, count in zip(days, counts):
        noted.note("", day, f"missing {label}".rstrip(), count)


def _runs(owner) -> list[tuple[int, int]]:
    """Stretches [start, stop) of equal numbers."""
    edges = np.flatnonzero(np.diff(owner)) + 1
    return list(zip([0, *edges.tolist()], [*edges.tolist(), owner.size]))


def axis_of(times, period, step: np.timedelta64, record: Sequence, product: str) -> np.ndarray:
    """The times that should be there, datetime64[s].

    Parameters
    ----------
    times : the granules' own; they set the phase, and the ends where no period is given
    period : (first, last), see :func:`ends_of`, or None
    step : between times
    record : first and last date of the product, the last None where it goes on

    Raises
    ------
    GranuleError
        where the period is not within the product's record.
    """
    times = np.sort(np.asarray(times).astype("datetime64[s]"))
    if period is None:
        return np.arange(times[0], times[-1] + step, step).astype("datetime64[s]")
    first, last = ends_of(period, step, record, product)
    phase = (times[0] - first) % step
    return np.arange(first + phase, last + np.timedelta64(1, "s"), step).astype("datetime64[s]")


def ends_of(period, step, record, product) -> tuple[np.datetime64, np.datetime64]:
    """First and last time of a period, both inclusive, datetime64[s].

    They are dates or times, or text of such. A last date means its end: for days itself, for hours
    the stamp 00:00 of the next day. Stamps may go on for a day beyond the record, since a local day
    needs those of another; they are missing.
    """
    first, last = (np.datetime64(str(end).replace(" ", "T"), "s") for end in period)
    if first > last:
        raise GranuleError(
            f"{product}: the period {period[0]} .. {period[1]} ends before it begins"
        )
    spare = np.timedelta64(int(step < _DAY), "D")
    if first.astype("M8[D]") < np.datetime64(record[0], "D") - spare or (
        record[1] and last.astype("M8[D]") > np.datetime64(record[1], "D") + spare
    ):
        raise GranuleError(
            f"{product}: {period[0]} .. {period[1]} leaves its record, which is "
            f"{record[0]} .. {record[1] or 'today'}"
        )
    if step < _DAY and len(str(period[1])) == 10:
        last = last + _DAY
    return first, last
