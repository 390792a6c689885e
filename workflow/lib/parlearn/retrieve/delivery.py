"""Delivers a retrieved file complete and checked, or not at all, from any kind of place.

What arrives is written to a hidden ``.NAME.part`` beside its target, which a killed job leaves
behind and the next one resumes, if it can be told that the rest is of the same file; it takes the
target's name only after size, checksum and format hold.
"""

import errno
import fcntl
import logging
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tenacity

from parlearn.retrieve.logins import RetrievalError
from parlearn.storage.files import is_full_disk

log = logging.getLogger(__name__)

#: more than this (bytes) is taken of no file whose size nobody has told
LARGEST = 50 * 10**9
#: what comes slower than this (bytes/s), over so many seconds, is broken off
SLOWEST, PATIENCE = 1000.0, 60.0


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


@dataclass(frozen=True)
class Part:
    """What has arrived of a file, and beside it, in ``.NAME.part.of``, the sign of that file.

    A sign is what a server tells of a version of a file: its ETag, or size and date. Where neither
    a sign nor a checksum of the whole (`checked`) could tell that the rest belongs to these bytes,
    they are not gone on from.
    """

    path: Path
    checked: bool = False

    @property
    def _beside(self) -> Path:
        return self.path.with_name(f"{self.path.name}.of")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def sign(self) -> str:
        try:
            return self._beside.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    @property
    def offset(self) -> int:
        """The byte to go on from."""
        return self.size if self.checked or self.sign else 0

    def begin(self, sign: str) -> None:
        """Throw away what there is, and write down the sign of what comes now."""
        self.drop()  # first the bytes: those of another file must not lie beside the new sign
        self._beside.write_text(sign, encoding="utf-8")

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)
        self._beside.unlink(missing_ok=True)

    def become(self, target) -> None:
        """Take the target's name, on disk before it has it."""
        with open(self.path, "rb") as stream:
            os.fsync(stream.fileno())
        self._beside.unlink(missing_ok=True)
        os.replace(self.path, target)


def limited(pieces: Iterable[bytes], most: int, origin, *, clock=time.monotonic) -> Iterator[bytes]:
    """The pieces of a body, while they are no more than was told and come fast enough.

    Raises
    ------
    RetrievalError
        for more than `most` bytes.
    TransientError
        for less than ``SLOWEST`` bytes a second over ``PATIENCE`` seconds or longer: a
        trickle never runs into a limit on silence.
    """
    since, total, before = clock(), 0, 0
    for piece in pieces:
        total += len(piece)
        if total > most:
            raise RetrievalError(
                f"{origin}: sends more than the {most} bytes that it may have: it is another file, "
                "or the server is at fault"
            )
        yield piece
        if (passed := clock() - since) >= PATIENCE:
            if total - before < SLOWEST * passed:
                raise TransientError(f"only {total - before} bytes came in {passed:.0f} s")
            since, before = since + passed, total


def deliver(origin, target, expected, once, *, attempts=6, backoff=1.0) -> Retrieved:
    """Bring one file; a target that is there and is what it should be is left as it is.

    Parameters
    ----------
    origin : whence, without a login, for messages
    target : whereto
    expected : :class:`parlearn.retrieve.checks.Expected`
    once : function of the :class:`Part` that goes on where the part ends; returns the byte it
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
    part = Part(target.with_name(f".{target.name}.part"), bool(expected.checksum))
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
        part.become(target)
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
    if expected.size is not None and part.size < expected.size:
        raise TransientError(f"the connection ended after {part.size} of {expected.size} bytes")
    try:
        return expected.check(part.path, origin)
    except RetrievalError:
        part.drop()
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
            part.drop()
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
