"""Files of a pinned list: fetched and resumed, or looked at in the user's folder."""

import hashlib
import http.server
import threading

import pytest

from parlearn.plan.basins import read_sums
from parlearn.retrieve import pinned
from parlearn.retrieve.logins import RetrievalError
from parlearn.sources.records import RecordsError, names_in

FILES = {"a/one.txt": b"1 2 3\n", "b/two three.txt": b"4 5 6\n"}
SUMS = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


def write(folder, files=FILES):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def server(tmp_path):
    """An address that gives the files of a folder, and the list of what was asked for."""
    folder, asked = write(tmp_path / "served"), []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/", asked, folder
        running.shutdown()
        thread.join()


def test_files_are_fetched_checked_and_not_fetched_again(server, tmp_path):
    url, asked, _ = server
    rows = pinned.fetch_all(SUMS, url, tmp_path / "raw")
    assert [row["name"] for row in rows] == list(FILES)
    for row in rows:
        content = (tmp_path / "raw" / row["name"]).read_bytes()
        assert content == FILES[row["name"]]
        assert (row["sha256"], row["size"]) == (SUMS[row["name"]], len(content))
    assert sorted(asked) == ["/a/one.txt", "/b/two%20three.txt"]
    (tmp_path / "raw/a/one.txt").write_bytes(b"other")
    pinned.fetch_all(SUMS, url, tmp_path / "raw")
    # the damaged one alone
    assert asked[2:] == ["/a/one.txt"]


def test_what_is_not_the_pinned_file_is_refused(server, tmp_path):
    url, _, folder = server
    (folder / "a/one.txt").write_bytes(b"7 8 9\n")
    with pytest.raises(RetrievalError, match=r"one.txt.*sha256"):
        pinned.fetch_all(SUMS, url, tmp_path / "raw")
    assert not (tmp_path / "raw/a/one.txt").exists()


def test_a_folder_of_the_user_is_taken_as_it_is_and_said_so(tmp_path):
    folder = write(tmp_path / "mine", FILES | {"a/one.txt": b"mine\n", "c.txt": b"7\n"})
    names = names_in(folder)
    assert names == ["a/one.txt", "b/two three.txt", "c.txt"]
    rows = pinned.look_at(folder, names, SUMS)
    assert [row["note"] for row in rows] == [pinned.OTHER, "", ""]
    assert rows[0]["sha256"] == hashlib.sha256(b"mine\n").hexdigest()


def test_the_sums_of_a_folder_must_hold(tmp_path):
    folder = write(tmp_path / "mine")
    lines = "".join(f"{digest}  {name}\n" for name, digest in SUMS.items())
    (folder / "SHA256SUMS").write_text(lines)
    pinned.look_at(folder, list(FILES), {})
    (folder / "a/one.txt").write_bytes(b"1 2 4\n")
    with pytest.raises(RetrievalError, match=r"one.txt: has the sha256 .* damaged or was changed"):
        pinned.look_at(folder, list(FILES), {})


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(RecordsError, match="there is no folder"):
        names_in(tmp_path / "nowhere")


def test_a_list_of_sums_is_read_or_refused(tmp_path):
    path = tmp_path / "sums"
    path.write_text("".join(f"{digest}  {name}\n" for name, digest in SUMS.items()))
    assert read_sums(path) == SUMS
    path.write_text(f"{'0' * 64}  a\n{'0' * 63}  b\n")
    with pytest.raises(ValueError, match="line 2: is not"):
        read_sums(path)
    path.write_text(f"{'0' * 64}  a\n{'1' * 64}  a\n")
    with pytest.raises(ValueError, match="stands twice"):
        read_sums(path)
