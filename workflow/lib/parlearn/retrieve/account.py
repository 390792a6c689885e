"""What servers with accounts have in common: files below a folder, a connection for each thread."""

import threading
import time
from urllib.parse import unquote, urlsplit

from parlearn.retrieve.delivery import (
    LARGEST,
    Retrieved,
    TransientError,
    deliver,
    limited,
    retrying,
)
from parlearn.retrieve.logins import Login, RetrievalError, clean


class AccountStore:
    """Files below a folder of a server; each thread has a connection of its own.

    A server of one kind says how its files are seen and fetched: ``_facts`` (size and date, where
    it tells them), ``_pieces`` and ``_remote``, which tells what may be tried again
    (``TransientError``) from what may not.

    Parameters
    ----------
    base : ``SCHEME://host:port/folder``
    login : :class:`parlearn.retrieve.logins.Login`, needed when something is asked for
    advice : what to do where there is no login
    """

    scheme: str
    port: int

    def __init__(
        self,
        base,
        login: Login | None,
        *,
        advice="it needs a login",
        timeout=60.0,
        attempts=6,
        backoff=1.0,
        clock=time.monotonic,
    ):
        parts = urlsplit(base)
        self.base, self.login, self.timeout = base.rstrip("/"), login, timeout
        self.host, self.port = parts.hostname, parts.port or self.port
        self.folder = unquote(parts.path).rstrip("/")
        self.advice, self.attempts, self.backoff, self.clock = advice, attempts, backoff, clock
        self._own, self._all = threading.local(), []

    def sums(self) -> str:
        """Servers of this kind give no checksums."""
        return ""

    def address(self, path) -> str:
        return f"{self.base}/{path}"

    def get(self, url, target, expected) -> Retrieved:
        path = unquote(urlsplit(url).path)
        return deliver(
            clean(url),
            target,
            expected,
            lambda part: self._download(path, part),
            attempts=self.attempts,
            backoff=self.backoff,
        )

    def probe(self, url) -> int | None:
        path = unquote(urlsplit(url).path)
        return self._ask(lambda connected: self._facts(connected, path)[0], path)

    def close(self):
        for connected in self._all:
            connected.close()

    def _ask(self, question, path):
        what = self._at(path)
        try:
            return retrying(what, self.attempts, self.backoff)(self._remote, question, path)
        except TransientError as error:
            raise RetrievalError(f"{what}: {error}: run again later") from None

    def _at(self, path):
        return f"{self.scheme}://{self.host}:{self.port}{path}"

    def _download(self, path, part):
        """One try: append to what there is of the same file; the byte it started at."""
        size, date = self._remote(lambda connected: self._facts(connected, path), path)
        sign = f"{size} {date}" if date else ""
        # a part without a sign of its own is gone on from for its checksum's sake
        offset = part.offset if part.sign in ("", sign) else 0
        if size is not None and offset > size:
            offset = 0
        if not offset:
            part.begin(sign)
        most = LARGEST if size is None else size - offset
        pieces = limited(self._pieces(path, offset, size), most, self._at(path), clock=self.clock)
        try:
            with open(part.path, "ab") as stream:
                for piece in pieces:
                    stream.write(piece)
            if size is not None and part.size < size:
                raise TransientError(f"the connection ended after {part.size} of {size} bytes")
        except (RetrievalError, TransientError):
            self._forget()  # the server may still be sending
            raise
        return offset
