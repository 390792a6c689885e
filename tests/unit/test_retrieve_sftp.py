"""SFTP against a real server of paramiko on the loopback address and a temporary folder."""

import hashlib
import logging
import os
import resource
import socket
import threading

import h5py
import paramiko
import pytest

from parlearn.retrieve.checks import Expected
from parlearn.retrieve.logins import AccessError, Login, RetrievalError
from parlearn.retrieve.sftp import SftpStore

DATA = bytes(range(256)) * 3000
RIGHT = Expected.sha256(hashlib.sha256(DATA).hexdigest(), len(DATA))
GOOD = Login("gleamuser", "s3cret", origin="netrc")


class Doors(paramiko.ServerInterface):
    def check_auth_password(self, username, password):
        good = (username, password) == (GOOD.user, GOOD.password)
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def get_allowed_auths(self, username):
        return "password"


class Files(paramiko.SFTPServerInterface):
    """Read-only files of a folder; a reading past ``limit`` bytes cuts the connection."""

    def __init__(self, server, place, *args):
        super().__init__(server)
        self.place = place

    def _path(self, path):
        return self.place.folder / path.lstrip("/")

    def list_folder(self, path):
        try:
            return [
                paramiko.SFTPAttributes.from_stat(entry.stat(), entry.name)
                for entry in os.scandir(self._path(path))
            ]
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    def stat(self, path):
        try:
            return paramiko.SFTPAttributes.from_stat(self._path(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    def open(self, path, flags, attr):
        try:
            handle = Handle(flags)
            handle.readfile = open(self._path(path), "rb")  # noqa: SIM115 - the handle closes it
            handle.place = self.place
            return handle
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)


class Handle(paramiko.SFTPHandle):
    def read(self, offset, length):
        self.place.offsets.append(offset)
        if self.place.limits and offset >= self.place.limits[0]:
            self.place.limits.pop(0)
            self.place.cut()
        return super().read(offset, length)


class Place:
    """A server; ``limits`` are offsets at which connections are cut, one after the other."""

    def __init__(self, folder):
        self.folder, self.limits, self.offsets, self.transports = folder, [], [], []
        self.key = paramiko.ECDSAKey.generate()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"sftp://127.0.0.1:{self.port}"

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files, self)
            self.transports.append(transport)
            try:
                transport.start_server(server=Doors())
            except (paramiko.SSHException, EOFError):
                continue

    def cut(self):
        self.transports[-1].sock.shutdown(socket.SHUT_RDWR)

    def close(self):
        if self.socket.fileno() < 0:
            return
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for transport in self.transports:
            transport.close()
        self.thread.join(5)


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "server"
    (folder / "data/v3.7a/daily/2015").mkdir(parents=True)
    (folder / "data/v3.7a/daily/2015/E_2015_GLEAM_v3.7a.nc").write_bytes(DATA)
    place = Place(folder)
    yield place
    place.close()


@pytest.fixture
def opened(place, tmp_path):
    stores = []

    def make(folder="/data/v3.7a/daily", login=GOOD, **options):
        options = {"known_hosts": tmp_path / "known", "attempts": 3, "backoff": 0.001} | options
        stores.append(SftpStore(place.url + folder, login, timeout=10.0, **options))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def get(store, target, expected=RIGHT):
    return store.get(store.address("2015/E_2015_GLEAM_v3.7a.nc"), target, expected)


def test_folders_are_listed_and_files_come(place, opened, tmp_path):
    store = opened()
    assert list(store.entries("")) == [("2015", True, pytest.approx(4096, abs=1e6))]
    assert list(store.entries("2015/")) == [("E_2015_GLEAM_v3.7a.nc", False, len(DATA))]
    got = get(store, tmp_path / "a.nc")
    assert (tmp_path / "a.nc").read_bytes() == DATA
    assert got.origin == f"{place.url}/data/v3.7a/daily/2015/E_2015_GLEAM_v3.7a.nc"
    assert store.probe(store.address("2015/E_2015_GLEAM_v3.7a.nc")) == len(DATA)
    place.offsets.clear()
    get(store, tmp_path / "a.nc")
    assert place.offsets == []  # it was there


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_cut_connection_is_resumed(place, opened, tmp_path):
    place.limits = [400_000]
    get(opened(), tmp_path / "a.nc")
    assert (tmp_path / "a.nc").read_bytes() == DATA
    assert len(place.transports) == 2
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_killed_download_is_resumed(place, opened, tmp_path):
    (tmp_path / ".a.nc.part").write_bytes(DATA[:500_000])
    get(opened(), tmp_path / "a.nc")
    assert (tmp_path / "a.nc").read_bytes() == DATA
    assert min(place.offsets) == 500_000


