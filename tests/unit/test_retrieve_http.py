"""The downloader against a real HTTP server on the loopback address."""

import contextlib
import errno
import gzip
import hashlib
import itertools
import logging
import os
import resource
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import tenacity

from parlearn.retrieve import http
from parlearn.retrieve import mirror as retrieving
from parlearn.retrieve.checks import Expected
from parlearn.retrieve.delivery import TransientError, limited
from parlearn.retrieve.http import fetch
from parlearn.retrieve.logins import RetrievalError
from parlearn.retrieve.mirror import copy_from_mirror, read_checksums

DATA = bytes(range(256)) * 3000  # 768 kB: more than one packet
SUM = hashlib.sha256(DATA).hexdigest()
RIGHT, WHOLE = Expected.sha256(SUM), Expected.sha256(SUM, len(DATA))
QUICK = {"backoff": 0.001, "timeout": 5.0}


class Server(ThreadingHTTPServer):
    """Answers each request with the next function of ``answers``, the last one for ever."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.ranges, self.conditions = [], [], []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/data.csv"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        answers = self.server.answers
        self.server.ranges.append(self.headers.get("Range"))
        self.server.conditions.append(self.headers.get("If-Range"))
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, *args):
        """Keep quiet."""

    def send(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server():
    httpd = Server()
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def whole(handler):
    handler.send(200, DATA, Content_Type="text/csv")


def rest(handler):
    """What a server with ranges answers."""
    start = int((handler.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
    if start >= len(DATA):
        handler.send(416, Content_Range=f"bytes */{len(DATA)}")
    elif start:
        span = f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"
        handler.send(206, DATA[start:], Content_Range=span)
    else:
        whole(handler)


def broken_off(handler):
    handler.send(200, DATA[:300_000], length=len(DATA))
    handler.close_connection = True


def status(code, **headers):
    return lambda handler: handler.send(code, b"sorry", **headers)


def leave(folder, part, sign):
    """What a download that was killed leaves behind."""
    (folder / ".data.csv.part").write_bytes(part)
    if sign:
        (folder / ".data.csv.part.of").write_text(sign)


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_whole_and_alone(server, tmp_path):
    server.answers = [whole]
    target = tmp_path / "new" / "folder" / "data.csv"
    got = fetch(server.url, target, WHOLE, **QUICK)
    assert target.read_bytes() == DATA
    assert (got.path, got.origin, got.sha256, got.size) == (target, server.url, SUM, len(DATA))
    assert leftovers(target.parent) == ["data.csv"]


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path):
    server.answers = [status(500)]
    target = tmp_path / "data.csv"
    target.write_bytes(DATA)
    fetch(server.url, target, RIGHT, **QUICK)
    assert server.ranges == []


def test_a_wrong_file_that_is_there_is_replaced(server, tmp_path):
    server.answers = [whole]
    target = tmp_path / "data.csv"
    target.write_bytes(b"half")
    fetch(server.url, target, RIGHT, **QUICK)
    assert target.read_bytes() == DATA


@pytest.mark.parametrize(
    ("code", "advice"),
    [(404, "no such file"), (401, "needs a login"), (403, "terms"), (410, "not")],
)
def test_refusals_are_told_at_once(server, tmp_path, code, advice):
    server.answers = [status(code)]
    with pytest.raises(RetrievalError, match=f"data.csv: HTTP {code}.*{advice}"):
        fetch(server.url, tmp_path / "data.csv", RIGHT, **QUICK)
    assert len(server.ranges) == 1
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("code", [500, 503, 429, 408])
def test_a_passing_trouble_is_waited_out(server, tmp_path, code):
    server.answers = [status(code), status(code), whole]
    fetch(server.url, tmp_path / "data.csv", RIGHT, **QUICK)
    assert (tmp_path / "data.csv").read_bytes() == DATA
    assert len(server.ranges) == 3


def test_a_lasting_trouble_ends_with_its_cause(server, tmp_path):
    server.answers = [status(502)]
    with pytest.raises(RetrievalError, match="HTTP 502 Bad Gateway, 3 times"):
        fetch(server.url, tmp_path / "data.csv", RIGHT, attempts=3, **QUICK)
    assert len(server.ranges) == 3


def test_the_pause_a_server_asks_for_is_kept(server, tmp_path, caplog, monkeypatch):
    pauses = []
    monkeypatch.setattr(tenacity.nap.time, "sleep", pauses.append)
    server.answers = [status(429, Retry_After="7"), status(503), whole]
    with caplog.at_level(logging.WARNING):
        fetch(server.url, tmp_path / "data.csv", RIGHT, timeout=5.0)
    assert pauses == [7.0, 2.0]
    assert "HTTP 429 Too Many Requests; try 2 of 6 follows in 7 s" in caplog.text


def test_too_long_a_pause_is_left_to_the_user(server, tmp_path):
    server.answers = [status(429, Retry_After="3600")]
    with pytest.raises(RetrievalError, match="HTTP 429.* asks to wait 3600 s"):
        fetch(server.url, tmp_path / "data.csv", RIGHT, **QUICK)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, 0), ("17", 17), ("soon", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_retry_after_as_number_or_date(value, seconds):
    assert http._retry_after(value) == seconds


def test_retry_after_as_a_date_to_come():
    assert http._retry_after("Wed, 21 Oct 2195 07:28:00 GMT") > 1e9


def test_a_body_cut_short_is_resumed(server, tmp_path):
    server.answers = [broken_off, rest]
    fetch(server.url, tmp_path / "data.csv", RIGHT, **QUICK)
    assert (tmp_path / "data.csv").read_bytes() == DATA
    assert server.ranges == [None, "bytes=300000-"]


def test_a_killed_download_is_resumed_by_the_next_one(server, tmp_path):
    (tmp_path / ".data.csv.part").write_bytes(DATA[:1000])
    server.answers = [rest]
    fetch(server.url, tmp_path / "data.csv", RIGHT, **QUICK)
    assert server.ranges == ["bytes=1000-"]
    assert leftovers(tmp_path) == ["data.csv"]


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    (tmp_path / ".data.csv.part").write_bytes(DATA[:1000])
    server.answers = [whole]
    fetch(server.url, tmp_path / "data.csv", RIGHT, **QUICK)
    assert (tmp_path / "data.csv").read_bytes() == DATA


def test_a_part_that_is_already_whole(server, tmp_path):
    (tmp_path / ".data.csv.part").write_bytes(DATA)
    server.answers = [rest]
    fetch(server.url, tmp_path / "data.csv", RIGHT, **QUICK)
    assert (tmp_path / "data.csv").read_bytes() == DATA


@pytest.mark.parametrize("old", [b"another file" * 50, b"x" * (len(DATA) + 9)])
def test_a_part_of_another_file_is_thrown_away(server, tmp_path, old):
    (tmp_path / ".data.csv.part").write_bytes(old)
    server.answers = [rest]
    fetch(server.url, tmp_path / "data.csv", RIGHT, **QUICK)
    assert (tmp_path / "data.csv").read_bytes() == DATA
    assert server.ranges[-1] is None


OLD, NEW = b"A" * 100_000, b"B" * 300_000
OPEN = Expected(size=len(NEW))  # of neither a checksum is known
YESTERDAY, TODAY = "Tue, 20 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT"


def new(kept=True, **headers):
    """A server that has another file by now; it keeps If-Range unless told not to."""

    def answer(handler):
        asked = handler.headers.get("Range")
        current = headers.get("ETag", headers.get("Last_Modified"))
        if asked and (not kept or handler.headers.get("If-Range", current) == current):
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            span = f"bytes {start}-{len(NEW) - 1}/{len(NEW)}"
            handler.send(206, NEW[start:], Content_Range=span, **headers)
        else:
            handler.send(200, NEW, **headers)

    return answer


@pytest.mark.parametrize(
    ("sign", "headers"),
    [
        ('"one"', {"ETag": '"two"'}),
        (YESTERDAY, {"Last_Modified": TODAY}),
        (None, {}),
        (None, {"ETag": '"two"'}),
    ],
)
@pytest.mark.parametrize("kept", [True, False])
def test_two_files_are_never_put_together(server, tmp_path, sign, headers, kept):
    leave(tmp_path, OLD, sign)
    server.answers = [new(kept, **headers)]
    fetch(server.url, tmp_path / "data.csv", OPEN, **QUICK)
    assert (tmp_path / "data.csv").read_bytes() == NEW
    assert server.conditions[0] == sign
    assert leftovers(tmp_path) == ["data.csv"]


def cut(**headers):
    def answer(handler):
        handler.send(200, NEW[:100_000], length=len(NEW), **headers)
        handler.close_connection = True

    return answer


@pytest.mark.parametrize(
    ("headers", "sign"),
    [
        ({"ETag": '"two"'}, '"two"'),
        ({"ETag": '"two"', "Last_Modified": YESTERDAY}, '"two"'),
        ({"ETag": 'W/"two"', "Last_Modified": YESTERDAY}, YESTERDAY),
        ({"Last_Modified": YESTERDAY}, YESTERDAY),
    ],
)
def test_the_rest_of_the_same_file_is_asked_for_by_its_sign(server, tmp_path, headers, sign):
    server.answers = [cut(**headers), new(**headers)]
    fetch(server.url, tmp_path / "data.csv", OPEN, **QUICK)
    assert (tmp_path / "data.csv").read_bytes() == NEW
    assert server.ranges == [None, "bytes=100000-"]
    assert server.conditions == [None, sign]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ETag": 'W/"two"'},
        {"Last_Modified": "Wed, 21 Oct 2195 07:28:00 GMT"},  # it may change within that second
        {"Last_Modified": "yesterday"},
    ],
)
def test_without_a_sign_all_comes_again(server, tmp_path, headers):
    server.answers = [cut(**headers), new(**headers)]
    fetch(server.url, tmp_path / "data.csv", OPEN, **QUICK)
    assert (tmp_path / "data.csv").read_bytes() == NEW
    assert server.ranges == [None, None]


def test_a_part_that_is_whole_by_another_files_length(server, tmp_path):
    """The server has a shorter file by now, and sends nothing after the part's end."""
    leave(tmp_path, OLD, '"one"')
    rest_of_nothing = status(416, Content_Range="bytes */300", ETag='"one"')
    server.answers = [rest_of_nothing, lambda handler: handler.send(200, b"C" * 300)]
    fetch(server.url, tmp_path / "data.csv", Expected(), **QUICK)
    assert (tmp_path / "data.csv").read_bytes() == b"C" * 300


