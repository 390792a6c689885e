"""Folders and addresses a product can be pointed at; fetching side by side; the preflight."""

import functools
import hashlib
import logging
import os
import shutil
import threading
from datetime import datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import h5py
import pytest

from parlearn.retrieve import preflight, stores, transfer
from parlearn.retrieve.checks import Expected
from parlearn.retrieve.listing import Listed, ListingError
from parlearn.retrieve.logins import AccessError, Login, RetrievalError
from parlearn.retrieve.mirror import FolderStore
from parlearn.retrieve.web import HttpStore

TIMES = datetime(2015, 4, 1), datetime(2015, 4, 30)
NAMES = [f"SMAP_L3_SM_P_E_201504{day:02d}_R18290_001.h5" for day in (1, 2, 3)]
HDF5 = Expected(format="HDF5")


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    for kind in ("EARTHDATA", "GLEAM", "TPDC"):
        for name in ("USERNAME", "PASSWORD", "TOKEN"):
            monkeypatch.delenv(f"{kind}_{name}", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.fixture
def folder(tmp_path):
    """A product's files as a user may have put them, with others beside them."""
    folder = tmp_path / "archive"
    for k, name in enumerate(NAMES):
        place = folder / "2015" / f"2015.04.{k + 1:02d}"
        place.mkdir(parents=True)
        with h5py.File(place / name, "w") as file:
            file["a"] = k
    (folder / "2014").mkdir()
    (folder / "2014" / NAMES[0]).write_bytes(b"not looked into")
    (folder / "readme.txt").write_text("hello")
    return folder


@pytest.fixture
def serve():
    """Start a plain web server for a folder; its address."""
    running = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            """Keep quiet."""

    def start(folder):
        server = ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_folder_is_looked_through(folder):
    found = list(stores.found_in(FolderStore(folder), "smap", TIMES))
    assert [one.name for one in found] == NAMES
    assert found[0].url == f"2015/2015.04.01/{NAMES[0]}"
    assert found[0].size == (folder / found[0].url).stat().st_size
    assert {one.algorithm for one in found} == {""}


def test_a_servers_pages_are_looked_through(folder, serve):
    address = serve(folder)
    store = HttpStore(address, attempts=2, backoff=0.001)
    found = list(stores.found_in(store, "smap", TIMES))
    assert [(one.name, one.url) for one in found] == [
        (name, f"{address}/2015/2015.04.{k + 1:02d}/{name}") for k, name in enumerate(NAMES)
    ]


def test_a_places_own_checksums_are_taken(folder, serve):
    path = f"2015/2015.04.02/{NAMES[1]}"
    digest = hashlib.sha256((folder / path).read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  {path}\n")
    store = HttpStore(serve(folder), attempts=2, backoff=0.001)
    (remote,) = stores.found_in(store, "smap", TIMES)
    assert (remote.name, remote.algorithm, remote.checksum) == (NAMES[1], "sha256", digest)
    local = list(stores.found_in(FolderStore(folder), "smap", TIMES))
    assert [one.checksum for one in local] == ["", digest, ""]


def test_files_that_may_change_are_copied_and_others_linked(folder, tmp_path):
    store, path = FolderStore(folder), f"2015/2015.04.01/{NAMES[0]}"
    origin = folder / path
    copy = store.get(path, tmp_path / "raw" / "copy.h5", HDF5).path
    assert copy.read_bytes() == origin.read_bytes()
    assert copy.stat().st_nlink == 1
    origin.chmod(0o444)
    linked = store.get(path, tmp_path / "raw" / "link.h5", HDF5).path
    assert linked.samefile(origin)
    assert sorted(p.name for p in (tmp_path / "raw").iterdir()) == ["copy.h5", "link.h5"]


def test_a_file_written_anew_is_taken_anew(folder, tmp_path):
    store, path = FolderStore(folder), f"2015/2015.04.01/{NAMES[0]}"
    target = tmp_path / "a.h5"
    first = store.get(path, target, HDF5)
    assert store.get(path, target, HDF5) == first
    with h5py.File(folder / path, "w") as file:
        file["a"] = 77
    os.utime(folder / path, (1, 1))
    assert store.get(path, target, HDF5).sha256 != first.sha256
    assert target.read_bytes() == (folder / path).read_bytes()


def test_folders_and_files_that_are_not_there(folder, tmp_path):
    with pytest.raises(RetrievalError, match="there is no folder .*nowhere: put the files there"):
        FolderStore(tmp_path / "nowhere")
    with pytest.raises(RetrievalError, match="has no 2015/a.h5"):
        FolderStore(folder).get("2015/a.h5", tmp_path / "a.h5", HDF5)


def listed(folder):
    return list(stores.found_in(FolderStore(folder), "smap", TIMES))


def test_granules_come_side_by_side(folder, tmp_path, caplog):
    rows = transfer.bring("smap", listed(folder), tmp_path / "raw", FolderStore(folder))
    assert [row["name"] for row in rows] == NAMES
    for row in rows:
        content = (tmp_path / "raw" / "2015" / row["name"]).read_bytes()
        assert row["path"] == str(tmp_path / "raw" / "2015" / row["name"])
        assert (row["size"], row["sha256"]) == (
            str(len(content)),
            hashlib.sha256(content).hexdigest(),
        )
    assert rows[2]["date"] == "2015-04-03"


def test_one_that_fails_does_not_keep_the_others(folder, tmp_path):
    granules = listed(folder)
    (folder / granules[1].url).write_bytes(b"<html>")
    with pytest.raises(RetrievalError, match=r"1 of 3 granules .*\n.*20150402.*: has 6 bytes"):
        transfer.bring("smap", granules, tmp_path / "raw", FolderStore(folder))
    there = sorted(p.name for p in (tmp_path / "raw/2015").iterdir())
    assert there == [NAMES[0], NAMES[2]]


def test_a_refused_login_stops_at_once(tmp_path):
    asked = []

    def refuse(url, target, expected):
        asked.append(url)
        raise AccessError("refused")

    granules = [Listed(name, name) for name in NAMES * 20]
    with pytest.raises(AccessError, match="refused"):
        transfer.bring("smap", granules, tmp_path, SimpleNamespace(get=refuse), connections=1)
    assert len(asked) == 1


def test_progress_is_told_by_the_clock(folder, tmp_path, caplog):
    ticks = iter(range(0, 1000, 40))
    with caplog.at_level(logging.INFO):
        transfer.bring(
            *("smap", listed(folder), tmp_path / "raw", FolderStore(folder)),
            connections=1,
            clock=lambda: next(ticks),
        )
    assert "3 of 3 files" in caplog.text.splitlines()[-1]
    words = transfer.progress(100, 300, 200_000_000, 50.0)
    assert words == "100 of 300 files, 200.0 MB, 4.00 MB/s, about 1.7 min left"


@pytest.mark.parametrize(
    ("product", "settings", "words"),
    [
        ("cmfd", {}, r"cmfd: .*no fixed address: there is no TPDC login: .*mirror the folder"),
        (
            "gleam",
            {},
            r"sftp://hydras.*: gleam: there is no GLEAM login: register for free at https://www.gleam",
        ),
        ("cmfd", {"url": "ftp://ftp.example.org/x"}, r"cmfd: there is no TPDC login"),
        ("smap", {"url": "gopher://x/y"}, "addresses start with https"),
        ("smap", {"url": "https://x/y?token=abc"}, "carries a login"),
    ],
)
def test_places_that_cannot_be_opened(nobody, product, settings, words):
    with pytest.raises((AccessError, ListingError), match=words) as caught:
        next(stores.found_in(stores.open_store(product, settings), product, TIMES))
    assert "abc" not in str(caught.value)


def test_logins_go_where_they_belong(nobody, monkeypatch):
    monkeypatch.setenv("EARTHDATA_USERNAME", "me")
    monkeypatch.setenv("EARTHDATA_PASSWORD", "secret")
    access = stores.open_store("smap", {"url": "https://mirror.example.org/smap"}).access
    assert not access.headers("https://mirror.example.org/smap/a.h5")
    assert access.headers("https://urs.earthdata.nasa.gov/oauth/authorize")
    monkeypatch.setenv("TPDC_USERNAME", "me")
    monkeypatch.setenv("TPDC_PASSWORD", "secret")
    access = stores.open_store("cmfd", {"url": "https://tpdc.example.org:8080/x"}).access
    assert access.headers("https://tpdc.example.org:8080/x/a.nc")
    assert not access.headers("https://tpdc.example.org/x/a.nc")
    monkeypatch.setenv("GLEAM_USERNAME", "me")
    monkeypatch.setenv("GLEAM_PASSWORD", "secret")
    store = stores.open_store("gleam", {"version": "4.2a"})
    assert (store.login.password, store.base) == (
        "secret",
        "sftp://hydras.ugent.be:2225/data/v4.2a/daily",
    )
    # another server than GLEAM's gets what netrc has for it and nothing else
    other = stores.open_store("gleam", {"url": "sftp://elsewhere.org/data"})
    with pytest.raises(AccessError, match="machine elsewhere.org"):
        other.probe("sftp://elsewhere.org/data/a.nc")
    assert stores.open_store("gleam", {"url": "https://elsewhere.org/x"}).access.login is None


def inspect(folder, tmp_path, settings=None, **options):
    return preflight.inspect(
        "smap", settings or {"mirror": str(folder)}, listed(folder), tmp_path / "raw", **options
    )


def test_preflight_of_a_folder(folder, tmp_path):
    row, problems = inspect(folder, tmp_path)
    assert not problems
    assert (row["files"], row["there"], row["login"], row["state"]) == (3, 0, "none", "ready")
    assert row["needed_gb"] * 1e9 == sum(one.size for one in listed(folder))
    transfer.bring("smap", listed(folder)[:1], tmp_path / "raw", FolderStore(folder))
    row, _ = inspect(folder, tmp_path)
    assert row["there"] == 1
    assert preflight.check_room([row], [tmp_path / "raw"]) == []
    assert row["free_gb"] > 0
    lines = preflight.table([row]).splitlines()
    assert lines[0].split() == list(preflight.COLUMNS)
    assert lines[1].split()[:5] == ["smap", "006", "mirror", "none", "3"]


def fake(login, size=1000, error=None):
    def probe(url):
        if error:
            raise error
        return size

    return lambda product, settings: SimpleNamespace(
        access=SimpleNamespace(login=login), probe=probe, close=lambda: None
    )


def refused(login):
    raise AccessError("the Earthdata login of netrc is refused")


@pytest.mark.parametrize(
    ("login", "check", "error", "words"),
    [
        (None, None, None, "smap: there is no Earthdata login: register for free at"),
        (Login("me", "x", origin="netrc"), refused, None, "smap: the Earthdata login of netrc is"),
        (
            Login("me", "x", origin="netrc"),
            lambda login: None,
            AccessError("https://a: approve the application of NSIDC"),
            "smap: https://a: approve the application of NSIDC",
        ),
    ],
)
def test_preflight_says_what_is_missing(folder, tmp_path, login, check, error, words):
    opening = fake(login, error=error)
    row, problems = inspect(
        folder, tmp_path, {"version": "006"}, open_store=opening, check_login=check
    )
    assert [problem[: len(words)] for problem in problems] == [words]
    assert row["state"] == "wanting"


def test_preflight_asks_for_nothing_that_is_there(folder, tmp_path):
    transfer.bring("smap", listed(folder), tmp_path / "raw", FolderStore(folder))
    row, problems = inspect(folder, tmp_path, {}, open_store=None)
    assert not problems
    assert (row["there"], row["needed_gb"], row["state"]) == (3, 0.0, "all there")


def test_preflight_takes_one_files_size_for_all_of_unknown_size(tmp_path):
    granules = [Listed(name, name) for name in NAMES]
    login = Login("me", "x", origin="netrc")
    row, problems = preflight.inspect(
        *("smap", {}, granules, tmp_path),
        open_store=fake(login, 2_000_000),
        check_login=lambda login: None,
    )
    assert not problems
    assert row["needed_gb"] == pytest.approx(0.006)
    assert row["login"] == "earthdata, of netrc"


def test_preflight_adds_up_what_shares_a_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: SimpleNamespace(free=10e9, total=0, used=0)
    )
    rows = [{"product": name, "needed_gb": 6.0} for name in ("nldas", "smap")]
    problems = preflight.check_room(rows, [tmp_path / "a", tmp_path / "b"])
    assert problems == [
        f"nldas, smap: 12.0 GB are needed and 10.0 GB are free at {tmp_path}: free some, or let "
        "resources/raw be a link to a larger disk"
    ]
    rows[0]["needed_gb"] = 3.0
    assert preflight.check_room(rows, [tmp_path / "a", tmp_path / "b"]) == []


def test_preflight_tells_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "raw").write_text("a file where a folder should be")
    rows = [{"product": "smap", "needed_gb": 0.0}]
    (problem,) = preflight.check_room(rows, [tmp_path / "raw" / "smap"])
    assert problem.startswith("smap: ")
    assert "cannot be written" in problem
