"""The files of an instance, with recorded provenance and the jobs that would make them now."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import netCDF4

from parlearn.storage.files import sha256
from parlearn.storage.provenance import FIELDS, PREFIX, STAMP

#: kinds of files that are no results and are sealed
KEPT, UNFINISHED = "kept for later jobs", "unfinished"
#: parts of the results that carry no stamps: what they are for
OTHERS = {"logs": "log", "benchmarks": "benchmark", "weights": KEPT}

#: fields of a stamp that are mappings, and those of them whose values are texts
MAPPINGS = ("config", "inputs", "versions")
TEXTS = ("inputs", "versions")


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
    unread : why there is a stamp and it cannot be read; empty otherwise
    """

    path: str
    size: int
    sha256: str
    kind: str
    stamp: dict | None = None
    job: Job | None = None
    unread: str = ""


@dataclass
class Tree:
    """All files of an instance's results, by path.

    Attributes
    ----------
    root : the project's folder
    results, study : folders, from the root
    missing : paths that rules make for the targets of the instance, and that are not there
    broken : path -> why nothing can be read there: a link to nothing, a folder in place of a file
    """

    root: Path
    results: str
    study: str
    files: dict[str, File]
    missing: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
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
    with the project. Links are followed, since a folder may lie on another disk.
    """
    root = Path(root)
    jobs = [
        Job(**{**job, "inputs": tuple(job["inputs"]), "outputs": tuple(job["outputs"])})
        for job in jobs
    ]
    makers = {path: job for job in jobs for path in job.outputs}
    own = {study, "runs", "summaries", "figures", *OTHERS}
    found = [p for p in (root / results).glob("*") if not p.is_dir() and p.name != "README.md"]
    for name in own:
        found += _files(root / results / name)
    there = {f"{results}/{p.relative_to(root / results).as_posix()}": p for p in found}
    files, broken = {}, {}
    for path, full in sorted(there.items()):
        if not full.is_file():
            link = full.is_symlink() and not full.exists()
            broken[path] = "is a link to nothing" if link else "is neither a file nor a folder"
            continue
        try:
            size, checksum = full.stat().st_size, sha256(full)
        except OSError as error:
            broken[path] = f"cannot be read: {error.strerror}"
            continue
        kind = _kind(path, results, study, there, makers)
        stamp, unread = read_stamp(full) if kind == "result" else (None, "")
        files[path] = File(path, size, checksum, kind, stamp, makers.get(path), unread)
    missing = sorted(path for path in makers if path not in there)
    for path in missing:
        if (root / path).is_dir():
            broken[path] = f"is a folder, and {makers[path].rule} makes a file there"
    return Tree(root, results, f"{results}/{study}", files, missing, broken)


def _files(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """All that is in a folder and in those below it, folders themselves apart."""
    here = folder.resolve()
    if not folder.is_dir() or here in above:  # a link to a folder that it lies in
        return
    for path in folder.iterdir():
        if path.is_dir():
            yield from _files(path, (*above, here))
        else:
            yield path


def _kind(path: str, results: str, study: str, there: Mapping, makers: Mapping) -> str:
    parts = path.removeprefix(f"{results}/").split("/")
    if parts[-1].startswith(".") or "checkpoint" in parts[-1]:
        return UNFINISHED
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
    # granules of a twin of cells, files of a twin of basins
    published = parts[:3] in ([study, "twin", "archive"], [study, "twin", "camels"])
    return "published" if published else "result"


def read_stamp(path: Path) -> tuple[dict | None, str]:
    """The stamp of a file, or of its sidecar, without prefixes, and why one there cannot be read.

    Its JSON texts are read, ``config_text`` is the settings as they were written. What has another
    form than :func:`parlearn.storage.provenance.stamp` gives it counts as not readable, so that
    checks may rely on it.
    """
    sidecar = Path(f"{path}.json")
    try:
        if path.suffix == ".nc" and (stamp := _of_attributes(path)):
            return _formed(stamp), ""
        if not sidecar.is_file():
            return None, ""
        stamp = json.loads(sidecar.read_text(encoding="utf-8"))
        if not isinstance(stamp, dict) or "rule" not in stamp:
            return None, f"{sidecar.name} is no stamp"
        return _formed(stamp | {"config_text": json.dumps(stamp.get("config"), sort_keys=True)}), ""
    # of netCDF4 anything, on a file that is damaged
    except (OSError, ValueError, RuntimeError, AttributeError, RecursionError) as error:
        name = path.name if path.suffix == ".nc" and not sidecar.is_file() else sidecar.name
        return None, f"{name} cannot be read: {error}"


def _of_attributes(path: Path) -> dict:
    with netCDF4.Dataset(path) as opened:
        names = [name for name in opened.ncattrs() if name.startswith(PREFIX)]
        stamp = {name.removeprefix(PREFIX): opened.getncattr(name) for name in names}
    if stamp:
        stamp["config_text"] = stamp.get("config", "")
        for name in MAPPINGS:
            stamp[name] = _parsed(stamp.get(name))
    return stamp


def _formed(stamp: dict) -> dict:
    """A stamp whose fields are texts, or mappings; ValueError names the first that is neither."""
    for name in {*FIELDS, "file", "sha256", STAMP} & {*stamp}:
        if (value := stamp[name]) is None:
            continue  # as if it were not there
        if not isinstance(value, dict if name in MAPPINGS else str):
            raise ValueError(f"its field {name!r} holds {value!r}")
        if name in TEXTS and (strange := [v for v in value.values() if not isinstance(v, str)]):
            raise ValueError(f"its field {name!r} holds {strange[0]!r}")
    return stamp


def _parsed(text):
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None
