"""Files over SFTP, with the user's account: GLEAM.

Keys of servers: one that ``known_hosts`` has must be the one the server shows. One it does not have
is accepted at the first visit, with a warning that tells its fingerprint, and written down there
(``StrictHostKeyChecking=accept-new`` of OpenSSH): no fingerprint of GLEAM's server is known to us
that could be pinned here, and a change after the first visit is still noticed.
"""

import base64
import errno
import hashlib
import logging
import stat
import threading
from operator import methodcaller
from pathlib import Path, PurePosixPath

import paramiko

from parlearn.retrieve.account import AccountStore
from parlearn.retrieve.checks import PIECE
from parlearn.retrieve.delivery import TransientError
from parlearn.retrieve.logins import AbsentError, AccessError

log = logging.getLogger(__name__)
# it writes a traceback of its own where a connection is lost, which we tell in a line
logging.getLogger("paramiko").setLevel(logging.CRITICAL)

_FIRST_VISIT = threading.Lock()


class SftpStore(AccountStore):
    """Files below a folder of an SFTP server.

    Parameters, beside those of every such store
    ----------
    hint : what to do where the folder is not there
    known_hosts : file of known servers' keys, by default the user's own
    """

    scheme, port = "sftp", 22

    def __init__(self, base, login, *, hint="", known_hosts=None, **options):
        super().__init__(base, login, **options)
        self.hint = hint
        self.known_hosts = Path(known_hosts or Path.home() / ".ssh" / "known_hosts")

    def entries(self, folder):
        """(name, whether it is a folder, size) of what lies in a folder of the base."""
        path = f"{self.folder}/{folder}".rstrip("/")
        try:
            found = self._ask(lambda sftp: sftp.listdir_attr(path), path)
        except AbsentError as error:
            raise AbsentError(f"{error}. {self._nearest(path)}{self.hint}") from None
        for entry in sorted(found, key=lambda entry: entry.filename):
            yield entry.filename, stat.S_ISDIR(entry.st_mode or 0), entry.st_size

    def _nearest(self, path):
        """What lies in the last folder on the way to a path that there is."""
        for parent in map(str, PurePosixPath(path).parents):
            try:
                names = self._ask(methodcaller("listdir", parent), parent)
            except AbsentError:
                continue
            return f"{parent} has {', '.join(sorted(names)[:20])}. "
        return ""

    def _facts(self, sftp, path):
        """Size and date of a file."""
        told = sftp.stat(path)
        return told.st_size, told.st_mtime

    def _pieces(self, path, offset, size):
        remote = self._remote(lambda sftp: sftp.open(path, "rb"), path)
        remote.seek(offset)
        if size is not None:
            remote.prefetch(size, 64)  # asks for pieces ahead: else each takes a way there and back
        while piece := self._remote(lambda _: remote.read(PIECE // 4), path):
            yield piece
        remote.close()

    def _remote(self, action, path):
        """Something done at the server; its failures told apart, a lost connection forgotten."""
        try:
            return action(self._connected())
        except FileNotFoundError:
            raise AbsentError(f"{self._at(path)}: there is no such file or folder") from None
        except PermissionError:
            raise AccessError(f"{self._at(path)}: the account may not read it") from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            self._forget()
            raise TransientError(f"{type(error).__name__} ({error})") from None

    def _forget(self):
        if (client := getattr(self._own, "client", None)) is not None:
            client.close()
        self._own.client = self._own.sftp = None

    def _connected(self):
        if getattr(self._own, "sftp", None) is not None:
            return self._own.sftp
        server = self._at("")
        if self.login is None:
            raise AccessError(f"{server}: {self.advice}")
        client = paramiko.SSHClient()
        with _FIRST_VISIT:
            if self.known_hosts.is_file():
                client.load_system_host_keys(str(self.known_hosts))
            client.set_missing_host_key_policy(_AcceptNew(self.known_hosts))
            try:
                client.connect(
                    self.host,
                    self.port,
                    self.login.user,
                    self.login.password,
                    timeout=self.timeout,
                    banner_timeout=self.timeout,
                    auth_timeout=self.timeout,
                    allow_agent=False,
                    look_for_keys=False,
                )
            except paramiko.BadHostKeyException:
                client.close()
                raise AccessError(
                    f"{server}: the server shows another key than {self.known_hosts} has: it was "
                    "replaced, or somebody stands between. Ask its keepers, then remove the old "
                    "line"
                ) from None
            except paramiko.AuthenticationException:
                client.close()
                raise AccessError(
                    f"{server}: user name or password of {self.login.origin or 'the login'} are "
                    "refused: correct them; accounts may change when a new version comes out"
                ) from None
        self._all.append(client)
        client.get_transport().set_keepalive(30)
        self._own.client, self._own.sftp = client, client.open_sftp()
        self._own.sftp.get_channel().settimeout(self.timeout)
        return self._own.sftp


class _AcceptNew(paramiko.MissingHostKeyPolicy):
    def __init__(self, path):
        self.path = path

    def missing_host_key(self, client, hostname, key):
        fingerprint = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as stream:
                stream.write(f"{hostname} {key.get_name()} {key.get_base64()}\n")
            kept = f"now in {self.path}"
        except OSError as error:
            kept = f"{self.path} cannot be written: {errno.errorcode.get(error.errno, error)}"
        log.warning(
            "first visit to %s: its key %s SHA256:%s is accepted (%s)",
            hostname,
            key.get_name(),
            fingerprint,
            kept,
        )
