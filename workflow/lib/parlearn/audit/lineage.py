"""The origin of each result, traced back to raw files, tables of the project or a twin's seed."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from parlearn.audit.findings import Check, asks
from parlearn.audit.stamps import seed_of
from parlearn.audit.tree import File, Tree


@dataclass
class Ends:
    """Where a chain of inputs ends: files that no rule made, and seeds of rules without inputs."""

    behind: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    twins: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)


@asks("stale", "Would the present code, settings and inputs make the same files again?")
def check_stale(check: Check, tree: Tree) -> None:
    """Every result was made by the present code, with the present settings, from present inputs."""
    for path, file in tree.made.items():
        if file.stamp is None or file.job is None:
            continue
        check.looked_at += 1
        with check.at(path):
            for problem in _stale(file, tree):
                check.wrong(path, problem)


def _stale(file: File, tree: Tree):
    """In what a file differs from what would be made now, a sentence each."""
    if file.stamp.get("code") != file.job.code:
        yield (
            f"was made by other code of {file.job.rule} ({file.stamp.get('code')}, now "
            f"{file.job.code}): its script or a module that it imports was edited"
        )
    if file.stamp["config_text"] != file.job.settings:
        yield f"was made with other settings: {_difference(file)}"
    recorded = file.stamp.get("inputs") or {}
    for name in sorted({*file.job.inputs} - {*recorded}):
        yield f"its stamp does not name its input {name}"
    for name in sorted({*recorded} - {*file.job.inputs}):
        yield f"was made from {name}, which it no longer is"
    for name, checksum in recorded.items():
        now = tree.checksum(name)
        if now is not None and now != checksum:
            yield f"was made from another {name} (sha256) than is there now"


def _difference(file: File) -> str:
    """Names of the settings that differ."""
    then, now = file.stamp.get("config") or {}, json.loads(file.job.settings)
    names = sorted(n for n in {*then, *now} if then.get(n) != now.get(n))
    inner = [
        f"{name}.{key}"
        for name in names
        if isinstance(then.get(name), dict) and isinstance(now.get(name), dict)
        for key in sorted({*then[name], *now[name]})
        if then[name].get(key) != now[name].get(key)
    ]
    return ", ".join(inner or names) or "their form"


@asks("lineage", "Does every figure go back to raw files, or to a twin's seed?")
def check_lineage(
    check: Check, tree: Tree, raw: Mapping[str, str], arrived: Mapping[str, list[str]]
) -> None:
    """Each figure, table and claim goes back to raw files or to a twin's seed, without a gap.

    Parameters
    ----------
    raw : path -> what it is, of files that are there by right and not made from others
    arrived : path of a list of what has arrived -> the granules on it
    """
    check.table = [("result", "files behind it", "ends at")]
    walked: dict[str, Ends] = {}
    told = set()
    for path in finals(tree):
        check.looked_at += 1
        with check.at(path):
            ends = _walk(path, tree, (raw, arrived), walked)
            for problem in sorted(ends.open - told):
                check.wrong(path, problem)
            told |= ends.open
            kinds = Counter(raw[name] for name in ends.files)
            at = [f"{number} {what}" for what, number in sorted(kinds.items())]
            check.table.append((path, str(len(ends.behind)), "; ".join([*at, *sorted(ends.twins)])))
    makers = {path for file in tree.made.values() if file.job for path in file.job.outputs}
    absent = [path for path in tree.missing if path not in {*makers, *tree.broken}]
    halves = [path for path in tree.missing if path in makers]
    for path in halves:
        check.wrong(path, "is not there, though what is made with it is: it was removed")
    if absent:
        check.notes.append(f"{len(absent)} files that targets ask for have not been made yet")


def finals(tree: Tree) -> list[str]:
    """Pictures, tables and claims, which people look at."""
    folder = f"{tree.results}/figures/"
    claims = (f"{tree.results}/claims.csv", f"{tree.results}/claims.md")
    return [path for path in tree.made if path.startswith(folder) or path in claims]


def _walk(path: str, tree: Tree, known: tuple, walked: dict[str, Ends]) -> Ends:
    """Where the inputs of a file end. Files have no cycles: each was there before what it made."""
    if path in walked:
        return walked[path]
    ends = walked[path] = Ends()
    file, (raw, arrived) = tree.made.get(path), known
    if file is None or path in raw:
        _end(path, tree, raw, ends)
        return ends
    if file.stamp is None:
        ends.open.add(f"leads to {path}, which has no stamp")
        return ends
    inputs = file.stamp.get("inputs") or {}
    seed = seed_of(file.stamp.get("config") or {})
    if file.stamp.get("rule") == "build_twin":
        ends.twins.add(f"the twin of seed {seed}")
    elif not inputs:
        ends.open.add(f"leads to {path}, whose stamp names no input")
    for name in arrived.get(path, []):
        _end(name, tree, raw, ends)
    for name in inputs:
        before = _walk(name, tree, known, walked)
        ends.behind |= {name} | before.behind
        ends.files |= before.files
        ends.twins |= before.twins
        ends.open |= before.open
    return ends


def _end(path: str, tree: Tree, raw: Mapping[str, str], ends: Ends) -> None:
    if tree.checksum(path) is None:
        ends.open.add(f"leads to {path}, which is not there")
    elif path not in raw:
        ends.open.add(f"leads to {path}, which no rule makes and no list of raw files has")
    else:
        ends.files.add(path)
