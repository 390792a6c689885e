"""Ranges of the parameters: those printed by Li & Lu 2023 beside those in use (their table 1)."""

import numpy as np
import pandas as pd

from parlearn.summarise.fields import bounds_of, units_of
from parlearn.summarise.results import Results

#: Li & Lu 2023, Table 1: parameter here -> its name there, what it is in their words, range
PRINTED = {
    "infilt": ("infiltr", "variable infiltration curve index", 0.0, 1.0),
    "Ds": (
        "ds",
        "fraction of maximum base flow velocity where non-linear base flow begins",
        0.0,
        7.6,
    ),
    "Dsmax": ("dsmax", "maximum base flow velocity", 0.0, 10.8),
    "Ws": (
        "ws",
        "fraction of maximum soil moisture content above which non-linear base flow occurs",
        0.0,
        1.0,
    ),
    "expt": (
        "expt1",
        "variation of saturated hydraulic conductivity with soil moisture",
        0.0,
        4.6,
    ),
}


def summarise(runs, results: Results) -> pd.DataFrame:
    """A row for each parameter: name, printed_name, meaning, printed range, ours, unit.

    Ours are the bounds of the runs' parameters; ValueError where two runs differ in them.
    """
    found = {}
    for run in runs.itertuples():
        field = results.parameters(run)["parameters"]
        units = units_of(field)
        for name, bounds in bounds_of(field).items():
            values = [*bounds, units[name]]
            if found.setdefault(name, values) != values:
                raise ValueError(
                    f"{results.file(run, 'parameters.nc')} has {name} in {values}, another run in "
                    f"{found[name]}: make both with the same library"
                )
    rows = []
    for name, (lower, upper, unit) in found.items():
        printed = PRINTED.get(name, ("", "", np.nan, np.nan))
        rows.append([name, *printed, lower, upper, unit])
    columns = ["name", "printed_name", "meaning", "printed_lower", "printed_upper"]
    return pd.DataFrame(rows, columns=[*columns, "lower", "upper", "unit"])
