"""Inputs that are not what they were when they arrived or were made are refused."""

import csv
import os
import re
import shutil
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from parlearn.retrieve.transfer import ARRIVED
from parlearn.storage import checksums, contracts, provenance, unchanged
from parlearn.storage.checksums import content_digest
from parlearn.storage.files import sha256, write_json
from parlearn.storage.job import job
from parlearn.storage.unchanged import TIMES, ChangedFile, changed_times, check_arrived

SCRIPTS = sorted((Path(__file__).parents[2] / "workflow" / "scripts").glob("*.py"))


@pytest.fixture
def raw(tmp_path):
    """A file that has been retrieved, one row a cell."""
    path = tmp_path / "prcp.csv"
    path.write_text("1.0,2.0\n3.0,4.0\n")
    beside = provenance.stamp("retrieve_hydrodl") | {"retrieved": {"origin": "there"}}
    provenance.write_sidecar(path, beside)
    return path


def read(path, tmp_path):
    with job(log=tmp_path / "r.log", inputs=[str(path)]):
        return path.read_text()


def test_rows_reversed_after_arrival_are_refused(raw, tmp_path):
    rows = raw.read_text().splitlines()
    assert read(raw, tmp_path).splitlines() == rows
    raw.write_text("\n".join(reversed(rows)) + "\n")
    with pytest.raises(ChangedFile) as caught:
        read(raw, tmp_path)
    said, sums = str(caught.value), provenance.read_sidecar(raw)
    assert f"{raw} is not what it was when it arrived" in said
    assert sums["sha256"][:12] in said
    assert sums["created"] in said
    assert sha256(raw)[:12] in said
    assert "Delete it and run again, so that it is fetched again" in said
    assert said in (tmp_path / "r.log").read_text()


def test_the_same_date_does_not_help(raw, tmp_path):
    before = raw.stat()
    raw.write_text(raw.read_text()[::-1])
    os.utime(raw, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ChangedFile):
        read(raw, tmp_path)


