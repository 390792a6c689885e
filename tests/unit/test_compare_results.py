"""Two folders of results are the same where their numbers are, whatever their attributes."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "compare_results.py"


@pytest.fixture(scope="module")
def compare():
    spec = importlib.util.spec_from_file_location("compare_results", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(folder, run, values, note):
    path = folder / "runs" / run / "metrics.nc"
    path.parent.mkdir(parents=True, exist_ok=True)
    xr.Dataset({"score": ("cell", np.asarray(values, "f4"))}, attrs={"note": note}).to_netcdf(path)


def test_numbers_count_and_attributes_do_not(tmp_path, compare):
    one, other = tmp_path / "one", tmp_path / "other"
    write(one, "a", [1, 2], "before")
    write(other, "a", [1, 2], "after")
    assert compare.differences(one, other) == (1, [])
    write(other, "a", [1, 2.5], "after")
    write(one, "b", [1], "before")
    count, lines = compare.differences(one, other)
    assert count == 1
    assert lines == [f"only in {one}: runs/b/metrics.nc", "differs: runs/a/metrics.nc"]
