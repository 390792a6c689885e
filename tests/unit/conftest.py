"""What unit tests share."""

import dask
import pytest


@pytest.fixture(autouse=True)
def _calling_thread():
    """Dask works in the calling thread, so that after an error none goes on reading files.

    netCDF4, which tests call outside of the readers' lock, crashes when two threads are in it.
    """
    with dask.config.set(scheduler="synchronous"):
        yield
