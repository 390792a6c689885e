"""The data sets of a configuration: cells scored together, at one sampling or pooled over folds."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from parlearn.plan.methods import METHODS
from parlearn.study.roles import TESTS
from parlearn.summarise.choice import identify, trained
from parlearn.summarise.results import Results

log = logging.getLogger(__name__)

#: cells of a data set -> the split that they are
SPLITS = {role: split for split, role in TESTS.items()}


@dataclass(frozen=True)
class Member:
    """One method, of one seed, in one data set.

    ``parts`` holds its runs, each with the indices of the cells it is scored at: one run, or one a
    fold, whose test cells together are the data set. All members of a data set have the same cells
    in the same order.
    """

    dataset: str
    variant: str
    seed: int
    period: str
    parts: list[tuple]

    @property
    def cells(self) -> np.ndarray:
        """Indices of the data set's cells."""
        return np.concatenate([cells for _, cells in self.parts])

    @property
    def method(self) -> str:
        return self.parts[0][0].method

    @property
    def trained(self) -> bool:
        return METHODS[self.method].trained

    @property
    def model(self) -> str:
        """What it learned through."""
        return self.parts[0][0].model

    def collect(self, read: Callable) -> np.ndarray:
        """What ``read(run, cells)`` gives, joined along its last axis, the cells."""
        return np.concatenate([np.asarray(read(*part)) for part in self.parts], axis=-1)


def gather(runs: pd.DataFrame, results: Results, datasets: Mapping) -> list[Member]:
    """Every method and seed in every data set it has runs for.

    Parameters
    ----------
    runs : rows of the runs, as the workflow gives them to a summary
    datasets : label -> samplings, period, cells (``train`` or ``test``), see config/README.md

    Raises
    ------
    ValueError
        Where a cell is in two folds of a data set, a method lacks a fold that others have, or no
        method was trained for it.

    Notes
    -----
    An untrained method learned a slope and an offset at most, its linear correction, so a run of
    another sampling will do; but not one whose correction was fit at the held-out cells to be
    scored: the method is then left out of that data set, and the log says so.
    """
    runs = identify(runs, results)
    learned = trained(runs)
    members = []
    for label, dataset in datasets.items():
        split = SPLITS[dataset["cells"]]
        cells = {name: results.cells(name, split) for name in dataset["samplings"]}
        _check_folds(label, cells)
        found = _untrained(label, runs[~learned], results, dataset, cells)
        here = runs[learned & runs["sampling"].isin(cells) & (runs["period"] == dataset["period"])]
        if here.empty:
            raise ValueError(
                f"no run of this figure is trained for the data set {label!r} "
                f"({', '.join(cells)}, {dataset['period']})"
            )
        for (variant, seed), group in here.groupby(["variant", "seed"], sort=False):
            of_fold = {run.sampling: run for run in group.itertuples()}
            if missing := [name for name in cells if name not in of_fold]:
                raise ValueError(
                    f"{variant} with seed {seed} has no run of {', '.join(missing)}, part of the "
                    f"data set {label!r}: add them to the table of runs, or leave out the others"
                )
            parts = [(of_fold[name], cells[name]) for name in cells]
            found.append(Member(label, variant, int(seed), dataset["period"], parts))
        members += found
    return members


def _check_folds(label, cells):
    for name, indices in cells.items():
        if not len(indices):
            raise ValueError(f"the data set {label!r} has no cell in sampling {name!r}")
    pooled = np.concatenate(list(cells.values()))
    if len(pooled) != len(np.unique(pooled)):
        raise ValueError(
            f"{len(pooled) - len(np.unique(pooled))} cells of the data set {label!r} are in more "
            f"than one of its samplings {', '.join(cells)}: folds must part the cells"
        )


def _untrained(label, runs, results, dataset, cells) -> list[Member]:
    """The untrained methods, each by the run made for a sampling where there is one."""
    members = []
    for variant, group in runs.groupby("variant", sort=False):
        parts = [(_fitting(group, results, dataset, *fold), fold[1]) for fold in cells.items()]
        if any(run is None for run, _ in parts):
            log.warning(
                "%s is left out of %s: its linear correction was fit at cells scored there; "
                "add runs of it at %s",
                *(variant, label, ", ".join(cells)),
            )
            continue
        members.append(Member(label, variant, int(parts[0][0].seed), dataset["period"], parts))
    return members


def _fitting(group, results, dataset, sampling, cells):
    """The run whose correction may be used at these cells, the nearest to the data set first."""
    order = (group["sampling"] != sampling) * 2 + (group["period"] != dataset["period"])
    for run in group.loc[order.sort_values(kind="stable").index].itertuples():
        fit_there = np.isin(cells, results.cells(run.sampling, "temporal")).any()
        held_out = dataset["cells"] == "test" and run.observation_map == "domain"
        if not (held_out and fit_there):
            return run
    return None


def identity(member: Member) -> dict:
    """Columns that tell members apart in a table."""
    return {name: getattr(member, name) for name in ("dataset", "variant", "period", "seed")}


def by_method(members: list[Member]) -> dict[tuple[str, str], list[Member]]:
    """The seeds, ascending, of each (dataset, variant)."""
    groups = {}
    for member in members:
        groups.setdefault((member.dataset, member.variant), []).append(member)
    return {key: sorted(group, key=lambda m: m.seed) for key, group in groups.items()}


def scores(member: Member, results: Results, metrics) -> np.ndarray:
    """Scores (metric, cell) of the test period, by the process model."""
    metrics = list(metrics)
    return member.collect(
        lambda run, cells: results.scores(run).sel(metric=metrics).values[:, cells]
    )
