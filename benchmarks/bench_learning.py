"""Epochs and seconds to a given test error: dPL against SCE-UA, on the same model.

    python benchmarks/bench_learning.py [--json FILE]

Both calibrate the compiled VIC on a small twin (one year of training, one thread); an epoch is
one forward
run per cell on average. The errors to reach are SCE-UA's final median test RMSE, and 5 % above it.
"""

import argparse
import json
import time
from pathlib import Path

from twin_study import TEST, build

from parlearn.calibrate.domain import calibrate_domain
from parlearn.calibrate.line import fit_joint_line
from parlearn.calibrate.sceua import Settings as SceuaSettings
from parlearn.learn import dpl
from parlearn.learn.settings import Settings
from parlearn.metrics.progress import first_below
from parlearn.models.vic.model import default_parameters
from parlearn.runs import evaluate, outputs

EPOCHS, EVALUATIONS = 60, 500


def measure():
    twin = build()
    space = twin.model.space
    start = default_parameters(twin.domain, space.names)
    role = twin.domain["role"].sel(sampling="s4").values
    fitted = fit_joint_line(twin.model, twin.study, start, seed=1)
    line = fitted.slope, fitted.offset
    curves, spent = {}, {}

    def keep(name, began, trajectory):
        spent[name] = time.perf_counter() - began
        saved = outputs.trajectory_dataset(space, **trajectory)
        targets = ["soil_moisture"]
        curves[name] = evaluate.curve(saved, twin.model, twin.observations, targets, TEST, role)

    began = time.perf_counter()
    searched = calibrate_domain(
        twin.model,
        twin.study,
        SceuaSettings(max_evaluations=EVALUATIONS, seed=1),
        donor=twin.domain["donor"].sel(sampling="s4").values,
        start=start,
        line=line,
    )
    keep("sceua", began, searched.trajectory)
    for method in ("dpl_a", "dpl_z"):
        began = time.perf_counter()
        settings = Settings(epochs=EPOCHS, batch=50)
        learned = dpl.learn(
            method, twin.study, twin.model, settings, seed=1, start=start, line=line
        )
        keep(method, began, vars(learned.trajectory))
    final = float(curves["sceua"]["rmse_train_cells"].iloc[-1])
    rows = []
    for name, table in curves.items():
        row = {"method": name, "final_rmse": float(table["rmse_train_cells"].iloc[-1])}
        row["final_rmse_held_out"] = float(table["rmse_test_cells"].iloc[-1])
        for label, threshold in (("sceua", final), ("sceua_5_percent", 1.05 * final)):
            runs, seconds = first_below(table, threshold)
            row |= {f"epochs_to_{label}": runs, f"seconds_to_{label}": seconds}
        rows.append(row | {"seconds": spent[name]})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    arguments = parser.parse_args()
    rows = measure()
    print(f"test RMSE on a twin, {EPOCHS} epochs of dPL, {EVALUATIONS} runs a cell of SCE-UA")
    print(
        f"{'method':<8}{'final':>8}{'held out':>10}{'epochs, seconds to':>20} SCE-UA's{'+5 %':>12}"
    )
    for row in rows:
        print(
            f"{row['method']:<8}{row['final_rmse']:>8.4f}{row['final_rmse_held_out']:>10.4f}"
            f"{row['epochs_to_sceua']:>14.0f}{row['seconds_to_sceua']:>8.1f}"
            f"{row['epochs_to_sceua_5_percent']:>12.0f}{row['seconds_to_sceua_5_percent']:>8.1f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
