"""What unit tests share."""

import contextlib
import os
import subprocess

import dask
import pytest


@pytest.fixture(autouse=True)
def _calling_thread():
    """Dask works in the calling thread, so that after an error none goes on reading files.

    netCDF4, which tests call outside of the readers' lock, crashes when two threads are in it.
    """
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one megabyte; root alone may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a disk")
    yield folder
    # netCDF4 holds a file open that it could not write
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def full_disk(small_disk):
    """The same without a byte left."""
    with open(small_disk / "filling", "wb", buffering=0) as stream, contextlib.suppress(OSError):
        while stream.write(bytes(4096)):
            pass
    return small_disk