def test_a_part_that_grew_too_long_for_its_file(server, tmp_path):
    leave(tmp_path, OLD, '"two"')
    longer = status(206, Content_Range="bytes 100000-999999/1000000", ETag='"two"')
    server.answers = [longer, new(ETag='"two"')]
    fetch(server.url, tmp_path / "data.csv", OPEN, **QUICK)
    assert (tmp_path / "data.csv").read_bytes() == NEW


def endless(handler):
    """More than was asked for, and no length is told."""
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(10_000):
            handler.wfile.write(b"x" * 100_000)
            handler.server.sent += 100_000


def test_no_more_is_taken_than_a_file_may_have(server, tmp_path, monkeypatch):
    server.answers, server.sent = [endless], 0
    with pytest.raises(RetrievalError, match="data.csv: sends more than the 300000 bytes that it"):
        fetch(server.url, tmp_path / "data.csv", OPEN, **QUICK)
    monkeypatch.setattr(http, "LARGEST", 500_000)
    with pytest.raises(RetrievalError, match="data.csv: sends more than the 500000 bytes that it"):
        fetch(server.url, tmp_path / "data.csv", Expected(format="HDF5"), **QUICK)
    assert server.sent < 100e6
    assert len(server.ranges) == 2


def test_a_page_without_end(server, monkeypatch):
    server.answers, server.sent = [endless], 0
    monkeypatch.setattr(http, "LONGEST_PAGE", 500_000)
    with pytest.raises(RetrievalError, match="data.csv: sends more than the 500000 bytes that it"):
        http.read_text(httpx.Client(), server.url, http.Access(), attempts=1)
    assert server.sent < 100e6


