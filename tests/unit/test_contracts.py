"""Contracts: what a kind promises holds on write and on read, and errors say what is wrong."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from parlearn.storage import contracts
from parlearn.storage.contracts import ContractError
from parlearn.storage.kinds import KINDS, TABLES

DAYS = np.datetime64("2015-04-01", "ns") + np.arange(5) * np.timedelta64(1, "D")


def observations(**changes):
    values = np.full((2, 5), 0.2)
    values[0, 1] = np.nan
    ds = xr.Dataset({"soil_moisture": (("cell", "time"), values)}, coords={"time": DAYS})
    return ds.assign(**changes)


def parameters(values):
    return xr.Dataset(
        {"parameters": (("parameter", "cell"), values, {"lower": [0.0, 1.0], "upper": [1.0, 2.0]})},
        coords={"parameter": ["a", "b"]},
    )


def test_roundtrip_is_float32_compressed_with_units_and_provenance(tmp_path):
    path = tmp_path / "o.nc"
    contracts.write(observations(), path, "observations", {"provenance_rule": "test"})
    back = contracts.read(path, "observations")
    assert back["soil_moisture"].dtype == np.float32
    assert back["soil_moisture"].attrs["units"] == "m3 m-3"
    assert back.attrs["provenance_rule"] == "test"
    assert back.attrs["parlearn_kind"] == "observations"
    assert (back["time"].values == DAYS).all()
    with xr.open_dataset(path) as opened:
        assert opened["soil_moisture"].encoding["zlib"]


def test_what_was_given_is_not_changed(tmp_path):
    ds = observations()
    contracts.write(ds, tmp_path / "o.nc", "observations", {"a": "b"})
    assert ds.attrs == {}
    assert ds["soil_moisture"].attrs == {}


@pytest.mark.parametrize(
    ("ds", "words"),
    [
        (observations().drop_vars("soil_moisture"), "has no target"),
        (observations(soil_moisture=(("time", "cell"), np.ones((5, 2)))), "has dimensions"),
        (observations(soil_moisture=(("cell", "time"), np.full((2, 5), 1.5))), "allowed 0 to 1"),
        (observations(soil_moisture=(("cell", "time"), np.full((2, 5), np.inf))), "allowed 0 to 1"),
        (
            observations(soil_moisture=(("cell", "time"), np.ones((2, 5)), {"units": "%"})),
            "is in '%', not in 'm3 m-3'",
        ),
        (observations(soil_moisture=(("cell", "time"), np.full((2, 5), "x"))), "not numbers"),
        (observations().isel(cell=[]), "is empty"),
        (observations().isel(time=[0, 1, 3]), "not consecutive after 2015-04-02"),
        (observations().drop_vars("time"), "'time' has no dates"),
    ],
)
def test_wrong_dataset_is_refused_and_not_written(tmp_path, ds, words):
    path = tmp_path / "o.nc"
    with pytest.raises(ContractError, match=words) as caught:
        contracts.write(ds, path, "observations")
    assert str(path) in str(caught.value)
    assert not path.exists()


def test_a_variable_that_is_missing_is_named():
    with pytest.raises(ContractError, match="'parameters': missing; there are"):
        contracts.check(observations(), "t.nc", "truth")


def test_gap_only_where_the_kind_allows_it():
    ds = observations().expand_dims(model=["vic"])
    with pytest.raises(ContractError, match=r"1 of 10 values are missing \(NaN\)"):
        contracts.check(ds, "s.nc", "simulation")


def test_parameters_within_bounds():
    contracts.check(parameters([[0.0, 1.0], [1.0, 2.0]]), "p.nc", "parameters")
    with pytest.raises(ContractError, match=r"b = 2\.5 is outside its bounds 1 to 2 \(1 of 4"):
        contracts.check(parameters([[0.0, 1.0], [1.0, 2.5]]), "p.nc", "parameters")
    bare = parameters([[0.0, 1.0], [1.0, 2.0]])
    del bare["parameters"].attrs["lower"]
    with pytest.raises(ContractError, match="lacks the attributes 'lower' and 'upper'"):
        contracts.check(bare, "p.nc", "parameters")


@pytest.mark.parametrize("dims", [(), ("cell",)])
def test_map_is_one_number_or_one_a_cell(dims):
    ds = parameters([[0.0, 1.0], [1.0, 2.0]])
    ds["slope"] = (dims, np.ones([2] * len(dims)))
    contracts.check(ds, "p.nc", "parameters")


def test_reading_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="make it with 'snakemake"):
        contracts.read(tmp_path / "none.nc", "observations")
    broken = tmp_path / "broken.nc"
    broken.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    with pytest.raises(ContractError, match="remove it and run again"):
        contracts.read(broken, "observations")
    with pytest.raises(ContractError, match="no kind of file named 'observation'"):
        contracts.check(observations(), "o.nc", "observation")


def test_tables(tmp_path):
    path = tmp_path / "history.csv"
    table = pd.DataFrame(
        {
            "epoch": [1],
            "runs_per_cell": [1.0],
            "seconds": [2.0],
            "train_loss": [0.1],
            "validation_loss": [np.nan],
        }
    )
    contracts.write_table(table, path, "history")
    back = contracts.read_table(path, "history")
    pd.testing.assert_frame_equal(back, table, check_dtype=False)
    with pytest.raises(ContractError, match="column 'seconds': values from -1 to -1"):
        contracts.write_table(table.assign(seconds=-1.0), path, "history")
    with pytest.raises(ContractError, match="column 'seconds': missing"):
        contracts.check_table(table.drop(columns="seconds"), path, "history")
    with pytest.raises(ContractError, match=r"column 'epoch'.*not numbers"):
        contracts.check_table(table.assign(epoch="one"), path, "history")
    path.write_text("")
    with pytest.raises(ContractError, match="remove it and run again"):
        contracts.read_table(path, "history")
    with pytest.raises(FileNotFoundError):
        contracts.read_table(tmp_path / "none.csv", "history")


def test_table_of_kinds_is_well_formed():
    flags = {"gaps", "int", "text", "optional", "empty", "land"}
    for kind in KINDS.values():
        for dims, _, lower, upper, *given in kind.values():
            assert isinstance(dims, str)
            assert set(given) <= flags
            assert "text" in given or lower <= upper
    for table in TABLES.values():
        for lower, upper, *given in table.values():
            assert set(given) <= {"gaps", "text", "empty"}
            assert "text" in given or lower <= upper


def test_text_of_a_table_may_be_anything_but_missing():
    columns = dict.fromkeys(contracts.TABLES["claims"], "")
    table = pd.DataFrame([columns | {"seeds": 4}])
    contracts.check_table(table, "claims.csv", "claims")
    with pytest.raises(ContractError, match="column 'verdict': missing"):
        contracts.check_table(table.drop(columns="verdict"), "claims.csv", "claims")
    with pytest.raises(ContractError, match="column 'seeds': values from -1 to -1"):
        contracts.check_table(table.assign(seeds=-1), "claims.csv", "claims")


def test_content_digest_knows_numbers_and_names_and_no_attribute(tmp_path):
    path = tmp_path / "o.nc"
    contracts.write(observations(), path, "observations", {"provenance_rule": "test"})
    back = contracts.read(path, "observations")
    assert back.attrs["content_sha256"] == contracts.content_digest(back)
    assert contracts.content_digest(back.assign_attrs(a=1)) == contracts.content_digest(back)
    changed = back.copy(deep=True)
    changed["soil_moisture"].values[0, 0] = 0.5
    digests = {contracts.content_digest(ds) for ds in (back, changed, back.isel(cell=[0]))}
    assert len(digests) == 3


def test_content_digest_does_not_know_what_storing_changes():
    ds = observations()
    gap = np.full_like(ds["soil_moisture"].values, -np.nan)
    wide, narrow = (
        ds.assign(soil_moisture=(ds["soil_moisture"].dims, gap.astype(kind)))
        for kind in ("f8", "f4")
    )
    assert contracts.content_digest(wide) == contracts.content_digest(narrow)
