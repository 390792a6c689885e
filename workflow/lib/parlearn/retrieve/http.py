"""Files over HTTP: resumed by range, tried again, logged in where the archive wants it."""

import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import httpx

from parlearn.retrieve.access import Access, server_of
from parlearn.retrieve.delivery import (
    LARGEST,
    Retrieved,
    TransientError,
    deliver,
    limited,
    retrying,
)
from parlearn.retrieve.formats import looks_like_page, web_page
from parlearn.retrieve.logins import AbsentError, AccessError, RetrievalError, clean, redact

# they tell whole addresses, which may be signed, and headers with cookies
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

#: a server that asks for a longer pause than this (s) is better asked again by the user
LONGEST_PAUSE = 120.0
#: answers worth asking again; all 5xx as well
TRANSIENT_STATUS = (408, 425, 429)
#: bytes of the longest page or list that is read: one of 100,000 files has a tenth of it
LONGEST_PAGE = 100 * 10**6
#: redirects followed; Earthdata takes four or five
HOPS = 12


def fetch(
    url,
    target,
    expected,
    *,
    access=None,
    attempts=6,
    backoff=1.0,
    timeout=60.0,
    client=None,
    clock=time.monotonic,
) -> Retrieved:
    """Download one file; a target that is there and right is left as it is.

    Parameters
    ----------
    url, target : whence and whereto
    expected : :class:`parlearn.retrieve.checks.Expected`
    access : :class:`Access`, where a login is needed
    attempts, backoff : tries in all, on server errors (5xx), 429 (its Retry-After is kept), lost
        connections, trickles and bodies cut short; and the first pause (s), doubled at each try.
        Each try goes on where the last one stopped, if the file is still the same
    timeout : seconds without an answer or without data
    client : httpx.Client to share between files, which keeps the archive's cookies
    clock : seconds that pass

    Raises
    ------
    RetrievalError
        naming the URL: refused or unknown (4xx), a web page in place of data, wrong size (told
        before or while it comes), checksum or format, or still failing after all tries;
        AccessError where the login is the cause.
    OSError
        naming the target, where it cannot be written.
    """
    own = client is None
    client = client or httpx.Client(timeout=timeout)
    try:
        return deliver(
            clean(url),
            target,
            expected,
            lambda part: _download(client, url, part, access or Access(), expected.size, clock),
            attempts=attempts,
            backoff=backoff,
        )
    finally:
        if own:
            client.close()


def probe(client, url, access=None, *, attempts=4, backoff=1.0) -> int | None:
    """Ask for the first byte of a file, whether it would come; its size where that is told."""

    def ask():
        try:
            response = open_(client, url, {"Range": "bytes=0-0"}, access or Access())
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise TransientError(type(error).__name__) from None
        try:
            _body_start(response, url, 0, access or Access())
            refuse_page(response, url)
            span = response.headers.get("content-range", "").rpartition("/")[2]
            length = response.headers.get("content-length", "")
            told = span if response.status_code == 206 else length
            return int(told) if told.isdigit() else None
        finally:
            response.close()

    try:
        return retrying(clean(url), attempts, backoff)(ask)
    except TransientError as error:
        raise RetrievalError(f"{clean(url)}: {error}, {attempts} times. Run again later") from None


def open_(client, url, headers, access):
    """The answer to a GET after redirects, its body not yet read; a login goes to its server."""
    start = server_of(url)
    for _ in range(HOPS):
        try:
            request = client.build_request("GET", url, headers=headers | access.headers(url))
            response = client.send(request, stream=True, follow_redirects=False)
            if not response.has_redirect_location:
                if server_of(url) == access.server != start:
                    _stuck_at_login(response, url, access)
                return response
            response.close()
            url = urljoin(str(url), response.headers["location"])
            at_login = server_of(url) == access.server != start
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError) as error:
            raise RetrievalError(f"{clean(url)}: {type(error).__name__}") from None
        if "error=access_denied" in urlsplit(url).query:
            raise AccessError(f"{clean(url)}: the archive denies the access: {access.approve}")
        if at_login and access.login is None:
            raise AccessError(f"{clean(url)}: {access.advice}")
    raise RetrievalError(f"{clean(url)}: more than {HOPS} redirects")


def _stuck_at_login(response, url, access):
    """The way ended at the login server, which sends nobody back."""
    status = response.status_code
    if status in TRANSIENT_STATUS or status >= 500:
        return
    response.close()
    origin = access.login.origin if access.login else ""
    if status == 401:
        raise AccessError(
            f"{clean(url)}: user name, password or token of {origin} are refused: correct them"
        )
    raise AccessError(
        f"{clean(url)}: the login server did not send us back to the archive: {access.approve}"
    )


