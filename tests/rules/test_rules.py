"""Single rules on tiny inputs, run by Snakemake as in the workflow."""

import hashlib
import json

import numpy as np
import pytest
import xarray as xr

from parlearn.plan.datasets import read_datasets
from parlearn.storage import contracts
from parlearn.storage.kinds import KINDS

STUDY = "results/tiny/smap"
DAYS = np.datetime64("2014-04-01", "ns") + np.arange(1461) * np.timedelta64(1, "D")


@pytest.fixture(scope="module")
def observed(project):
    """observations.nc of three cells, written by hand."""
    rng = np.random.default_rng(1)
    values = rng.uniform(0.1, 0.4, (3, DAYS.size))
    values[:, rng.random(DAYS.size) < 0.5] = np.nan
    ds = xr.Dataset(
        {
            "soil_moisture": (("cell", "time"), values),
            "evapotranspiration": (("cell", "time"), np.ones((3, DAYS.size))),
        },
        coords={"time": DAYS},
    )
    contracts.write(ds, project.folder / STUDY / "observations.nc", "observations")
    return ds


def split(project, **options):
    return project.snakemake(
        "-c1", f"{STUDY}/training.nc", "--allowed-rules", "split_training", **options
    )


def test_split_training_shows_targets_in_their_period_alone(project, observed):
    split(project)
    training = contracts.read(project.folder / STUDY / "training.nc", "training")
    assert list(training.data_vars) == ["soil_moisture"]
    inside = (np.datetime64("2015-04-01") <= DAYS) & (np.datetime64("2016-03-31") >= DAYS)
    one = training["soil_moisture"].sel(period="one_year").values
    assert np.isnan(one[:, ~inside]).all()
    assert np.allclose(one[:, inside], observed["soil_moisture"][:, inside], equal_nan=True)
    assert training.attrs["provenance_rule"] == "split_training"
    log = (project.folder / "results/tiny/logs/split_training.log").read_text()
    assert "one_year, soil_moisture" in log


def test_rule_that_fails_leaves_nothing_and_says_why(project, observed):
    path = project.folder / STUDY / "observations.nc"
    good = path.read_bytes()
    contracts.write(observed.drop_vars("evapotranspiration") * np.nan, path, "observations")
    (project.folder / STUDY / "training.nc").unlink(missing_ok=True)
    done = split(project, check=False)
    path.write_bytes(good)
    assert done.returncode == 1
    assert "there is no soil_moisture in the period" in done.stdout
    log = (project.folder / "results/tiny/logs/split_training.log").read_text()
    assert "ERROR ValueError" in log
    left = {p.name for p in (project.folder / STUDY).iterdir()}
    assert left == {"observations.nc"}


def middling(kind, sizes, **variables):
    """A file of a kind with values in the middle of their ranges, and some of them given."""
    for name, (dims, _, lower, upper, *flags) in KINDS[kind].items():
        if name not in variables and "optional" not in flags:
            # of several forms the first
            dims = dims.split("|")[0].split()
            shape = [sizes[dim] for dim in dims]
            variables[name] = (dims, np.full(shape, np.clip(0.5, lower, upper)))
    return xr.Dataset(variables)


@pytest.fixture
def gappy(project):
    """A study of its own: ten cells, two of them tested at, with what is needed to fill gaps."""
    cells, days, rng = 10, DAYS.size, np.random.default_rng(1)
    folder = project.folder / "results/gappy/smap"
    # seven train, one validates, two are tested at; fewer train in the sparser samplings
    role = np.where(np.arange(cells) < np.array([[3], [5], [7]]), 1, 0)
    role[:, 7], role[:, 8:] = 2, 3
    sizes = {"cell": cells, "veg_class": 12, "month": 12, "root_zone": 3, "time": days, "step": 8}
    domain = middling(
        "domain",
        sizes,
        attributes=(("cell", "attribute"), rng.random((cells, 2))),
        attribute=["a", "b"],
        attribute_units=("attribute", ["1", "1"]),
        sampling=["s16", "s8", "s4"],
        role=(("sampling", "cell"), role),
        donor=(("sampling", "cell"), np.zeros((3, cells), int)),
        row=("cell", np.arange(cells)),
        col=("cell", np.arange(cells)),
    )
    forcing = middling(
        "forcing",
        sizes,
        time=DAYS,
        prec=(("cell", "time"), rng.random((cells, days))),
        pressure=(("cell", "time"), np.full((cells, days), 90.0)),
        lwdown=(("cell", "time"), np.full((cells, days), 300.0)),
    )
    values = np.where(
        rng.random((2, cells, days)) < 0.4, 0.3 * rng.random((2, cells, days)), np.nan
    )
    ends = np.array(["2016-03-31", "2017-03-31"], "M8[ns]")[:, None]
    inside = (np.datetime64("2015-04-01") <= DAYS) & (ends >= DAYS)
    training = xr.Dataset(
        {
            "soil_moisture": (
                ("period", "cell", "time"),
                np.where(inside[:, None], values, np.nan),
            )
        },
        coords={"period": ["one_year", "two_years"], "time": DAYS},
    )
    for name, ds in {"domain": domain, "forcing": forcing, "training": training}.items():
        contracts.write(ds, folder / f"{name}.nc", name)
    return folder


