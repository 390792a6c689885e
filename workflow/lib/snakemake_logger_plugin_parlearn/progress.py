"""Which jobs there are, which run, which are done."""

from collections import Counter
from dataclasses import dataclass, field

from .estimate import Estimate
from .words import duration, job_title, remaining


@dataclass
class Job:
    """A job that runs; ``start`` in Unix time (s)."""

    rule: str
    title: str
    start: float
    logs: list[str] = field(default_factory=list)
    #: where the job's own part of what was printed beside the logs begins (bytes)
    printed: int = 0


@dataclass
class Progress:
    """The state of one run of Snakemake, as its log records tell it."""

    start: float
    estimate: Estimate = field(default_factory=Estimate)
    planned: Counter = field(default_factory=Counter)
    done: Counter = field(default_factory=Counter)
    running: dict[int, Job] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)
    #: number of jobs that can run at the same time
    width: int = 1

    def begin(self, number, rule, wildcards, logs, now, printed=0) -> None:
        self.running[number] = Job(rule, job_title(rule, wildcards), now, list(logs), printed)
        self.failed.discard(number)

    def finish(self, number, now) -> None:
        job = self.running.pop(number)
        self.done[job.rule] += 1
        self.estimate.note(job.rule, now - job.start)

    def fail(self, number) -> Job | None:
        self.failed.add(number)
        return self.running.pop(number, None)

    @property
    def total(self) -> int:
        return self.planned.total()

    @property
    def count(self) -> str:
        return f"{self.done.total()} of {self.total} job{'s' if self.total != 1 else ''}"

    def times(self, now: float) -> str:
        """Time so far and, once there is one, the estimate of the time left."""
        waiting = self.planned - self.done - Counter(job.rule for job in self.running.values())
        seconds, complete = self.estimate.left(
            waiting, [(job.rule, now - job.start) for job in self.running.values()], self.width
        )
        so_far = f"{duration(now - self.start)} so far"
        if not complete and seconds < 60:
            return f"{so_far}, time left not known yet"
        return f"{so_far}, {remaining(seconds, complete)}"
