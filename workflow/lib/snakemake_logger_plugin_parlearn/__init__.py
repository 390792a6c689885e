"""The display of ``snakemake --logger parlearn``: what is made, how far it is, how long it takes.

Snakemake finds the package by its name. In a terminal a block at its foot is drawn anew each
second; elsewhere there is a line now and then. What jobs print is in their logs alone; of a job
that fails the end of its log is shown. With ``--quiet`` only failures are shown; with
``--dry-run``, ``--verbose`` or ``--debug-dag`` Snakemake's own output is shown instead.
"""

import logging
import os
import sys
import threading
import time
import traceback
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from .aside import StandardErrorAside
from .configfiles import is_snakemake, problem
from .estimate import Estimate, benchmark_seconds, seconds_in_advance
from .failure import describe, killed
from .progress import Progress
from .rules import first_sentences
from .screens import Block, Lines
from .words import duration

# Snakemake imports its plugins, opens the files of --configfile, and reads the Snakefile last: this
# is the one place to speak before them
if is_snakemake(sys.argv) and (_wrong := problem(sys.argv)):
    sys.exit(_wrong)

#: seconds between two drawings
TICK = 1.0
GOES_ON = "What is done is kept: the same command goes on from here."
#: what Snakemake says at the end of a run in which a job failed, which has been shown by then
_SAID_ANYHOW = (
    "Exiting because a job execution failed. Look above for error messages",
    "At least one job did not complete successfully.",
)


