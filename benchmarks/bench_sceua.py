"""SCE-UA, all cells at once, against spotpy 1.6.7 cell by cell, on the same objective in one run.

    python benchmarks/bench_sceua.py [--json FILE]

Two objectives: a cheap one (Rosenbrock in five dimensions, where the search itself is what costs)
and the RMSE of VIC's soil moisture over one year of the synthetic fixture in tests/data. Both
sides count the runs they truly make (spotpy's own counter counts most of them twice) and have one
thread; evaluations per second are medians over repeats.
"""

import argparse
import contextlib
import io
import json
import statistics
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import spotpy
import torch
import xarray as xr

from parlearn.calibrate.objective import TrainingError
from parlearn.calibrate.sceua import SCEUA, Settings
from parlearn.models.base import ParameterSpace
from parlearn.models.parameter import Parameter
from parlearn.models.vic.model import VIC

FIXTURE = Path(__file__).parents[1] / "tests" / "data" / "vic5-synthetic"
REPEATS = 3
SETTINGS = Settings(max_evaluations=1500, kstop=10**6, peps=0)  # ends by its budget
VIC_SETTINGS = Settings(max_evaluations=154, kstop=10**6, peps=0)


def rosenbrock_space(n: int = 5) -> ParameterSpace:
    return ParameterSpace(Parameter(f"x{k}", "1", -5.0, 5.0) for k in range(n))


def rosenbrock(cells, unit):
    x = 10 * unit - 5
    return (100 * (x[..., 1:] - x[..., :-1] ** 2) ** 2 + (1 - x[..., :-1]) ** 2).sum(-1)


def vic_objective(copies: int):
    """RMSE against moisture simulated with the fixture's second parameter set, cells repeated."""
    inputs = xr.load_dataset(FIXTURE / "inputs.nc")
    inputs = inputs.isel(cell=np.tile(np.arange(inputs.sizes["cell"]), copies))
    model = VIC(inputs, inputs, outputs=("soil_moisture",), warmup=30, threads=1)
    names = [str(name) for name in inputs["par_name"].values]
    values = inputs["params"].isel(set=1).values[:, [names.index(n) for n in model.space.names]]
    truth = torch.from_numpy(values.astype(np.float32))
    with torch.no_grad():
        observed = model.simulate(truth).clone()
    training = slice(model.n_days - 365, model.n_days)
    study = SimpleNamespace(
        n_cells=model.n_cells,
        n_days=model.n_days,
        observations=observed,
        training=training,
        targets=("soil_moisture",),
        device=torch.device("cpu"),
        observed=lambda cells, days: observed[cells, days],
        lengths_of=lambda target, days: None,
    )
    return model.space, TrainingError(model, study, torch.arange(model.n_cells)), model.n_cells


class SpotpySetup:
    """One cell of an objective, point by point, as spotpy wants it."""

    def __init__(self, objective, space):
        self.objective, self.runs = objective, 0
        self.parameter = [spotpy.parameter.Uniform(p.name, 0, 1) for p in space]

    def parameters(self):
        return spotpy.parameter.generate(self.parameter)

    def simulation(self, vector):
        self.runs += 1
        unit = torch.tensor(list(vector), dtype=torch.float64)[None, None]
        return [float(self.objective(torch.tensor([0]), unit))]

    def evaluation(self):
        return [0.0]

    def objectivefunction(self, simulation, evaluation):
        return simulation[0]


def time_spotpy(objective, space, settings: Settings, seed: int) -> tuple[int, float]:
    setup = SpotpySetup(objective, space)
    with contextlib.redirect_stdout(io.StringIO()):
        sampler = spotpy.algorithms.sceua(setup, dbname="no", dbformat="ram", random_state=seed)
        began = time.perf_counter()
        sampler.sample(
            settings.max_evaluations,
            ngs=settings.complexes,
            kstop=settings.kstop,
            pcento=100 * settings.pcento,
            peps=1e-12,
        )
        return setup.runs, time.perf_counter() - began


def time_ours(objective, space, cells: int, settings: Settings) -> tuple[int, float]:
    began = time.perf_counter()
    found = SCEUA(objective, range(cells), len(space), settings).run()
    return int(found.evaluations.sum()), time.perf_counter() - began


def measure(repeats: int = REPEATS) -> list[dict]:
    """Evaluations per second, one dict for each objective and number of cells."""
    cases = [
        ("rosenbrock", rosenbrock_space(), rosenbrock, 1, SETTINGS),
        ("rosenbrock", rosenbrock_space(), rosenbrock, 412, SETTINGS),
    ]
    for copies in (1, 12):
        space, objective, cells = vic_objective(copies)
        cases.append(("vic, 1 year", space, objective, cells, VIC_SETTINGS))
    rows = []
    for name, space, objective, cells, settings in cases:
        objective(torch.arange(cells), torch.full((cells, 1, len(space)), 0.5))  # warm
        ours, theirs = [], []
        for repeat in range(repeats):  # in turn, so that a busy machine disturbs both
            for rates, timed in (
                (ours, time_ours(objective, space, cells, settings)),
                (theirs, time_spotpy(objective, space, settings, repeat + 1)),
            ):
                rates.append(timed[0] / timed[1])
        rows.append(
            {
                "objective": name,
                "cells": cells,
                "parlearn_per_second": statistics.median(ours),
                "spotpy_per_second": statistics.median(theirs),
                "ratio": statistics.median(ours) / statistics.median(theirs),
                "repeats": repeats,
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = measure()
    print("SCE-UA, objective evaluations per second, medians, one thread")
    print(f"{'objective':<14}{'cells':>7}{'parlearn':>12}{'spotpy':>10}{'ratio':>9}")
    for row in rows:
        print(
            f"{row['objective']:<14}{row['cells']:>7}{row['parlearn_per_second']:>12,.0f}"
            f"{row['spotpy_per_second']:>10,.0f}{row['ratio']:>9.1f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
