"""Files are read as they were made, or as they arrived; one that was changed since is refused.

What a rule writes has its checksum beside it (``NAME.json``) or, in netCDF files, inside, where
:func:`parlearn.storage.contracts.read` looks. Of granules, which may be hundreds of gigabytes, the
list of what has arrived gives size and checksum, and its sidecar the times of their last change:
only where these differ is a granule's checksum taken, so that a copied folder is still right.
"""

import csv
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from parlearn.storage.files import read_json, sha256

log = logging.getLogger(__name__)

#: in the sidecar of a list of what has arrived: name -> time of last change, ns since 1970
TIMES = "changed_ns"
#: path -> (size, time of last change, inode) and checksum, of the inputs as this job found them
_found: dict[str, tuple[tuple, str]] = {}


class ChangedFile(ValueError):
    """A file is not what was recorded when it was made or arrived."""


def check_inputs(paths: Iterable) -> None:
    """Refuse inputs of a job that are not what the sidecars beside them say.

    Files without one (tables of the project, maps of the user, netCDF files) pass here.

    Raises
    ------
    ChangedFile
        Naming file, record, finding and remedy.
    """
    for path in map(Path, paths):
        if not path.is_file():
            continue
        _found[str(path)] = _state(path), sha256(path)
        sidecar = Path(f"{path}.json")
        told = read_json(sidecar) if sidecar.is_file() else None
        if not isinstance(told, dict) or "sha256" not in told or "rule" not in told:
            continue
        if (now := _found[str(path)][1]) != told["sha256"]:
            arrived = "retrieved" in told
            raise ChangedFile(
                f"{path} is not what it was when it {'arrived' if arrived else 'was made'}: "
                f"{sidecar.name} beside it has the sha256 {told['sha256'][:12]}..., of "
                f"{told.get('created', 'an unknown time')}, and the file has {now[:12]}... It was "
                "changed or damaged since. Delete it and run again, so that it is "
                f"{'fetched' if arrived else 'made'} again"
            )


def checksum(path) -> str:
    """sha256 of a file; of an input of this job that of its beginning.

    Raises
    ------
    ChangedFile
        Where an input was changed meanwhile: nobody knows what the job has read.
    """
    state, before = _found.get(str(path), (None, None))
    if state is not None and state == _state(Path(path)):
        return before
    now = sha256(path)
    if before not in (None, now):
        raise ChangedFile(f"{path} was changed while this job was reading it: run again")
    return now


def changed_times(rows: Iterable[Mapping[str, str]]) -> dict[str, int]:
    """What the sidecar of a list of what has arrived holds as :data:`TIMES`."""
    return {row["name"]: Path(row["path"]).stat().st_mtime_ns for row in rows}


def check_arrived(listed) -> list[Path]:
    """The granules on a list of what has arrived, which are what they were then.

    Parameters
    ----------
    listed : path of the list, with the columns name, path, size and sha256

    Raises
    ------
    ChangedFile
        Naming granule, record, finding and remedy.
    """
    with open(listed, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    sidecar = Path(f"{listed}.json")
    times = read_json(sidecar).get(TIMES, {}) if sidecar.is_file() else {}
    read = 0
    for row in rows:
        path = Path(row["path"])
        if (found := _difference(path, row, times.get(row["name"]))) is not None:
            raise ChangedFile(
                f"{path} is not what it was when it arrived: {found}. Delete it and {listed}, and "
                "run again, so that it is fetched again"
            )
        read += path.stat().st_mtime_ns != times.get(row["name"])
    if read:
        log.info("%d of %d granules have new dates; their checksums are right", read, len(rows))
    return [Path(row["path"]) for row in rows]


def _difference(path: Path, row: Mapping[str, str], time: int | None) -> str | None:
    """In which respect a granule is not what its row says; None where it is."""
    if not path.is_file():
        return "it is not there"
    state = path.stat()
    if state.st_size != int(row["size"]):
        return f"it had {row['size']} bytes and has {state.st_size}"
    if state.st_mtime_ns == time:
        return None
    if (now := sha256(path)) != row["sha256"]:
        return f"it had the sha256 {row['sha256'][:12]}... and {now[:12]}... is found"
    return None


def _state(path: Path) -> tuple[int, int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns, state.st_ino