class LogHandler(LogHandlerBase):
    """Shows Snakemake's log records; called by one thread, that of Snakemake's queue of records."""

    writes_to_stream = True
    writes_to_file = False
    # no filter of Snakemake's: with --quiet it takes away failures as well
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        self._closed = False
        wanted = self.common_settings
        if wanted.dryrun or wanted.verbose or wanted.debug_dag:
            self._plain = _handler_of_snakemake(wanted)
            return
        self._plain = None
        # jobs that find it print nothing beside their log: parlearn.storage.job
        os.environ["PARLEARN_LOG_ONLY"] = "1"
        self._aside = StandardErrorAside()
        self._about: dict[str, str] = {}
        stream = self._aside.terminal
        if stream.isatty() and os.environ.get("TERM") != "dumb":
            self._screen = Block(stream, self._about, color=not wanted.nocolor)
        else:
            self._screen = Lines(stream, self._about)
        self._progress: Progress | None = None
        self._benchmarks_read = False
        self._stopped = False
        self._killed = ""
        #: failures not yet shown: an interrupt reaches the jobs first, and is no failure of theirs
        self._held: list[str] = []
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()

    def emit(self, record: logging.LogRecord) -> None:
        if self._plain:
            self._plain.handle(record)
            return
        try:
            self._take(record)
        except Exception:  # noqa: BLE001
            self._say_broken()

    def _take(self, record: logging.LogRecord) -> None:
        now, progress = time.time(), self._progress
        match getattr(record, "event", None):
            case LogEvent.WORKFLOW_STARTED:
                self._start(record, now)
            case LogEvent.RESOURCES_INFO if progress:
                width = getattr(record, "cores", None) or getattr(record, "nodes", None)
                progress.width = width or progress.width
            case LogEvent.RUN_INFO if progress:
                progress.planned.update(
                    {rule: n for rule, n in record.stats.items() if rule != "total"}
                )
            case LogEvent.JOB_INFO if progress:
                self._read_benchmarks(record.benchmark)
                progress.begin(
                    *(record.jobid, record.rule_name, record.wildcards, record.log, now),
                    printed=self._aside.size(),
                )
            case LogEvent.JOB_FINISHED if progress:
                progress.finish(record.job_id, now)
            case LogEvent.JOB_ERROR if progress:
                if job := progress.fail(record.jobid):
                    printed = self._aside.since(job.printed)
                    self._held.append(describe(job, printed, self._killed))
                self._killed = ""
            case LogEvent.ERROR:
                self._error(record)
            case None:
                self._message(record)

    def _start(self, record: logging.LogRecord, now: float) -> None:
        self._progress = Progress(now)
        snakefile = Path(record.snakefile_main)
        self._about.update(first_sentences(snakefile))
        if record.configfiles:
            table = snakefile.parent / "resources" / "rule_seconds.csv"
            config = Path(str(record.configfiles[-1])).stem
            self._progress.estimate = Estimate(seconds_in_advance(table, config))
        self._show_progress()

    def _read_benchmarks(self, path: str | None) -> None:
        """Times of an earlier run, before the first benchmark file of this one is written."""
        if self._benchmarks_read or not path:
            return
        self._benchmarks_read = True
        for folder in Path(path).parents:
            if folder.name == "benchmarks":
                self._progress.estimate.known |= benchmark_seconds(folder)

    def _error(self, record: logging.LogRecord) -> None:
        text = record.getMessage().strip()
        if record.exception == "KeyboardInterrupt":
            self._stopped = True
        elif record.exception == "RuleException":
            # the record of the job that failed, JOB_ERROR, comes next
            self._killed = killed(text)
        elif not text.endswith(_SAID_ANYHOW):
            self._screen.say(text)

    def _message(self, record: logging.LogRecord) -> None:
        text = record.getMessage().strip()
        if text.startswith("Terminating processes on user request"):
            self._stopped = True
            self._screen.say("  Stopping; jobs may take a moment to end ...")
        elif text.startswith("Trying to restart job"):
            self._held.append("  It is tried again.")
        elif text.startswith("Nothing to be done"):
            self._progress = None
            self._screen.say("  All of it is there already.")
        elif record.levelno >= logging.WARNING and not text.startswith(_SAID_ANYHOW):
            self._screen.say(text)

    def _tick(self) -> None:
        while not self._ended.wait(TICK):
            with self.lock:
                if self._closed:
                    return
                try:
                    self._show_failures()
                    self._show_progress()
                except Exception:  # noqa: BLE001
                    self._say_broken()
                    return

    def _show_progress(self) -> None:
        # with --quiet Snakemake does not say which jobs are done
        if self._progress and not self.common_settings.quiet:
            self._screen.show(self._progress, time.time())

    def _say_broken(self) -> None:
        """An error of the display itself: said, but it must not end the run."""
        print(traceback.format_exc(), file=self._aside.terminal, flush=True)

    def _show_failures(self) -> None:
        while self._held:
            text = self._held.pop(0)
            if not self._stopped:
                self._screen.say(text)

    def close(self) -> None:
        """Say how it ended, and give standard error back."""
        with self.lock:
            if self._plain is None and not self._closed:
                self._closed = True
                self._ended.set()
                self._show_failures()
                self._screen.end()
                self._say_end()
                self._aside.restore()
                os.environ.pop("PARLEARN_LOG_ONLY", None)
        super().close()

    def _say_end(self) -> None:
        progress = self._progress
        if not progress or not progress.total:
            return
        if not self.common_settings.quiet:
            took = duration(time.time() - progress.start)
            self._screen.say(f"  {progress.count} done in {took}")
        if self._stopped:
            self._screen.say(f"  Stopped by the user. {GOES_ON}")
        elif progress.failed:
            self._screen.say(f"  {GOES_ON}")


def _handler_of_snakemake(wanted) -> logging.Handler:
    """The handler that Snakemake has without a plugin."""
    from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter

    return ColorizingTextHandler(
        wanted.nocolor,
        sys.stdout if wanted.stdout else sys.stderr,
        DefaultFormatter(wanted.quiet, wanted.show_failed_logs),
        DefaultFilter(
            *(wanted.quiet, wanted.debug_dag, wanted.verbose, wanted.dryrun, wanted.printshellcmds)
        ),
    )
