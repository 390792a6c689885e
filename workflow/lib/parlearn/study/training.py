"""The observations that a learner may use: its targets, in its training periods."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr


def cut_training(
    observations: xr.Dataset, periods: Mapping[str, Sequence[str]], targets: Sequence[str]
) -> xr.Dataset:
    """``training.nc``: the targets, blank (NaN) outside each training period.

    Of a target whose observations are means of several days, only those whose days all lie in the
    period are kept, and ``NAME_days`` (time) goes along.

    Parameters
    ----------
    observations : targets (cell, time), NaN = gap; ``NAME_days`` (time) where an observation is the
        mean of so many days, its own the last
    periods : name -> first and last day, ISO, inclusive
    targets : variables to keep; all others stay hidden from every learner

    Raises
    ------
    ValueError
        A target that was not observed, or a period without any observation.
    """
    missing = [name for name in targets if name not in observations]
    if missing:
        raise ValueError(
            f"observations.nc has no {missing[0]!r} to learn from; it has "
            f"{', '.join(map(str, observations.data_vars))}: correct 'target' in the table of runs"
        )
    lengths = {
        name: observations[f"{name}_days"] for name in targets if f"{name}_days" in observations
    }
    days = observations["time"].values
    parts = []
    for name, (first, last) in periods.items():
        part = {}
        for target in targets:
            before = 0 if target not in lengths else lengths[target].values - 1
            begins = days - before * np.timedelta64(1, "D")
            inside = (begins >= np.datetime64(first)) & (days <= np.datetime64(last))
            part[target] = observations[target].where(xr.DataArray(inside, dims="time"))
            if not part[target].notnull().any():
                raise ValueError(f"there is no {target} in the period {name} ({first} .. {last})")
        parts.append(xr.Dataset(part, attrs=observations.attrs))
    training = xr.concat(parts, xr.IndexVariable("period", list(periods)))
    return training.assign({f"{name}_days": values for name, values in lengths.items()})
