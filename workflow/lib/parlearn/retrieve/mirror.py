"""Files in a local folder: a mirror of a server, or a folder that the user filled by hand."""

import logging
import os
import shutil
from pathlib import Path

from parlearn.retrieve.checks import Expected
from parlearn.retrieve.delivery import Retrieved, already_there, deliver, writing
from parlearn.retrieve.http import fetch
from parlearn.retrieve.logins import RetrievalError
from parlearn.storage.files import replacing

log = logging.getLogger(__name__)


def retrieve(name, target, *, url, sha256, mirror=None, **options) -> Retrieved:
    """A file of a dataset from its server, or from a mirror folder where one is given.

    Parameters
    ----------
    name : its path within the dataset, as in the mirror and in the mirror's ``SHA256SUMS``
    target : where it shall lie
    url, sha256 : its pinned origin and checksum
    mirror : folder with the same files, optional
    options : of :func:`parlearn.retrieve.http.fetch`
    """
    if mirror:
        return copy_from_mirror(mirror, name, target, sha256=sha256)
    return fetch(url, target, Expected.sha256(sha256), **options)


def copy_from_mirror(mirror, name, target, *, sha256) -> Retrieved:
    """Copy a file of a dataset from a mirror folder.

    A mirror's own ``SHA256SUMS`` says what its files are: where it differs from the pinned checksum
    it holds, and ``note`` of the result tells so.

    Raises
    ------
    RetrievalError
        if the mirror lacks the file or its copy does not have the checksum.
    OSError
        naming the target, where it cannot be written.
    """
    mirror, target, pinned = Path(mirror), Path(target), sha256
    origin = mirror / name
    listed = mirror / "SHA256SUMS"
    wanted = read_checksums(listed).get(str(name), pinned) if listed.is_file() else pinned
    note = ""
    if wanted != pinned:
        note = f"{name}: the mirror's file (sha256 {wanted}) is not the pinned one ({pinned})"
        log.warning("%s; the mirror's SHA256SUMS holds", note)
    expected = Expected.sha256(wanted)
    if (done := already_there(target, expected, origin, note)) is not None:
        return done
    _need(mirror, name, "that holds it and SHA256SUMS, or no mirror at all")
    with writing(target), replacing(target) as temporary:
        shutil.copyfile(origin, temporary)
        expected.check(temporary, origin)
    return Retrieved(target, str(origin), wanted, target.stat().st_size, note)


class FolderStore:
    """Files of a product in a folder, at any depth.

    Files are copied. One that nobody may write (``chmod a-w``) becomes a hard link where the folder
    lies on the same file system, so that hundreds of gigabytes need not lie there twice; one that
    may be written is not linked, since who writes it anew in place would change ours unseen.
    """

    def __init__(self, base):
        self.base = Path(base)
        if not self.base.is_dir():
            raise RetrievalError(
                f"there is no folder {base}: put the files there, or name the folder that has them"
            )

    def entries(self, folder):
        """(name, whether it is a folder, size) of what lies in a folder of the base."""
        for entry in sorted(os.scandir(self.base / folder), key=lambda entry: entry.name):
            if entry.is_dir():
                yield entry.name, True, None
            elif entry.is_file():
                yield entry.name, False, entry.stat().st_size

    def sums(self) -> str:
        """The folder's own list of checksums; empty where there is none."""
        listed = self.base / "SHA256SUMS"
        return listed.read_text(encoding="utf-8") if listed.is_file() else ""

    def address(self, path) -> str:
        """Paths in lists are relative, so that a folder can be moved."""
        return str(path)

    def get(self, path, target, expected) -> Retrieved:
        target, origin = Path(target), self.base / path
        _need(self.base, path, "that the list was made of")
        if expected.size is not None and (found := origin.stat().st_size) != expected.size:
            raise RetrievalError(
                f"{origin}: has {found} bytes, and {expected.size} when the list was made: put the "
                "whole file there, or remove the list so that a new one is made"
            )
        # a file written anew in the folder, even with the same size, is another file
        if target.is_file() and not _same_time(origin, target):
            target.unlink()
        return deliver(origin, target, expected, lambda part: _take_over(origin, part))

    def probe(self, path) -> int | None:
        _need(self.base, path, "that the list was made of")
        return (self.base / path).stat().st_size

    def close(self):
        """Nothing is open."""


def _take_over(origin, part):
    part.drop()
    origin = origin.resolve()
    if not origin.stat().st_mode & 0o222:
        try:
            os.link(origin, part.path)
            return 0
        except OSError:  # another file system, or one without links
            log.debug("%s cannot be linked", origin)
    shutil.copyfile(origin, part.path)
    shutil.copystat(origin, part.path)
    part.path.chmod(0o644)
    return 0


def _same_time(one, other):
    return one.stat().st_mtime_ns == other.stat().st_mtime_ns


def _need(mirror, name, which):
    if not (Path(mirror) / name).is_file():
        raise RetrievalError(f"the mirror {mirror} has no {name}: name the folder {which}")


def read_checksums(path) -> dict[str, str]:
    """File name -> sha256, from a list as sha256sum writes it."""
    return parse_checksums(Path(path).read_text(encoding="utf-8"), path)


def parse_checksums(text, where) -> dict[str, str]:
    sums = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        digest, _, name = line.partition(" ")
        name = name.strip().removeprefix("*").removeprefix("./")
        if len(digest) != 64 or not name or set(digest.lower()) - set("0123456789abcdef"):
            raise RetrievalError(f"{where}, line {number}: is not 'sha256  file': {line[:80]!r}")
        sums[name] = digest.lower()
    return sums
