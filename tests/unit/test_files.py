"""Whole files or none, also when writing fails."""

import errno
import os
import resource
import signal
import subprocess
import sys

import pytest

from parlearn.storage.files import read_json, replacing, sha256, write_json


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


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a").startswith("ba7816bf8f01cfea414140de5dae2223")