def test_a_small_page_that_unpacks_to_a_large_one(server, monkeypatch):
    packed = gzip.compress(b"x" * 5_000_000)
    server.answers = [lambda handler: handler.send(200, packed, Content_Encoding="gzip")]
    monkeypatch.setattr(http, "LONGEST_PAGE", 500_000)
    with pytest.raises(RetrievalError, match="sends more than the 500000 bytes that it"):
        http.read_text(httpx.Client(), server.url, http.Access(), attempts=1)


def test_a_trickle_is_broken_off(server, tmp_path):
    """A clock that goes on by 100 s whenever it is asked: 64 kB in that time is too little."""
    server.answers = [whole]
    slow = {"attempts": 2, "clock": itertools.count(0, 100).__next__, **QUICK}
    with pytest.raises(RetrievalError, match=r"only \d+ bytes came in 100 s, 2 times"):
        fetch(server.url, tmp_path / "data.csv", RIGHT, **slow)
    assert ".data.csv.part" in leftovers(tmp_path)
    server.answers = [lambda handler: handler.send(200, DATA, Content_Type="text/html")]
    slow = {"attempts": 1, "clock": itertools.count(0, 100).__next__}
    with pytest.raises(RetrievalError, match=r"only \d+ bytes came in 100 s: run again later"):
        http.read_text(httpx.Client(), server.url, http.Access(), **slow)


