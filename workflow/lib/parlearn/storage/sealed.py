"""Files that a job keeps for a later one (checkpoints, weights of regridding), sealed.

The content is followed by one line of JSON, the seal: what kind of file it is, whose, and the
checksum of both and of the content. A zip archive, as numpy and torch write them, stays one with
it. What was cut short, changed or put there by something else does not verify, and is not used.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

from parlearn.storage.files import write_bytes

log = logging.getLogger(__name__)

#: fields of a seal
FIELDS = ("kind", "owner", "bytes", "sha256")
#: ends the name of a file that was set aside
UNUSABLE = ".unusable"


class SealError(ValueError):
    """A file is not what was sealed, or is another's."""


def seal(content: bytes, path, kind: str, owner: str) -> None:
    """Write a content and its seal, whole or not at all.

    Parameters
    ----------
    kind : of file, such as ``training``
    owner : what it belongs to, such as the run's label
    """
    told = {"kind": kind, "owner": owner, "bytes": len(content)}
    told["sha256"] = _checksum(content, kind, owner)
    write_bytes(content + b"\n" + json.dumps(told).encode() + b"\n", path)


def unseal(path, kind: str, owner: str) -> bytes:
    """The content of a sealed file.

    Raises
    ------
    SealError
        Saying why, where it has no seal, does not have the checksum, or is of another kind or
        owner.
    """
    content, told = opened(path)
    for name, wanted in (("kind", kind), ("owner", owner)):
        if told[name] != wanted:
            raise SealError(f"its {name} is {told[name]!r}, and {wanted!r} is due: it is another's")
    return content


def opened(path) -> tuple[bytes, dict]:
    """The content of a sealed file, of whatever kind and owner, and its seal.

    Raises
    ------
    SealError
        Saying why, where it has no seal or does not have the checksum.
    """
    content, _, last = Path(path).read_bytes()[:-1].rpartition(b"\n")
    try:
        told = json.loads(last)
    except ValueError:
        told = None
    if not isinstance(told, dict) or set(told) != {*FIELDS}:
        raise SealError("it is cut short, or nothing that this program has written")
    if told["bytes"] != len(content) or told["sha256"] != _checksum(
        content, told["kind"], told["owner"]
    ):
        raise SealError("it does not have the checksum that it was written with: it was changed")
    return content, told


def take_up(path, kind: str, owner: str, read: Callable[[bytes], object]):
    """What ``read`` makes of a sealed file's content; None where there is none to go on from.

    A file that does not verify, or of which ``read`` raises ValueError, is set aside.
    """
    if path is None or not Path(path).exists():
        return None
    try:
        return read(unseal(path, kind, owner))
    except ValueError as error:
        set_aside(path, error)
        return None


def set_aside(path, why) -> Path:
    """Give a file that is of no use another name, ``NAME.unusable``, and say so."""
    path = Path(path)
    aside = path.with_name(path.name + UNUSABLE)
    os.replace(path, aside)
    log.warning(
        "%s cannot be gone on from (%s). It is kept as %s, which you may delete, and the work "
        "starts from the beginning",
        *(path, why, aside.name),
    )
    return aside


def _checksum(content: bytes, kind, owner) -> str:
    total = hashlib.sha256(json.dumps([kind, owner]).encode())
    total.update(content)
    return total.hexdigest()
