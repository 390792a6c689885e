"""Logins over HTTP: an archive, a login server and a foreign store, all on the loopback address."""

import base64
import logging
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import h5py
import httpx
import pytest

from parlearn.retrieve.checks import Expected
from parlearn.retrieve.http import Access, fetch, probe
from parlearn.retrieve.logins import (
    AccessError,
    Login,
    RetrievalError,
    clean,
    find_login,
    missing,
    redact,
    refuse_login_in,
)

USER, PASSWORD, TOKEN, SIGNATURE = "somebody", "hunter2%&", "t0k3n-abc", "5ign4ture"
SECRETS = (PASSWORD, TOKEN, SIGNATURE, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())
QUICK = {"backoff": 0.001, "attempts": 3}
APPROVE = "approve 'NASA GESDISC DATA ARCHIVE'"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        self.server.answer(self)

    def log_message(self, *args):
        """Keep quiet."""

    def send(self, status, body=b"", **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def world(tmp_path):
    """Archive, login server and store, behaving as those of Earthdata do."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = 1.0
    data = (tmp_path / "a.h5").read_bytes()
    world = SimpleNamespace(data=data, login_page=None, deny=False, good=f"Bearer {TOKEN}")

    def archive(handler):
        if handler.headers.get("Authorization") == world.good or "session" in (
            handler.headers.get("Cookie") or ""
        ):
            place = f"{world.store.url}{handler.path}?X-Amz-Signature={SIGNATURE}"
            handler.send(302, Location=place)
        elif handler.path.startswith("/data-redirect"):
            asked = parse_qs(urlsplit(handler.path).query)
            handler.send(302, Location=asked["state"][0], Set_Cookie=f"session={SIGNATURE}")
        elif handler.headers.get("Authorization"):
            handler.send(401)
        else:
            place = f"{world.login.url}/oauth/authorize?client_id=x&state={handler.path}"
            handler.send(302, Location=place)

    def login(handler):
        state = parse_qs(urlsplit(handler.path).query)["state"][0]
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if handler.headers.get("Authorization") != f"Basic {pair}":
            handler.send(401, b"<html>log in", Content_Type="text/html")
        elif world.login_page:
            handler.send(200, world.login_page, Content_Type="text/html")
        elif world.deny:
            place = f"{world.archive.url}/data-redirect?error=access_denied&state={state}"
            handler.send(302, Location=place)
        else:
            place = f"{world.archive.url}/data-redirect?code={SIGNATURE}&state={state}"
            handler.send(302, Location=place)

    def store(handler):
        handler.send(200, data, Content_Type="application/x-hdf")

    threads = []
    for name, answer in {"archive": archive, "login": login, "store": store}.items():
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.answer, server.seen = answer, []
        server.url = f"http://127.0.0.1:{server.server_port}"
        threads.append(threading.Thread(target=server.serve_forever, args=(0.01,)))
        threads[-1].start()
        setattr(world, name, server)
    yield world
    for server, thread in zip((world.archive, world.login, world.store), threads):
        server.shutdown()
        thread.join()
        server.server_close()


def access(world, **login):
    return Access(
        Login(**login, origin="netrc") if login else None,
        server=world.login.url,
        trusted=(world.archive.url,),
        advice="there is no Earthdata login",
        approve=APPROVE,
    )


def get(world, target, **login):
    url = f"{world.archive.url}/a.h5"
    return fetch(
        url, target, Expected(format="HDF5"), access=access(world, **login), timeout=5.0, **QUICK
    )


def told(caplog, *texts):
    """Everything that anybody could read, together."""
    return "\n".join([caplog.text, *map(str, texts), *(repr(text) for text in texts)])


def test_password_goes_to_the_login_server_alone(world, tmp_path, caplog):
    with caplog.at_level(logging.DEBUG):
        got = get(world, tmp_path / "b.h5", user=USER, password=PASSWORD)
    assert (tmp_path / "b.h5").read_bytes() == world.data
    assert [key for _, key in world.login.seen if key]
    assert not [key for _, key in world.archive.seen + world.store.seen if key]
    assert got.origin == f"{world.archive.url}/a.h5"
    assert not [s for s in SECRETS if s in told(caplog, got)]


def test_one_login_serves_many_files(world, tmp_path):
    with httpx.Client() as client:
        for name in ("b.h5", "c.h5"):
            way = access(world, user=USER, password=PASSWORD)
            fetch(
                f"{world.archive.url}/{name}",
                tmp_path / name,
                Expected(format="HDF5"),
                access=way,
                client=client,
                **QUICK,
            )
    assert len(world.login.seen) == 1


def test_token_never_leaves_the_archive(world, tmp_path, caplog):
    with caplog.at_level(logging.DEBUG):
        got = get(world, tmp_path / "b.h5", token=TOKEN)
    assert [key for _, key in world.archive.seen] == [f"Bearer {TOKEN}"]
    assert [key for _, key in world.store.seen] == [None]
    assert not [s for s in SECRETS if s in told(caplog, got)]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://data.gesdisc.earthdata.nasa.gov/a", True),
        ("https://data.lpdaac.earthdatacloud.nasa.gov/a", True),
        ("https://urs.earthdata.nasa.gov/oauth", True),
        ("http://data.gesdisc.earthdata.nasa.gov/a", False),  # in the clear
        ("https://earthdata.nasa.gov.example.org/a", False),
        ("https://evilearthdata.nasa.gov.org/a", False),
        ("https://d1.cloudfront.net/a", False),
        ("https://earthdata.nasa.gov@example.org/a", False),
    ],
)
def test_hosts_that_see_the_token(url, expected):
    assert bool(Access(Login(token=TOKEN)).headers(url)) == expected


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ({}, "there is no Earthdata login"),
        ({"user": USER, "password": "wrong"}, "user name, password or token of netrc are refused"),
        ({"token": "expired"}, "HTTP 401 Unauthorized: the login of netrc is refused"),
    ],
)
def test_logins_that_do_not_work(world, tmp_path, caplog, login, words):
    with caplog.at_level(logging.DEBUG), pytest.raises(AccessError, match=words) as caught:
        get(world, tmp_path / "b.h5", **login)
    assert len(world.archive.seen) == 1  # not tried again: accounts get locked
    assert not [s for s in (*SECRETS, "wrong", "expired") if s in told(caplog, caught.value)]
    assert not (tmp_path / "b.h5").exists()


@pytest.mark.parametrize("way", ["page", "denied"])
def test_an_application_not_approved_is_named(world, tmp_path, caplog, way):
    world.login_page = b"<html>Authorize application" if way == "page" else None
    world.deny = way == "denied"
    with pytest.raises(AccessError, match=APPROVE) as caught:
        get(world, tmp_path / "b.h5", user=USER, password=PASSWORD)
    assert not [s for s in SECRETS if s in told(caplog, caught.value)]


def test_secrets_of_addresses_are_not_told(world, tmp_path, caplog):
    """A user and password in the address, a token in its query, and every kind of trouble."""
    answers = {
        "401": lambda handler: handler.send(401),
        "403": lambda handler: handler.send(403),
        "404": lambda handler: handler.send(404),
        "500": lambda handler: handler.send(500),
        "page": lambda handler: handler.send(200, b"<html>", Content_Type="text/html"),
        "bad": lambda handler: handler.send(200, b"no HDF5"),
        "round": lambda handler: handler.send(302, Location=handler.path),
        "port": lambda handler: handler.send(302, Location="http://x:port/a.h5"),
        "none": lambda handler: handler.send(302, Location=f"gopher://x/?token={TOKEN}"),
        "cut": lambda handler: handler.connection.close(),
    }
    port = world.store.server_port
    url = f"http://{USER}:hunter2@127.0.0.1:{port}/a.h5?token={TOKEN}"
    for world.store.answer in answers.values():
        with caplog.at_level(logging.DEBUG), pytest.raises(RetrievalError) as caught:
            fetch(url, tmp_path / "b.h5", Expected(format="HDF5"), timeout=5.0, **QUICK)
        text = told(caplog, caught.value, caught.value.__cause__, caught.value.__context__)
        assert f"127.0.0.1:{port}/a.h5" in text or "//x" in text
        assert not [s for s in (TOKEN, "hunter2") if s in text]


def test_probe_asks_for_a_byte(world):
    with httpx.Client() as client:
        url = f"{world.archive.url}/a.h5"
        size = probe(client, url, access(world, user=USER, password=PASSWORD), **QUICK)
        assert size == len(world.data)
        with pytest.raises(AccessError, match="no Earthdata login"):
            probe(httpx.Client(), url, access(world), **QUICK)
        world.store.answer = lambda handler: handler.send(200, b"x", Content_Type="text/html")
        with pytest.raises(RetrievalError, match="a web page"):
            probe(client, url, access(world, user=USER, password=PASSWORD), **QUICK)


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    """A user without any login; the path of their netrc."""
    for name in ("USERNAME", "PASSWORD", "TOKEN"):
        for kind in ("EARTHDATA", "GLEAM", "TPDC"):
            monkeypatch.delenv(f"{kind}_{name}", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return tmp_path / "netrc"


def test_login_from_netrc_and_environment(nobody, monkeypatch):
    assert find_login("earthdata") is None
    nobody.write_text(
        "machine urs.earthdata.nasa.gov login me password secret1\n"
        "machine ftp.example.org login you password secret2\n"
        "default login anybody password secret3\n"
    )
    login = find_login("earthdata")
    assert (login.user, login.password, login.token) == ("me", "secret1", "")
    assert "secret1" not in repr(login)
    assert str(nobody) in repr(login)
    assert find_login("gleam") is None  # the default entry is for nobody in particular
    assert find_login("tpdc", "ftp.example.org").password == "secret2"
    monkeypatch.setenv("EARTHDATA_TOKEN", TOKEN)
    login = find_login("earthdata")
    assert (login.token, login.origin) == (TOKEN, "the environment")
    assert TOKEN not in repr(login)
    monkeypatch.setenv("GLEAM_USERNAME", "me")
    assert find_login("gleam") is None
    monkeypatch.setenv("GLEAM_PASSWORD", "secret4")
    assert find_login("gleam").password == "secret4"


def test_a_netrc_that_others_can_read_is_told(nobody, caplog):
    nobody.write_text("machine urs.earthdata.nasa.gov login me password secret1\n")
    nobody.chmod(0o600)
    find_login("earthdata")
    assert not caplog.records
    for mode in (0o644, 0o640):
        caplog.clear()
        nobody.chmod(mode)
        assert find_login("earthdata").password == "secret1"
        (told,) = (record.getMessage() for record in caplog.records)
        assert told == (
            f"{nobody}, which holds passwords, can be read by others: chmod 600 {nobody}"
        )


def test_a_broken_netrc_is_not_quoted(nobody):
    nobody.write_text("machine urs.earthdata.nasa.gov login me\nsecret1 password\n")
    with pytest.raises(AccessError, match="netrc, line 2") as caught:
        find_login("earthdata")
    assert "secret1" not in told(SimpleNamespace(text=""), caught.value, caught.value.__cause__)


def test_no_login_says_where_to_get_one(nobody):
    assert re.match(r"there is no Earthdata login: .*EARTHDATA_TOKEN", missing("earthdata"))
    assert re.search(r"machine hydras.ugent.be .*GLEAM_USERNAME", missing("gleam"))
    assert re.search(r"machine ftp.example.org .*TPDC_PASSWORD", missing("tpdc", "ftp.example.org"))


def test_addresses_are_cleaned():
    assert clean("https://u:p@host:8/a/b?token=x#y") == "https://host:8/a/b"
    assert clean("data/a.nc") == "data/a.nc"
    login = Login("u", "pa ss", "tok")
    text = "at ftp://u:p@h/x?y=z, with pa ss and tok"
    assert redact(text, login) == "at ftp://h/x with *** and ***"
    for url in (
        "ftp://u:p@h/x",
        "https://h/x?token=s3cret",
        "https://h/x#s3cret",
        "sftp://h#s3cret",
    ):
        with pytest.raises(AccessError, match=r"cmfd: .*carries a login") as caught:
            refuse_login_in(url, "cmfd")
        assert url not in str(caught.value)
        assert "s3cret" not in str(caught.value)
    refuse_login_in("https://host/a", "cmfd")
