"""A program of the user's that a process model runs: where it is, and how it is run.

Jobs are told through the environment, since nothing of it decides what a model answers: a program
that was moved, or more ranks, make no job run again.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: seconds from the polite end of a program to the other
PATIENCE = 2.0
_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux
#: all ranks of a job run in the cores that the job was given, whatever launched the job
_ON_ONE_NODE = {
    "OMPI_MCA_rmaps_base_oversubscribe": "true",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "HYDRA_LAUNCHER": "fork",
}


class ProgramError(RuntimeError):
    """A program that cannot be run, or that failed; the message says what to do."""


@dataclass(frozen=True)
class Program:
    """A program and how it is run.

    path : of the executable
    ranks : MPI processes; with one it is started by itself
    threads : of each rank (OMP_NUM_THREADS)
    minutes : after which a run is ended; without a limit where None
    """

    path: Path
    ranks: int = 1
    threads: int = 1
    minutes: float | None = None

    @classmethod
    def of_environment(cls, variable: str) -> "Program":
        """The program that ``$variable`` names; ``$variable_RANKS`` and so on say how it is run.

        Raises
        ------
        ProgramError
            Nothing is named, or nothing that can be run lies there.
        """
        named = os.environ.get(variable)
        if not named:
            raise ProgramError(
                f"no program is named: set model.program.path in the configuration, or {variable} "
                "in the environment, to its executable"
            )
        path = Path(named).expanduser().resolve()
        if not path.is_file():
            raise ProgramError(
                f"there is no program {path}: correct model.program.path, or {variable}"
            )
        if not os.access(path, os.X_OK):
            raise ProgramError(f"{path} may not be executed: chmod u+x {path}, or name another")

        def number(name, kind, otherwise):
            text = os.environ.get(f"{variable}_{name}", "")
            try:
                value = kind(text) if text else otherwise
            except ValueError:
                value = 0
            if value is not None and value <= 0:
                raise ProgramError(f"{variable}_{name} is {text!r}: give a number above 0")
            return value

        return cls(
            path,
            number("RANKS", int, 1),
            number("THREADS", int, 1),
            number("MINUTES", float, None),
        )

    def run(self, arguments: Sequence[str], folder: Path, printed: Path, ranks=None) -> None:
        """Run it in a folder; what it prints goes to a file.

        It ends with the process that runs it, also where that is killed (on Linux).

        Raises
        ------
        ProgramError
            It cannot be started, lacks a library, took too long, or ended with another status
            than 0.
        """
        ranks = ranks or self.ranks
        command = [str(self.path), *arguments]
        if ranks > 1:
            if not (launcher := shutil.which("mpiexec")):
                raise ProgramError(
                    f"{ranks} ranks are asked for and there is no mpiexec: load the MPI that "
                    f"{self.path} was built with, or set model.program.ranks to 1"
                )
            command = [launcher, "-n", str(ranks), *command]
        surroundings = _ON_ONE_NODE | dict(os.environ) | {"OMP_NUM_THREADS": str(self.threads)}
        try:
            with printed.open("wb") as stream:
                running = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    cwd=folder,
                    env=surroundings,
                    preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                )
        except OSError as error:
            raise ProgramError(f"{self.path} cannot be run: {error.strerror}") from error
        try:
            status = running.wait(self.minutes and 60 * self.minutes)
        except subprocess.TimeoutExpired:
            raise ProgramError(
                f"{self.path.name} was ended after {self.minutes:g} minutes: raise "
                "model.program.minutes, or give it less to do at a time"
            ) from None
        finally:
            _end(running)
        if status:
            raise ProgramError(_why(self.path, status, printed))


def _end(running: subprocess.Popen) -> None:
    """End a program that still runs; mpiexec ends its ranks when it is asked to end."""
    if running.poll() is None:
        running.terminate()
        try:
            running.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _die_with_parent() -> None:
    _LIBC.prctl(_DIES_WITH_PARENT, signal.SIGTERM)


#: loaded beforehand: between fork and exec nothing should be
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _why(path: Path, status: int, printed: Path) -> str:
    """What an exit status other than 0 means."""
    text = printed.read_text(encoding="utf-8", errors="replace")
    for line in text.splitlines():
        if "error while loading shared libraries" in line:
            library = line.split("shared libraries:")[1].split(":")[0].strip()
            return (
                f"{path} needs the shared library {library}, which is not found: load the modules "
                "it was built with, or add the library's folder to LD_LIBRARY_PATH"
            )
    # a shell and mpiexec report a signal as 128 and its number
    number = -status if status < 0 else status - 128
    if number in signal.valid_signals():
        name = signal.Signals(number).name
        more = ", as it is where memory runs out" if name == "SIGKILL" else ""
        return f"{path.name} was ended by {name}{more}"
    return f"{path.name} ended with exit status {status}"
