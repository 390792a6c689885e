"""Which servers may see a login over HTTP."""

import base64
from dataclasses import dataclass
from urllib.parse import urlsplit

from parlearn.retrieve.logins import EARTHDATA, Login

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
