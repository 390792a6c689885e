"""The compiled VIC: cell-years per second and core, forward and with gradients, and its memory.

    python benchmarks/bench_vic.py [--json FILE] [--reference FOLDER]

Runs the reference inputs (all cells, all parameter sets, three years; the synthetic fixture where
they
are not at hand), tiled to 2,000 cells, in a process of its own so that the peak of memory is its
own. Seconds are processor seconds of one thread; medians over repeats.
"""

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import time
from pathlib import Path

import torch
import xarray as xr

from parlearn.models.vic.model import CALIBRATED, VIC
from parlearn.models.vic.parameters import PARAMETERS

HERE = Path(__file__).resolve().parents[1]
FIXTURE = HERE / "tests" / "data" / "vic5-synthetic"
SHARED = Path(os.environ.get("PARLEARN_REFERENCE", HERE.parent / "shared" / "reference")) / "vic5"
CELLS, REPEATS = 2000, 3
#: the C code with the same configuration and five output variables, one core
ORIGINAL = 105.0
OUTPUTS = ("soil_moisture", "evapotranspiration", "runoff", "baseflow", "swe")


def median_seconds(action):
    action()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return statistics.median(times)


def in_this_process(folder, queue):
    torch.set_num_threads(1)
    inputs = xr.load_dataset(Path(folder) / "inputs.nc")
    parameters = torch.as_tensor(inputs["params"].values).float()
    sets, cells, _ = parameters.shape
    copies = -(-CELLS // cells)
    index = torch.arange(cells).repeat(copies)
    tiled = parameters.repeat(1, copies, 1)
    years = inputs.sizes["time"] / 365.25
    rows = []

    def add(name, model, columns, samples, gradient):
        p = tiled[:samples, :, columns].clone().requires_grad_(gradient)

        def action():
            outputs, _ = model.run(p, index)
            if gradient:
                outputs.sum().backward()

        seconds = median_seconds(action)
        rate = samples * len(index) * years / seconds
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        rows.append({"what": name, "cell_years_per_s": rate, "peak_gb": peak})

    every = VIC(inputs, inputs, names=PARAMETERS, outputs=OUTPUTS, threads=1)
    learning = VIC(inputs, inputs, names=CALIBRATED, outputs=OUTPUTS[:2], threads=1)
    add("forward, five outputs, all sets", every, slice(None), sets, False)
    add("forward, two outputs, all sets", learning, slice(0, 5), sets, False)
    add("forward + backward, 5 parameters, one set", learning, slice(0, 5), 1, True)
    add("forward + backward, 7 parameters, five outputs, one set", every, slice(None), 1, True)
    queue.put((sets, len(index), years, rows))


def measure(folder=None):
    """Rows of what was run, its rate and the peak of memory so far in its process."""
    folder = Path(folder or (SHARED if (SHARED / "inputs.nc").exists() else FIXTURE))
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=in_this_process, args=(str(folder), queue))
    process.start()
    sets, cells, years, rows = queue.get()
    process.join()
    forward = rows[1]["cell_years_per_s"]
    for row in rows:
        row["times_the_C_code"] = row["cell_years_per_s"] / ORIGINAL
        row["cost_against_forward"] = forward / row["cell_years_per_s"]
    return {"inputs": folder.name, "sets": sets, "cells": cells, "years": years, "rows": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    parser.add_argument(
        "--reference", help="folder with inputs.nc (else ../shared, else the fixture)"
    )
    arguments = parser.parse_args()
    result = measure(arguments.reference)
    print(
        f"VIC on {result['inputs']}: {result['sets']} sets x {result['cells']} cells x "
        f"{result['years']:.1f} years, one thread"
    )
    print(f"{'':58}{'cell-years/s':>13}{'x C code':>10}{'x forward':>10}{'peak GB':>9}")
    for row in result["rows"]:
        print(
            f"{row['what']:58}{row['cell_years_per_s']:13,.0f}{row['times_the_C_code']:10.1f}"
            f"{row['cost_against_forward']:10.1f}{row['peak_gb']:9.1f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
