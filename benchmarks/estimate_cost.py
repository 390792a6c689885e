"""What a configuration costs on CPUs: jobs, core hours, disk; by rates measured on a small twin.

    python benchmarks/estimate_cost.py config/conus.yaml --cells s4=4783 s8=1196 s16=299

`--cells`: training cells of each sampling; as many again are held out. Each network is timed with
the sizes that the configuration gives it, on one thread, over the cells of the twin and a year; its
cost is taken to grow with cells, years and epochs. Retrieval and regridding are not in it.
"""

import argparse
import time
from collections import defaultdict
from datetime import date
from pathlib import Path

import torch
from bench_surrogate import samples_of, seconds
from twin_study import build

from parlearn.learn import dpl
from parlearn.learn.settings import Settings
from parlearn.models.surrogate.fit import SurrogateSettings, fit_surrogate
from parlearn.models.vic.model import default_parameters
from parlearn.plan.config import check_config, read_yaml
from parlearn.plan.experiments import preset, read_runs
from parlearn.plan.methods import METHODS

TABLES = Path(__file__).parents[1] / "config"
TIMED = 3  # epochs, or iterations; the first is left out
POINTS = 30  # along a training, scored by VIC
OTHERS = ("held_out", "seed")  # keys of ``surrogate`` that are not the network's
BYTES = 3.1  # of a number on disk, as the demo's samples and simulations have it, compressed


def years(span) -> float:
    first, last = (date.fromisoformat(str(day)) for day in span)
    return ((last - first).days + 1) / 365.25


def record_of(config) -> float:
    """Years simulated: one of spin-up, the longest training, the test."""
    spans = (config["periods"]["test"], *config["periods"]["train"].values())
    return 1 + years((min(str(first) for first, _ in spans), max(str(last) for _, last in spans)))


class Rates:
    """Seconds on one thread, measured when first asked for."""

    def __init__(self, config):
        self.config, self.twin, self.known = config, build(), {}
        self.parameters = default_parameters(self.twin.domain, self.twin.model.space.names)
        self.samples = samples_of(self.twin)
        self.models = {"process": self.twin.model, "surrogate": self._surrogate(1)[0]}

    def forward(self, model) -> float:
        """Of a cell and year of simulation."""
        if model not in self.known:
            twin_years = self.twin.model.n_cells * self.twin.model.n_days / 365.25
            self.known[model] = seconds(self.models[model], self.parameters, False) / twin_years
        return self.known[model]

    def learning(self, method, model, settings) -> float:
        """Of a training cell, year and epoch."""
        key = (method, model, settings)
        if key not in self.known:
            part = METHODS[method].settings
            given = preset(part, settings, method, self.config) | {"epochs": TIMED}
            learned = dpl.learn(
                method,
                self.twin.study,
                self.models[model],
                Settings.from_dict(given),
                seed=1,
                start=self.parameters,
                line=(1.0, 0.0),
            )
            first, *_, last = (row["seconds"] for row in learned.history)
            self.known[key] = (last - first) / (TIMED - 1) / len(self.twin.study.cells("train"))
        return self.known[key]

    def surrogate_training(self) -> float:
        """Of an iteration."""
        spent = [self._surrogate(n)[1] for n in (1, TIMED)]
        return (spent[1] - spent[0]) / (TIMED - 1)

    def _surrogate(self, iterations):
        settings = {k: v for k, v in self.config["surrogate"].items() if k not in OTHERS}
        began = time.perf_counter()
        fitted = fit_surrogate(
            self.twin.domain,
            self.twin.forcing,
            self.samples,
            self.twin.model.space,
            SurrogateSettings(**(settings | {"iterations": iterations})),
            spans=[slice(0, self.twin.model.n_days)],
            seed=1,
        )
        return fitted, time.perf_counter() - began


def estimate(config, cells):
    """Rows of part, where it runs, jobs, core hours in all and of the longest job."""
    runs = read_runs(TABLES / "experiments.yaml", TABLES / "schemas", config).values()
    rates, found = Rates(config), defaultdict(list)
    spans = {name: years(span) for name, span in config["periods"]["train"].items()}
    test = years(config["periods"]["test"])
    record = record_of(config)
    plan, rounds = config["simulate"], config["simulate"]["rounds"]
    runs_of_vic = plan["sets"] * plan["cells"] * record * rates.forward("process")
    found["VIC samples", "cpu"] += [runs_of_vic / plan["batches"]] * plan["batches"] * rounds
    iteration = rates.surrogate_training()
    found["surrogate", "gpu"] += [config["surrogate"]["iterations"] * iteration] * rounds
    everywhere = 2 * max(cells.values())
    batches = config.get("calibrate", {"batches": {}})["batches"]
    for run in runs:
        both = rates.forward("process") + rates.forward("surrogate")
        found["simulation by both", "cpu"].append(everywhere * record * both)
        method = METHODS[run.method]
        if not method.trained:
            continue
        found["scores along training", "cpu"].append(
            POINTS * 2 * cells[run.sampling] * (1 + test) * rates.forward("process")
        )
        words = " directly" if run.model == "process" else ""
        settings = preset(method.settings, run.settings, run.method, config)
        if method.family == "search":
            span = 1 + spans[run.period]
            jobs = batches.get(run.sampling, 1)
            spent = (
                settings["max_evaluations"] * cells[run.sampling] * span * rates.forward(run.model)
            )
            found[f"{run.method}{words}", "cpu"] += [spent / jobs] * jobs
        else:
            rate = rates.learning(run.method, run.model, run.settings)
            place = "cpu" if run.model == "process" else "gpu"
            spent = settings["epochs"] * cells[run.sampling] * spans[run.period] * rate
            found[f"{run.method}{words}", place].append(spent)
    return [(*key, len(v), sum(v) / 3600, max(v) / 3600) for key, v in found.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--cells", nargs="+", required=True, metavar="SAMPLING=NUMBER")
    given = parser.parse_args()
    cells = {name: int(number) for name, number in (pair.split("=") for pair in given.cells)}
    torch.set_num_threads(1)
    config = check_config(read_yaml(given.config), TABLES / "schemas", given.config)
    if missing := {*config["samplings"]} - {*cells}:
        parser.error(f"--cells lacks {', '.join(sorted(missing))} of {given.config}")
    rows = estimate(config, cells)
    print("hours of one core of this machine; gpu: asks for one, which has not been timed")
    print(f"{'part':<28}{'runs on':>8}{'jobs':>7}{'core hours':>12}{'longest job':>13}")
    for part, place, jobs, hours, longest in rows:
        print(f"{part:<28}{place:>8}{jobs:>7}{hours:>12.1f}{longest:>13.1f}")
    for place in ("cpu", "gpu"):
        chosen = [row for row in rows if row[1] == place]
        jobs, hours = (sum(row[k] for row in chosen) for k in (2, 3))
        print(f"{'all':<28}{place:>8}{jobs:>7}{hours:>12.1f}")
    days = 365.25 * record_of(config)
    plan, everywhere = config["simulate"], 2 * max(cells.values())
    simulations = next(row[2] for row in rows if row[0] == "simulation by both")
    samples = plan["rounds"] * plan["sets"] * plan["cells"] * days * 2 * BYTES
    simulated = simulations * everywhere * days * 4 * BYTES
    print(f"disk: samples {samples / 1e9:.0f} GB, simulations {simulated / 1e9:.0f} GB")


if __name__ == "__main__":
    main()
