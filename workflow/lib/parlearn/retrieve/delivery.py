"""Delivers a retrieved file complete and checked, or not at all, from any kind of place.

What arrives is written to a hidden ``.NAME.part`` beside its target, which a killed job leaves
behind and the next one resumes; it takes the target's name only after size, checksum and format
hold.
"""

import errno
import fcntl
import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tenacity

from parlearn.retrieve.logins import RetrievalError
from parlearn.storage.files import is_full_disk

log = logging.getLogger(__name__)


class TransientError(Exception):
    """A failure that may pass; `pause` is what the server asked for, in seconds."""

    def __init__(self, message, pause=0.0):
        super().__init__(message)
        self.pause = pause


@dataclass(frozen=True)
class Retrieved:
    """Where the file lies, whence it came, its checksum, and a note for the provenance."""

    path: Path
    origin: str
    sha256: str
    size: int
    note: str = ""


def deliver(origin, target, expected, once, *, attempts=6, backoff=1.0) -> Retrieved:
    """Bring one file; a target that is there and is what it should be is left as it is.

    Parameters
    ----------
    origin : whence, without a login, for messages
    target : whereto
    expected : :class:`parlearn.retrieve.checks.Expected`
    once : function of the path of the part that goes on where the part ends; returns the byte it
        started at; raises :class:`TransientError` for what may pass
    attempts, backoff : tries in all, and the first pause (s), doubled at each try

    Raises
    ------
    RetrievalError
        naming the origin.
    OSError
        naming the target, where it cannot be written.
    """
    target = Path(target)
    if (done := already_there(target, expected, origin)) is not None:
        return done
    part = target.with_name(f".{target.name}.part")
    with writing(target, part), _alone(target):
        # another job may have brought it while we waited
        if (done := already_there(target, expected, origin)) is not None:
            return done
        try:
            digest = retrying(origin, attempts, backoff)(_try, once, part, origin, expected)
        except TransientError as error:
            raise RetrievalError(
                f"{origin}: {error}, {attempts} times. Run again later; what has arrived is kept"
            ) from None
        with open(part, "rb") as stream:
            os.fsync(stream.fileno())
        os.replace(part, target)
    log.debug("fetched %s (%d bytes)", origin, target.stat().st_size)
    return Retrieved(target, str(origin), digest, target.stat().st_size)


def already_there(target, expected, origin, note="") -> Retrieved | None:
    """The file where it is there and known to be right."""
    if not target.is_file() or not expected.anything:
        return None
    try:
        digest = expected.check(target, target)
    except RetrievalError:
        return None
    return Retrieved(target, str(origin), digest, target.stat().st_size, note)


def retrying(what, attempts, backoff) -> tenacity.Retrying:
    """Tries with growing pauses of whatever raises TransientError."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        stop=tenacity.stop_after_attempt(attempts),
        wait=_Pause(tenacity.wait_exponential(multiplier=backoff, max=60)),
        before_sleep=lambda state: log.warning(
            "%s: %s; try %d of %d follows in %.0f s",
            what,
            state.outcome.exception(),
            state.attempt_number + 1,
            attempts,
            state.next_action.sleep,
        ),
        reraise=True,
    )


def _try(once, part, origin, expected):
    offset = once(part)
    found = part.stat().st_size if part.is_file() else 0
    if expected.size is not None and found < expected.size:
        raise TransientError(f"the connection ended after {found} of {expected.size} bytes")
    try:
        return expected.check(part, origin)
    except RetrievalError:
        part.unlink()
        if offset:  # the beginning may be of an older file: once more from the start
            raise TransientError("the file put together from two downloads is wrong") from None
        raise


class _Pause(tenacity.wait.wait_base):
    """The growing pause, or the longer one the server asked for."""

    def __init__(self, growing):
        self.growing = growing

    def __call__(self, state):
        return max(self.growing(state), state.outcome.exception().pause)


@contextmanager
def writing(target, part=None):
    """Errors of writing name the target; where the disk is full nothing is left lying."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if part is not None and is_full_disk(error):
            part.unlink(missing_ok=True)
        if str(target) in str(error):
            raise
        raise OSError(error.errno, f"cannot write {target}: {error.strerror or error}") from error


@contextmanager
def _alone(target):
    """Hold a lock on a target: neighbouring months want the same granules at the same time."""
    path = target.with_name(f".{target.name}.lock")
    while True:
        with open(path, "w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX)
            except OSError as error:
                if error.errno not in (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK):
                    raise
                log.warning("%s: the file system has no locks (%s)", target.parent, error.strerror)
            # the holder before us removed the file we waited for
            if path.exists() and os.path.samestat(os.fstat(stream.fileno()), path.stat()):
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return
