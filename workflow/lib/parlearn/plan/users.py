"""Sources that are a user's own files of a model: which files, and what is wrong with their names.

Imports nothing heavy, since the workflow reads it each time it is planned.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from parlearn.plan.periods import day
from parlearn.plan.targets import TARGETS


def forcing_files(source: Mapping) -> list[str]:
    """Files of the forcing, one for each calendar year of the record."""
    first, last = map(day, source["record"])
    return [f"{source['forcing']}{year}.nc" for year in range(first.year, last.year + 1)]


def source_problems(source: Mapping, root) -> Iterator[str]:
    """What is wrong with a source beyond its schema, a sentence each."""
    named = {f"source.{key}": [source[key]] for key in ("domain", "parameters")}
    for target, path in source["observations"].items():
        if target not in TARGETS:
            yield f"source.observations: {target!r} is none of {', '.join(TARGETS)}: rename it"
        named[f"source.observations.{target}"] = [path]
    if all(map(day, source["record"])):
        named["source.forcing"] = forcing_files(source)
    for key, paths in named.items():
        for path in paths:
            if not (Path(root) / path).is_file():
                yield f"{key}: there is no file {path}: correct its name"


def sampling_problems(config: Mapping) -> Iterator[str]:
    """Samplings that a user's cells do not have, a sentence each."""
    for name, wanted in config["samplings"].items():
        key = f"samplings.{name}"
        kinds = (
            {*wanted} - {"of", "share", "validate"} if isinstance(wanted, Mapping) else {"number"}
        )
        if not kinds <= {"fold"} and not kinds <= {"region"}:
            yield (
                f"{key}: {wanted} is no sampling of cells of one's own: write {{}} for all cells, "
                "{share: 0.5}, {fold: 1, of: 5} or {region: 1, of: 3}"
            )
        elif bool(kinds) != ("of" in wanted):
            yield f"{key}: 'of' says how many folds or regions there are: give both or neither"
        elif kinds and wanted[kind := next(iter(kinds))] > wanted["of"]:
            yield f"{key}: there is no {kind} {wanted[kind]} of {wanted['of']}"