def test_what_comes_slowly_but_comes_is_taken():
    clock = iter([0, 30, 61, 90, 125, 180]).__next__
    pieces = [b"x" * 31_000, b"x" * 31_000, b"", b"x" * 65_000, b""]
    assert list(limited(pieces, 127_000, "a", clock=clock)) == pieces
    # a byte each half second, as a hostile server sent them
    with pytest.raises(TransientError, match="only 120 bytes came in 60 s"):
        list(limited(itertools.repeat(b"x"), 10**6, "a", clock=itertools.count(0, 0.5).__next__))


def test_a_body_without_length_that_ends_early_is_told_by_its_size(server, tmp_path):
    def early(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(DATA[:5000])

    server.answers = [early, rest]
    fetch(server.url, tmp_path / "data.csv", WHOLE, **QUICK)
    assert server.ranges == [None, "bytes=5000-"]


def test_lost_connections_are_tried_again(server, tmp_path):
    def hang_up(handler):
        handler.close_connection = True

    server.answers = [hang_up, hang_up, whole]
    fetch(server.url, tmp_path / "data.csv", RIGHT, **QUICK)
    server.answers = [hang_up]
    with pytest.raises(RetrievalError, match="RemoteProtocolError.*2 times. Run again later"):
        fetch(server.url, tmp_path / "other.csv", RIGHT, attempts=2, **QUICK)


def test_a_wrong_checksum_names_both(server, tmp_path):
    server.answers = [whole]
    wrong = "0" * 64
    with pytest.raises(RetrievalError, match=f"has sha256 {SUM}.*expected {wrong}"):
        fetch(server.url, tmp_path / "data.csv", Expected.sha256(wrong), **QUICK)
    assert len(server.ranges) == 1
    assert leftovers(tmp_path) == []


def test_a_wrong_size_is_told(server, tmp_path):
    server.answers = [whole]
    with pytest.raises(RetrievalError, match="has 768000 bytes, expected 10"):
        fetch(server.url, tmp_path / "data.csv", Expected.sha256(SUM, 10), **QUICK)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!DOCTYPE html><title>Log in</title>", "text/csv"),
        (b"\n  <html><body>", "application/octet-stream"),
        (b"Please log in", "text/html; charset=utf-8"),
    ],
)
def test_a_web_page_is_not_data(server, tmp_path, body, kind):
    server.answers = [lambda handler: handler.send(200, body, Content_Type=kind)]
    digest = hashlib.sha256(body).hexdigest()  # even a checksum that fits makes it no data
    with pytest.raises(RetrievalError, match="a web page in place of the file"):
        fetch(server.url, tmp_path / "data.csv", Expected.sha256(digest), **QUICK)
    assert leftovers(tmp_path) == []


def test_redirects_are_followed_with_the_users_client(server, tmp_path):
    server.answers = [status(302, Location="/elsewhere.csv"), whole]
    with httpx.Client(follow_redirects=True) as client:
        fetch(server.url, tmp_path / "data.csv", RIGHT, client=client, **QUICK)
        assert not client.is_closed
    assert (tmp_path / "data.csv").read_bytes() == DATA


def test_an_address_that_is_none(tmp_path):
    with pytest.raises(RetrievalError, match="UnsupportedProtocol"):
        fetch("nowhere/data.csv", tmp_path / "data.csv", RIGHT, attempts=1, **QUICK)


def test_a_target_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "file").write_text("")
    server.answers = [whole]
    target = tmp_path / "file" / "data.csv"
    with pytest.raises(OSError, match=str(target)):
        fetch(server.url, target, RIGHT, **QUICK)
    assert server.ranges == []


