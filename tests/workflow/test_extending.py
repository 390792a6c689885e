"""A process model or a method is one module and one entry: both go through the whole chain."""

import ast
import json
import shutil
from pathlib import Path

import pytest
import yaml

from parlearn.storage import contracts

TOYS = Path(__file__).with_name("toys")
RESULTS = "results/toys"
#: toy -> its place in the library, and the registry that gets its entry
PLACES = {
    "reservoir": ("models/reservoir.py", "models/registry.py"),
    "blur": ("learn/blur.py", "plan/methods.py"),
}


def add(project, toy):
    library = project.folder / "workflow/lib/parlearn"
    place, registry = PLACES[toy]
    shutil.copy(TOYS / f"{toy}.py", library / place)
    (entry,) = [
        node.value.value
        for node in ast.parse((TOYS / f"{toy}.py").read_text()).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "ENTRY"
    ]
    with (library / registry).open("a") as file:
        file.write(entry)


def configure(project, name, change):
    config = yaml.safe_load((project.folder / "tests/workflow/tiny.yaml").read_text())
    config |= {"name": name, "results": f"results/{name}", "run_set": "toys"}
    change(config)
    path = project.folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def toys(config):
    config["model"] = {
        "process": "reservoir",
        "parameters": ["recession", "capacity"],
        "simulate_with": ["process", "surrogate"],
    }
    config["settings"]["dpl"]["blur"] = {"epochs": 4}
    # blur chooses on half a year that neither trains nor tests
    config["periods"] = {
        "train": {
            "one_year": ["2015-04-01", "2016-03-31"],
            "two_years": ["2015-04-01", "2016-09-30"],
        },
        "validate": ["2016-10-01", "2017-03-31"],
        "test": ["2017-04-01", "2018-03-31"],
    }


def no_surrogate(config):
    toys(config)
    config["model"]["simulate_with"] = ["process"]
    config["model"]["parameter_sets"] = {"short": ["recession"]}
    del config["simulate"], config["surrogate"]
    config["run_set"] = "toys_alone"


@pytest.fixture(scope="module")
def extended(make_project):
    """The project with both toys, and experiments in which they stand beside the others."""
    project = make_project("toys")
    for toy in PLACES:
        add(project, toy)
    path = project.folder / "config/experiments.yaml"
    experiments = yaml.safe_load(path.read_text())
    experiments["variants"] |= {
        "blur": {"method": "blur", "model": "surrogate", "settings": "blur"},
        "blur_direct": {"method": "blur", "model": "process", "settings": "blur"},
        "short": {
            "method": "dpl_z",
            "model": "process",
            "settings": "dpl_z_vic",
            "parameter_set": "short",
        },
    }
    common = {"study": "smap", "targets": ["soil_moisture"], "observation_map": "domain"}
    cross = {"periods": ["two_years"], "seeds": [1]}
    direct = ["default", "blur_direct", "dpl_z_vic", "sceua_vic"]
    both = [*direct, "cellmean", "sceua", "dpl_z", "blur"]
    experiments["sets"] |= {
        "toys": {
            **common,
            "runs": [
                {"variants": both, "samplings": ["s8"], **cross},
                {"variants": ["sceua", "dpl_z", "blur"], "samplings": ["s4"], **cross},
            ],
        },
        "toys_alone": {
            **common,
            "runs": [
                {"variants": direct, "samplings": ["s8", "s4"], **cross},
                {"variants": ["short"], "samplings": ["s8"], **cross, "seeds": [1, 2]}
                | {"ensemble": True},
            ],
        },
    }
    path.write_text(yaml.safe_dump(experiments))
    return project


@pytest.fixture(scope="module")
def made(extended):
    config = configure(extended, "toys", toys)
    extended.snakemake("-c2", "--quiet", "rules", config=config)
    return extended


def test_the_model_makes_truth_samples_and_runs(made):
    study = made.folder / RESULTS / "smap"
    truth = contracts.read(study / "truth.nc", "truth")
    assert truth["parameter"].values.tolist() == ["recession", "capacity"]
    samples = contracts.read(study / "samples/round-1/batch-0.nc", "samples")
    assert samples["parameter"].values.tolist() == ["recession", "capacity"]
    for run in ("dpl_z_vic_s8_2y_1", "sceua_s8_2y_1", "blur_s4_2y_1"):
        simulation = contracts.read(
            made.folder / RESULTS / "runs" / run / "simulation.nc", "simulation"
        )
        assert simulation["model"].values.tolist() == ["reservoir", "surrogate"]


