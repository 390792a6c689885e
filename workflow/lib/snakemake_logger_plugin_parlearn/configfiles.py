"""What stands after --configfile, looked at before Snakemake opens it.

The option takes several words, so that a target behind it is taken for one more file of settings,
and a file that cannot be read ends in a traceback; no Snakefile has been read by then. Snakemake
imports its logger plugins while it sets up its options: there alone can it be said in a sentence.
"""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from parlearn.plan.reading import ConfigError, read_yaml

OPTIONS = ("--configfile", "--configfiles")
#: endings of files of settings
SETTINGS = (".yaml", ".yml", ".json")


def is_snakemake(words: Sequence[str]) -> bool:
    """Whether a command line is Snakemake's own: as a program, or as a module of Python."""
    program = Path(words[0])
    return program.name == "snakemake" or program.parent.name == "snakemake"


def problem(words: Sequence[str]) -> str:
    """What is wrong with a command, and what to write; empty where nothing is.

    ``words`` are those of the command line, the name of the program first.
    """
    named = _after_option(words)
    if not named:
        return ""
    behind = [place for place in named[1:] if not _may_be_settings(words[place])]
    if behind:
        targets = [words[place] for place in behind]
        others = [word for place, word in enumerate(words) if place and place not in behind]
        said = " and ".join(map(repr, targets))
        return (
            f"{said} after --configfile: that option takes all words up to the next option for "
            f"configuration files; write: {shlex.join(['snakemake', *targets, *others])}"
        )
    for file in (words[place] for place in named):
        # what is no plain file can be read only once
        if not file.endswith(".json") and (os.path.isfile(file) or not os.path.exists(file)):
            try:
                read_yaml(file)
            except ConfigError as error:
                return str(error)
    return ""


def _after_option(words: Sequence[str]) -> list[int]:
    """Places of the words that the option takes: all up to the next option."""
    found, taking = [], False
    for place, word in enumerate(words):
        if word.startswith("-") and word != "-":
            if word == "--":
                break
            taking = word in OPTIONS
            if taking:
                # of several only the last counts
                found = []
        elif taking:
            found.append(place)
    return found


def _may_be_settings(word: str) -> bool:
    ending = os.path.splitext(word)[1].lower()
    if ending in SETTINGS:
        return True
    # such as the pipe that a shell makes of <(...)
    return os.path.exists(word) and not os.path.isdir(word) and not ending