def _download(client, url, part, access, size, clock):
    """One try: append to what there is of the same file; the byte it started at."""
    offset, sign = part.offset, part.sign
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if sign:  # of another version all is sent
            headers["If-Range"] = sign
    try:
        response = open_(client, url, headers, access)
        try:
            whole = response.status_code == 416  # nothing comes after what is here
            offset = offset if whole else _body_start(response, url, offset, access)
            if offset and not _same(sign, response.headers):
                raise _changed(part)
            if whole:
                total = response.headers.get("content-range", "").rpartition("/")[2]
                if total.isdigit() and int(total) != offset:
                    raise _changed(part)
                return offset
            _receive(response, url, part, offset, size, clock)
            return offset
        finally:
            response.close()
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise TransientError(f"{type(error).__name__} ({redact(error)})") from None


def _sign(headers) -> str:
    """What tells a version of a file for sure: a strong ETag, else the date of its last change.

    Of a date this holds where the answer was given at least a second later (RFC 9110, 8.8.2.2);
    weak ETags may not be sent in If-Range (13.1.5).
    """
    tag, changed = headers.get("etag", ""), headers.get("last-modified", "")
    if tag.startswith('"') and tag.isascii():
        return tag
    try:
        age = parsedate_to_datetime(headers.get("date", "")) - parsedate_to_datetime(changed)
    except (ValueError, TypeError):  # not told, or no dates
        return ""
    return changed if age >= timedelta(seconds=1) else ""


def _same(sign, headers) -> bool:
    """Whether the rest of a file says nothing against being of the version with a sign."""
    told = headers.get("etag" if sign.startswith('"') else "last-modified", sign)
    return not sign or told == sign


def read_text(client, url, access, *, attempts=6, backoff=1.0, clock=time.monotonic) -> str:
    """A page or a small file as text; AbsentError where there is none."""

    def ask():
        try:
            response = open_(client, url, {}, access)
            try:
                _body_start(response, url, 0, access)
                pieces = limited(response.iter_bytes(), LONGEST_PAGE, clean(url), clock=clock)
                return b"".join(pieces).decode("utf-8", "replace")
            finally:
                response.close()
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise TransientError(type(error).__name__) from None

    try:
        return retrying(clean(url), attempts, backoff)(ask)
    except TransientError as error:
        raise RetrievalError(f"{clean(url)}: {error}: run again later") from None


def _body_start(response, url, offset, access):
    """Byte at which the body of an answer starts; raises where there is no body to take."""
    status = response.status_code
    if status == 206 and response.headers.get("content-range", "").startswith(f"bytes {offset}-"):
        return offset
    if status == 200:
        return 0
    what = f"{clean(url)}: HTTP {status} {response.reason_phrase}"
    if status in TRANSIENT_STATUS or status >= 500:
        pause = _retry_after(response.headers.get("retry-after"))
        if pause > LONGEST_PAUSE:
            raise RetrievalError(f"{what}: the server asks to wait {pause:.0f} s; run again then")
        raise TransientError(f"HTTP {status} {response.reason_phrase}", pause)
    if status == 401:
        if access.login is None:
            raise AccessError(f"{what}: {access.advice}")
        raise AccessError(f"{what}: the login of {access.login.origin} is refused: correct it")
    if status == 403:
        raise AccessError(f"{what}: {access.approve}")
    if status == 404:
        raise AbsentError(
            f"{what}: there is no such file; the address may have moved, see config/datasets.csv"
        )
    raise RetrievalError(f"{what}: the server did not send the file")


def refuse_page(response, url) -> None:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise web_page(clean(url))


def _receive(response, url, part, offset, size, clock):
    """Append the body to the part; `size` is that of the whole, where it was known before."""
    refuse_page(response, url)
    length = response.headers.get("content-length", "")
    length = int(length) if length.isdigit() else None
    if None not in (size, length) and offset + length != size:
        if offset:
            raise _changed(part)
        raise RetrievalError(f"{clean(url)}: has {length} bytes, expected {size}")
    most = LARGEST if length is None else length
    if size is not None:
        most = size - offset
    chunks = limited(response.iter_raw(), most, clean(url), clock=clock)
    first = next(chunks, b"")
    if offset == 0:
        if looks_like_page(first):
            raise web_page(clean(url))
        part.begin(_sign(response.headers))
    with open(part.path, "ab") as stream:
        stream.write(first)
        for chunk in chunks:
            stream.write(chunk)


def _changed(part) -> TransientError:
    """The part is of another version of the file: thrown away, the next try begins anew."""
    part.drop()
    return TransientError("the file has changed since its first bytes came")


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
