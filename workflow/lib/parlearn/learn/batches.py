"""Mini-batches of cells and windows, and what they cost in model runs."""

import numpy as np
import torch
from torch import Tensor


def run_days(days: slice, warmup: int) -> int:
    """Days the model runs to give ``days`` paired with the overpass, its warm-up included."""
    before = days.start - 1
    return days.stop - before + min(warmup, before)


def plan_epoch(
    cells: Tensor, period: slice, batch: int, window: int, warmup: int, generator: torch.Generator
) -> list[tuple[Tensor, slice]]:
    """Mini-batches (cells, days) that together cost about one run of the period per cell.

    Cells are drawn without replacement until all have had a turn, then again; each batch has its
    own window. The cost of a batch is the days its cells run, warm-up included, so that short
    windows are not cheaper than they are. With whole periods it is exactly one run per cell.
    """
    total, spent, plan = len(cells) * run_days(period, warmup), 0, []
    while True:
        order = cells[torch.randperm(len(cells), generator=generator).to(cells.device)]
        for some in order.split(batch):
            latest = period.stop - window - period.start
            first = period.start + int(torch.randint(latest + 1, (), generator=generator))
            days = slice(first, first + window)
            cost = len(some) * run_days(days, warmup)
            if spent + cost / 2 > total:
                return plan
            plan.append((some, days))
            spent += cost


def days_to_read(
    days: slice, period: slice, reading: int | None, generator: torch.Generator
) -> slice:
    """Days of the series that a network reads in training: all of ``period`` unless ``reading``.

    Those of the mini-batch where its window is as long (Li & Lu 2023, section 4.2: one window of
    240 days is input and instance), else as many at random.
    """
    length = period.stop - period.start
    if reading is None or reading == length:
        return period
    if reading == days.stop - days.start:
        return days
    first = period.start + int(torch.randint(length - reading + 1, (), generator=generator))
    return slice(first, first + reading)


def record_epochs(epochs: int, records: int) -> set[int]:
    """At most ``records`` epochs from 1 to ``epochs``, evenly on a log scale."""
    return set(np.unique(np.geomspace(1, epochs, records).round().astype(int)).tolist())