def fill(project, folder):
    small = {"hidden": 4, "epochs": 2, "batch": 4, "window": 60, "held_out": 0.1, "seed": 1}
    own = {"results": "results/gappy", "gap_filling": small}
    (project.folder / "filling.json").write_text(json.dumps(own))
    return project.snakemake(
        *("-c1", folder.relative_to(project.folder) / "filled/s8.nc"),
        *("--allowed-rules", "fill_training"),
        *("--configfile", "tests/workflow/tiny.yaml", "filling.json"),
        config=None,
        check=False,
    )


def test_fill_training_fills_each_period_and_says_how_well(project, gappy):
    done = fill(project, gappy)
    assert done.returncode == 0, done.stdout
    before = contracts.read(gappy / "training.nc", "training")["soil_moisture"].values
    filled = contracts.read(gappy / "filled/s8.nc", "training")
    after, seen = filled["soil_moisture"].values, np.isfinite(before)
    assert np.array_equal(after[seen], before[seen])
    assert np.isfinite(after).sum((1, 2)).tolist() == [10 * 366, 10 * 731]
    assert np.array_equal(filled["filled"].values == 1, np.isfinite(after) & ~seen)
    assert filled.attrs["provenance_rule"] == "fill_training"
    card = json.loads((gappy / "filled/s8.json").read_text())
    assert card["sampling"] == "s8"
    assert card["periods"]["one_year"]["cells"] == {"training cells": 5, "other cells": 5}
    assert list(card["periods"]) == ["one_year", "two_years"]
    assert card["settings"]["hidden"] == 4
    assert json.loads((gappy / "filled/s8.json.json").read_text())["seed"] == "1"
    scores = card["periods"]["two_years"]["scores"]
    assert {row["gap"] for row in scores["other cells"]} >= {"3 to 5 days", "6 to 10 days"}
    assert json.loads(filled.attrs["gap_filling"])["two_years"] == scores
    log = (project.folder / "results/gappy/logs/fill_training/s8.log").read_text()
    assert "one_year: " in log
    assert "values filled beside" in log
    assert {path.name for path in (gappy / "filled").iterdir()} == {
        "s8.nc",
        "s8.json",
        "s8.json.json",
    }


def test_fill_training_needs_the_key(project, gappy):
    done = project.snakemake(
        *("-c1", "results/gappy/smap/filled/s8.nc", "--allowed-rules", "fill_training"),
        *("--config", "results=results/gappy"),
        check=False,
    )
    assert done.returncode == 1
    assert "gap_filling: hidden, epochs, batch, window, held_out, seed is missing" in done.stdout


@pytest.fixture(scope="module")
def mirror(project):
    """A mirror with one file, which is not the published one, and its own list of checksums."""
    folder = project.folder / "mirror"
    name = "CONUSv4f1/crd.csv"
    (folder / "CONUSv4f1").mkdir(parents=True)
    (folder / name).write_text("40.0,-100.0\n")
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  {name}\n")
    return folder


def retrieve(project, **options):
    return project.snakemake(
        "-c1",
        "resources/raw/hydrodl/CONUSv4f1/crd.csv",
        "--config",
        'source={"mirror": "mirror"}',
        config="config/real.yaml",
        **options,
    )


def test_retrieve_takes_a_mirror_by_its_own_checksums_and_notes_it(project, mirror):
    retrieve(project)
    raw = project.folder / "resources/raw/hydrodl/CONUSv4f1/crd.csv"
    assert raw.read_text() == "40.0,-100.0\n"
    datasets = read_datasets(
        project.folder / "config/datasets.csv", project.folder / "config/schemas"
    )
    beside = raw.with_name("crd.csv.json").read_text()
    assert "is not the pinned one" in beside
    assert datasets["CONUSv4f1/crd.csv"]["sha256"] in beside


def test_retrieve_refuses_a_damaged_file(project, mirror):
    raw = project.folder / "resources/raw/hydrodl/CONUSv4f1/crd.csv"
    raw.unlink(missing_ok=True)
    (mirror / "CONUSv4f1/crd.csv").write_text("40.0\n")
    done = retrieve(project, check=False)
    assert done.returncode == 1
    assert "has sha256" in done.stdout
    assert not raw.exists()


def test_mistake_in_the_configuration_stops_everything_at_once(project):
    done = project.snakemake("-n", "--config", "devise=cpu", check=False)
    assert done.returncode == 1
    assert "tests/workflow/tiny.yaml" in done.stdout
    assert "unknown key 'devise' (did you mean 'device'?)" in done.stdout
