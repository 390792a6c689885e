"""Scores of a year of daily maps beside the packages that they are held against.

    python benchmarks/bench_maps.py [--json FILE]

Maps of 17 x 24 cells, whole, since the packages know no holes: FSS for one percentile and one
square against scores, SSIM against scikit-image, which take the days one by one.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import xarray as xr
from scores.spatial import fss_2d_binary
from skimage.metrics import structural_similarity

from parlearn.metrics.spatial import fss, ssim

DAYS, SHAPE, REPEATS = 365, (17, 24), 3
HIGHEST, SIDE = 80, 5


def best_of(work):
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def measure():
    rng = np.random.default_rng(1)
    one, two = rng.random((2, DAYS, *SHAPE))
    whole = np.ones(SHAPE, bool)

    def fss_of_scores():
        for maps in zip(one, two, strict=True):
            events = [xr.DataArray(x > np.percentile(x, HIGHEST), dims=("y", "x")) for x in maps]
            fss_2d_binary(*events, window_size=(SIDE, SIDE), spatial_dims=("y", "x"))

    def ssim_of_skimage():
        options = {"gaussian_weights": True, "use_sample_covariance": False, "data_range": 1.0}
        for maps in zip(one, two, strict=True):
            structural_similarity(*maps, **options)

    pairs = {
        "FSS": (lambda: fss(one, two, whole, HIGHEST, SIDE), fss_of_scores, "scores"),
        "SSIM": (lambda: ssim(one, two, whole), ssim_of_skimage, "scikit-image"),
    }
    rows = []
    for name, (ours, theirs, package) in pairs.items():
        seconds = best_of(ours)
        times = best_of(theirs) / seconds
        rows.append({"score": name, "seconds": seconds, "package": package, "times": times})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    arguments = parser.parse_args()
    rows = measure()
    print(f"scores of {DAYS} maps of {SHAPE[0]} x {SHAPE[1]} cells")
    for row in rows:
        print(
            f"{row['score']:<6}{row['seconds']:7.3f} s, {row['times']:.1f} times {row['package']}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
