"""Likeness of two sequences of maps, one score a day (Sun et al. 2024, section 3.3.2).

All functions take ``simulated`` and ``reference`` (day, y, x) and a ``mask`` (y, x), True where
there is a unit, and give float64 (day,). What lies outside the mask is never read. A day on which
the reference is not known at every unit has no map and scores NaN; a simulation that is NaN where
the reference is known is an error.
"""

import numpy as np
from scipy import ndimage

#: the window of SSIM (Wang et al. 2004): standard deviation and reach of its Gaussian, in cells
SIGMA, REACH = 1.5, 5
#: and its constants against division by nothing, as shares of the data range
K1, K2 = 0.01, 0.03


def eof_similarity(simulated, reference, mask) -> np.ndarray:
    """Distance of the two maps of a day in the joint EOFs of all days (Sun et al. 2024, eq. 8).

    Of each map its spatial mean is taken off, so that a bias counts for nothing. The maps of both
    sequences side by side are decomposed, cells by maps, as U S V^T; a map's loadings are its row
    of V, whose columns have length 1, and the weight of a mode is its share of the variance. The
    score is the weighted sum of the absolute differences of the loadings (Koch et al. 2015): 0
    where the maps agree but for their means; smaller is better. It depends on how many days are
    compared, since the loadings of a mode share one unit of length: compare only scores of the same
    days.
    """
    simulated, reference, mask, known = _maps(simulated, reference, mask)
    score = np.full(len(known), np.nan)
    maps = np.concatenate([simulated[known][:, mask], reference[known][:, mask]])
    if not len(maps):
        return score
    maps -= maps.mean(1, keepdims=True)
    loadings, size, _ = np.linalg.svd(maps, full_matrices=False)
    variance = size**2
    if not variance.any():  # every map is constant: all alike
        score[known] = 0.0
        return score
    of_simulated, of_reference = np.split(loadings, 2)
    score[known] = np.abs(of_simulated - of_reference) @ (variance / variance.sum())
    return score


def fss(simulated, reference, mask, percentile: float, neighbourhood: int) -> np.ndarray:
    """Fractions skill score (Roberts & Lean 2008; Sun et al. 2024, eq. 9), from 0 to 1 (perfect).

    Events are the cells above the percentile of their own map, for percentiles below 50 the cells
    below it; so a bias counts for nothing. Compared are the shares of events among the units of a
    square, over all squares that lie inside the map and have a unit in their middle. Where neither
    map has an event (both are constant) the score is 1; where one has none it is 0. A map in which
    no square fits scores NaN.

    Parameters
    ----------
    percentile : above 0 and below 100
    neighbourhood : length of the square's side in cells, odd
    """
    if not 0 < percentile < 100:
        raise ValueError(f"a percentile of FSS lies between 0 and 100, {percentile} does not")
    if neighbourhood < 1 or neighbourhood % 2 == 0:
        raise ValueError(f"a neighbourhood has an odd number of cells, not {neighbourhood}")
    simulated, reference, mask, known = _maps(simulated, reference, mask)
    score = np.full(len(known), np.nan)
    inside = _inside(mask, neighbourhood // 2)
    if not known.any() or not inside.any():
        return score
    units = _sums(mask[None], neighbourhood)[:, inside]
    shares = [
        _sums(_events(values[known], mask, percentile), neighbourhood)[:, inside] / units
        for values in (simulated, reference)
    ]
    difference = np.square(shares[0] - shares[1]).sum(1)
    largest = np.square(shares[0]).sum(1) + np.square(shares[1]).sum(1)
    score[known] = 1 - np.divide(difference, largest, np.zeros_like(difference), where=largest > 0)
    return score


def ssim(simulated, reference, mask, data_range: float | None = None) -> np.ndarray:
    """Structural similarity (Wang et al. 2004; Sun et al. 2024, eq. 10): 1 is perfect, -1 opposite.

    Means, variances and covariance are those of a Gaussian window of 11 x 11 cells (standard
    deviation 1.5) over the units that it holds. The score is the mean over all units whose window
    lies inside the map, as of Wang et al.; holes within a window are left out of it and its weights
    share one. A map in which no window fits scores NaN. The constants are c1 = (0.01 L)^2 and
    c2 = (0.03 L)^2.

    Parameters
    ----------
    data_range : L, in the unit of the maps; by default the range of the reference over all its days
        (1 where it is constant)
    """
    simulated, reference, mask, known = _maps(simulated, reference, mask)
    score = np.full(len(known), np.nan)
    inside = _inside(mask, REACH)
    if not known.any() or not inside.any():
        return score
    simulated, reference = simulated[known], reference[known]
    if data_range is None:
        data_range = float(np.ptp(reference[:, mask])) or 1.0
    if not (np.isfinite(data_range) and data_range > 0):
        raise ValueError(f"the data range of SSIM must be above 0, not {data_range}")

    weight = _smooth(mask.astype(float)[None])

    def mean(values):
        return _smooth(values)[:, inside] / weight[:, inside]

    # departures from one number, so that squares of large values lose no digits
    middle = reference[:, mask].mean()
    x, y = (np.where(mask, values - middle, 0.0) for values in (simulated, reference))
    mean_x, mean_y = mean(x), mean(y)
    variance_x = mean(x * x) - mean_x**2
    variance_y = mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    mean_x, mean_y = mean_x + middle, mean_y + middle
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    likeness = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    likeness /= (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    score[known] = likeness.mean(1)
    return score


def _maps(simulated, reference, mask):
    """Both sequences as float64 with zeros outside the mask, the mask, and which days are known."""
    simulated, reference = (np.asarray(x, np.float64) for x in (simulated, reference))
    mask = np.asarray(mask, bool)
    if (
        simulated.shape != reference.shape
        or simulated.ndim != 3
        or simulated.shape[1:] != mask.shape
    ):
        raise ValueError(
            f"maps (day, y, x) of {simulated.shape} and {reference.shape} and a mask (y, x) of "
            f"{mask.shape} do not belong together"
        )
    if not mask.any():
        raise ValueError("the mask has no unit: there is no map to compare")
    known = np.isfinite(reference[:, mask]).all(1)
    lost = ~np.isfinite(simulated[:, mask]).all(1) & known
    if lost.any():
        raise ValueError(f"the simulation is not finite on {int(lost.sum())} of {len(known)} days")
    return *(np.where(mask, x, 0.0) for x in (simulated, reference)), mask, known


def _inside(mask, reach):
    """Units (y, x) whose square of so many cells to each side lies inside the map."""
    inside = np.zeros_like(mask)
    inside[reach : mask.shape[0] - reach, reach : mask.shape[1] - reach] = True
    return inside & mask


def _events(values, mask, percentile):
    threshold = np.percentile(values[:, mask], percentile, axis=1)[:, None, None]
    return (values < threshold if percentile < 50 else values > threshold) & mask


def _sums(events, side):
    """Events in the square around each cell (day, y, x), exactly."""
    counts = events.astype(np.int64)
    for axis in (1, 2):
        counts = ndimage.convolve1d(counts, np.ones(side, np.int64), axis, mode="constant")
    return counts.astype(np.float64)


def _smooth(values):
    return ndimage.gaussian_filter(
        values, (0, SIGMA, SIGMA), mode="constant", radius=(0, REACH, REACH)
    )
