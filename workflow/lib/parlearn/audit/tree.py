"""The files of an instance, with recorded provenance and the jobs that would make them now."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import netCDF4

from parlearn.storage.files import sha256
from parlearn.storage.provenance import PREFIX

#: parts of the results that carry no stamps: what they are for
OTHERS = {"logs": "log", "benchmarks": "benchmark", "weights": "kept for later jobs"}


@dataclass(frozen=True)
class Job:
    """How a file would be made now.

    Attributes
    ----------
    settings : JSON text, as :func:`parlearn.storage.provenance.settings` gives it
    inputs : paths whose content matters
    """

    rule: str
    wildcards: Mapping[str, str]
    code: str
    settings: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class File:
    """One file.

    Attributes
    ----------
    path : as the rules have it, from the project's folder
    kind : ``result``, ``sidecar``, ``raw``, ``published`` (by a twin), ``report``, ``unfinished``
        (left by a job that was killed), or of :data:`OTHERS`
    stamp : what it, or its sidecar, says of its making; None where nothing does
    job : how it would be made now; None where no rule makes it
    """

    path: str
    size: int
    sha256: str
    kind: str
    stamp: dict | None = None
    job: Job | None = None


@dataclass
class Tree:
    """All files of an instance's results, by path.

    Attributes
    ----------
    root : the project's folder
    results, study : folders, from the root
    missing : paths that rules make for the targets of the instance, and that are not there
    """

    root: Path
    results: str
    study: str
    files: dict[str, File]
    missing: list[str] = field(default_factory=list)
    _sums: dict[str, str | None] = field(default_factory=dict, repr=False)

    @cached_property
    def made(self) -> dict[str, File]:
        """The files that rules make."""
        return {path: f for path, f in self.files.items() if f.kind == "result"}

    def checksum(self, path: str) -> str | None:
        """sha256 of a file inside or outside of the results; None where there is none."""
        if path in self.files:
            return self.files[path].sha256
        if path not in self._sums:
            there = (self.root / path).is_file()
            self._sums[path] = sha256(self.root / path) if there else None
        return self._sums[path]

    def of_rule(self, *rules: str) -> dict[str, File]:
        """Files that were made by these rules, as their stamps say."""
        return {p: f for p, f in self.made.items() if f.stamp and f.stamp.get("rule") in rules}


def read_tree(root, results: str, study: str, jobs: Iterable[Mapping]) -> Tree:
    """Read a finished, an unfinished or a stale tree as it is.

    Parameters
    ----------
    root : the project's folder
    results, study : the instance's folder of results, and the study's name
    jobs : of the workflow, the fields of :class:`Job`

    Folders of other instances below `results` are left out, and the page README.md, which comes
    with the project.
    """
    root = Path(root)
    jobs = [
        Job(**{**job, "inputs": tuple(job["inputs"]), "outputs": tuple(job["outputs"])})
        for job in jobs
    ]
    makers = {path: job for job in jobs for path in job.outputs}
    own = {study, "runs", "summaries", "figures", *OTHERS}
    found = [p for p in (root / results).glob("*") if p.is_file() and p.name != "README.md"]
    for name in own:
        found += [p for p in (root / results / name).rglob("*") if p.is_file()]
    paths = sorted(p.relative_to(root).as_posix() for p in found)
    there = {*paths}
    files = {}
    for path in paths:
        kind = _kind(path, results, study, there, makers)
        stamp = _stamp(root / path) if kind == "result" else None
        full = root / path
        job = makers.get(path)
        files[path] = File(path, full.stat().st_size, sha256(full), kind, stamp, job)
    missing = sorted(path for path in makers if path not in there)
    return Tree(root, results, f"{results}/{study}", files, missing)


def _kind(path: str, results: str, study: str, there: set[str], makers: Mapping) -> str:
    parts = path.removeprefix(f"{results}/").split("/")
    if parts[-1].startswith(".") or "checkpoint" in parts[-1]:
        return "unfinished"
    if parts[0] in OTHERS:
        return OTHERS[parts[0]]
    if path in makers:
        return "result"
    if path == f"{results}/report.html":
        return "report"
    if path.endswith(".json") and (path[:-5] in there or path[:-5] in makers):
        return "sidecar"
    if parts[:3] == [study, "twin", "raw"]:
        return "raw"
    return "published" if parts[:3] == [study, "twin", "archive"] else "result"


def _stamp(path: Path) -> dict | None:
    """The stamp of a file without prefixes; its JSON texts read, ``config_text`` kept as it is."""
    sidecar = Path(f"{path}.json")
    if path.suffix == ".nc":
        try:
            with netCDF4.Dataset(path) as opened:
                names = [n for n in opened.ncattrs() if n.startswith(PREFIX)]
                stamp = {n.removeprefix(PREFIX): opened.getncattr(n) for n in names}
        except OSError:
            return None  # that it cannot be read is found by the check of contents
        if stamp:
            stamp["config_text"] = stamp.get("config", "")
            for name in ("config", "inputs", "versions"):
                stamp[name] = _parsed(stamp.get(name))
            return stamp
    if not sidecar.is_file():
        return None
    stamp = _parsed(sidecar.read_text(encoding="utf-8"))
    if not isinstance(stamp, dict) or "rule" not in stamp:
        return None
    stamp["config_text"] = json.dumps(stamp.get("config"), sort_keys=True)
    return stamp


def _parsed(text):
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None
