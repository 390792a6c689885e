"""Which runs are repeated. Imports nothing heavy, since it is read when the workflow is planned."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

#: Scripts of what takes seconds, so that all of it is made again; of scores only those of the runs
#: that are repeated.
REDONE = ("summarise_figure", "draw_figure", "answer_claims", "gather_coverage", "list_runs")


def cheapest(kinds: Mapping[str, Sequence[str]], benchmarks, results) -> list[str]:
    """Of each kind of method the run that took least time, among those that are there.

    Parameters
    ----------
    kinds : rule -> its runs, in the order of their table
    benchmarks : folder of the times that Snakemake took, ``RULE/RUN.tsv`` or, of
        several jobs, ``RULE/RUN_batch-N.tsv``
    results : folder of runs
    """
    chosen = []
    for rule, runs in kinds.items():
        there = [run for run in runs if (Path(results) / run / "parameters.nc").is_file()]
        if there:
            seconds = {run: _seconds(Path(benchmarks) / rule, run) for run in there}
            chosen.append(min(there, key=seconds.get))
    return chosen


def _seconds(folder: Path, run: str) -> float:
    """What the job or the jobs of a run took; infinite where nobody knows."""
    try:
        paths = [folder / f"{run}.tsv", *folder.glob(f"{run}_batch-*.tsv")]
        return sum(_read(path) for path in paths if path.is_file()) or float("inf")
    except (KeyError, StopIteration, ValueError):
        return float("inf")


def _read(path: Path) -> float:
    with open(path, encoding="utf-8", newline="") as stream:
        return float(next(csv.DictReader(stream, delimiter="\t"))["s"])
