"""Hold two folders of results against each other: is every number of every run the same?

    python benchmarks/compare_results.py results /path/to/other/results

Compares ``content_sha256`` (names, dimensions and values; no attribute) of every parameters.nc,
simulation.nc and metrics.nc, recomputed from the files and not read from them, and names those that
differ or that only one folder has. For a change of code that should change no result: run the same
configuration before and after it.
"""

import argparse
import sys
from pathlib import Path

import xarray as xr

from parlearn.storage.checksums import content_digest

KINDS = ("parameters", "simulation", "metrics")


def digests(folder: Path) -> dict[str, str]:
    """Digest of each file of :data:`KINDS` under a folder, by its path there."""
    found = {}
    for path in sorted(path for kind in KINDS for path in folder.rglob(f"{kind}.nc")):
        with xr.open_dataset(path, engine="netcdf4") as ds:
            found[path.relative_to(folder).as_posix()] = content_digest(ds.load())
    return found


def differences(one: Path, other: Path) -> tuple[int, list[str]]:
    """How many files both folders have, and a line for each that differs or stands alone."""
    first, second = digests(one), digests(other)
    lines = [f"only in {one}: {path}" for path in first if path not in second]
    lines += [f"only in {other}: {path}" for path in second if path not in first]
    both = [path for path in first if path in second]
    lines += [f"differs: {path}" for path in both if first[path] != second[path]]
    return len(both), lines


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("one", type=Path, help="folder of results")
    parser.add_argument("other", type=Path, help="folder of results of the same configuration")
    arguments = parser.parse_args()
    for folder in (arguments.one, arguments.other):
        if not folder.is_dir():
            parser.error(f"there is no folder {folder}")
    count, lines = differences(arguments.one, arguments.other)
    print(*lines, sep="\n" if lines else "", end="\n" if lines else "")
    print(f"{count} files in both, {len(lines)} differences")
    if not count:
        print("nothing was compared: name the folders that hold runs/")
    return 1 if lines or not count else 0


if __name__ == "__main__":
    sys.exit(main())
