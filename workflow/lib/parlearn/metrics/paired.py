"""Paired comparison of two runs at the same cells."""

import numpy as np
import scipy.stats


def compare(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Paired Wilcoxon signed-rank test of two runs' scores at the same cells, (cell,) each.

    Cells where either is NaN are left out. Scores with a sign that is not a rank (bias) are for the
    caller to make absolute.

    Returns
    -------
    cells, dropped, median_difference (first - second), statistic, p_value (two-sided). Where all
    differences are zero, p_value is 1; with no cell left it is NaN.
    """
    first, second = (np.asarray(x, np.float64) for x in (first, second))
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(
            f"scores of shapes {first.shape} and {second.shape} are not of the same cells"
        )
    difference = first - second
    seen = np.isfinite(difference)
    kept = difference[seen]
    statistic, p_value, median = np.nan, np.nan, np.nan
    if len(kept):
        median, statistic, p_value = np.median(kept), 0.0, 1.0
        if kept.any():
            statistic, p_value = scipy.stats.wilcoxon(kept)
    return {
        "cells": int(seen.sum()),
        "dropped": int((~seen).sum()),
        "median_difference": float(median),
        "statistic": float(statistic),
        "p_value": float(p_value),
    }
