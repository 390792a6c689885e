"""What every rule's script runs in: its log, its threads, its clock."""

import logging
import os
import platform
import signal
import sys
import time
import warnings
from pathlib import Path

from parlearn.storage.unchanged import check_inputs

#: seconds that a job which was interrupted has to clean up
PATIENCE = 5.0


class job:
    """Context of one job, as ``with job(log=..., threads=..., inputs=snakemake.input) as log``.

    Inputs that are not what they were when they arrived or were made are refused before anything
    is read (:mod:`parlearn.storage.unchanged`).
    Messages of the library go to the rule's log file and to stderr. Where the environment has
    ``PARLEARN_LOG_ONLY``, as the display of ``snakemake --logger parlearn`` sets it, they go to the
    log file alone, and so does all else that the process prints until its end. OpenMP, BLAS and
    torch get the threads of the rule, so that jobs side by side do not fight for cores. An error is
    logged by its one-line message before it ends the job. An interrupt (Ctrl-C) ends it within
    :data:`PATIENCE` seconds.
    """

    def __init__(self, log, threads: int = 1, inputs=()):
        self.path = Path(log)
        self.threads = int(threads)
        self.inputs = inputs

    def __enter__(self) -> logging.Logger:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        set_threads(self.threads)
        self.at_interrupt = signal.getsignal(signal.SIGINT)
        if self.at_interrupt is signal.default_int_handler:
            signal.signal(signal.SIGINT, interrupted)
        self.start = time.monotonic()
        self.log = logging.getLogger("parlearn")
        self.log.setLevel(logging.INFO)
        form = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")
        self.handlers = [logging.FileHandler(self.path, mode="w")]
        self.within = bool(self.log.handlers)  # another job, which has its messages printed
        if self.within:
            pass
        elif os.environ.get("PARLEARN_LOG_ONLY"):
            print_to(self.handlers[0].stream.fileno())
        else:
            self.handlers.append(logging.StreamHandler())
        for handler in self.handlers:
            handler.setFormatter(form)
            for name in ("parlearn", "py.warnings"):
                logging.getLogger(name).addHandler(handler)
        logging.captureWarnings(True)
        warnings.simplefilter("default")
        self.log.info(
            "start: %s thread%s on %s", self.threads, "s" if self.threads > 1 else "", place()
        )
        try:
            check_inputs(self.inputs)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self.log

    def __exit__(self, kind, error, trace):
        seconds = time.monotonic() - self.start
        if error is None:
            self.log.info("done in %.1f s", seconds)
        else:
            self.log.error("%s: %s (after %.1f s)", kind.__name__, error, seconds)
        if self.at_interrupt is signal.default_int_handler:
            signal.signal(signal.SIGINT, self.at_interrupt)
        logging.captureWarnings(self.within)
        for handler in self.handlers:
            for name in ("parlearn", "py.warnings"):
                logging.getLogger(name).removeHandler(handler)
            handler.close()


def interrupted(number, frame) -> None:
    """Raise KeyboardInterrupt, and end the process if that has not done so after a while.

    xarray waits for ever for its lock of netCDF where it was interrupted as it took that lock.
    """
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    raise KeyboardInterrupt


def place() -> str:
    """The machine, and the number SLURM knows the job by."""
    number = os.environ.get("SLURM_JOB_ID")
    return platform.node() + (f", SLURM job {number}" if number else "")


def print_to(log: int) -> None:
    """Let all that this process prints, libraries in C and tracebacks included, go to a file."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    for standard in (1, 2):
        os.dup2(log, standard)


def set_threads(threads: int) -> None:
    """Limit the threads of numeric libraries, loaded already or later."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
