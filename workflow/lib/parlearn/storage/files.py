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
def replacing(path):
    """Yield a temporary path beside `path` that becomes `path` when the block ends well.

    Whatever goes wrong in the block (an error, Ctrl-C, a full disk) leaves no temporary file
    behind and an older file at `path` untouched. A job killed outright leaves a hidden
    ``.NAME.PID.tmp`` that nothing reads; the next that writes `path` removes it.
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
        with open(temporary, "rb") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:
        if is_full_disk(error):
            free = shutil.disk_usage(path.parent).free
            raise OSError(
                errno.ENOSPC,
                f"cannot write {path}: the disk is full or a size limit is reached "
                f"({free / 1e6:.0f} MB free). Free some space and run again; "
                "nothing half-written was left",
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def is_full_disk(error) -> bool:
    """Whether an error of a write means that there was no room (disk, quota or size limit)."""
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return True
    # netCDF4 and torch do not say why a write failed; it is hardly ever anything else.
    words = ("HDF error", "PytorchStreamWriter failed")
    return isinstance(error, RuntimeError) and any(w in str(error) for w in words)


def sha256(path) -> str:
    """Checksum of a file, read in pieces."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_text(text: str, path) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(content, path) -> None:
    """Write JSON readable by people; NaN is refused, since JSON has none."""
    write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", path)


def read_json(path):
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path} is not readable as JSON ({error}): remove it and run again"
        ) from error
