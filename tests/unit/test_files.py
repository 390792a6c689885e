"""Whole files or none, also when writing fails."""

import errno
import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from parlearn.calibrate.sceua import SCEUA, Settings
from parlearn.networks.training import load_checkpoint, save_checkpoint
from parlearn.storage import contracts, files
from parlearn.storage.files import is_full_disk, read_json, replacing, sha256, write_json


def test_writes_whole_file_and_creates_folder(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with replacing(path) as temporary:
        temporary.write_text("done")
        assert not path.exists()
    assert path.read_text() == "done"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_error_leaves_old_file_and_no_temporary(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail():
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_what_a_killed_job_left_goes_with_the_next_write(tmp_path):
    mine, others = tmp_path / ".a.12345.tmp.txt", tmp_path / ".a.txt.12345.tmp.json"
    for path in (mine, others):
        path.write_text("half")
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("done")
    assert {p.name for p in tmp_path.iterdir()} == {"a.txt", others.name}


def test_full_disk_is_said_plainly(tmp_path):
    def fail():
        with replacing(tmp_path / "a.txt"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="disk is full or a size limit") as caught:
        fail()
    assert caught.value.errno == errno.ENOSPC
    assert f"free in {tmp_path}" in str(caught.value)


def test_torch_on_a_full_disk_is_understood(tmp_path):
    """What torch itself raises says nothing of a disk."""
    with pytest.raises(RuntimeError, match="inline_container") as raw:
        torch.save({"x": torch.zeros(100_000)}, "/dev/full")
    assert is_full_disk(raw.value)

    def fail():
        with replacing(tmp_path / "a.pt"):
            torch.save({"x": torch.zeros(100_000)}, "/dev/full")

    with pytest.raises(OSError, match=r"cannot write .*a\.pt: the disk is full"):
        fail()


def checkpoint(path):
    save_checkpoint(path, {"x": torch.zeros(1_000_000)}, "a run")


def search_state(path):
    search = SCEUA(lambda cells, unit: unit.sum(-1), range(200), 10, Settings(500))
    search.advance()
    search.save(path)


def netcdf(path):
    days = np.datetime64("2015-01-01", "ns") + np.arange(400) * np.timedelta64(1, "D")
    values = np.random.default_rng(0).random((5000, 400))
    ds = xr.Dataset({"soil_moisture": (("cell", "time"), values)}, coords={"time": days})
    contracts.write(ds, path, "observations")


def csv(path):
    contracts.write_table(pd.DataFrame(np.random.default_rng(0).random((20_000, 10))), path)


def some_json(path):
    write_json({"a": "b" * 2_000_000}, path)


#: a writer, and what its message says of the size
WRITERS = {
    checkpoint: "up to 4.0 MB",
    search_state: "up to ",
    netcdf: "up to 16.0 MB",
    csv: "up to 2.0 MB",
    some_json: "up to 2.0 MB",
}


@pytest.mark.parametrize(
    ("write", "takes"), WRITERS.items(), ids=lambda of: getattr(of, "__name__", "")
)
def test_on_a_full_disk_each_writer_says_where_and_how_much(small_disk, write, takes):
    path = small_disk / "folder" / "a.nc"
    with pytest.raises(OSError, match="the disk is full") as caught:
        write(path)
    said = str(caught.value)
    assert caught.value.errno == errno.ENOSPC
    assert f"cannot write {path}" in said
    assert f"It takes {takes}" in said
    # what was half-written is gone and counts as free
    assert f"1.0 MB are free in {path.parent}" in said
    assert list(path.parent.iterdir()) == []


def test_an_older_file_outlives_a_full_disk(small_disk):
    path = small_disk / "a.pt"
    save_checkpoint(path, {"n": 1}, "a run")
    with pytest.raises(OSError, match="the disk is full"):
        checkpoint(path)
    assert load_checkpoint(path, "a run") == {"n": 1}


def test_file_and_folder_are_on_the_disk_before_and_after_the_name(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(files, "sync", lambda path: done.append(path.name))
    replace = os.replace
    monkeypatch.setattr(files.os, "replace", lambda *a: (done.append("renamed"), replace(*a)))
    write_json({}, tmp_path / "a.json")
    assert done == [f".a.{os.getpid()}.tmp.json", "renamed", tmp_path.name]


@pytest.mark.parametrize(
    ("size", "words"), [(12, "12 bytes"), (3400, "3.4 kB"), (5.67e7, "56.7 MB"), (8.9e9, "8.9 GB")]
)
def test_sizes_in_words(size, words):
    assert files.in_words(size) == words


NETCDF = """
import resource, signal, sys
import numpy as np, xarray as xr
from parlearn.storage import contracts
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
days = np.datetime64("2015-01-01", "ns") + np.arange(400) * np.timedelta64(1, "D")
values = np.random.default_rng(0).random((500, 400))
ds = xr.Dataset({"soil_moisture": (("cell", "time"), values)}, coords={"time": days})
contracts.write(ds, sys.argv[1], "observations")
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit of file sizes")
def test_netcdf_that_does_not_fit_leaves_nothing(tmp_path):
    path = tmp_path / "observations.nc"
    done = subprocess.run(
        [sys.executable, "-c", NETCDF, str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode not in (0, -signal.SIGXFSZ)
    assert "nothing half-written was left" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_json_roundtrip_and_errors(tmp_path):
    path = tmp_path / "a.json"
    write_json({"a": 1}, path)
    assert read_json(path) == {"a": 1}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"a": float("nan")}, path)
    assert read_json(path) == {"a": 1}
    path.write_text('{"a":')
    with pytest.raises(ValueError, match=r"a\.json is not readable as JSON"):
        read_json(path)
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(ValueError, match=r"a\.json is not readable as JSON"):
        read_json(path)


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a").startswith("ba7816bf8f01cfea414140de5dae2223")
