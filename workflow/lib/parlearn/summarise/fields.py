"""Parameters at cells as tables, and how alike two fields are: shared by several figures."""

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.summarise.results import Results

#: a parameter whose bounds lie further apart than this factor is shown on a log scale
LOG_RANGE = 30.0


def bounds_of(field: xr.DataArray) -> dict[str, tuple[float, float]]:
    """Bounds of each parameter of parameters.nc."""
    names = field["parameter"].values.astype(str)
    both = (np.atleast_1d(field.attrs[side]).astype(float) for side in ("lower", "upper"))
    return {n: (lower, upper) for n, lower, upper in zip(names, *both, strict=True)}


def units_of(field: xr.DataArray) -> dict[str, str]:
    """Unit of each parameter of parameters.nc."""
    names = field["parameter"].values.astype(str)
    return dict(zip(names, np.atleast_1d(field.attrs["parameter_units"]).astype(str), strict=True))


def is_log(lower, upper) -> bool:
    return lower > 0 and upper / lower > LOG_RANGE


def describe(field: xr.DataArray) -> dict[str, dict]:
    """Parameter -> the columns parameter, unit, lower, upper (bounds) and log (how to show it)."""
    units = units_of(field)
    return {
        name: {
            "parameter": name,
            "unit": units[name],
            "lower": lower,
            "upper": upper,
            "log": is_log(lower, upper),
        }
        for name, (lower, upper) in bounds_of(field).items()
    }


def field_table(values, described, results: Results, cells=None) -> pd.DataFrame:
    """Rows of values (name, cell) at some cells or at all, with the columns of :func:`describe`."""
    parts = [
        results.places(cells).assign(**about, value=row)
        for about, row in zip(described, values, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def values_of(field: xr.DataArray, names) -> np.ndarray:
    """Values (name, cell) of some parameters."""
    return field.sel(parameter=list(names)).transpose("parameter", "cell").values


def correlate(one, other) -> float:
    """Pearson correlation, NaN where either does not vary or there are fewer than three values."""
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])
