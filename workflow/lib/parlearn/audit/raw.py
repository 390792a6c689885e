"""Checks raw files against pinned checksums and the frozen lists of granules."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from parlearn.audit.findings import Check, asks
from parlearn.audit.tree import Tree
from parlearn.retrieve.checks import Expected
from parlearn.retrieve.listing import COLUMNS, read_rows
from parlearn.retrieve.logins import RetrievalError
from parlearn.storage.provenance import read_sidecar

PINNED = "raw files pinned in config/datasets.csv"
GRANULE = "granules of frozen lists"
LIST = "frozen lists of granules"
BASINS = "files of basins"
TRACKED = "tables of the project"
OWN = "maps of the user"
#: columns of the lists of what has arrived, see parlearn.retrieve.transfer
ARRIVED = ("name", "date", "path", "size", "sha256")
#: columns of the lists of files of basins, see parlearn.retrieve.pinned
FILES = ("name", "path", "size", "sha256", "note")
#: table of CAMELS whose signatures are streamflow itself
SIGNATURE_FILE = "camels_hydro.txt"


@dataclass
class Sources:
    """Files that no rule made, as far as they are known.

    Attributes
    ----------
    known : path -> what it is
    arrived : path of a list of what has arrived -> the granules on it
    """

    known: dict[str, str] = field(default_factory=dict)
    arrived: dict[str, list[str]] = field(default_factory=dict)


@asks("raw", "Are the raw files those that were published?")
def check_raw(
    check: Check, tree: Tree, sources: Sources, pinned: Mapping[str, str], own: str | None = None
) -> None:
    """Check the raw files behind all results against their checksums.

    Parameters
    ----------
    sources : filled in with what is found
    pinned : path -> sha256, of ``config/datasets.csv``
    own : folder of the user's maps, for which there are no checksums but those of the results
    """
    known = sources.known
    used = {name for file in tree.made.values() for name in (file.stamp or {}).get("inputs") or {}}
    tracked = _tracked(tree.root)
    for path in sorted(used - {*tree.files}):
        if path in pinned:
            check.looked_at += 1
            known[path] = PINNED
            with check.at(path):
                _check_pinned(check, tree, path, pinned[path])
        elif path in tracked:
            known[path] = TRACKED
        elif own and path.startswith(f"{own.rstrip('/')}/"):
            known[path] = OWN
            check.notes.append(f"{path}: a map of your own; its checksum is that of the results")
    published = _published(tree, check)
    for path, file in tree.of_rule("list_granules").items():
        if not (file.stamp.get("inputs") or path.endswith("-coverage.csv")):
            known[path] = LIST
    for path in tree.of_rule("retrieve_granules"):
        with check.at(path):
            _check_arrived(check, tree, path, sources, published)
    for path in tree.of_rule("retrieve_basins"):
        with check.at(path):
            _check_basins(check, tree, path, sources, pinned)


def _check_pinned(check: Check, tree: Tree, path: str, wanted: str) -> None:
    now = tree.checksum(path)
    if now in (None, wanted):
        return
    differs = (
        f"has the sha256 {now[:12]}..., config/datasets.csv {wanted[:12]}...: "
        "it is not the file that was published"
    )
    if mirror := _mirror_of(tree, path, now):
        check.notes.append(f"{path}: {differs}, but the one that came from {mirror}")
    else:
        check.wrong(path, differs)


def _check_arrived(check: Check, tree: Tree, path: str, sources: Sources, published) -> None:
    """The granules on a list of what has arrived, against the frozen list and as they are."""
    try:
        rows = read_rows(tree.root / path, ARRIVED)
        listed = read_rows(tree.root / Path(path).parent.with_suffix(".csv"), COLUMNS)
    except (OSError, ValueError, RetrievalError) as error:
        check.wrong(path, f"cannot be held against the frozen list: {error}")
        return
    sources.arrived[path] = [row["path"] for row in rows]
    frozen = {row["name"]: row for row in listed}
    for row in rows:
        check.looked_at += 1
        sources.known[row["path"]] = GRANULE
        with check.at(row["path"]):
            for problem in _granule_problems(tree, row, frozen.get(row["name"]), published):
                check.wrong(row["path"], problem)


def _check_basins(check: Check, tree: Tree, path: str, sources: Sources, pinned: Mapping) -> None:
    """The files on a list of files of basins, as they are now."""
    try:
        rows = read_rows(tree.root / path, FILES)
    except (OSError, ValueError, RetrievalError) as error:
        check.wrong(path, f"cannot be read: {error}")
        return
    sources.arrived[path] = [row["path"] for row in rows]
    for row in rows:
        check.looked_at += 1
        sources.known[row["path"]] = BASINS
        with check.at(row["path"]):
            for problem in _basin_problems(tree, row, pinned):
                check.wrong(row["path"], problem)
    if own := sum(row["path"] not in pinned for row in rows):
        check.notes.append(
            f"{own} files of basins lie in a folder of your own; their checksums are those of the "
            "day they were listed"
        )


def _basin_problems(tree: Tree, row: Mapping, pinned: Mapping):
    if Path(row["name"]).name == SIGNATURE_FILE:
        yield "holds signatures of streamflow and must not be read"
    now = tree.checksum(row["path"])
    if now is None:
        yield "is not there, though it was listed: it was removed"
    elif now != row["sha256"]:
        yield f"has the sha256 {now[:12]}..., when listed {row['sha256'][:12]}...: it was changed"
    elif row["path"] in pinned and now != pinned[row["path"]]:
        yield "is not the file that config/camels.sha256 pins"


def _mirror_of(tree: Tree, path: str, checksum: str) -> str | None:
    """The file of a mirror, with sums of its own, that a file was copied from and still is."""
    try:
        told = read_sidecar(tree.root / path).get("retrieved", {})
    except (OSError, ValueError):
        return None
    if told.get("sha256") != checksum or not told.get("note"):
        return None
    return f"{told['origin']} by the SHA256SUMS of its mirror"


def _granule_problems(tree: Tree, row: Mapping, frozen: Mapping | None, published: Mapping):
    if frozen is None:
        yield "is not on the frozen list of its product"
    now = tree.checksum(row["path"])
    if now is None:
        yield "is not there, though it has arrived: it was removed"
        return
    if now != row["sha256"]:
        yield f"has the sha256 {now[:12]}..., on arrival {row['sha256'][:12]}...: it was changed"
    if frozen and frozen["checksum"]:
        try:
            expected = Expected(None, frozen["algorithm"], frozen["checksum"])
            expected.check(tree.root / row["path"], "it")
        except RetrievalError as error:
            yield f"is not what its archive listed: {error}"
    if row["name"] in published and now != published[row["name"]]:
        yield "is not the file that the twin published (SHA256SUMS)"


def _published(tree: Tree, check: Check) -> dict[str, str]:
    """Checksums by name of what a twin has published, each of them tried."""
    sums = {}
    for path in (path for path in tree.made if Path(path).name == "SHA256SUMS"):
        with check.at(path):
            for line in (tree.root / path).read_text(encoding="utf-8").splitlines():
                wanted, _, name = line.partition("  ")
                granule = f"{Path(path).parent.as_posix()}/{name}"
                sums[Path(name).name] = wanted
                check.looked_at += 1
                if tree.checksum(granule) != wanted:
                    check.wrong(granule, f"is not the file of {path}: it was changed or removed")
    return sums


def _tracked(root: Path) -> set[str]:
    """Files of the repository, unchanged or not (that is asked of the commit)."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "ls-files", "resources"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        found = {p.relative_to(root).as_posix() for p in (root / "resources").rglob("*")}
        return {path for path in found if not path.startswith("resources/raw/")}
    return {*done.stdout.splitlines()}
