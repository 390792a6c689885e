"""Logins: where they are read from, and how they are kept out of all messages.

A login is given in the environment or in ``~/.netrc`` (or the file that NETRC names), never in a
configuration. Whatever may show an address goes through :func:`clean` or :func:`redact` first.
"""

import logging
import netrc
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

#: address of the login server of NASA's archives
EARTHDATA = "https://urs.earthdata.nasa.gov"


class RetrievalError(RuntimeError):
    """A file could not be had, or was not the file it should be."""


class AbsentError(RetrievalError):
    """There is no such file or folder."""


class AccessError(RetrievalError):
    """A login is missing, refused or not allowed to: no other file will come either."""


@dataclass(frozen=True)
class Login:
    """Who we are; secrets are not shown when it is printed."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    #: where it was found, to be told in errors
    origin: str = ""


@dataclass(frozen=True)
class Account:
    """A kind of login: where to get one, and under which names it is looked for."""

    name: str
    host: str
    environment: str
    register: str


#: kind of login in config/datasets.csv -> what it is; the host of TPDC is given for each request
ACCOUNTS = {
    "earthdata": Account(
        "Earthdata",
        "urs.earthdata.nasa.gov",
        "EARTHDATA",
        "register for free at https://urs.earthdata.nasa.gov/users/new",
    ),
    "gleam": Account(
        "GLEAM",
        "hydras.ugent.be",
        "GLEAM",
        "register for free at https://www.gleam.eu, which sends the account of its SFTP server",
    ),
    "tpdc": Account(
        "TPDC",
        "",
        "TPDC",
        "request the data for free at https://data.tpdc.ac.cn, which names a server and an account",
    ),
}


def find_login(kind: str, host: str = "") -> Login | None:
    """The user's login of a kind, from the environment or else from netrc; None if there is none.

    Raises
    ------
    AccessError
        where netrc cannot be read; its content is not told.
    """
    account = ACCOUNTS[kind]
    host = host or account.host
    if account.host and host != account.host:  # another server is not told what that one is
        return _from_netrc(host)
    user, password, token = (
        os.environ.get(f"{account.environment}_{name}", "")
        for name in ("USERNAME", "PASSWORD", "TOKEN")
    )
    token = token if kind == "earthdata" else ""
    if token or (user and password):
        return Login(user if password else "", password if user else "", token, "the environment")
    return _from_netrc(host)


def missing(kind: str, host: str = "") -> str:
    """What to do where there is no login of a kind."""
    account = ACCOUNTS[kind]
    names = f"{account.environment}_USERNAME and {account.environment}_PASSWORD"
    if kind == "earthdata":
        names += f" (or {account.environment}_TOKEN)"
    return (
        f"there is no {account.name} login: {account.register}; then write 'machine "
        f"{host or account.host or 'HOST'} login NAME password PASSWORD' into {netrc_path()} "
        f"(chmod 600) or set {names}"
    )


def netrc_path() -> Path:
    return Path(os.environ.get("NETRC") or Path.home() / ".netrc")


def _from_netrc(host):
    path = netrc_path()
    if not host or not path.is_file():
        return None
    try:
        found = netrc.netrc(path).hosts.get(host)
    except netrc.NetrcParseError as error:  # its message quotes the file
        raise AccessError(f"{path}, line {error.lineno}: is not as netrc files are") from None
    except (OSError, UnicodeError) as error:
        raise AccessError(f"{path} cannot be read ({type(error).__name__})") from None
    if not found or not found[0] or not found[2]:
        return None
    if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        log.warning("%s, which holds passwords, can be read by others: chmod 600 %s", path, path)
    return Login(found[0], found[2], origin=str(path))


def clean(url) -> str:
    """An address without user, password, query and fragment: any of them may be a secret."""
    text = str(url)
    parts = urlsplit(text)
    if not parts.scheme or not parts.netloc:
        return text.partition("?")[0]
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def redact(text, login: Login | None = None) -> str:
    """A message whose addresses are clean, and in which no secret of a login is left."""
    text = re.sub(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+", lambda m: clean(m.group()), str(text))
    if login is not None:
        for secret in filter(None, (login.password, login.token)):
            text = text.replace(secret, "***")
    return text


def refuse_login_in(url: str, what: str) -> None:
    """Raise where an address of a configuration carries a login, since configurations are kept."""
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise AccessError(
            f"{what}: the address {clean(url)} carries a login, a query or a part after #, and the "
            f"configuration is kept with the results: write the login into {netrc_path()}, and "
            "the address without it"
        )
