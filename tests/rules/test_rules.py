"""Single rules on tiny inputs, run by Snakemake as in the workflow."""

import hashlib

import numpy as np
import pytest
import xarray as xr

from parlearn import contracts
from parlearn.catalogue import read_datasets

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
