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
