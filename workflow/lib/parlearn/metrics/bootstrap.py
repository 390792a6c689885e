"""Intervals of medians over units, by resampling units, or years."""

import numpy as np

#: resamples, and the shares between which an interval lies
DRAWS, LIMITS = 2000, (0.025, 0.975)


def over_units(values, seed=0, draws=DRAWS) -> tuple[float, float]:
    """Interval of the median over units (unit,) under resampling of the units; NaN are left out.

    Neighbouring units are alike, so there are fewer independent ones than are drawn: the interval
    is narrow rather than wide.
    """
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan
    drawn = np.random.default_rng(seed).integers(len(values), size=(draws, len(values)))
    return tuple(np.quantile(np.median(values[drawn], axis=1), LIMITS))


def over_years(simulated, observed, year, seed=0, draws=DRAWS) -> tuple[float, float]:
    """Interval of the median over units of the NSE under resampling of whole years.

    Parameters
    ----------
    simulated, observed : (unit, day), NaN in observed: gap
    year : (day,) any label of the year that a day belongs to; the same years are drawn for all
        units, since one year is wet or dry at many of them together
    """
    simulated, observed = (np.asarray(x, np.float64) for x in (simulated, observed))
    labels, of_day = np.unique(year, return_inverse=True)
    seen = np.isfinite(observed)
    observed = np.where(seen, observed, 0.0)
    parts = seen, observed, observed**2, np.where(seen, simulated - observed, 0.0) ** 2
    member = np.eye(len(labels))[of_day]
    # a year's share of each sum that an NSE is made of: (sum, unit, year)
    sums = np.stack([part @ member for part in parts])
    drawn = np.random.default_rng(seed).integers(len(labels), size=(draws, len(labels)))
    times = np.stack([(drawn == k).sum(axis=1) for k in range(len(labels))])
    number, total, square, error = sums @ times
    with np.errstate(invalid="ignore", divide="ignore"):
        score = 1 - error / (square - total**2 / number)
    score[~np.isfinite(score)] = np.nan
    median = np.nanmedian(score, axis=0) if np.isfinite(score).any(axis=0).all() else [np.nan]
    return tuple(np.quantile(median, LIMITS))
