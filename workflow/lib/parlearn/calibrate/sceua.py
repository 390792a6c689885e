"""Shuffled complex evolution (SCE-UA), all cells of a domain advanced at once.

The algorithm is that of Duan, Sorooshian and Gupta (1992, doi:10.1029/91WR02985) with the settings
they recommend in 1994 (doi:10.1016/0022-1694(94)90057-4): complexes of 2n + 1 points, simplexes of
n + 1 parents drawn with triangular probability, one offspring a simplex, 2n + 1 evolution steps
between shuffles, for n parameters. Tsai et al. (2021) use seven complexes.

Every cell is a search of its own, with its own population, random stream and stop; only the model
runs are shared: in each evolution step the reflections of all cells and complexes are one call of
the objective, the contractions of those that failed a second, the random points of those that
failed again a third. Nothing is run that the sequential algorithm would not run, so what is
counted is what was run. Points live in the unit cube; book-keeping is float64 on the CPU.
"""

import io
import json
import logging
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from parlearn.storage.sealed import seal, take_up

log = logging.getLogger(__name__)

#: (cell ids (n,), unit parameters (n, k, parameter)) -> values (n, k), smaller is better. A cell id
#: may stand in several rows of one call. A value that is not finite marks a failed run.
Objective = Callable[[Tensor, Tensor], Tensor]

#: what its saved state is called
KIND = "SCE-UA search"
#: why a cell stopped, by its number in ``SCEUA.reason``
REASONS = ("running", "max_evaluations", "criterion_change", "parameter_range")


@dataclass(frozen=True)
class Settings:
    """Settings of the search at every cell.

    A cell stops at the first of: ``max_evaluations`` model runs (never exceeded); a best value
    that changed, over the last ``kstop`` loops, by less than the fraction ``pcento`` of its mean
    magnitude there; a population whose normalised geometric range is below ``peps``.
    """

    max_evaluations: int
    complexes: int = 7
    kstop: int = 10
    pcento: float = 1e-3
    peps: float = 1e-3
    seed: int = 0

    def __post_init__(self):
        if self.complexes < 1 or self.kstop < 1:
            raise ValueError(
                "SCE-UA needs complexes and kstop of 1 or more, "
                f"not {self.complexes} and {self.kstop}"
            )
        if self.pcento < 0 or self.peps < 0 or self.seed < 0:
            raise ValueError("SCE-UA: pcento, peps and seed must not be negative")


@dataclass(frozen=True)
class Calibration:
    """What a search found, as arrays; ``trajectory_*`` has a row for each record.

    A record is made after the initial population and after each shuffling loop; where a start was
    given, also within that population: after 1, 2, 4, 8 ... runs, the start the first of them. A
    cell that has stopped keeps its last entry.
    """

    cells: np.ndarray  # (cell,) ids
    best: np.ndarray  # (cell, parameter) in the unit cube
    value: np.ndarray  # (cell,) objective at best
    evaluations: np.ndarray  # (cell,) model runs, failed ones included
    failed: np.ndarray  # (cell,) model runs whose objective was not finite
    loops: np.ndarray  # (cell,) shuffling loops before the stop
    reason: list[str]  # (cell,) one of REASONS
    trajectory_best: np.ndarray  # (record, cell, parameter) best so far, in the unit cube
    trajectory_value: np.ndarray  # (record, cell)
    trajectory_evaluations: np.ndarray  # (record, cell)
    trajectory_seconds: np.ndarray  # (record,) wall time since the start, all cells together

    @property
    def epochs(self) -> np.ndarray:
        """(record,) model runs per cell, on average over cells: the epoch of Tsai et al. (2021)."""
        return self.trajectory_evaluations.mean(axis=1)


def draw_parents(uniform: Tensor, q: int) -> Tensor:
    """Ranks (..., q), ascending, of parents drawn from (..., m) points sorted best first.

    Drawn without replacement with the triangular probability 2 (m - rank) / (m (m + 1)) of Duan et
    al. (1992), rank from 0: the first q of an exponential race with these rates, for which a point
    needs one number of ``uniform`` (..., m).
    """
    m = uniform.shape[-1]
    race = -torch.log1p(-uniform) / torch.arange(m, 0, -1, dtype=uniform.dtype)
    return race.topk(q, dim=-1, largest=False).indices.sort(dim=-1).values