@pytest.mark.parametrize("old", [b"other" * 1000, b"x" * (len(DATA) + 1)])
def test_a_part_of_another_file_is_thrown_away(place, opened, tmp_path, old):
    (tmp_path / ".a.nc.part").write_bytes(old)
    get(opened(), tmp_path / "a.nc")
    assert (tmp_path / "a.nc").read_bytes() == DATA


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_without_a_checksum_the_same_file_is_told_by_its_date(place, opened, tmp_path, changed):
    file = place.folder / "data/v3.7a/daily/2015/E_2015_GLEAM_v3.7a.nc"
    place.limits = [400_000]
    with pytest.raises(RetrievalError, match="Run again later"):
        get(opened(attempts=1), tmp_path / "a.nc", Expected(len(DATA)))
    part = tmp_path / ".a.nc.part"
    # the connection may be cut before the first of what was sent has been read
    kept = part.is_file() and part.stat().st_size > 0
    if changed:
        file.write_bytes(DATA[::-1])
        os.utime(file, (1e9, 1e9))
    place.offsets.clear()
    get(opened(), tmp_path / "a.nc", Expected(len(DATA)))
    assert (tmp_path / "a.nc").read_bytes() == file.read_bytes()
    assert (min(place.offsets) > 0) == (kept and not changed)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


# of paramiko's thread that reads ahead
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_connection_that_is_always_cut_ends_with_its_cause(place, opened, tmp_path):
    place.limits = [0, 0, 0]
    with pytest.raises(RetrievalError, match="E_2015.*3 times. Run again later"):
        get(opened(), tmp_path / "a.nc")
    assert not (tmp_path / "a.nc").exists()


def test_a_wrong_password_is_told_once_and_not_shown(place, opened, tmp_path, caplog):
    login = Login("gleamuser", "0ld-password", origin="/home/me/.netrc")
    with caplog.at_level(logging.DEBUG), pytest.raises(AccessError) as caught:
        get(opened(login=login), tmp_path / "a.nc")
    assert "user name or password of /home/me/.netrc are refused" in str(caught.value)
    assert len(place.transports) == 1
    assert "0ld-password" not in caplog.text + str(caught.value)


def test_a_missing_folder_says_that_versions_change(opened):
    hint = "The server may offer other versions only"
    with pytest.raises(
        RetrievalError, match=rf"/data/v3.8a/daily: there is no such .* /data has v3.7a. {hint}"
    ):
        list(opened("/data/v3.8a/daily", hint=hint).entries(""))


def test_a_wrong_file_is_refused(opened, tmp_path):
    with pytest.raises(RetrievalError, match="not a file of netCDF"):
        get(opened(), tmp_path / "a.nc", Expected(format="netCDF"))
    assert not list(tmp_path.glob("*a.nc*"))


def test_a_good_netcdf_is_known_without_checksum(place, opened, tmp_path):
    with h5py.File(place.folder / "data/v3.7a/daily/2015/b.nc", "w") as file:
        file["a"] = 1.0
    store = opened()
    store.get(store.address("2015/b.nc"), tmp_path / "b.nc", Expected(format="netCDF"))
    assert (tmp_path / "b.nc").is_file()


def test_no_server_is_tried_again_and_told(opened, place):
    place.close()
    with pytest.raises(RetrievalError, match="NoValidConnectionsError"):
        list(opened().entries(""))


def test_a_disk_that_is_full_leaves_nothing(opened, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    store = opened()
    list(store.entries(""))  # its key is written down before there is no room
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(OSError, match=rf"cannot write {tmp_path}/a.nc"):
            get(store, tmp_path / "a.nc")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.glob("*a.nc*"))


def test_a_key_is_accepted_once_and_then_held_to(place, opened, tmp_path, caplog):
    known = tmp_path / "ssh" / "known_hosts"
    list(opened(known_hosts=known).entries(""))
    assert f"first visit to [127.0.0.1]:{place.port}" in caplog.text
    assert place.key.fingerprint in caplog.text  # as ssh-keygen -l shows it
    before = known.read_text()
    assert place.key.get_base64() in before
    caplog.clear()
    list(opened(known_hosts=known).entries(""))
    assert "first visit" not in caplog.text
    place.key = paramiko.ECDSAKey.generate()
    with pytest.raises(AccessError, match="another key than .*known_hosts has"):
        list(opened(known_hosts=known).entries(""))
    assert known.read_text() == before


def test_each_thread_has_its_own_connection(place, opened, tmp_path):
    store = opened()
    jobs = [threading.Thread(target=get, args=(store, tmp_path / f"{k}.nc")) for k in range(3)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(30)
    assert all((tmp_path / f"{k}.nc").read_bytes() == DATA for k in range(3))
    assert len(place.transports) == 3
