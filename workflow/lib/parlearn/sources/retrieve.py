"""Download files, or copy them from a mirror, so that a target is whole and right or not there.

A download is written to a hidden ``.NAME.part`` beside its target, which a killed job leaves behind
and the next one resumes; it takes the target's name only after its checksum holds.
"""

import logging
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import tenacity

from parlearn.files import is_full_disk, replacing
from parlearn.files import sha256 as checksum

log = logging.getLogger(__name__)

#: a server that asks for a longer pause than this (s) is better asked again by the user
LONGEST_PAUSE = 120.0
#: answers worth asking again; all 5xx as well
TRANSIENT_STATUS = (408, 425, 429)


class RetrievalError(RuntimeError):
    """A file could not be had, or was not the file it should be."""


class _TransientError(Exception):
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


def retrieve(name, target, *, url, sha256, mirror=None, **options) -> Retrieved:
    """A file of a dataset from its server, or from a mirror folder where one is given.

    Parameters
    ----------
    name : its path within the dataset, as in the mirror and in the mirror's ``SHA256SUMS``
    target : where it shall lie
    url, sha256 : its pinned origin and checksum
    mirror : folder with the same files, optional
    options : of :func:`fetch`
    """
    if mirror:
        return copy_from_mirror(mirror, name, target, sha256=sha256)
    return fetch(url, target, sha256=sha256, **options)


def fetch(
    url, target, *, sha256, size=None, attempts=6, backoff=1.0, timeout=60.0, client=None
) -> Retrieved:
    """Download one file; a target that is there with the right checksum is left as it is.

    Parameters
    ----------
    url, target : whence and whereto
    sha256 : checksum the file must have
    size : bytes the file must have, if known
    attempts : tries in all, on server errors (5xx), 429 (its Retry-After is kept), lost connections
        and bodies cut short; each try goes on where the last one stopped
    backoff : first pause (s), doubled at each try
    timeout : seconds without an answer or without data
    client : httpx.Client to use, e.g. one that is logged in

    Raises
    ------
    RetrievalError
        naming the URL: refused or unknown (4xx), a web page in place of data, wrong size or
        checksum, or still failing after all tries.
    OSError
        naming the target, where it cannot be written.
    """
    target = Path(target)
    if (done := _already_there(target, sha256, url)) is not None:
        return done
    part = target.with_name(f".{target.name}.part")
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_TransientError),
        stop=tenacity.stop_after_attempt(attempts),
        wait=_Pause(tenacity.wait_exponential(multiplier=backoff, max=60)),
        before_sleep=lambda state: log.warning(
            "%s: %s; try %d of %d follows in %.0f s",
            url,
            state.outcome.exception(),
            state.attempt_number + 1,
            attempts,
            state.next_action.sleep,
        ),
        reraise=True,
    )
    own = client is None
    client = client or httpx.Client(follow_redirects=True, timeout=timeout)
    try:
        with _writing(target, part):
            try:
                retrying(_download, client, url, part, sha256, size)
            except _TransientError as error:
                raise RetrievalError(
                    f"{url}: {error}, {attempts} times. Run again later; what has arrived is kept"
                ) from error
            os.replace(part, target)
    finally:
        if own:
            client.close()
    log.info("fetched %s (%d bytes)", url, target.stat().st_size)
    return Retrieved(target, url, sha256, target.stat().st_size)


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
    expected = read_checksums(listed).get(str(name), pinned) if listed.is_file() else pinned
    note = ""
    if expected != pinned:
        note = f"{name}: the mirror's file (sha256 {expected}) is not the pinned one ({pinned})"
        log.warning("%s; the mirror's SHA256SUMS holds", note)
    if (done := _already_there(target, expected, origin, note)) is not None:
        return done
    if not origin.is_file():
        raise RetrievalError(
            f"the mirror {mirror} has no {name}: name the folder that holds it and SHA256SUMS, or "
            "no mirror at all"
        )
    with _writing(target), replacing(target) as temporary:
        shutil.copyfile(origin, temporary)
        _check(temporary, origin, expected)
    return Retrieved(target, str(origin), expected, target.stat().st_size, note)


