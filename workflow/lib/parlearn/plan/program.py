"""The program of the user's that a process model runs, as the configuration names it.

Where it lies and how it is run decides nothing of an answer, so jobs are told through the
environment and not through their parameters; which version it is does. Imports nothing heavy.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from parlearn.models.registry import Process

#: key of model.program -> ending of the environment variable that carries it
CARRIED = {"path": "", "ranks": "_RANKS", "threads": "_THREADS", "minutes": "_MINUTES"}


def program_of(config: Mapping) -> dict:
    """The key ``program`` of a configuration's model, with what decides an answer alone."""
    version = config["model"].get("program", {}).get("version")
    return {"program": {"version": version}} if version else {}


def surroundings(process: Process, model: Mapping, root) -> dict[str, str]:
    """Environment variables of the jobs; a relative path starts from ``root``."""
    given = dict(model.get("program", {}))
    if "path" in given:
        given["path"] = Path(root, given["path"]).absolute()
    return {
        f"{process.program}{ending}": str(given[key])
        for key, ending in CARRIED.items()
        if key in given
    }


def cores(model: Mapping) -> int:
    """Cores that a job needs which runs the program; 1 of a model that runs none."""
    given = model.get("program", {})
    return given.get("ranks", 1) * given.get("threads", 1)


def memory_mb(model: Mapping) -> int:
    """Memory that the program needs beside the job's own."""
    return model.get("program", {}).get("mem_mb", 0)


def program_problems(process: Process, model: Mapping, root) -> Iterator[str]:
    """What is wrong with the key ``model.program``, a sentence each."""
    if "program" not in model:
        return
    if process.program is None:
        yield f"model.program: {process.label} runs no program: take the key out"
        return
    path = model["program"].get("path")
    if path is not None and not Path(root, path).is_file():
        yield (
            f"model.program.path: there is no file {path}: name the executable, or leave the key "
            f"out and set {process.program} in the environment"
        )
