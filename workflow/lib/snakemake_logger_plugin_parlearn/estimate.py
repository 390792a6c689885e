"""How long the jobs that remain will take, from what such jobs took before.

Times of the same configuration's earlier run on this machine (its benchmark files) come first, then
those measured in advance (``resources/rule_seconds.csv``); both are scaled by how fast this run has
been so far. A rule that neither knows has the mean of its jobs in this run.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean

#: seconds of known work that count as done at the expected speed, so that the first short jobs
#: do not decide the estimate
CAUTION = 60.0


def benchmark_seconds(folder: Path) -> dict[str, float]:
    """Rule -> mean seconds of its jobs, from ``{folder}/{rule}.tsv`` and ``{folder}/{rule}/``."""
    times: dict[str, list[float]] = {}
    for path in sorted(folder.rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        with path.open(newline="") as file:
            times.setdefault(rule, []).extend(
                float(row["s"]) for row in csv.DictReader(file, delimiter="\t")
            )
    return {rule: fmean(seconds) for rule, seconds in times.items() if seconds}


def seconds_in_advance(table: Path, config: str) -> dict[str, float]:
    """Rule -> mean seconds of a configuration by its file's name, as measured in advance."""
    if not table.exists():
        return {}
    with table.open(newline="") as file:
        return {
            row["rule"]: float(row["seconds"])
            for row in csv.DictReader(file)
            if row["config"] == config
        }


class Estimate:
    """The time that remains; ``known``: rule -> mean seconds of a job before this run."""

    def __init__(self, known: Mapping[str, float] | None = None):
        self.known = dict(known or {})
        self.measured: dict[str, list[float]] = {}

    def note(self, rule: str, seconds: float) -> None:
        """A job of this run is done."""
        self.measured.setdefault(rule, []).append(seconds)

    @property
    def slowness(self) -> float:
        """Time that jobs took in this run over the time that was known before."""
        both = [rule for rule in self.measured if rule in self.known]
        took = sum(sum(self.measured[rule]) for rule in both)
        expected = sum(self.known[rule] * len(self.measured[rule]) for rule in both)
        return (CAUTION + took) / (CAUTION + expected)

    def seconds(self, rule: str) -> float | None:
        """Expected seconds of a job of this rule; None where nothing is known of it."""
        if rule in self.known:
            return self.known[rule] * self.slowness
        return fmean(self.measured[rule]) if rule in self.measured else None

    def left(
        self, waiting: Counter, running: Iterable[tuple[str, float]], side_by_side: int
    ) -> tuple[float, bool]:
        """Seconds until the end, and whether all jobs are counted or only those of known rules.

        Parameters
        ----------
        waiting : rule -> number of jobs not yet started
        running : rule and seconds so far, of each job that runs
        side_by_side : number of jobs that can run at the same time
        """
        complete, rests = True, []
        for rule, elapsed in running:
            expected = self.seconds(rule)
            complete &= expected is not None
            rests.append(max(0.0, (expected or 0.0) - elapsed))
        work = sum(rests)
        for rule, number in waiting.items():
            expected = self.seconds(rule)
            complete &= expected is not None
            work += number * (expected or 0.0)
        jobs = len(rests) + waiting.total()
        return max([work / max(1, min(side_by_side, jobs)), *rests]), complete