def read_checksums(path) -> dict[str, str]:
    """File name -> sha256, from a list as sha256sum writes it."""
    sums = {}
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        digest, _, name = line.partition(" ")
        name = name.strip().removeprefix("*").removeprefix("./")
        if len(digest) != 64 or not name or set(digest.lower()) - set("0123456789abcdef"):
            raise RetrievalError(f"{path}, line {number}: is not 'sha256  file': {line[:80]!r}")
        sums[name] = digest.lower()
    return sums


def _already_there(target, expected, origin, note=""):
    if target.is_file() and checksum(target) == expected:
        return Retrieved(target, str(origin), expected, target.stat().st_size, note)
    return None


def _download(client, url, part, expected, size):
    """One try: append to what there is, then check the whole."""
    offset = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    try:
        with client.stream("GET", url, headers=headers) as response:
            if response.status_code == 416:  # the rest of what is already whole, or of another file
                response.close()
            else:
                offset = _resumed_at(response, url, offset)
                _receive(response, url, part, offset)
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise _TransientError(f"{type(error).__name__} ({error})") from error
    except (httpx.InvalidURL, httpx.TooManyRedirects) as error:
        raise RetrievalError(f"{url}: {error}") from error
    found = part.stat().st_size
    if size is not None and found < size:
        raise _TransientError(f"the connection ended after {found} of {size} bytes")
    try:
        _check(part, url, expected, size)
    except RetrievalError:
        part.unlink()
        if offset:  # the beginning may be of an older file: once more from the start
            raise _TransientError("the file put together from two downloads is wrong") from None
        raise


def _resumed_at(response, url, offset):
    """Byte at which the body of an answer starts; raises where there is no body to take."""
    status = response.status_code
    if status == 206 and response.headers.get("content-range", "").startswith(f"bytes {offset}-"):
        return offset
    if status == 200:
        return 0
    if status in TRANSIENT_STATUS or status >= 500:
        pause = _retry_after(response.headers.get("retry-after"))
        if pause > LONGEST_PAUSE:
            raise RetrievalError(
                f"{url}: the server (HTTP {status}) asks to wait {pause:.0f} s; run again then"
            )
        raise _TransientError(f"HTTP {status} {response.reason_phrase}", pause)
    advice = {
        401: "it needs a login",
        403: "it needs a login, or its terms have not been accepted there",
        404: "there is no such file; the address may have moved, see config/datasets.csv",
    }.get(status, "the server did not send the file")
    raise RetrievalError(f"{url}: HTTP {status} {response.reason_phrase}: {advice}")


def _receive(response, url, part, offset):
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise _web_page(url)
    chunks = response.iter_raw()
    first = next(chunks, b"")
    if offset == 0 and first[:64].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise _web_page(url)
    with open(part, "ab" if offset else "wb") as stream:
        stream.write(first)
        for chunk in chunks:
            stream.write(chunk)


def _web_page(url):
    return RetrievalError(
        f"{url}: the server sent a web page in place of the file, often a login or an error page. "
        "Open the address in a browser to see what it wants"
    )


def _check(path, origin, expected, size=None):
    found = path.stat().st_size
    if size is not None and found != size:
        raise RetrievalError(f"{origin}: has {found} bytes, expected {size}")
    digest = checksum(path)
    if digest != expected:
        raise RetrievalError(
            f"{origin}: has sha256 {digest} ({found} bytes), expected {expected}: the file was "
            "changed or damaged on the way. If its publisher changed it, pin its new checksum"
        )


def _retry_after(value) -> float:
    """Seconds of a Retry-After header, given as a number or as a date; 0 where there is none."""
    if not value:
        return 0.0
    if value.strip().isdigit():
        return float(value)
    try:
        then = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


class _Pause(tenacity.wait.wait_base):
    """The growing pause, or the longer one the server asked for."""

    def __init__(self, growing):
        self.growing = growing

    def __call__(self, state):
        return max(self.growing(state), state.outcome.exception().pause)


@contextmanager
def _writing(target, part=None):
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