def test_the_method_chose_on_years_of_its_own_which_are_scored_too(made):
    folder = made.folder / RESULTS
    training = contracts.read(folder / "smap/training.nc", "training")
    assert "validate" in training["period"].values
    history = contracts.read_table(folder / "runs/blur_direct_s8_2y_1/history.csv", "history")
    card = json.loads((folder / "runs/blur_direct_s8_2y_1/network/card.json").read_text())
    assert card["best_epoch"] == history["validation_loss"].idxmin() + 1
    metrics = contracts.read(folder / "runs/blur_direct_s8_2y_1/metrics.nc", "metrics")
    assert metrics["period"].values.tolist() == ["train", "test", "validate"]


def test_the_method_stands_in_every_comparison(made):
    summaries = made.folder / RESULTS / "summaries"
    compared = ("tsai2021_fig1", "tsai2021_tableS1", "li2023_fig3", "li2023_table2", "smap_cost")
    for figure in compared:
        table = (summaries / f"{figure}.csv").read_text()
        assert "blur" in table, figure
    pictures = list((made.folder / RESULTS / "figures").rglob("*.png"))
    assert len(pictures) == 16
    assert (
        "Blurred maps"
        in (made.folder / RESULTS / "figures/tsai2021/tsai2021_tableS1.md").read_text()
    )


def test_the_audit_is_content_with_both(made):
    config = made.folder / "toys.yaml"
    done = made.snakemake("-c1", "audit", "--quiet", "rules", config=config, check=False)
    page = (made.folder / RESULTS / "audit/audit.md").read_text()
    # the copy is not under git, which the audit says; nothing else is wrong
    log = (made.folder / RESULTS / "logs/audit.log").read_text()
    problems = [line for line in log.splitlines() if " ERROR " in line]
    assert done.returncode
    assert len(problems) == 2, page
    assert "ERROR commit: results/toys: the commit of" in problems[0]
    assert "AuditError: 1 problems" in problems[1]


def test_a_study_may_do_without_a_surrogate(extended):
    config = configure(extended, "alone", no_surrogate)
    runs = ("dpl_z_vic_s8_2y_1", "blur_direct_s8_2y_1", "default_s8_2y")
    wanted = [f"results/alone/runs/{run}/metrics.nc" for run in runs]
    extended.snakemake("-c2", *wanted, "--quiet", "rules", config=config)
    for path in wanted:
        metrics = contracts.read(extended.folder / path, "metrics")
        assert metrics["model"].values.tolist() == ["reservoir"]
    planned = extended.snakemake("-n", "-c2", config=config).stdout
    assert "tsai2021_fig1" in planned
    assert "smap_parameter_sets" in planned
    assert "train_surrogate" not in planned
    assert "tsai2021_figS2" not in planned


def test_a_set_of_parameters_and_an_ensemble_of_seeds(extended):
    config = configure(extended, "alone", no_surrogate)
    wanted = "results/alone/runs/short_s8_2y_ensemble/metrics.nc"
    extended.snakemake("-c2", wanted, "--quiet", "rules", config=config)
    scores = extended.folder / wanted
    both, one = (
        contracts.read(scores.parents[1] / run / "parameters.nc", "parameters")
        for run in ("short_s8_2y_ensemble", "short_s8_2y_2")
    )
    assert both["parameter"].values.tolist() == ["recession"]
    assert both.sizes["member"] == 2
    assert (both["parameters"].isel(member=1) == one["parameters"]).all()
    line = json.loads((scores.parents[2] / "smap/line/s8/two_years_short.json").read_text())
    assert float(both["slope"].isel(member=0)) == pytest.approx(line["slope"])
    metrics = contracts.read(scores, "metrics")
    # of the mean of both series, which is no worse than the two are on average
    mse = metrics["score"].sel(target="soil_moisture", metric="rmse", period="train") ** 2
    each = metrics["member_score"].sel(target="soil_moisture", metric="rmse", period="train") ** 2
    gained = each.mean("member") - mse
    assert gained.notnull().any()
    assert not (gained < -1e-9).any()
