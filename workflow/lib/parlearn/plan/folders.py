"""Where results may go.

Imports nothing heavy, since the workflow reads it each time it is planned.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

#: folders of the project that hold what it is made of; what is generated goes beside them
OWN = (
    "benchmarks",
    "config",
    "docs",
    "envs",
    "profiles",
    "resources",
    "slurm",
    "tests",
    "workflow",
)
#: neither patterns, nor wildcards, nor what a shell or a command line reads otherwise
PLAIN = re.compile(r"(?!-)[\w./+@-]+")


def results_problems(results: str, root) -> Iterator[str]:
    """What is wrong with the folder of results, a sentence at most.

    It is an absolute path outside of the project, or a folder inside that holds none of its own
    files; a link there may lead out of the project.

    Parameters
    ----------
    results : as the configuration has it
    root : folder of the project
    """
    remedy = "name a folder such as results/mine, or an absolute path outside of the project"
    if not PLAIN.fullmatch(results):
        yield (
            f"results: {results!r} has blanks or signs that patterns, rules or shells read "
            "otherwise: use letters, digits and . _ - + @ / alone"
        )
        return
    parts = results.removeprefix("/").split("/")
    if {"", ".", ".."} & {*parts}:
        yield f"results: {results!r} holds . or .., or a / too many: {remedy}"
        return
    root = Path(os.path.realpath(root))
    place = Path(os.path.realpath(root / results))
    leads = "" if place == root / results else f", which is {place},"
    if place == root or place in root.parents:
        yield f"results: {results!r}{leads} holds the project itself: {remedy}"
        return
    if place.is_relative_to(root):
        first = place.relative_to(root).parts[0]
        if first in OWN or first.startswith("."):
            yield f"results: {results!r}{leads} lies in the project's own folder {first}: {remedy}"
            return
    for path in (root / results, *(root / results).parents):
        if path.is_symlink() and not os.path.exists(path):
            yield f"results: {path} is a link to nothing: make the folder {os.path.realpath(path)}"
            return
    there = next(path for path in (place, *place.parents) if os.path.exists(path))
    if not there.is_dir():
        yield f"results: {results!r} cannot be a folder, since {there} is a file: {remedy}"
    elif there != place and not os.access(there, os.W_OK):
        yield f"results: {results!r} cannot be made, since {there} is not writable: {remedy}"