def test_a_read_only_folder_is_named():
    # the tests may run as root, whom no permission stops: a child process becomes nobody, who
    # must not meet the closed doors of tmp_path on its way either
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        mirror, folder = make_mirror(Path(place)), Path(place) / "closed"
        folder.mkdir(mode=0o555)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            if os.geteuid() == 0:
                os.seteuid(65534)
            try:
                copy_from_mirror(mirror, "a/data.csv", folder / "data.csv", sha256=SUM)
            except OSError as error:
                os.write(write, f"{error.errno} {error}".encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(write)
        with os.fdopen(read) as stream:
            told = stream.read()
        assert told.startswith(str(errno.EACCES))
        assert f"cannot write {folder}/data.csv: Permission denied" in told
        assert leftovers(folder) == []


def test_a_full_disk_leaves_nothing_and_says_so(server, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    server.answers = [whole]
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(OSError, match=r"cannot write .*/data.csv: File too large") as caught:
            fetch(server.url, tmp_path / "data.csv", RIGHT, **QUICK)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert len(server.ranges) == 1
    assert leftovers(tmp_path) == []


def test_no_space_left_leaves_nothing(server, tmp_path, monkeypatch):
    def no_room(response, url, part, *_):
        part.path.write_bytes(DATA[:1000])
        raise OSError(errno.ENOSPC, "No space left on device", str(part.path))

    monkeypatch.setattr(http, "_receive", no_room)
    server.answers = [whole]
    with pytest.raises(OSError, match=r"cannot write .*/data.csv: No space left") as caught:
        fetch(server.url, tmp_path / "data.csv", RIGHT, **QUICK)
    assert caught.value.errno == errno.ENOSPC
    assert leftovers(tmp_path) == []


def make_mirror(tmp_path, listed=SUM):
    mirror = tmp_path / "mirror"
    (mirror / "a").mkdir(parents=True)
    (mirror / "a" / "data.csv").write_bytes(DATA)
    if listed:
        (mirror / "SHA256SUMS").write_text(f"{listed}  a/data.csv\n")
    for path in (tmp_path, mirror, mirror / "a"):
        path.chmod(0o755)
    return mirror


@pytest.mark.parametrize("listed", [SUM, None])
def test_a_mirror_with_the_pinned_file(tmp_path, listed):
    mirror = make_mirror(tmp_path, listed)
    target = tmp_path / "raw" / "data.csv"
    got = retrieving.retrieve("a/data.csv", target, url="unused", sha256=SUM, mirror=mirror)
    assert target.read_bytes() == DATA
    assert got.origin == str(mirror / "a" / "data.csv")
    assert got.note == ""


def test_a_mirror_that_differs_on_purpose_is_noted(tmp_path):
    pinned = "1" * 64
    mirror, target = make_mirror(tmp_path), tmp_path / "data.csv"
    for _ in range(2):  # also where the file is there already
        got = copy_from_mirror(mirror, "a/data.csv", target, sha256=pinned)
        assert got.sha256 == SUM
        assert got.note == (
            f"a/data.csv: the mirror's file (sha256 {SUM}) is not the pinned one ({pinned})"
        )
    assert target.read_bytes() == DATA


@pytest.mark.parametrize(
    ("listed", "pinned"), [("2" * 64, SUM), (None, "2" * 64), ("2" * 64, "2" * 64)]
)
def test_a_damaged_mirror_is_refused(tmp_path, listed, pinned):
    mirror = make_mirror(tmp_path, listed)
    with pytest.raises(RetrievalError, match=f"has sha256 {SUM}.*expected {'2' * 64}"):
        copy_from_mirror(mirror, "a/data.csv", tmp_path / "data.csv", sha256=pinned)
    assert not (tmp_path / "data.csv").exists()


def test_a_mirror_without_the_file(tmp_path):
    mirror = make_mirror(tmp_path)
    with pytest.raises(RetrievalError, match="has no b/other.csv"):
        copy_from_mirror(mirror, "b/other.csv", tmp_path / "data.csv", sha256=SUM)


def test_lists_of_checksums(tmp_path):
    listed = tmp_path / "SHA256SUMS"
    listed.write_text(f"{SUM}  a/b c.csv\n\n{SUM.upper()} *./d.nc\n")
    assert read_checksums(listed) == {"a/b c.csv": SUM, "d.nc": SUM}
    listed.write_text("abc  file\n")
    with pytest.raises(RetrievalError, match="SHA256SUMS, line 1: is not"):
        read_checksums(listed)
