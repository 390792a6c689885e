"""Settings of a learner judged on validation cells, through VIC; the test period is never read.

    python benchmarks/try_settings.py results/li2023_real/smap all one_year paraformer_a \
        '{preset: li2023, epochs: 100, window: null, learning_rate: 0.001}'

    python benchmarks/try_settings.py results/real/smap all one_year dpl_a \
        '{epochs: 60, batch: 50, hidden: [64, 128], learning_rate: [0.002, 0.005, 0.01]}'

The folder holds domain.nc, forcing.nc and training.nc of a study; then sampling, training period,
method and settings as in a configuration. Of a setting with a list every value is tried, with every
one of the others. Prints the validation loss along each training, and the best of several.
"""

import argparse
import itertools
from pathlib import Path

import torch
import yaml

from parlearn.calibrate.line import fit_joint_line
from parlearn.learn import dpl
from parlearn.learn.settings import Settings
from parlearn.models.vic.model import VIC, default_parameters
from parlearn.storage import contracts
from parlearn.study.tensors import load_study

PRESETS = Path(__file__).parents[1] / "config" / "presets.yaml"
PARAMETERS = ("infilt", "Ds", "Dsmax", "Ws", "expt")
SHOWN = (5, 10, 20, 40, 60, 100, 150, 300)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("folder", "sampling", "period", "method", "settings"):
        parser.add_argument(name)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parameters", default=",".join(PARAMETERS), help="of VIC, with commas")
    given = parser.parse_args()
    torch.set_num_threads(1)
    domain, forcing, training = (
        contracts.read(Path(given.folder) / f"{name}.nc", name)
        for name in ("domain", "forcing", "training")
    )
    settings = yaml.safe_load(given.settings)
    preset = settings.pop("preset", None)
    if preset:
        settings = yaml.safe_load(PRESETS.read_text())[preset][given.method] | settings
    seen = training["soil_moisture"].sel(period=given.period).notnull().any("cell")
    days = training["time"].values[seen.values].astype("datetime64[D]").astype(str)
    study = load_study(
        domain,
        forcing,
        training,
        sampling=given.sampling,
        period=given.period,
        span=(days[0], days[-1]),
        targets=("soil_moisture",),
    )
    model = VIC(domain, forcing, names=tuple(given.parameters.split(",")))
    start = default_parameters(domain, model.space.names)
    line = fit_joint_line(model, study, start, seed=1)
    tried = {name: values for name, values in settings.items() if isinstance(values, list)}
    found = []
    for values in itertools.product(*tried.values()):
        choice = dict(zip(tried, values))
        if choice:
            print(", ".join(f"{name} {value}" for name, value in choice.items()), flush=True)
        result = dpl.learn(
            given.method,
            study,
            model,
            Settings.from_dict(settings | choice),
            seed=given.seed,
            start=start,
            line=(line.slope, line.offset),
        )
        losses = [row["validation_loss"] for row in result.history]
        for epoch in (n for n in SHOWN if n <= len(losses)):
            print(f"epoch {epoch}: validation {losses[epoch - 1]:.4f}")
        print(
            f"best {min(losses):.4f} in epoch {result.best_epoch}, training loss at the end "
            f"{result.history[-1]['train_loss']:.4f}",
            flush=True,
        )
        found.append((min(losses), choice))
    if len(found) > 1:
        print("lowest:", *min(found, key=lambda pair: pair[0]))


if __name__ == "__main__":
    main()
