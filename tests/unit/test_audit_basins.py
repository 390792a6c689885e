"""What the audit says of basins: signatures of streamflow, files listed and changed since."""

import numpy as np
import pytest
import xarray as xr

from parlearn.audit.raw import BASINS, FILES, Sources, check_raw
from parlearn.audit.separation import _cell_problems
from parlearn.audit.tree import read_tree
from parlearn.retrieve import pinned
from parlearn.retrieve.listing import write_rows
from parlearn.storage import provenance
from parlearn.study.folds import basin_splits


def domain(names):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(20, len(names)))
    lat, lon = rng.uniform(30, 45, 20), rng.uniform(-110, -80, 20)
    samplings = {"all": {}, "f": {"fold": 1, "of": 4}}
    ds = basin_splits(lat, lon, np.full(20, "01"), values, samplings, seed=1)
    return ds.assign(
        attributes=(("cell", "attribute"), values), attribute=("attribute", np.array(names))
    )


def test_attributes_that_are_signatures_are_told():
    assert [*_cell_problems(domain(["elev_mean", "p_mean"]))] == []
    (problem,) = _cell_problems(domain(["elev_mean", "runoff_ratio", "q95"]))
    assert problem.startswith("networks are told q95, runoff_ratio, signatures of streamflow")


def test_a_donor_that_is_not_trained_is_told():
    ds = domain(["elev_mean", "p_mean"])
    held = int(np.flatnonzero((ds["role"].values == [[1], [3]]).all(axis=0))[0])
    ds["donor_alike"] = xr.where(ds["donor_alike"] >= 0, held, 0)
    # in the other sampling the same basin is trained on
    assert [*_cell_problems(ds)] == [
        "the sampling f: a cell that is not trained gives parameters to others"
    ]


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """A list of two files in the working folder, and how it is audited."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for name in ("one.txt", "two.txt"):
        (tmp_path / "mine" / name).write_text(name)
    path = "results/x/camels/files.csv"
    (tmp_path / path).parent.mkdir(parents=True)
    rows = pinned.look_at("mine", ["one.txt", "two.txt"], {})

    def audit(pins=None):
        write_rows(path, pinned.COLUMNS, rows)
        stamp = provenance.stamp("retrieve_basins", [], {}, code="c")
        provenance.write_sidecar(path, stamp)
        job = {
            "rule": "retrieve_basins",
            "wildcards": {},
            "code": "c",
            "settings": {},
            "inputs": [],
            "outputs": [path],
        }
        tree = read_tree(".", "results/x", "camels", [job])
        sources = Sources()
        return check_raw(tree, sources, pins or {}), sources

    return rows, audit


def test_files_of_a_folder_of_the_user(listed):
    assert pinned.COLUMNS == FILES
    rows, audit = listed
    check, sources = audit()
    assert check.passed
    assert check.looked_at == 2
    assert set(sources.known.values()) == {BASINS}
    assert sources.arrived == {"results/x/camels/files.csv": ["mine/one.txt", "mine/two.txt"]}
    assert check.notes[0].startswith("2 files of basins lie in a folder of your own")


def test_files_that_changed_or_went_or_are_not_the_pinned_ones(listed, tmp_path):
    rows, audit = listed
    check, _ = audit({"mine/one.txt": "0" * 64, "mine/two.txt": rows[1]["sha256"]})
    assert [str(p) for p in check.problems] == [
        "mine/one.txt: is not the file that config/camels.sha256 pins"
    ]
    (tmp_path / "mine/one.txt").write_text("other")
    (tmp_path / "mine/two.txt").unlink()
    check, _ = audit()
    found = " | ".join(map(str, check.problems))
    assert "mine/one.txt: has the sha256" in found
    assert "mine/two.txt: is not there, though it was listed" in found


def test_a_table_of_signatures_among_the_files(listed):
    rows, audit = listed
    rows[0]["name"] = "camels_attributes_v2.0/camels_hydro.txt"
    check, _ = audit()
    assert "holds signatures of streamflow" in str(check.problems[0])


def test_what_a_twin_of_basins_publishes_needs_no_stamp(tmp_path):
    study = tmp_path / "results/x/camels"
    for name in ("twin/camels/usgs_streamflow/01/1_streamflow_qc.txt", "basins.csv"):
        (study / name).parent.mkdir(parents=True, exist_ok=True)
        (study / name).write_text("a line")
    tree = read_tree(tmp_path, "results/x", "camels", [])
    assert [*tree.made] == ["results/x/camels/basins.csv"]