class SCEUA:
    """The searches of many cells, advanced together one shuffling loop at a time.

    Parameters
    ----------
    objective : Objective
    cells : (n,) integers, the ids the objective knows the cells by
        With ``settings.seed`` an id fixes the cell's random stream: its result does not depend on
        which other cells are searched.
    n_parameters : int
    settings : Settings
    start : (n, n_parameters), optional
        A known point of each cell in the unit cube. It is the first one of its initial population,
        in place of a random one, as the authors' own program allows; without it all are random.
    """

    def __init__(
        self,
        objective: Objective,
        cells,
        n_parameters: int,
        settings: Settings,
        start: Tensor | None = None,
    ):
        self.objective = objective
        self.cells = torch.as_tensor(cells, dtype=torch.int64).flatten()
        self.settings = settings
        n, p = n_parameters, settings.complexes
        if n < 1 or not len(self.cells):
            raise ValueError(f"nothing to search: {n} parameters, {len(self.cells)} cells")
        if len(self.cells.unique()) != len(self.cells) or self.cells.min() < 0:
            raise ValueError("SCE-UA: cell ids must be different from each other and not negative")
        self.n, self.m, self.q = n, 2 * n + 1, n + 1
        if settings.max_evaluations < p * self.m:
            raise ValueError(
                f"max_evaluations = {settings.max_evaluations} is below the {p * self.m} runs of "
                f"the initial population ({p} complexes of {self.m} points): raise it or use fewer "
                "complexes"
            )
        count = len(self.cells)
        self.start = None if start is None else torch.as_tensor(start, dtype=torch.float64)
        if self.start is not None and (
            tuple(self.start.shape) != (count, n)
            or not ((self.start >= 0) & (self.start <= 1)).all()
        ):
            raise ValueError(
                f"SCE-UA: the start must be {n} numbers from 0 to 1 for each of {count} cells, not "
                f"of shape {tuple(self.start.shape)} or beyond"
            )
        self.population = torch.empty(count, p * self.m, n, dtype=torch.float64)
        self.values = torch.empty(count, p * self.m, dtype=torch.float64)
        self.evaluations = torch.zeros(count, dtype=torch.int64)
        self.failed = torch.zeros(count, dtype=torch.int64)
        self.loops = torch.zeros(count, dtype=torch.int64)
        self.reason = torch.zeros(count, dtype=torch.int8)
        self.trajectory: list[tuple[np.ndarray, np.ndarray, np.ndarray, float]] = []

    @property
    def running(self) -> Tensor:
        """Positions of the cells that have not stopped."""
        return (self.reason == 0).nonzero()[:, 0]

    def run(self, checkpoint: Path | None = None) -> Calibration:
        """Search until every cell has stopped.

        With ``checkpoint`` the state is saved there after each loop, and taken up from there if
        the file exists; the numbers are then those of an undisturbed run. A state that is damaged
        or belongs to another search is set aside with a warning.
        """
        self.restore(checkpoint)
        while not self.trajectory or len(self.running):
            self.advance()
            if checkpoint is not None:
                self.save(checkpoint)
            log.info(
                "loop %d: %d of %d cells searching, %.0f runs per cell, median best %.5g, %.0f s",
                int(self.loops.max()),
                len(self.running),
                len(self.cells),
                self.evaluations.double().mean(),
                self.values[:, 0].median(),
                self.trajectory[-1][-1],
            )
        return self.result()

    def advance(self) -> None:
        """One shuffling loop of every cell still running; the first call draws the populations."""
        began, before = time.perf_counter(), self.trajectory[-1][-1] if self.trajectory else 0.0
        rows = self.running
        if self.trajectory:
            points, values = self._evolve(rows)
            self.loops[rows] += 1
        else:
            points, values = self._initial(rows)
            self._record_first(points, values, time.perf_counter() - began)
        order = values.argsort(dim=1, stable=True)  # the shuffle: complexes are re-dealt by rank
        self.population[rows] = points.gather(1, order[..., None].expand_as(points))
        self.values[rows] = values.gather(1, order)
        self.trajectory.append(
            (
                self.population[:, 0].numpy().copy(),
                self.values[:, 0].numpy().copy(),
                self.evaluations.numpy().copy(),
                before + time.perf_counter() - began,
            )
        )
        self._judge(rows)

    def _initial(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        size = self.population.shape[1]
        points = self._uniform(rows, 0, size * self.n).view(len(rows), size, self.n)
        if self.start is not None:
            points[:, 0] = self.start[rows]
        values, _ = self._evaluate(rows, points, torch.ones(len(rows), size, dtype=torch.bool))
        lost = torch.isinf(values).all(dim=1)
        if lost.any():
            raise ValueError(
                f"the objective is not finite at any of the {size} initial points of "
                f"{int(lost.sum())} cells (ids {self.cells[rows][lost][:10].tolist()}): look at "
                "their forcing and observations, or leave them out"
            )
        return points, values

    def _record_first(self, points: Tensor, values: Tensor, seconds: float) -> None:
        """Records within the initial population (cell, point), whose first points are the start."""
        if self.start is None:
            return
        failed = torch.isinf(values[:, 0])
        if failed.any():
            raise ValueError(
                f"the objective is not finite at the start of {int(failed.sum())} cells (ids "
                f"{self.cells[failed][:10].tolist()}): give them other known parameters"
            )
        size = values.shape[1]
        for runs in (2**k for k in range(size.bit_length()) if 2**k < size):
            value, which = values[:, :runs].min(1)
            best = points[torch.arange(len(points)), which]
            self.trajectory.append(
                (
                    best.numpy().copy(),
                    value.numpy().copy(),
                    np.full(len(points), runs),
                    seconds * runs / size,
                )
            )

    def _evolve(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Competitive complex evolution (Duan et al. 1992, appendix), beta = 2n + 1 steps."""
        count, p, m, q, n = len(rows), self.settings.complexes, self.m, self.q, self.n
        # ranked point j p + k goes to complex k
        points = self.population[rows].view(count, m, p, n).transpose(1, 2).contiguous()
        values = self.values[rows].view(count, m, p).transpose(1, 2).contiguous()
        draws = self._uniform(rows, int(self.loops.max()) + 1, m * p * (m + 2 * n))
        for draw in draws.view(count, m, p, m + 2 * n).unbind(1):
            parents = draw_parents(draw[..., :m], q)
            simplex = points.gather(2, parents[..., None].expand(-1, -1, -1, n))
            worst, worst_value = simplex[:, :, -1], values.gather(2, parents[..., -1:])[..., 0]
            # summed point by point: a reduction's order could depend on the size of the batch
            centroid = sum(simplex[:, :, :-1].unbind(2)) / (q - 1)
            low, high = points.amin(2), points.amax(2)

            reflection = 2 * centroid - worst
            outside = ((reflection < 0) | (reflection > 1)).any(-1, keepdim=True)
            mutation = torch.minimum(low + (high - low) * draw[..., m : m + n], high)
            first = torch.where(outside, mutation, reflection)
            first_value, run = self._evaluate(rows, first, torch.ones_like(worst_value, dtype=bool))
            better = run & (first_value < worst_value)

            second = (centroid + worst) / 2
            second_value, run = self._evaluate(rows, second, run & ~better)
            contracted = run & (second_value < worst_value)

            third = torch.minimum(low + (high - low) * draw[..., m + n :], high)
            third_value, replaced = self._evaluate(rows, third, run & ~contracted)

            new, new_value = worst, worst_value
            for taken, point, value in (
                (better, first, first_value),
                (contracted, second, second_value),
                (replaced, third, third_value),  # taken whatever its value
            ):
                new = torch.where(taken[..., None], point, new)
                new_value = torch.where(taken, value, new_value)
            last = parents[..., -1:]
            points.scatter_(2, last[..., None].expand(-1, -1, -1, n), new[:, :, None])
            values.scatter_(2, last, new_value[..., None])
            order = values.argsort(dim=2, stable=True)
            points = points.gather(2, order[..., None].expand_as(points))
            values = values.gather(2, order)
        return points.flatten(1, 2), values.flatten(1, 2)

    def _evaluate(self, rows: Tensor, points: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Values (row, k) where wanted and within a cell's budget, else inf; and where that is."""
        left = self.settings.max_evaluations - self.evaluations[rows]
        run = wanted & (wanted.cumsum(1) <= left[:, None])
        values = torch.full(run.shape, torch.inf, dtype=torch.float64)
        if not run.any():
            return values, run
        if run.all():
            ids, batch = self.cells[rows], points
        else:  # ragged over cells: one row a point
            ids, batch = self.cells[rows][run.nonzero()[:, 0]], points[run][:, None]
        given = self.objective(ids, batch)
        if tuple(given.shape) != tuple(batch.shape[:2]):
            raise ValueError(
                f"the objective gave values of shape {tuple(given.shape)} for points of shape "
                f"{tuple(batch.shape)}; {tuple(batch.shape[:2])} was due"
            )
        values[run] = given.detach().to(values).flatten()
        bad = run & ~torch.isfinite(values)
        values[bad] = torch.inf
        self.evaluations[rows] += run.sum(1)
        self.failed[rows] += bad.sum(1)
        return values, run

    def _judge(self, rows: Tensor) -> None:
        """Set the stop reason of those cells that have one."""
        settings = self.settings
        points = self.population[rows]
        spread = points.amax(1) - points.amin(1)
        narrow = (sum(spread.log().unbind(1)) / self.n).exp() < settings.peps
        self.reason[rows[narrow]] = REASONS.index("parameter_range")
        if self.loops.max() >= settings.kstop:
            best = np.stack([entry[1] for entry in self.trajectory[-settings.kstop - 1 :]])
            recent = torch.from_numpy(best)[:, rows]
            mean = sum(recent[1:].abs()) / settings.kstop
            flat = recent[0] - recent[-1] <= settings.pcento * mean
            self.reason[rows[flat]] = REASONS.index("criterion_change")
        spent = self.evaluations[rows] >= settings.max_evaluations
        self.reason[rows[spent]] = REASONS.index("max_evaluations")

    def _uniform(self, rows: Tensor, loop: int, size: int) -> Tensor:
        """(row, size) numbers in [0, 1) that depend on seed, cell id and loop alone."""
        numbers = np.empty((len(rows), size))
        for row, cell in zip(numbers, self.cells[rows].tolist(), strict=True):
            stream = np.random.Philox(key=[self.settings.seed, cell], counter=[0, 0, 0, loop])
            np.random.Generator(stream).random(out=row)
        return torch.from_numpy(numbers)

    def result(self) -> Calibration:
        best, value, evaluations, seconds = zip(*self.trajectory, strict=True)
        return Calibration(
            cells=self.cells.numpy(),
            best=best[-1],
            value=value[-1],
            evaluations=evaluations[-1],
            failed=self.failed.numpy().copy(),
            loops=self.loops.numpy().copy(),
            reason=[REASONS[number] for number in self.reason.tolist()],
            trajectory_best=np.stack(best),
            trajectory_value=np.stack(value),
            trajectory_evaluations=np.stack(evaluations),
            trajectory_seconds=np.array(seconds),
        )

    def state(self) -> dict[str, np.ndarray]:
        """Everything :meth:`load_state` needs to go on, as arrays."""
        best, value, evaluations, seconds = zip(*self.trajectory, strict=True)
        return {
            "settings": np.array(json.dumps(asdict(self.settings))),
            "cells": self.cells.numpy(),
            "population": self.population.numpy(),
            "values": self.values.numpy(),
            "failed": self.failed.numpy(),
            "loops": self.loops.numpy(),
            "reason": self.reason.numpy(),
            "trajectory_best": np.stack(best),
            "trajectory_value": np.stack(value),
            "trajectory_evaluations": np.stack(evaluations),
            "trajectory_seconds": np.array(seconds),
        }

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Take up a state; ValueError where it belongs to another search.

        The objective is evaluated once at the best point of each cell (not counted as part of the
        search): a state found with other data or another model would give another value.
        """
        settings = json.dumps(asdict(self.settings))
        same = str(state["settings"]) == settings and np.array_equal(state["cells"], self.cells)
        if not same or state["population"].shape != tuple(self.population.shape):
            raise ValueError(
                "the saved search has other cells, parameters or settings "
                f"({state['settings']}) than this one ({settings})"
            )
        population, values = (torch.from_numpy(state[k].copy()) for k in ("population", "values"))
        again = self.objective(self.cells, population[:, :1]).detach().to(values)
        if not torch.allclose(again, values[:, :1], rtol=1e-3, atol=1e-6):
            worst = (again - values[:, :1]).abs().argmax()
            raise ValueError(
                f"the saved search had {values[worst, 0]:g} as best value of cell "
                f"{self.cells[worst]}, the objective gives {again[worst, 0]:g}: it was made with "
                "other data or another model"
            )
        self.population, self.values = population, values
        self.failed, self.loops, self.reason = (
            torch.from_numpy(state[k].copy()) for k in ("failed", "loops", "reason")
        )
        keys = ("best", "value", "evaluations", "seconds")
        self.trajectory = list(zip(*(state[f"trajectory_{k}"] for k in keys), strict=True))
        self.evaluations = torch.from_numpy(state["trajectory_evaluations"][-1].copy())

    @property
    def owner(self) -> str:
        """Whom a saved state belongs to: a search with these settings at these cells."""
        return json.dumps(asdict(self.settings) | {"cells": len(self.cells), "n": self.n})

    def save(self, path: Path) -> None:
        """Write :meth:`state` as .npz, sealed, whole or not at all."""
        stream = io.BytesIO()
        np.savez(stream, **self.state())
        seal(stream.getvalue(), path, KIND, self.owner)

    def restore(self, path: Path | None) -> None:
        """Take up what :meth:`save` wrote; what is not this search's is set aside."""

        def read(content: bytes) -> bool:
            try:
                with np.load(io.BytesIO(content), allow_pickle=False) as file:
                    self.load_state(dict(file))
            except (EOFError, KeyError, zipfile.BadZipFile) as error:
                raise ValueError(f"it is not a saved search: {error}") from error
            return True

        if take_up(path, KIND, self.owner, read):
            log.info("resumed from %s after %d loops", path, int(self.loops.max()))
