"""Files over HTTP: resumed by range, tried again, logged in where the archive wants it."""

import base64
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import httpx

from parlearn.retrieve.checks import looks_like_page, web_page
from parlearn.retrieve.delivery import Retrieved, TransientError, deliver, retrying
from parlearn.retrieve.logins import (
    EARTHDATA,
    AbsentError,
    AccessError,
    Login,
    RetrievalError,
    clean,
    redact,
)

# they tell whole addresses, which may be signed, and headers with cookies
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

#: a server that asks for a longer pause than this (s) is better asked again by the user
LONGEST_PAUSE = 120.0
#: answers worth asking again; all 5xx as well
TRANSIENT_STATUS = (408, 425, 429)
#: redirects followed; Earthdata takes four or five
HOPS = 12
#: NASA's archives, which take the bearer token themselves
NASA = (".earthdata.nasa.gov", ".earthdatacloud.nasa.gov", ".eosdis.nasa.gov")


@dataclass(frozen=True)
class Access:
    """A login, and the servers that may see it.

    Attributes
    ----------
    login : user and password, or a bearer token; None: as anybody
    server : scheme, host and port that alone get user and password
    trusted : ends of the names of hosts that get the token as well, over https; or whole servers
    advice : what to do where there is no login
    approve : what to do where the login is good and not enough
    """

    login: Login | None = None
    server: str = EARTHDATA
    trusted: tuple[str, ...] = NASA
    advice: str = "it needs a login"
    approve: str = "it needs a login, or its terms have not been accepted there"

    def headers(self, url) -> dict[str, str]:
        if self.login is None:
            return {}
        at_login = server_of(url) == self.server
        if at_login and self.login.user:
            pair = f"{self.login.user}:{self.login.password}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        if self.login.token and (at_login or self._trusts(url)):
            return {"Authorization": f"Bearer {self.login.token}"}
        return {}

    def _trusts(self, url):
        parts = urlsplit(str(url))
        return server_of(url) in self.trusted or (
            parts.scheme == "https" and (parts.hostname or "").endswith(self.trusted)
        )


def server_of(url) -> str:
    """Scheme, host and port of an address, the port only where it is not the usual one."""
    parts = urlsplit(str(url))
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"


def fetch(
    url, target, expected, *, access=None, attempts=6, backoff=1.0, timeout=60.0, client=None
) -> Retrieved:
    """Download one file; a target that is there and right is left as it is.

    Parameters
    ----------
    url, target : whence and whereto
    expected : :class:`parlearn.retrieve.checks.Expected`
    access : :class:`Access`, where a login is needed
    attempts, backoff : tries in all, on server errors (5xx), 429 (its Retry-After is kept), lost
        connections and bodies cut short; and the first pause (s), doubled at each try. Each try
        goes on where the last one stopped
    timeout : seconds without an answer or without data
    client : httpx.Client to share between files, which keeps the archive's cookies

    Raises
    ------
    RetrievalError
        naming the URL: refused or unknown (4xx), a web page in place of data, wrong size, checksum
        or format, or still failing after all tries; AccessError where the login is the cause.
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
            lambda part: _download(client, url, part, access or Access()),
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


def _download(client, url, part, access):
    """One try: append to what there is; the byte it started at."""
    offset = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    try:
        response = open_(client, url, headers, access)
        try:
            if response.status_code == 416:  # of what is whole already, or of another file
                return offset
            offset = _body_start(response, url, offset, access)
            _receive(response, url, part, offset)
            return offset
        finally:
            response.close()
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise TransientError(f"{type(error).__name__} ({redact(error)})") from None


def read_text(client, url, access, *, attempts=6, backoff=1.0) -> str:
    """A page or a small file as text; AbsentError where there is none."""

    def ask():
        try:
            response = open_(client, url, {}, access)
            try:
                _body_start(response, url, 0, access)
                return response.read().decode("utf-8", "replace")
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


def _receive(response, url, part, offset):
    refuse_page(response, url)
    chunks = response.iter_raw()
    first = next(chunks, b"")
    if offset == 0 and looks_like_page(first):
        raise web_page(clean(url))
    with open(part, "ab" if offset else "wb") as stream:
        stream.write(first)
        for chunk in chunks:
            stream.write(chunk)


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
