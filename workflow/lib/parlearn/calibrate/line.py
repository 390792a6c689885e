"""The line between a model and an instrument: found once, before any method learns, held for all.

A line fit by least squares to a simulation with parameters not yet calibrated is too flat, since
errors of the simulation flatten it; whoever calibrates under it cannot become better than it
allows. So the line and parameters of each cell are fit together: a Latin hypercube of parameters is
run at training cells, and the line is sought under which the best run of each cell fits best, all
cells together (least squares in slope and offset). Runs about each cell's best so far follow until
the line stays. The parameters are thrown away. Every method then learns under this one line, so
that none is helped or held back by it; fitting it costs model runs that are counted for none.
"""

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from parlearn.calibrate.objective import LARGEST_CALL, split_observed
from parlearn.models.base import ProcessModel
from parlearn.models.observation import pair
from parlearn.models.surrogate.samples import around, choose_cells, latin_hypercube
from parlearn.plan.targets import correctable
from parlearn.storage.files import read_json
from parlearn.study.tensors import Study

logger = logging.getLogger(__name__)

#: training cells a line is fit on, at most: it has two numbers
CELLS = 500
#: runs a cell and round, and rounds at most
SETS, ROUNDS = 64, 10
#: relative change of the slope, and of the line at the mean simulated, below which the line stays
CLOSE = 0.01
#: slopes to begin from
SLOPES = np.geomspace(0.1, 4, 33)


@dataclass(frozen=True)
class Line:
    """Slope and offset of the domain, and what they were fit on."""

    slope: float
    offset: float  #: in the target's unit
    rmse: float  #: pooled, of the best runs
    cells: int
    runs: int  #: of each cell


def fit_joint_line(model: ProcessModel, study: Study, start: Tensor, *, seed: int) -> Line:
    """The line under which the best of many runs of each training cell fits best.

    Parameters
    ----------
    model, study : on one device; the study has one target that a line may apply to
    start : (cell, P) physical, known parameters, one of the runs of each cell
    seed : of the choice of cells and of the parameters run

    Raises
    ------
    ValueError
        No target that a line applies to; fewer than two training cells with observations.
    """
    targets = correctable(study.targets)
    if not targets:
        raise ValueError(f"{', '.join(study.targets)} needs no line between model and observation")
    seen, _ = split_observed(study, study.cells("train"))
    if len(seen) < 2:
        raise ValueError(f"{len(seen)} training cells have observations: a line needs two or more")
    cells = seen[choose_cells(len(seen), CELLS, seed).to(seen.device)]
    every = torch.arange(len(cells))
    known = model.space.to_unit(start[cells.to(start.device)]).clamp(0, 1)
    unit = latin_hypercube(SETS, len(cells), len(model.space), seed)
    unit[0] = known.cpu()
    sums = _sums(model, study, targets[0], cells, unit)
    before = None
    for number in range(1, ROUNDS + 1):
        slope, offset, best = best_line(sums)
        n, x = float(sums[0, :, 0].sum()), float(sums[best, every, 1].sum())
        line = Line(slope, offset, _rmse(sums, slope, offset), len(cells), len(unit))
        logger.info(
            "line after %d runs a cell: slope %.4f, offset %.4f, RMSE of the best runs %.4g",
            *(line.runs, line.slope, line.offset, line.rmse),
        )
        middle = slope * x / n + offset
        if before and max(abs(slope / before[0] - 1), abs(middle / before[1] - 1)) < CLOSE:
            return line
        before = slope, middle
        more = around(unit[best, every], SETS, seed + number, 0.3 / (number + 1))
        unit = torch.cat([unit, more])
        sums = torch.cat([sums, _sums(model, study, targets[0], cells, more)])
    logger.warning("the line still moves by more than %g after %d rounds", CLOSE, ROUNDS)
    return line


def read_line(path) -> tuple[float, float] | None:
    """Slope and offset of a file of the rule fit_line; None where ``path`` is empty."""
    if not path:
        return None
    content = read_json(path)
    return content["slope"], content["offset"]


def best_line(sums: Tensor) -> tuple[float, float, Tensor]:
    """Slope, offset, and each cell's run (cell,), of the lowest error of all cells together.

    ``sums`` (run, cell, 6) hold n and the sums of x, y, xx, xy, yy over days, x simulated and y
    observed. From each of several slopes the runs that fit a line best and the line that fits them
    best are found in turn; each step lowers the error, and the lowest end counts.
    """
    cells, lowest = torch.arange(sums.shape[1]), None
    n, x, y, *_ = sums.mean(0).sum(0).tolist()
    for slope in SLOPES:
        offset, best = (y - slope * x) / n, None
        while True:
            chosen = _squares(sums, slope, offset).argmin(0)
            if best is not None and torch.equal(chosen, best):
                break
            best = chosen
            n_, x_, y_, xx, xy, _ = sums[best, cells].sum(0).tolist()
            slope = (xy / n_ - x_ * y_ / n_**2) / (xx / n_ - (x_ / n_) ** 2)
            offset = (y_ - slope * x_) / n_
        error = _rmse(sums, slope, offset)
        if lowest is None or error < lowest[0]:
            lowest = error, slope, offset, best
    return lowest[1:]


def _squares(sums: Tensor, slope: float, offset: float) -> Tensor:
    """Sum of squared errors (run, cell) under a line."""
    n, x, y, xx, xy, yy = sums.unbind(-1)
    of_line = slope**2 * xx + 2 * slope * offset * x + offset**2 * n
    return yy - 2 * slope * xy - 2 * offset * y + of_line


def _rmse(sums: Tensor, slope: float, offset: float) -> float:
    """Of the best run of each cell, all observations together."""
    best = _squares(sums, slope, offset).min(0).values.sum()
    return float((best / sums[0, :, 0].sum()).clamp_min(0).sqrt())


@torch.inference_mode()
def _sums(model, study: Study, target: str, cells: Tensor, unit: Tensor) -> Tensor:
    """The sums (set, cell, 6) of :func:`best_line` of runs with unit (set, cell, P)."""
    days = slice(max(study.training.start, 1), study.training.stop)
    y = study.observed(cells, days)[..., study.targets.index(target)].double()
    there = torch.isfinite(y)
    y = y.nan_to_num()
    of_a_set = len(cells) * (days.stop - days.start) * len(model.outputs)
    parts = []
    for some in unit.split(max(1, LARGEST_CALL // of_a_set)):
        parameters = model.space.to_physical(some.float().to(study.device))
        run = model.simulate(parameters, cells, slice(days.start - 1, days.stop))
        x = pair(run[..., model.outputs.index(target)], target).double()
        if not torch.isfinite(x[there.expand_as(x)]).all():
            raise FloatingPointError(f"the model's {target} is not a number on an observed day")
        x = torch.where(there, x, 0)
        sums = (there.double().expand_as(x), x, y.expand_as(x), x * x, x * y, (y * y).expand_as(x))
        parts.append(torch.stack([values.sum(-1) for values in sums], -1).cpu())
    return torch.cat(parts)
