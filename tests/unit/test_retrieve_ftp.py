"""FTP against a small server on the loopback address, without TLS as TPDC's may be."""

import contextlib
import hashlib
import logging
import socket
import socketserver
import threading
from datetime import datetime

import pytest

from parlearn.retrieve import stores
from parlearn.retrieve.checks import Expected
from parlearn.retrieve.ftp import FtpStore
from parlearn.retrieve.logins import AccessError, Login, RetrievalError

NAME = "temp_CMFD_V0106_B-01_03hr_010deg_201001.nc"
DATA = b"CDF\x01" + bytes(range(256)) * 2000
RIGHT = Expected.sha256(hashlib.sha256(DATA).hexdigest(), len(DATA))
GOOD = Login("me", "s3cret", origin="netrc")


class Session(socketserver.StreamRequestHandler):
    """As much of RFC 959 and 3659 as is needed; a data connection is cut at ``server.limits``."""

    def handle(self):
        self.server.visits.append(self.client_address)
        self.data, self.rest, self.user = None, 0, ""
        self.say("220 ready")
        for line in self.rfile:
            word, _, rest = line.decode().strip().partition(" ")
            getattr(self, f"on_{word.lower()}", lambda _: self.say("502 not here"))(rest)

    def say(self, text):
        with contextlib.suppress(OSError):
            self.wfile.write(f"{text}\r\n".encode())

    def on_user(self, name):
        self.user = name
        self.say("331 password")

    def on_pass(self, password):
        good = (self.user, password) == (GOOD.user, GOOD.password)
        self.say("230 in" if good else "530 Login incorrect")

    def on_type(self, _):
        self.say("200 binary")

    def on_rest(self, offset):
        self.rest = int(offset)
        self.server.offsets.append(self.rest)
        self.say("350 go on")

    def on_epsv(self, _):
        self.data = socket.create_server(("127.0.0.1", 0))
        self.say(f"229 here (|||{self.data.getsockname()[1]}|)")

    def on_pasv(self, _):
        self.data = socket.create_server(("127.0.0.1", 0))
        port = self.data.getsockname()[1]
        self.say(f"227 here (127,0,0,1,{port >> 8},{port & 255})")

    def on_size(self, path):
        file = self.server.folder / path.lstrip("/")
        self.say(f"213 {file.stat().st_size}" if file.is_file() else "550 none")

    def on_mdtm(self, _):
        self.say(f"213 {self.server.date}" if self.server.date else "502 not here")

    def on_mlsd(self, path):
        folder = self.server.folder / path.lstrip("/")
        if not folder.is_dir():
            self.say("550 none")
            return
        lines = [
            f"type={'dir' if one.is_dir() else 'file'};size={one.stat().st_size}; {one.name}\r\n"
            for one in folder.iterdir()
        ]
        self.send("".join(lines).encode())

    def on_retr(self, path):
        content = (self.server.folder / path.lstrip("/")).read_bytes()[self.rest :]
        self.rest = 0
        self.send(content[: self.server.limits.pop(0)] if self.server.limits else content)

    def send(self, content):
        self.say("150 coming")
        with self.data.accept()[0] as connection:
            connection.sendall(content)
        self.data.close()
        self.say("226 done")


@pytest.fixture
def server(tmp_path):
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        folder, limits, offsets, visits = tmp_path / "server", [], [], []
        date = ""

    (Server.folder / "Data_forcing_03hr_010deg" / "Temp").mkdir(parents=True)
    (Server.folder / "Data_forcing_03hr_010deg" / "Temp" / NAME).write_bytes(DATA)
    server = Server(("127.0.0.1", 0), Session)
    server.url = f"ftp://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def opened(server, login=GOOD):
    return FtpStore(server.url, login, timeout=10.0, attempts=3, backoff=0.001)


def address(server):
    return f"{server.url}/Data_forcing_03hr_010deg/Temp/{NAME}"


def test_files_are_found_and_fetched(server, tmp_path, caplog):
    store = opened(server)
    times = datetime(2010, 1, 1), datetime(2010, 2, 1)
    (found,) = stores.found_in(store, "cmfd", times)
    assert (found.name, found.url, found.size) == (NAME, address(server), len(DATA))
    assert store.probe(found.url) == len(DATA)
    store.get(found.url, tmp_path / NAME, RIGHT)
    store.close()
    assert (tmp_path / NAME).read_bytes() == DATA
    assert "has no TLS: the login goes over in the clear" in caplog.text
    assert len(server.visits) == 1


def test_a_cut_connection_is_resumed(server, tmp_path):
    server.limits = [200_000]
    opened(server).get(address(server), tmp_path / NAME, RIGHT)
    assert (tmp_path / NAME).read_bytes() == DATA
    assert server.offsets == [200_000]


@pytest.mark.parametrize(
    ("before", "now", "offsets"),
    [("20100101", "20100101", [200_000]), ("20100101", "20100202", []), ("", "", [])],
)
def test_only_the_same_file_is_resumed(server, tmp_path, before, now, offsets):
    """Of neither a checksum is known: by its date, or not at all."""
    server.limits, server.date = [200_000], before
    one_try = FtpStore(server.url, GOOD, timeout=10.0, attempts=1)
    with pytest.raises(RetrievalError, match=r"ended after 200000 of 512004 bytes"):
        one_try.get(address(server), tmp_path / NAME, Expected(len(DATA)))
    changed = DATA[::-1]
    if before != now:
        file = server.folder / "Data_forcing_03hr_010deg" / "Temp" / NAME
        file.write_bytes(changed)
    server.date = now
    opened(server).get(address(server), tmp_path / NAME, Expected(len(DATA)))
    assert (tmp_path / NAME).read_bytes() == (DATA if before == now else changed)
    assert server.offsets == offsets
    assert sorted(path.name for path in tmp_path.iterdir()) == ["server", NAME]


def test_always_cut(server, tmp_path):
    server.limits = [0, 0, 0]
    with pytest.raises(RetrievalError, match=r"ended after 0 of 512004 bytes, 3 times"):
        opened(server).get(address(server), tmp_path / NAME, RIGHT)


def test_a_wrong_password(server, tmp_path, caplog):
    login = Login("me", "0ld-one", origin="netrc")
    with caplog.at_level(logging.DEBUG), pytest.raises(AccessError) as caught:
        opened(server, login).get(address(server), tmp_path / NAME, RIGHT)
    assert "user name or password of netrc are refused" in str(caught.value)
    assert "0ld-one" not in str(caught.value) + caplog.text
    assert len(server.visits) == 1


def test_a_missing_file(server, tmp_path):
    with pytest.raises(RetrievalError, match=r"/no.nc: the server answers 550: there is no such"):
        opened(server).get(f"{server.url}/no.nc", tmp_path / NAME, RIGHT)