def test_another_date_or_a_copy_passes(raw, tmp_path):
    os.utime(raw, (1, 1))
    read(raw, tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (raw, Path(f"{raw}.json")):
        shutil.copyfile(path, copy / path.name)
    read(copy / raw.name, tmp_path)


def test_what_a_rule_made_is_to_be_made_again(tmp_path):
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(bytes(100))
    provenance.write_sidecar(weights, provenance.stamp("train_surrogate"))
    turned = bytearray(100)
    turned[50] = 1
    weights.write_bytes(turned)
    with pytest.raises(ChangedFile, match=r"when it was made: .* so that it is made again"):
        read(weights, tmp_path)


def test_files_without_a_record_pass(tmp_path):
    """Tables of the project and maps of the user, also with a JSON file of their own beside."""
    path = tmp_path / "dem.csv"
    path.write_text("1\n")
    read(path, tmp_path)
    write_json({"title": "my own"}, tmp_path / "dem.csv.json")
    read(path, tmp_path)
    write_json(["a list"], tmp_path / "dem.csv.json")
    read(path, tmp_path)
    read_nothing = tmp_path / "folder"
    read_nothing.mkdir()
    with job(log=tmp_path / "r.log", inputs=[str(read_nothing), str(tmp_path / "none")]):
        pass


def test_an_unreadable_record_is_named(raw, tmp_path):
    Path(f"{raw}.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(ValueError, match=r"prcp\.csv\.json is not readable as JSON"):
        read(raw, tmp_path)


def test_an_input_is_read_once_for_check_and_stamp(raw, tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(unchanged, "sha256", lambda path: taken.append(path) or sha256(path))
    with job(log=tmp_path / "r.log", inputs=[str(raw)]):
        stamp = provenance.stamp("r", [str(raw)])
    assert len(taken) == 1
    assert sha256(raw) in stamp["provenance_inputs"]


def test_an_input_changed_while_the_job_runs_is_refused(raw, tmp_path):
    def run():
        with job(log=tmp_path / "r.log", inputs=[str(raw)]):
            raw.write_text("5.0,6.0,7.0\n")
            provenance.stamp("r", [str(raw)])

    with pytest.raises(ChangedFile, match="was changed while this job was reading it"):
        run()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_gives_its_inputs_to_its_job(script):
    text = script.read_text(encoding="utf-8")
    frame = re.search(r"with job\((.*)\)", text)[1]
    assert ("inputs=snakemake.input" in frame) == ("snakemake.input" in text)


# --- granules ---------------------------------------------------------------------------------


@pytest.fixture
def listed(tmp_path):
    """Three granules that have arrived, and their list."""
    rows = []
    for k in range(3):
        path = tmp_path / "raw" / f"g{k}.nc"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes([k]) * 1000)
        values = f"g{k}.nc", "2015-04-01", str(path), "1000", sha256(path)
        rows.append(dict(zip(ARRIVED, values, strict=True)))
    index = tmp_path / "2015.csv"
    with open(index, "w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, ARRIVED)
        table.writeheader()
        table.writerows(rows)
    provenance.write_sidecar(
        index, provenance.stamp("retrieve_granules") | {TIMES: changed_times(rows)}
    )
    return index


def test_granules_with_their_dates_are_not_read(listed, tmp_path, monkeypatch):
    monkeypatch.setattr(unchanged, "sha256", lambda path: pytest.fail(f"read {path}"))
    assert check_arrived(listed) == [tmp_path / "raw" / f"g{k}.nc" for k in range(3)]


def test_granules_with_other_dates_are_read_and_pass(listed, tmp_path, caplog):
    os.utime(tmp_path / "raw" / "g1.nc", (1, 1))
    with caplog.at_level("INFO"):
        assert len(check_arrived(listed)) == 3
    assert "1 of 3 granules have new dates" in caplog.text
    Path(f"{listed}.json").unlink()
    assert len(check_arrived(listed)) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x07" * 1000, "it had the sha256"),
        (b"\x01" * 999, "it had 1000 bytes and has 999"),
        (None, "it is not there"),
    ],
)
def test_a_changed_granule_is_refused(listed, tmp_path, content, words):
    path = tmp_path / "raw" / "g1.nc"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(ChangedFile, match="when it arrived") as caught:
        check_arrived(listed)
    said = str(caught.value)
    assert f"{path} is not what it was" in said
    assert words in said
    assert f"Delete it and {listed}, and run again" in said


# --- netCDF files, which carry their checksum -----------------------------------------------


@pytest.fixture
def field(tmp_path):
    days = np.datetime64("2015-04-01", "ns") + np.arange(50) * np.timedelta64(1, "D")
    values = np.random.default_rng(0).random((50, 4, 5))
    ds = xr.Dataset({"soil_moisture": (("time", "lat", "lon"), values)}, {"time": days})
    stamp = provenance.stamp("regrid_product", config={"a": [1, 2.5]})
    contracts.write(ds, tmp_path / "sm.nc", "retrieved", stamp)
    return tmp_path / "sm.nc"


def rewrite(path, change):
    """Write a file anew by other means, its attributes as they were."""
    with xr.open_dataset(path) as opened:
        ds = opened.load()
    change(ds)
    ds.to_netcdf(path)


def one_number(ds):
    ds["soil_moisture"].values[3, 2, 1] += 0.01


def dates(ds):
    ds["time"] = ds["time"] + np.timedelta64(1, "D")


def no_checksum(ds):
    del ds.attrs["content_sha256"]


def no_checksum_of_attributes(ds):
    del ds.attrs["attributes_sha256"]


def other_units(ds):
    ds["soil_moisture"].attrs["units"] = "percent"


def other_stamp(ds):
    ds.attrs["provenance_created"] = "2020-01-01T00:00:00+00:00"


def other_checksum(ds):
    ds.attrs["content_sha256"] = "0" * 64


def one_attribute_more(ds):
    ds["soil_moisture"].attrs["scale"] = 10.0


def both_ways(path):
    def part():
        with contracts.part_of(path) as ds:
            return ds["soil_moisture"].values

    return part, lambda: contracts.read(path, "retrieved")["soil_moisture"].values


def test_an_untouched_field_is_read(field):
    part, whole = both_ways(field)
    np.testing.assert_array_equal(part(), whole())
    rewrite(field, lambda ds: None)
    np.testing.assert_array_equal(part(), whole())


CHANGES = (
    *(one_number, dates, no_checksum, other_checksum),
    *(no_checksum_of_attributes, other_units, other_stamp, one_attribute_more),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.__name__)
def test_a_changed_field_is_refused_however_it_is_read(field, change):
    rewrite(field, change)
    for way in both_ways(field):
        with pytest.raises(contracts.ContractError, match="is not what was written") as caught:
            way()
        assert str(field) in str(caught.value)
        assert "Remove it and run again" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"), [("calendar", "1roleptic"), ("units", "days sinse 1970-01-01")]
)
def test_dates_that_cannot_be_read_any_more_are_told_of_the_file(field, key, value):
    with netCDF4.Dataset(field, "a") as ds:
        ds["time"].setncattr(key, value)
    for way in both_ways(field):
        with pytest.raises(contracts.ContractError, match="emove it and run again") as caught:
            way()
        assert str(field) in str(caught.value)


def test_a_field_is_verified_in_pieces_and_once(field, monkeypatch):
    whole = content_digest(contracts.read(field, "retrieved"))
    monkeypatch.setattr(checksums, "PIECE", 3 * 4 * 5 * 4)
    assert content_digest(contracts.read(field, "retrieved")) == whole
    counted = []
    difference = contracts.difference
    monkeypatch.setattr(contracts, "difference", lambda ds: counted.append(1) or difference(ds))
    for _ in range(3):
        with contracts.part_of(field) as ds:
            assert ds.sizes["time"] == 50
    assert len(counted) == 1


def test_equal_numbers_of_other_stamps_have_one_checksum(field, tmp_path):
    """Runs are compared by it: their times and machines stay out, and so do units."""
    first = contracts.read(field, "retrieved")
    contracts.write(first.drop_attrs(), tmp_path / "b.nc", "retrieved", {"provenance_created": "x"})
    second = contracts.read(tmp_path / "b.nc", "retrieved")
    assert second.attrs["content_sha256"] == first.attrs["content_sha256"]
    assert second.attrs["attributes_sha256"] != first.attrs["attributes_sha256"]


@pytest.mark.parametrize("value", ["", "ä", 1, 2.5, [1.5], [0.1, 2.0], ["a", "b"], np.float32(0.1)])
def test_attributes_of_any_kind_are_the_same_when_read(tmp_path, value):
    ds = xr.Dataset({"soil_moisture": (("time", "lat", "lon"), np.zeros((2, 1, 1)))})
    ds["soil_moisture"].attrs["said"] = value
    ds["time"] = np.datetime64("2015-04-01", "ns") + np.arange(2) * np.timedelta64(1, "D")
    contracts.write(ds, tmp_path / "a.nc", "retrieved")
    contracts.read(tmp_path / "a.nc", "retrieved")
