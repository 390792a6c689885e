"""The compiled VIC: cell-years per second and core, forward and with gradients, and its memory.

    python benchmarks/bench_vic.py [--json FILE] [--reference FOLDER]

Runs the reference inputs (all cells, all parameter sets, three years; the synthetic fixture where
they are not at hand), tiled to 2,000 cells and, for the memory of derivatives, to 5,000, in a
process of its own so that the peak of memory is its own. Seconds are processor seconds of one
thread; medians over repeats. Free parameters are the first of the list, as many as it has up to
the numbers below.
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

from parlearn.models.vic.model import CALIBRATED, VIC, default_parameters
from parlearn.models.vic.parameters import PARAMETERS

HERE = Path(__file__).resolve().parents[1]
FIXTURE = HERE / "tests" / "data" / "vic5-synthetic"
SHARED = Path(os.environ.get("PARLEARN_REFERENCE", HERE.parent / "shared" / "reference")) / "vic5"
CELLS, REPEATS = 2000, 3
#: numbers of free parameters; and cells of the run whose memory is looked at
FREE, MANY_CELLS = (5, 12, 20), 5000
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
    given = torch.as_tensor(inputs["params"].values).float()
    sets, cells, _ = given.shape
    known = dict(zip(inputs["par_name"].values.astype(str), given.unbind(-1), strict=True))
    default = default_parameters(inputs, PARAMETERS).expand(sets, -1, -1).unbind(-1)
    parameters = {n: known.get(n, default[k]) for k, n in enumerate(PARAMETERS)}
    years = inputs.sizes["time"] / 365.25
    rows = []

    def add(what, names, outputs, samples=1, gradient=False, n=CELLS):
        model = VIC(inputs, inputs, names=names, outputs=outputs, threads=1)
        index = torch.arange(n) % cells
        p = torch.stack([parameters[name] for name in names], -1)[:samples, index]
        p = p.requires_grad_(gradient)

        def action():
            result, _ = model.run(p, index)
            if gradient:
                result.sum().backward()

        seconds = median_seconds(action)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        rows.append({"what": what, "cell_years_per_s": samples * n * years / seconds})
        rows[-1]["peak_gb"] = peak

    two = OUTPUTS[:2]
    add("forward, five outputs, all sets", PARAMETERS, OUTPUTS, sets)
    add("forward, two outputs, one set", CALIBRATED, two)
    free = sorted({min(count, len(PARAMETERS)) for count in FREE})
    for count in free:
        add(f"forward + backward, {count} parameters", PARAMETERS[:count], two, gradient=True)
    add(f"the same, {MANY_CELLS:,} cells", PARAMETERS[:count], two, gradient=True, n=MANY_CELLS)
    queue.put((sets, CELLS, years, rows))


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
