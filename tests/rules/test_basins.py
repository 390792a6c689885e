"""A folder of basins becomes a study and is learned from: every rule from files to scores."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from parlearn.storage import contracts

_spec = importlib.util.spec_from_file_location(
    "made_up_camels", Path(__file__).parents[1] / "unit" / "made_up_camels.py"
)
made_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_up)
STUDY = "results/few/camels"
WANTED = [f"{STUDY}/{name}.nc" for name in ("domain", "forcing", "training")]


@pytest.fixture(scope="module")
def few(project):
    """A configuration of five basins, of which one has no streamflow file."""
    folder = made_up.write_all(project.folder / "mine")
    (folder / "usgs_streamflow/03/03050000_streamflow_qc.txt").unlink()
    config = yaml.safe_load((project.folder / "config/camels.yaml").read_text())
    config |= {"name": "few", "results": "results/few"}
    config["source"] |= {"mirror": "mine", "record": list(made_up.RECORD)}
    config["periods"] = {
        "train": {"nine_years": list(made_up.TRAINING)},
        "test": ["1999-10-01", "2000-09-30"],
    }
    config["samplings"] = {"all": {"validate": False}}
    config["model"] |= {
        "process": "hbv",
        "parameters": ["FC", "K1", "TT", "route_shape", "route_scale"],
    }
    config["settings"] = {
        "dpl": {
            "dpl_a": {"epochs": 3, "batch": 2, "hidden": 8},
            "dpl_z": {"epochs": 2, "batch": 2, "window": 120, "reading": 120, "hidden": 4},
        },
        "sceua": {"sceua": {"max_evaluations": 60, "complexes": 2}},
    }
    path = project.folder / "few.yaml"
    path.write_text(yaml.safe_dump(config))
    project.snakemake("-c1", *WANTED, "--quiet", "rules", config=path)
    return path


def test_files_are_listed_read_and_made_a_study(project, few):
    files = pd.read_csv(project.folder / STUDY / "files.csv")
    assert len(files) == 5 + 4 + 5
    # the attribute tables are made up: they are not those that are pinned
    assert (files["note"] == "not the pinned file").sum() == 5
    basins = pd.read_csv(project.folder / STUDY / "basins.csv", dtype={"gauge": str})
    assert basins["kept"].tolist() == [True, True, True, True, False]
    assert basins["reason"][4] == "no streamflow file"
    assert basins["gauge"][4] == "03050000"
    domain = contracts.read(project.folder / STUDY / "domain.nc", "domain")
    forcing = contracts.read(project.folder / STUDY / "forcing.nc", "forcing")
    training = contracts.read(project.folder / STUDY / "training.nc", "training")
    assert domain.sizes["cell"] == forcing.sizes["cell"] == training.sizes["cell"] == 4
    assert np.isfinite(training["streamflow"].sel(time=slice(*made_up.TRAINING))).all()
    assert training["streamflow"].sel(time=slice(None, "2000-09-30")).isnull().all()
    log = (project.folder / "results/few/logs/read_basins.log").read_text()
    assert "03050000 cannot be used: no streamflow file" in log


def test_nothing_is_read_again_where_the_split_changes(project, few):
    planned = project.snakemake("-n", "-c1", *WANTED, "--config", "split_seed=2", config=few).stdout
    assert "lump_domain" in planned
    assert "read_basins" not in planned
    assert "retrieve_basins" not in planned


def test_hbv_learns_from_basins_and_is_scored(project, few):
    runs = (
        "default_all_9y",
        "sceua_direct_all_9y_1",
        "dpl_a_direct_all_9y_1",
        "dpl_z_direct_all_9y_1",
    )
    folder = Path("results/few/runs")
    files = [folder / run / "metrics.nc" for run in runs]
    project.snakemake("-c1", *files, "--quiet", "rules", config=few)
    errors = {}
    for run, file in zip(runs, files, strict=True):
        metrics = contracts.read(project.folder / file, "metrics")
        assert metrics["model"].values.tolist() == ["hbv"]
        assert metrics["target"].values.tolist() == ["streamflow"]
        scores = metrics["score"].sel(model="hbv", map="raw", target="streamflow")
        assert np.isfinite(scores.sel(metric=["nse", "kge", "fhv"])).all()
        errors[run] = float(scores.sel(metric="nse", period="train").median())
    # streamflow is made up without rain: what is learned is its mean, and each learns some of it
    assert errors["sceua_direct_all_9y_1"] == max(errors.values())
    assert min(errors, key=errors.get) == "default_all_9y"
    parameters = contracts.read(project.folder / folder / runs[2] / "parameters.nc", "parameters")
    assert parameters["parameter"].values.tolist()[-2:] == ["route_shape", "route_scale"]
