"""Model runs and time until a training reached an error."""

import numpy as np
import pandas as pd


def first_below(
    table: pd.DataFrame, threshold: float, column: str = "rmse_train_cells"
) -> tuple[float, float]:
    """Runs per cell and seconds when a curve first is at ``threshold`` or below; NaN if never."""
    reached = table.loc[table[column] <= threshold]
    if reached.empty:
        return np.nan, np.nan
    return float(reached["runs_per_cell"].iloc[0]), float(reached["seconds"].iloc[0])


def is_upper_bound(table: pd.DataFrame, threshold: float, column: str = "rmse_train_cells") -> bool:
    """Whether :func:`first_below` tells no more than the most it may have taken.

    So it is where the first record, made after some runs, is at ``threshold`` or below already.
    """
    first = table.iloc[0]
    return bool(first[column] <= threshold and first["runs_per_cell"] > 0)
