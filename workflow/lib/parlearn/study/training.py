"""The observations that a learner may use: its targets, in its training periods."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr


def cut_training(
    observations: xr.Dataset, periods: Mapping[str, Sequence[str]], targets: Sequence[str]
) -> xr.Dataset:
    """``training.nc``: the targets, blank (NaN) outside each training period.

    Parameters
    ----------
    observations : targets (cell, time), NaN = gap
    periods : name -> first and last day, ISO, inclusive
    targets : variables to keep; all others stay hidden from every learner

    Raises
    ------
    ValueError
        A target that was not observed, one whose observations are means of several days, or a
        period without any observation.
    """
    missing = [name for name in targets if name not in observations]
    if missing:
        raise ValueError(
            f"observations.nc has no {missing[0]!r} to learn from; it has "
            f"{', '.join(map(str, observations.data_vars))}: correct 'target' in the table of runs"
        )
    several = [name for name in targets if f"{name}_days" in observations]
    if several:
        raise ValueError(
            f"observations of {several[0]} are means of several days, which no learner compares "
            "with yet: correct 'target' in the table of runs"
        )
    days = observations["time"].values
    parts = []
    for name, (first, last) in periods.items():
        inside = (days >= np.datetime64(first)) & (days <= np.datetime64(last))
        part = observations[list(targets)].where(xr.DataArray(inside, dims="time"))
        for target in targets:
            if not part[target].notnull().any():
                raise ValueError(f"there is no {target} in the period {name} ({first} .. {last})")
        parts.append(part)
    return xr.concat(parts, xr.IndexVariable("period", list(periods)))
