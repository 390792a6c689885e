"""Gaps in observed series: neighbouring observations, simple fillings, and scores of a filling.

A filling is judged on observations that it did not see. They are withheld in whole blocks of one
to :data:`LONGEST_BLOCK` consecutive overpasses of a cell, since single days would leave gaps of a
few days only. Observations can be withheld only where there are some: a winter of frozen soil has
none, so no score says how well it is filled.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from parlearn.metrics.point import METRICS

#: overpasses in the longest block that is withheld
LONGEST_BLOCK = 5

#: gaps scored apart, first and last length in days
LENGTHS = ((1, 2), (3, 5), (6, 10), (11, 30), (31, np.inf))

SCORES = ("rmse", "bias", "corr")


def neighbours(seen: Tensor) -> tuple[Tensor, Tensor]:
    """Days (cell, day) of the last observation up to each day and of the first one from it on.

    ``seen`` (cell, day) bool. -1 and the number of days stand where there is none, so that the
    difference less one is the length of the gap, open ones at either end included.
    """
    days = seen.shape[1]
    day = torch.arange(days, device=seen.device).expand_as(seen)
    last = torch.where(seen, day, -1).cummax(1).values
    following = torch.where(seen, day, days).flip(1).cummin(1).values.flip(1)
    return last, following


def carry_forward(series: Tensor) -> Tensor:
    """The last value of a gappy series (cell, day); NaN before the first."""
    last, _ = neighbours(torch.isfinite(series))
    return torch.where(last >= 0, series.gather(1, last.clamp_min(0)), torch.nan)


def interpolate(series: Tensor) -> Tensor:
    """A line between neighbouring values of a gappy series (cell, day).

    Flat before the first and after the last value; NaN throughout where a cell has none.
    """
    days = series.shape[1]
    last, following = neighbours(torch.isfinite(series))
    before = series.gather(1, torch.where(last >= 0, last, following).clamp_max(days - 1))
    after = series.gather(1, torch.where(following < days, following, last).clamp_min(0))
    day = torch.arange(days, device=series.device)
    share = (day - last) / (following - last).clamp_min(1)
    return before + share * (after - before)


def withhold(seen: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Choose observations to judge a filling by: whole blocks of consecutive overpasses.

    The overpasses of each cell are cut into blocks of 1 to :data:`LONGEST_BLOCK` at random, and
    blocks are drawn as long as they fit into the share. A cell's draw depends on its own gaps, its
    place and the seed alone: not on values, not on other cells.

    Parameters
    ----------
    seen : (cell, day) bool
    share : of the observations of each cell, above 0 and below 1; a cell gives up at most this

    Returns
    -------
    (cell, day) bool, True where an observation is withheld.
    """
    if not 0 < share < 1:
        raise ValueError(f"held_out = {share}; it must lie above 0 and below 1")
    withheld = np.zeros_like(seen, dtype=bool)
    for cell, row in enumerate(seen):
        days = np.flatnonzero(row)
        rng = np.random.default_rng([seed, cell])
        lengths = rng.integers(1, LONGEST_BLOCK + 1, days.size)
        block = np.repeat(np.arange(days.size), lengths)[: days.size]
        order = rng.permutation(days.size)
        drawn = np.bincount(block, minlength=days.size)[order].cumsum() <= share * days.size
        withheld[cell, days[np.isin(block, order[drawn])]] = True
    return withheld


def hide_blocks(seen: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Blocks of overpasses as :func:`withhold` draws them, quickly and anew for each call.

    ``seen`` (row, day) bool; about ``share`` of each row is hidden, in blocks of one length a row.
    """
    rows, days = seen.shape
    options = {"generator": generator, "device": seen.device}
    length = torch.randint(1, LONGEST_BLOCK + 1, (rows, 1), **options)
    phase = torch.randint(LONGEST_BLOCK, (rows, 1), **options)
    block = (seen.cumsum(1) + phase) // length
    drawn = torch.rand(rows, days + LONGEST_BLOCK, **options) < share
    return seen & drawn.gather(1, block)


def gaps_by_length(series: Tensor) -> dict[str, Tensor]:
    """Days (cell, day) bool without a value in a gappy series, by the gap they lie in.

    First all between two values, then those among them in gaps of each of :data:`LENGTHS`, then
    those before the first value (all days of a cell that has none) and after the last.
    """
    seen = torch.isfinite(series)
    last, following = neighbours(seen)
    early, late = last < 0, following == series.shape[1]
    between = ~(seen | early | late)
    length = following - last - 1
    chosen = {"all between observations": between}
    for low, high in LENGTHS:
        name = f"{low} to {high}" if np.isfinite(high) else f"{low} and more"
        chosen[f"{name} days"] = between & (length >= low) & (length <= high)
    return chosen | {
        "before the first observation": early,
        "after the last observation": late & ~early,
    }


def score_by_gap(
    fillings: Mapping[str, Tensor], observed: Tensor, withheld: Tensor, cells: Tensor
) -> list[dict]:
    """Scores on withheld observations, by the gap they lie in (:func:`gaps_by_length`).

    Parameters
    ----------
    fillings : name -> (cell, day), made without the observations withheld
    observed : (cell, day) with the withheld ones, NaN = gap
    withheld : (cell, day) bool
    cells : (n,) those to score

    Returns
    -------
    Of each kind of gap with a day to score: gap, days (how many), and for each filling rmse and
    bias (filled - observed) in the observations' unit and corr, all over cells and days at once.
    For corr each cell's mean of the observations left is taken off, or differences between cells
    would make it near 1. A score is None where it is not defined: a filling without a value there,
    fewer than two days.
    """
    observed, withheld = observed[cells], withheld[cells]
    left = torch.where(withheld, torch.nan, observed)
    mean = left.nanmean(1, keepdim=True)
    rows = []
    for name, among in gaps_by_length(left).items():
        there = withheld & among
        if not there.any():
            continue
        row = {"gap": name, "days": int(there.sum())}
        for filling, values in fillings.items():
            pairs = {
                "corr": ((values[cells] - mean)[there], (observed - mean)[there]),
                "rmse": (values[cells][there], observed[there]),
            }
            pairs["bias"] = pairs["rmse"]
            scores = {score: float(METRICS[score](*pairs[score])) for score in SCORES}
            row[filling] = {k: round(v, 5) if np.isfinite(v) else None for k, v in scores.items()}
        rows.append(row)
    return rows
