"""Files over FTP, over TLS where the server offers it: what TPDC gives for CMFD."""

import ftplib
import logging

from parlearn.retrieve.account import AccountStore
from parlearn.retrieve.checks import PIECE
from parlearn.retrieve.delivery import TransientError
from parlearn.retrieve.logins import AccessError, RetrievalError

log = logging.getLogger(__name__)


class FtpStore(AccountStore):
    """Files below a folder of an FTP server."""

    scheme, port = "ftp", 21

    def entries(self, folder):
        """(name, whether it is a folder, size) of what lies in a folder of the base."""
        path = f"{self.folder}/{folder}".rstrip("/") or "/"
        for name, facts in sorted(self._ask(lambda ftp: list(ftp.mlsd(path)), path)):
            if facts.get("type") in ("file", "dir"):
                size = facts.get("size", "")
                yield name, facts["type"] == "dir", int(size) if size.isdigit() else None

    def _facts(self, ftp, path):
        """Size and date of a file; a server need not tell the date (RFC 3659, MDTM)."""
        try:
            date = ftp.sendcmd(f"MDTM {path}").partition(" ")[2].strip()
        except ftplib.error_perm:
            date = ""
        return ftp.size(path), date

    def _pieces(self, path, offset, size):
        data = self._remote(lambda ftp: ftp.transfercmd(f"RETR {path}", offset or None), path)
        with data:
            while piece := self._remote(lambda _: data.recv(PIECE), path):
                offset += len(piece)
                yield piece
        if size is None or offset >= size:
            self._remote(lambda ftp: ftp.voidresp(), path)

    def _remote(self, action, path):
        """Something done at the server; its failures told apart, a lost connection forgotten."""
        try:
            return action(self._connected())
        except ftplib.error_perm as error:
            self._forget()
            code = str(error)[:3]
            if code == "530":
                raise AccessError(
                    f"{self._at(path)}: user name or password of "
                    f"{self.login.origin or 'the login'} are refused: correct them; accounts of "
                    "TPDC end some time after the request"
                ) from None
            raise RetrievalError(
                f"{self._at(path)}: the server answers {code}: there is no such file or folder, or "
                "it may not be read"
            ) from None
        except (ftplib.Error, EOFError, OSError) as error:
            self._forget()
            raise TransientError(type(error).__name__) from None

    def _forget(self):
        if (ftp := getattr(self._own, "ftp", None)) is not None:
            ftp.close()
        self._own.ftp = None

    def _connected(self):
        if getattr(self._own, "ftp", None) is None:
            if self.login is None:
                raise AccessError(f"{self._at('')}: {self.advice}")
            ftp = ftplib.FTP_TLS(timeout=self.timeout)
            ftp.connect(self.host, self.port)
            try:
                ftp.auth()
                secure = True
            except ftplib.error_perm:
                log.warning("%s has no TLS: the login goes over in the clear", self._at(""))
                secure = False
            ftplib.FTP.login(ftp, self.login.user, self.login.password)
            if secure:
                ftp.prot_p()
            ftp.voidcmd("TYPE I")
            self._own.ftp = ftp
            self._all.append(ftp)
        return self._own.ftp
