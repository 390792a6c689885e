"""The rule that answers claims, on made-up runs and a list of three claims."""

import importlib.util
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from parlearn.storage import contracts

RESULTS = "results/tiny"
UNIT = Path(__file__).resolve().parents[1] / "unit"


def load(name):
    """A module of made-up things of the unit tests."""
    spec = importlib.util.spec_from_file_location(name, UNIT / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


made_up, made_up_claims = load("made_up_results"), load("made_up_claims")
CLAIMS = [
    made_up_claims.CLAIM,
    made_up_claims.number(id="beside"),
    made_up_claims.changed(id="elsewhere", study="camels"),
]


def write_claims(project, claims):
    text = yaml.safe_dump(claims, sort_keys=False)
    (project.folder / "config/claims.yaml").write_text(text)


@pytest.fixture(scope="module")
def results(project):
    """Metrics of the two runs that the claims ask for, and no other file of a run."""
    write_claims(project, CLAIMS)
    study = made_up.make_study(project.folder / RESULTS)
    for run in made_up.FULL[made_up.FULL["sampling"] == "s8"].itertuples():
        name = f"{run.method}_s8_2y_1"
        if (run.period, run.seed) == ("two_years", 1) and run.method in ("sceua", "dpl_z"):
            made_up.make_run(study, run._replace(run=name))
            folder = study.root / "runs" / name
            metrics = (folder / "metrics.nc").read_bytes()
            shutil.rmtree(folder)
            folder.mkdir()
            (folder / "metrics.nc").write_bytes(metrics)
    return study.root


def answer(project, **options):
    return project.snakemake(
        "-c1", "claims", "--allowed-rules", "answer_claims", "claims", **options
    )


def test_claims_are_answered_from_the_files_of_their_runs(project, results):
    answer(project)
    answers = pd.read_csv(results / "claims.csv", keep_default_na=False)
    contracts.check_table(answers, "claims.csv", "claims")
    assert list(answers["id"]) == ["one", "beside", "elsewhere"]
    assert list(answers["verdict"]) == ["reproduced", "not run", "not run"]
    assert answers["ours"][0].startswith("sceua 0.04")
    assert answers["ours"][1]
    assert answers["why"][2] == "the study here is smap, not camels"
    assert set(answers["data"]) == {"twin"}
    assert set(answers["configuration"]) == {"tiny"}
    page = (results / "claims.md").read_text()
    assert "**This is a synthetic twin.**" in page
    assert "dPL has a lower RMSE than SCE-UA." in page
    read = json.loads((results / "claims.csv.json").read_text())["inputs"]
    runs = {f"{RESULTS}/runs/{m}_s8_2y_1/metrics.nc" for m in ("sceua", "dpl_z")}
    assert set(read) == {f"{RESULTS}/smap/domain.nc"} | runs


def test_a_reworded_claim_is_answered_again_and_a_mistake_stops_everything(project, results):
    write_claims(project, [{**CLAIMS[0], "statement": "In other words."}, *CLAIMS[1:]])
    planned = project.snakemake("-n", "claims", "--allowed-rules", "answer_claims", "claims")
    assert "Params have changed" in planned.stdout
    write_claims(project, [made_up_claims.changed(quantity={"metric": "rms"})])
    done = answer(project, check=False)
    write_claims(project, CLAIMS)
    assert done.returncode == 1
    assert "claim 'one', quantity.metric: 'rms' is unknown (did you mean 'rmse'?)" in done.stdout


def test_without_a_run_that_it_needs_no_claim_is_answered(project, results):
    for path in (results / "runs/sceua_s8_2y_1/metrics.nc", results / "claims.csv"):
        path.unlink()
    done = answer(project, check=False)
    assert done.returncode == 1
    assert "runs/sceua_s8_2y_1/metrics.nc" in done.stdout
