"""Complete files or none: every result is written under a temporary name, then renamed."""

import errno
import hashlib
import json
import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path, needed: int | None = None):
    """Yield a temporary path beside `path` that becomes `path` when the block ends well.

    Whatever goes wrong in the block (an error, Ctrl-C, a full disk) leaves no temporary file
    behind and an older file at `path` untouched. A job killed outright leaves a hidden
    ``.NAME.PID.tmp`` that nothing reads; the next that writes `path` removes it. `needed` is what
    the file takes at most, in bytes; a message about a full disk says so.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Snakemake's lock lets one job at a time write a path, so another's file is that of a dead one.
    leftover = re.compile(rf"\.{re.escape(path.stem)}\.\d+\.tmp{re.escape(path.suffix)}")
    for other in path.parent.iterdir():
        if leftover.fullmatch(other.name):
            other.unlink(missing_ok=True)
    # The suffix stays last, since some writers choose the format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    except (OSError, RuntimeError) as error:
        if not is_full_disk(error):
            raise
        written, blocks = 0, 0
        if temporary.exists():
            written, blocks = temporary.stat().st_size, temporary.stat().st_blocks
        takes = f"up to {in_words(needed)}" if needed else f"more than {in_words(written)}"
        # what was half-written goes, though a library may hold it open until the job ends
        free = shutil.disk_usage(path.parent).free + 512 * blocks
        raise OSError(
            errno.ENOSPC,
            f"cannot write {path}: the disk is full or a size limit is reached. It takes {takes}, "
            f"and {in_words(free)} are free in {path.parent}. Free some space and run again; "
            "nothing half-written was left",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def sync(path) -> None:
    """Have a file, or the names in a folder, written to the disk itself before going on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # some network file systems cannot do so for a folder
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES):
            raise
    finally:
        os.close(handle)


def is_full_disk(error) -> bool:
    """Whether an error of a write means that there was no room (disk, quota or size limit)."""
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return True
    # netCDF4 and torch do not say why a write failed; it is hardly ever anything else.
    words = ("HDF error", "PytorchStreamWriter failed", "inline_container")
    return isinstance(error, RuntimeError) and any(w in str(error) for w in words)


def in_words(size: float) -> str:
    """A number of bytes as people read it: 12 bytes, 3.4 kB, 56.7 MB, 8.9 GB."""
    for unit, width in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= width:
            return f"{size / width:.1f} {unit}"
    return f"{size:.0f} bytes"


def sha256(path) -> str:
    """Checksum of a file, read in pieces."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_bytes(content: bytes, path) -> None:
    with replacing(path, needed=len(content)) as temporary:
        temporary.write_bytes(content)


def write_text(text: str, path) -> None:
    write_bytes(text.encode("utf-8"), path)


def write_json(content, path) -> None:
    """Write JSON readable by people; NaN is refused, since JSON has none."""
    write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", path)


def read_json(path):
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} is not readable as JSON ({error}): remove it and run again"
        ) from error
