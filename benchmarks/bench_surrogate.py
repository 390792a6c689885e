"""The LSTM surrogate against the VIC it stands for: cell-years per second of one thread.

    python benchmarks/bench_surrogate.py [--json FILE] [--device cuda]

Both run all cells of a small twin over its whole record, forward and with gradients in the
parameters.
The surrogate's weights are as good as untrained (one iteration): its speed does not depend on them.
VIC's compiled loop runs on the CPU in either case.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
import xarray as xr
from twin_study import OUTPUTS, build

from parlearn.models.surrogate.fit import SurrogateSettings, fit_surrogate, gather_samples
from parlearn.models.vic.model import default_parameters

REPEATS = 3
HIDDEN = (64, 256)


def samples_of(twin):
    parameters = default_parameters(twin.domain, twin.model.space.names)[None]
    with torch.no_grad():
        series = twin.model.simulate(parameters)
    batch = xr.Dataset(
        {
            "parameters": (("sample", "cell", "parameter"), parameters.numpy()),
            **{
                n: (("sample", "cell", "time"), series[..., k].numpy())
                for k, n in enumerate(OUTPUTS)
            },
        },
        coords={
            "parameter": list(twin.model.space.names),
            "cell": range(twin.model.n_cells),
            "time": twin.forcing["time"].values,
        },
    )
    return gather_samples([batch], twin.model.space, OUTPUTS)


def seconds(model, parameters, gradient):
    times = []
    for _ in range(REPEATS + 1):
        given = parameters.clone().requires_grad_(gradient)
        start = time.perf_counter()
        out = model.simulate(given)
        if gradient:
            out.sum().backward()
        if out.is_cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def measure(device="cpu"):
    twin = build()
    samples = samples_of(twin)
    years = twin.model.n_cells * twin.model.n_days / 365.25
    parameters = default_parameters(twin.domain, twin.model.space.names)
    models = {"VIC, compiled": (twin.model, parameters)}
    for hidden in HIDDEN:
        settings = SurrogateSettings(hidden=hidden, iterations=1, batch=4, window=30, warmup=30)
        days = slice(0, twin.model.n_days)
        surrogate = fit_surrogate(
            twin.domain, twin.forcing, samples, twin.model.space, settings, spans=[days], seed=1
        ).to(device)
        models[f"surrogate, hidden {hidden}, {device}"] = (surrogate, parameters.to(device))
    rows = []
    for name, (model, given) in models.items():
        rows.append(
            {
                "model": name,
                "forward": years / seconds(model, given, False),
                "with_gradients": years / seconds(model, given, True),
            }
        )
    for row in rows:
        row["forward_against_vic"] = row["forward"] / rows[0]["forward"]
        row["gradients_against_vic"] = row["with_gradients"] / rows[0]["with_gradients"]
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments = parser.parse_args()
    rows = measure(arguments.device)
    print("cell-years per second, one thread, medians, and the ratio to VIC")
    print(f"{'model':<28}{'forward':>10}{'x VIC':>7}{'gradients':>11}{'x VIC':>7}")
    for row in rows:
        print(
            f"{row['model']:<28}{row['forward']:>10,.0f}{row['forward_against_vic']:>7.2f}"
            f"{row['with_gradients']:>11,.0f}{row['gradients_against_vic']:>7.2f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
