"""The audit on a made-up tree: it passes as it is, and what is done to it is told by its check."""

import contextlib
import copy
import importlib.util
import io
import json
import os
import shutil
from base64 import b64encode
from pathlib import Path

import matplotlib.image
import netCDF4
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from parlearn.audit.choice import cheapest
from parlearn.audit.content import same
from parlearn.audit.crate import check_crate, write_crate
from parlearn.audit.inspect import inspect
from parlearn.audit.manifest import manifest
from parlearn.audit.page import page
from parlearn.audit.rerun import compare_made, compare_run, compared
from parlearn.audit.stamps import seed_of
from parlearn.audit.tree import read_tree
from parlearn.claims.answers import published
from parlearn.claims.page import page as claims_page
from parlearn.models.vic.model import SPACE
from parlearn.plan.surrogates import SURROGATES
from parlearn.runs.outputs import parameters_dataset
from parlearn.storage import contracts, provenance
from parlearn.storage.files import sha256, write_json
from parlearn.storage.sealed import seal, set_aside
from parlearn.study.splits import TEST as TEST_CELL
from parlearn.study.tensors import load_study
from parlearn.study.training import cut_training


def _load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


made_up, made_up_claims = _load("made_up_results"), _load("made_up_claims")
TEST, make_study = made_up.TEST, made_up.make_study

SPAN = ["2015-01-01", "2015-02-14"]
RUN = {
    "method": "dpl_a",
    "sampling": "s8",
    "period": "one_year",
    "span": SPAN,
    "targets": ["soil_moisture"],
    "seed": 7,
}
RAW = "resources/raw/hydrodl/a.csv"
STUDY, FOLDER, FIGURE = "results/x/smap", "results/x/runs/dpl", "results/x/figures/p/fig"


class Made:
    """A tree in the working folder, job by job as the workflow would make it."""

    def __init__(self):
        self.jobs, self.instance = [], {}

    def job(self, rule, outputs, inputs, **settings):
        """Note a job; its stamp."""
        self.jobs.append(
            {
                "rule": rule,
                "wildcards": {},
                "code": f"code of {rule}",
                "settings": provenance.settings(settings),
                "inputs": inputs,
                "outputs": outputs,
            }
        )
        seed = seed_of(settings)
        return provenance.stamp(rule, inputs, settings, seed, code=f"code of {rule}")

    def tables(self, stamp, *paths):
        for path in paths:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            if not Path(path).exists():
                pd.DataFrame({"a": [1, 2]}).to_csv(path, index=False)
            provenance.write_sidecar(path, stamp)

    def audit(self):
        tree = read_tree(".", "results/x", "smap", self.jobs)
        return tree, inspect(tree, self.instance)

    def wrong(self):
        """Check -> what it says, a text."""
        _, audit = self.audit()
        return {
            check.name: " | ".join(map(str, check.problems))
            for check in audit.checks
            if check.problems
        }


@pytest.fixture
def made(template, tmp_path, monkeypatch):
    """A tree of one's own, in the working folder."""
    folder, tree = template
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(provenance, "commit_of", lambda folder: ("c" * 40, "no"))
    return copy.deepcopy(tree)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Folder and jobs of an untouched tree."""
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(provenance, "commit_of", lambda folder: ("c" * 40, "no"))
        return folder, make_tree()


def make_tree():
    """The files of a study, a run and a figure, in the working folder."""
    for path, text in ((RAW, "raw"), ("resources/table.csv", "a\n1\n")):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    for name in ("Snakefile", "config/config.yaml"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("a: 1\n")
    lock = "".join(f"{k}=={v.partition('+')[0]}\n" for k, v in provenance.versions().items())
    Path("requirements.lock").write_text(lock)
    tree = Made()
    tree.instance = {
        "name": "x",
        "about": "made up",
        "note": "",
        "periods": {"train": {"one_year": SPAN}, "test": list(TEST)},
        "targets": ["soil_moisture"],
        "pinned": {RAW: sha256(RAW)},
        "urls": {RAW: "https://example.org/a.csv"},
        "own": None,
        "lock": "requirements.lock",
        "claims": [{"claim": made_up_claims.number(expected=0.04), "why": ""}],
        "data": "real",
        "config": {"source": {"name": "hydrodl"}},
    }
    # the study, in place of what makes it
    study = make_study(Path("results/x"), samplings=("s8",)).root / "smap"
    for other in ("truth.nc", "skill.nc", "surrogate"):
        path = study / other
        path.unlink() if path.is_file() else [p.unlink() for p in path.rglob("*.nc")]
    for name in ("domain", "forcing", "observations"):
        path = f"{STUDY}/{name}.nc"
        stamp = tree.job(f"build_{name}", [path], [RAW, "resources/table.csv"], years=[2015])
        contracts.write(contracts.read(path, name), path, name, stamp)
    observations = contracts.read(f"{STUDY}/observations.nc", "observations")
    training = cut_training(observations, {"one_year": SPAN}, ["soil_moisture"])
    stamp = tree.job("split_training", [f"{STUDY}/training.nc"], [f"{STUDY}/observations.nc"])
    contracts.write(training, f"{STUDY}/training.nc", "training", stamp)
    learn(tree)
    stamp = tree.job("summarise_x", ["results/x/summaries/fig.csv"], [f"{FOLDER}/parameters.nc"])
    tree.tables(stamp, "results/x/summaries/fig.csv")
    stamp = tree.job("plot_x", [f"{FIGURE}.csv", f"{FIGURE}.png"], ["results/x/summaries/fig.csv"])
    tree.tables(stamp, f"{FIGURE}.csv", f"{FIGURE}.png")
    return tree


def learn(tree, inputs=("domain", "forcing", "training"), more=()):
    """The files of a run."""
    inputs = [*(f"{STUDY}/{name}.nc" for name in inputs), *more]
    paths = [f"{FOLDER}/{name}" for name in ("parameters.nc", "cells.csv", "network/card.json")]
    stamp = tree.job("learn_dpl", paths, inputs, run=RUN)
    domain, forcing, training = (
        contracts.read(f"{STUDY}/{name}.nc", name) for name in ("domain", "forcing", "training")
    )
    space = SPACE.subset(["infilt", "Ws"])
    unit = torch.rand(domain.sizes["cell"], 2, generator=torch.Generator().manual_seed(1))
    ds = parameters_dataset(space, space.to_physical(unit))
    contracts.write(ds, paths[0], "parameters", stamp)
    fields = ("sampling", "period", "span", "targets")
    study = load_study(domain, forcing, training, **{name: RUN[name] for name in fields})
    cells = study.cells("train").numpy()
    pd.DataFrame({"cell": cells}).to_csv(paths[1], index=False)
    card = {
        "trained_on": {"cells": len(cells), "first_day": SPAN[0], "last_day": SPAN[1]},
        "scalers": {name: scaler.to_dict() for name, scaler in study.scalers._asdict().items()},
    }
    write_json(card, paths[2])
    for path in paths[1:]:
        provenance.write_sidecar(path, stamp)


def edit(path, change):
    """Change a netCDF file where it is, its attributes and checksums left as they are."""
    with netCDF4.Dataset(path, "a") as ds:
        change(ds)


def forge(path, **fields):
    """Change fields of a sidecar."""
    beside = Path(f"{path}.json")
    beside.write_text(json.dumps(json.loads(beside.read_text()) | fields))


def change_number(made):
    def change(ds):
        ds["parameters"][0, 0] = ds["parameters"][0, 0] * 0.99

    edit(f"{FOLDER}/parameters.nc", change)


def lengthen_row(made):
    Path("results/x/runs.tsv").write_text("run\tseed\na\t1\nb\t1\t2\n")


def leak(made):
    """A test period in training.nc by a job that did so: contents and stamps agree."""
    training = contracts.read(f"{STUDY}/training.nc", "training")
    training["soil_moisture"].values[0, 0, -3] = 0.3
    contracts.write(training, f"{STUDY}/training.nc", "training", training.attrs)


def give_observations(made):
    made.jobs = [job for job in made.jobs if job["rule"] != "learn_dpl"]
    learn(made, ("domain", "forcing", "training", "observations"))


def fit_a_line_to_all(made):
    """A line that every method learns under, fit to observations of the test period as well."""
    path = Path(f"{STUDY}/line/s8/one_year.json")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"slope": 1.0, "offset": 0.0}))
    inputs = [f"{STUDY}/{name}.nc" for name in ("domain", "forcing", "observations")]
    provenance.write_sidecar(path, made.job("fit_line", [str(path)], inputs, run=RUN))


def calibrate_test_cell(made):
    domain = contracts.read(f"{STUDY}/domain.nc", "domain")
    test = np.flatnonzero(domain["role"].values[0] == TEST_CELL)[0]
    pd.DataFrame({"cell": [test]}).to_csv(f"{FOLDER}/cells.csv", index=False)


def fit_scaler_elsewhere(made):
    path = Path(f"{FOLDER}/network/card.json")
    card = json.loads(path.read_text())
    card["scalers"]["observations"]["mean"][0] += 0.001
    path.write_text(json.dumps(card))


WEIGHTS, CHECKPOINT = f"results/x/weights/weights-{'ab' * 8}.npz", f"{FOLDER}/checkpoint.pt"
CREATED = "provenance_created"


def widen(ds):
    ds["parameters"].setncattr("upper", 2 * ds["parameters"].getncattr("upper"))


def keep_weights():
    """What regridding keeps for later jobs."""
    np.savez(content := io.BytesIO(), areas=np.ones(3))
    seal(content.getvalue(), WEIGHTS, "weights of regridding", "ab" * 32)
    return Path(WEIGHTS)


def double_the_areas(path):
    """Other areas, under the seal of before."""
    *_, sealed = path.read_bytes()[:-1].rpartition(b"\n")
    np.savez(content := io.BytesIO(), areas=2 * np.ones(3))
    path.write_bytes(content.getvalue() + b"\n" + sealed + b"\n")


def keep_checkpoint():
    """What a killed training left."""
    seal(b"state of a training", CHECKPOINT, "training", "dpl")
    return Path(CHECKPOINT)


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[3] ^= 4
    path.write_bytes(content)


def edit_module(made):
    for job in made.jobs:
        if job["rule"] == "learn_dpl":
            job["code"] = "code of now"


def change_setting(made):
    for job in made.jobs:
        if job["rule"] == "learn_dpl":
            job["settings"] = provenance.settings({"run": RUN | {"seed": 8}})


def give_hidden(made):
    training = contracts.read(f"{STUDY}/training.nc", "training")
    hidden = 10 * training["soil_moisture"]
    hidden.attrs = {"units": "mm day-1"}
    training = training.assign(evapotranspiration=hidden)
    contracts.write(training, f"{STUDY}/training.nc", "training", training.attrs)


def learn_the_tested_weather(made):
    """A surrogate fit on days before the test period and on some of its own."""
    path = Path(f"{STUDY}/surrogate/round-1/card.json")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"days": [["2014-01-01", "2014-12-31"], [*TEST]]}))
    stamp = made.job("train_surrogate", [str(path)], [f"{STUDY}/forcing.nc"])
    provenance.write_sidecar(path, stamp)


#: what is done -> the check that tells, and words it says
TAMPERING = {
    "a changed number": (
        change_number,
        "contents",
        f"{FOLDER}/parameters.nc: is not what was written: its content_sha256 is",
    ),
    "other units": (
        lambda _: edit(f"{STUDY}/forcing.nc", lambda ds: ds["tair"].setncattr("note", "K")),
        "contents",
        f"{STUDY}/forcing.nc: is not what was written: its attributes_sha256 is",
    ),
    "other bounds": (
        lambda _: edit(f"{FOLDER}/parameters.nc", widen),
        "contents",
        f"{FOLDER}/parameters.nc: is not what was written: its attributes_sha256 is",
    ),
    "another time in a stamp": (
        lambda _: edit(f"{FOLDER}/parameters.nc", lambda ds: ds.setncattr(CREATED, "2020-01-01")),
        "contents",
        f"{FOLDER}/parameters.nc: is not what was written: its attributes_sha256 is",
    ),
    "another time in a sidecar": (
        lambda _: forge(f"{FIGURE}.csv", created="2020-01-01"),
        "stamps",
        f"{FIGURE}.csv: its stamp is not the one that was written (stamp_sha256)",
    ),
    "a network": (
        lambda _: fit_scaler_elsewhere(None),
        "stamps",
        f"{FOLDER}/network/card.json: is not the file that its stamp was written for (sha256)",
    ),
    "weights of regridding": (
        lambda _: double_the_areas(keep_weights()),
        "seals",
        f"{WEIGHTS}: it does not have the checksum that it was written with",
    ),
    "weights of other grids": (
        lambda _: keep_weights().rename(Path(WEIGHTS).with_name("weights-0123456789abcdef.npz")),
        "seals",
        "weights-0123456789abcdef.npz: is sealed for",
    ),
    "a checkpoint": (
        lambda _: flip_a_bit(keep_checkpoint()),
        "seals",
        f"{CHECKPOINT}: it does not have the checksum that it was written with",
    ),
    "a number that was read": (change_number, "stale", f"made from another {FOLDER}/parameters.nc"),
    "a row too long": (lengthen_row, "contents", "results/x/runs.tsv: is not a readable table"),
    "a swapped raw file": (lambda _: Path(RAW).write_text("war"), "raw", f"{RAW}: has the sha256"),
    "a deleted seed": (
        lambda _: edit(f"{FOLDER}/parameters.nc", lambda ds: ds.delncattr("provenance_seed")),
        "stamps",
        "parameters.nc: its stamp lacks seed",
    ),
    "an empty seed": (
        lambda _: forge(f"{FOLDER}/cells.csv", seed=""),
        "stamps",
        "cells.csv: its stamp has no seed",
    ),
    "another seed": (
        lambda _: forge(f"{FOLDER}/cells.csv", seed="8"),
        "stamps",
        "has the seed 8, its settings have 7",
    ),
    "settings of other runs": (
        lambda _: forge(f"{FIGURE}.csv", config={"a": 1}),
        "stamps",
        "fig.csv: its settings do not have the digest",
    ),
    "a leak": (leak, "separation", "training.nc: one_year: holds 1 values of soil_moisture in the"),
    "a variable held back": (give_hidden, "separation", "holds evapotranspiration, from which no"),
    "all observations": (give_observations, "separation", f"was given {STUDY}/observations.nc"),
    "a line to all": (fit_a_line_to_all, "separation", f"was given {STUDY}/observations.nc, which"),
    "a test cell": (calibrate_test_cell, "separation", "1 cells that are no training cells"),
    "a scaler": (fit_scaler_elsewhere, "separation", "its scaler of observations (mean) is not"),
    "a surrogate": (learn_the_tested_weather, "separation", f"learned from {TEST[0]} .. {TEST[1]}"),
    "a deleted sidecar": (
        lambda _: Path(f"{FIGURE}.png.json").unlink(),
        "stamps",
        f"{FIGURE}.png: has no stamp (there is no fig.png.json)",
    ),
    "an edited figure": (
        lambda _: Path(f"{FIGURE}.csv").write_text("a\n3\n"),
        "stamps",
        "fig.csv: is not the file that its stamp was written for",
    ),
    "a removed result": (
        lambda _: Path(f"{FOLDER}/parameters.nc").unlink(),
        "lineage",
        f"leads to {FOLDER}/parameters.nc, which is not there",
    ),
    "an unknown input": (
        lambda made: made.instance.update(pinned={}),
        "lineage",
        f"leads to {RAW}, which no rule makes",
    ),
    "an edited module": (
        edit_module,
        "stale",
        "nc: was made by other code of learn_dpl",
    ),
    "a changed setting": (change_setting, "stale", "with other settings: run.seed"),
    "another period": (
        lambda made: made.instance["periods"].update(test=["2015-02-01", "2015-03-31"]),
        "separation",
        "overlaps the test period",
    ),
    "changes not committed": (
        lambda _: forge(f"{FIGURE}.png", dirty="yes"),
        "commit",
        "1 files were made with changes not committed",
    ),
    "another commit": (
        lambda _: forge(f"{FIGURE}.png", commit="d" * 40),
        "commit",
        f"of dddddddddd are {FIGURE}.png",
    ),
    "another version": (
        lambda _: forge(f"{FIGURE}.png", versions={"numpy": "1.0"}),
        "environment",
        "1 files were made with numpy 1.0",
    ),
}


def test_an_untouched_tree_passes(made):
    tree, audit = made.audit()
    assert audit.problems == []
    looked = {check.name: check.looked_at for check in audit.checks}
    assert (looked["stamps"], looked["raw"], looked["lineage"]) == (10, 1, 2)
    lineage = next(check for check in audit.checks if check.name == "lineage")
    behind = {row[0]: row[1:] for row in lineage.table[1:]}
    # summary, parameters, domain, forcing, training, observations, the raw file and the table
    ends = "1 raw files pinned in config/datasets.csv; 1 tables of the project"
    assert behind[f"{FIGURE}.png"] == ("8", ends)
    assert len(tree.made) == 10


def not_utf8(path):
    return lambda _: Path(path).write_bytes(b"\xff\xfe\x00" + Path(path).read_bytes())


def cut(path, share=0.5):
    return lambda _: Path(path).write_bytes(
        Path(path).read_bytes()[: int(share * Path(path).stat().st_size)]
    )


def say(path, text):
    return lambda _: Path(path).write_text(text)


def fold(path):
    """A folder where a file should be."""

    def act(made):
        Path(path).unlink()
        Path(path).mkdir()
        (Path(path) / "inside.txt").write_text("x")

    return act


def lead_nowhere(path):
    def act(made):
        Path(path).unlink()
        Path(path).symlink_to("nowhere")

    return act


def make_pipe(made):
    os.mkfifo("results/x/summaries/pipe")


def lead_in_a_circle(made):
    Path("results/x/runs/again").symlink_to(Path("results/x/runs").absolute())


def rename_role(made):
    edit(f"{STUDY}/domain.nc", lambda ds: ds.renameVariable("role", "part"))


#: what is broken -> the check that tells, and words it says
DAMAGE = {
    "a sidecar not UTF-8": (
        not_utf8(f"{FIGURE}.csv.json"),
        "stamps",
        f"{FIGURE}.csv: has no stamp (fig.csv.json cannot be read: 'utf-8' codec",
    ),
    "a sidecar cut": (cut(f"{FIGURE}.csv.json"), "stamps", "fig.csv.json cannot be read"),
    "a sidecar that is a list": (say(f"{FIGURE}.csv.json", "[1]"), "stamps", "is no stamp"),
    "a sidecar of other things": (
        lambda _: forge(f"{FIGURE}.csv", inputs=["a"]),
        "stamps",
        "fig.csv.json cannot be read: its field 'inputs' holds ['a']",
    ),
    "a sidecar of versions that are numbers": (
        lambda _: forge(f"{FIGURE}.csv", versions={"numpy": 2}),
        "stamps",
        "its field 'versions' holds 2",
    ),
    "a sidecar that is a folder": (
        fold(f"{FIGURE}.csv.json"),
        "stamps",
        "there is no fig.csv.json",
    ),
    "a broken table of cells": (
        say(f"{FOLDER}/cells.csv", 'cell,"\n1,2,3\n'),
        "separation",
        f"{FOLDER}/cells.csv: cannot be checked, since it raises ParserError",
    ),
    "cells without their column": (
        say(f"{FOLDER}/cells.csv", "a\n1\n"),
        "separation",
        f"{FOLDER}/cells.csv: cannot be checked, since it raises KeyError: 'cell'",
    ),
    "cells that are none": (
        say(f"{FOLDER}/cells.csv", "cell\n-1\n"),
        "separation",
        f"{FOLDER}/cells.csv: names cells that are not in domain.nc",
    ),
    "a card that is a list": (
        say(f"{FOLDER}/network/card.json", "[]"),
        "separation",
        f"{FOLDER}/network/card.json: cannot be checked, since it raises AttributeError",
    ),
    "a netCDF file cut": (cut(f"{STUDY}/training.nc"), "contents", f"{STUDY}/training.nc: "),
    "a netCDF file cut, for the learner": (
        cut(f"{STUDY}/training.nc"),
        "separation",
        f"{STUDY}/training.nc: cannot be checked, since it raises OSError",
    ),
    "a netCDF file cut at its end": (cut(f"{STUDY}/forcing.nc", 0.99), "contents", "forcing.nc: "),
    "an empty netCDF file": (cut(f"{STUDY}/observations.nc", 0), "contents", "observations.nc: "),
    "a domain without roles": (
        rename_role,
        "separation",
        f"{STUDY}/domain.nc: cannot be checked, since it raises KeyError",
    ),
    "a folder where a file should be": (
        fold(f"{FOLDER}/parameters.nc"),
        "stamps",
        f"{FOLDER}/parameters.nc: is a folder, and learn_dpl makes a file there",
    ),
    "a link to nothing": (
        lead_nowhere(f"{FIGURE}.png"),
        "stamps",
        f"{FIGURE}.png: is a link to nothing",
    ),
    "a pipe, from which nothing ever comes": (
        make_pipe,
        "stamps",
        "results/x/summaries/pipe: is neither a file nor a folder",
    ),
    "answers not UTF-8": (
        lambda made: (answer(made), not_utf8(CLAIMS)(made)),
        "claims",
        "claims.csv: 'utf-8' codec can't decode",
    ),
    "a page of answers not UTF-8": (
        lambda made: (answer(made), not_utf8("results/x/claims.md")(made)),
        "claims",
        "claims.md: cannot be checked, since it raises UnicodeDecodeError",
    ),
    "a report not UTF-8": (
        lambda _: Path("results/x/report.html").write_bytes(b"\xff"),
        "report",
        "since it raises UnicodeDecodeError",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_told_and_the_other_checks_go_on(made, name):
    act, check, words = DAMAGE[name]
    act(made)
    leak(made) if "training" not in words else None
    wrong = made.wrong()
    assert words in wrong[check]
    if "training" not in words and "domain" not in words:
        assert "training.nc: one_year: holds 1 values of soil_moisture" in wrong["separation"]


def test_a_check_that_raises_is_a_finding_of_its_own(made):
    made.instance["periods"] = {"train": {"one_year": None}, "test": list(TEST)}
    wrong = made.wrong()
    assert "results/x: cannot be checked, since it raises TypeError" in wrong["separation"]
    assert set(wrong) == {"separation"}


def test_a_run_on_another_disk_is_a_run_like_others(made, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("disk") / "dpl"
    shutil.move(FOLDER, elsewhere)
    Path(FOLDER).symlink_to(elsewhere)
    lead_in_a_circle(made)
    tree, audit = made.audit()
    assert audit.problems == []
    assert f"{FOLDER}/network/card.json" in tree.made
    assert len(tree.made) == 10


def test_results_outside_of_the_project_are_read_by_their_whole_path(made, tmp_path_factory):
    """Where the configuration names scratch, the rules' paths are absolute."""
    elsewhere = tmp_path_factory.mktemp("scratch") / "x"
    shutil.copytree("results/x", elsewhere)
    tree = read_tree(".", str(elsewhere), "smap", [])
    assert f"{elsewhere}/runs/dpl/parameters.nc" in tree.made
    assert tree.made[f"{elsewhere}/runs/dpl/parameters.nc"].stamp["rule"] == "learn_dpl"


@pytest.mark.parametrize("kind", SURROGATES)
def test_a_run_may_learn_through_any_kind_of_surrogate(made, kind):
    card = Path(f"{STUDY}/{kind}/round-1/card.json")
    card.parent.mkdir(parents=True)
    card.write_text(json.dumps({"days": [["2014-01-01", "2014-12-31"]]}))
    stamp = made.job("train_surrogate", [str(card)], [f"{STUDY}/forcing.nc"])
    provenance.write_sidecar(card, stamp)
    made.jobs = [job for job in made.jobs if job["rule"] != "learn_dpl"]
    learn(made, more=[str(card)])
    assert "separation" not in made.wrong()


def test_the_page_about_results_is_no_result(made):
    Path("results/x/README.md").write_text("# Results\n")
    tree, _ = made.audit()
    assert "results/x/README.md" not in tree.files
    assert not made.wrong()


def test_what_is_kept_for_later_jobs_is_looked_at(made):
    keep_weights()
    keep_checkpoint()
    set_aside(keep_checkpoint(), "a bit was flipped")
    seal(b"another", CHECKPOINT, "training", "dpl")
    _, audit = made.audit()
    assert audit.problems == []
    seals = next(check for check in audit.checks if check.name == "seals")
    assert seals.looked_at == 2
    assert seals.notes == [
        f"{CHECKPOINT}.unusable: set aside, since it was damaged; you may delete it"
    ]


def test_a_file_that_its_mirror_vouches_for_is_told_and_not_wrong(made):
    was = made.instance["pinned"][RAW]
    made.instance["pinned"][RAW] = "0" * 64
    note = f"{RAW}: the mirror's file (sha256 {was}) is not the pinned one"
    source = {"sha256": was, "origin": "/copies/a.csv", "note": note}
    provenance.write_sidecar(RAW, provenance.stamp("retrieve_hydrodl") | {"retrieved": source})
    _, audit = made.audit()
    raw = next(check for check in audit.checks if check.name == "raw")
    assert raw.passed
    (note,) = raw.notes
    assert "that came from /copies/a.csv by the SHA256SUMS of its mirror" in note
    Path(RAW).write_text("swapped")
    assert "not the file that was published" in made.wrong()["raw"]


@pytest.mark.parametrize("name", TAMPERING)
def test_what_was_done_is_told(made, name):
    act, check, words = TAMPERING[name]
    act(made)
    assert words in made.wrong()[check]


CLAIMS = "results/x/claims.csv"


def answer(made, page_says=None, **columns):
    """A table of answers with one to the claim of the tree, some columns changed, and its page."""
    row = {
        **published(made.instance["claims"][0]["claim"]),
        "ours": "0.05",
        "spread": "0.001",
        "seeds": 3,
        "verdict": "reproduced",
        "clear": "yes",
        "why": "",
        "notes": "",
        "data": "real",
        "configuration": "x",
    }
    rows = [row | dict(zip(columns, values)) for values in zip(*columns.values())] or [row]
    page_path = "results/x/claims.md"
    stamp = made.job("answer_claims", [CLAIMS, page_path], [f"{FOLDER}/parameters.nc"])
    contracts.write_table(pd.DataFrame(rows), CLAIMS, "claims")
    said = pd.DataFrame(rows if page_says is None else [row | page_says]).astype(str)
    with contextlib.suppress(KeyError):  # a page cannot be made of any nonsense
        Path(page_path).write_text(claims_page(said, "made up", ""))
        provenance.write_sidecar(page_path, stamp)
    provenance.write_sidecar(CLAIMS, stamp)


def test_answers_as_they_are_given_pass(made):
    answer(made)
    _, audit = made.audit()
    assert audit.problems == []
    claims = next(check for check in audit.checks if check.name == "claims")
    assert claims.looked_at == 1
    assert "1 reproduced, 0 differs, 0 not run" in claims.notes[0]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"id": ["two"]}, "lacks 1 claims of config/claims.yaml: one"),
        ({"id": ["two"]}, "has 1 claims that are not in it now: two"),
        ({"data": ["twin"]}, "one is answered on 'twin' data, and these are 'real'"),
        ({"configuration": ["y"]}, "an answer of the configuration 'y', and this is 'x'"),
        ({"verdict": ["proved"]}, "one has the verdict 'proved'"),
        (
            {"verdict": ["reproduced", "differs"]},
            "one stands there 2 times, with: reproduced, differs",
        ),
        ({"expected": ["42 ± 0.01"]}, "'42 ± 0.01' in the column expected, config/claims.yaml '0"),
        ({"statement": ["All is well."]}, "'All is well.' in the column statement"),
        ({"clear": ["surely"]}, "one is reproduced, and clear: 'surely'"),
        ({"verdict": ["not run"]}, "one is not run, and says why it is not run: ''"),
    ],
)
def test_answers_are_held_against_the_list_of_claims(made, columns, words):
    answer(made, **columns)
    assert words in made.wrong()["claims"]


def test_a_verdict_where_nothing_can_answer_is_told(made):
    made.instance["claims"][0]["why"] = "no run of dpl_z"
    answer(made)
    assert "one is reproduced, and cannot be answered here: no run" in made.wrong()["claims"]


def test_a_page_that_says_other_than_the_table_is_told(made):
    answer(made, page_says={"verdict": "differs"})
    assert set(made.wrong()) == {"claims"}
    assert "claims.md: does not say what claims.csv says, first in line" in made.wrong()["claims"]


def write_report(*paths):
    shown = {
        path: {"data_uri": f"data:text/csv;base64,{b64encode(Path(path).read_bytes()).decode()}"}
        for path in paths
    }
    before = '<script>var results = [];</script><script id="results">\n var results = '
    Path("results/x/report.html").write_text(f"{before}{json.dumps(shown)};</script>")


def test_a_report_is_held_against_the_results_it_shows(made):
    write_report(f"{FIGURE}.csv", f"{FIGURE}.png")
    _, audit = made.audit()
    assert audit.problems == []
    assert next(check for check in audit.checks if check.name == "report").looked_at == 2
    pd.DataFrame({"a": [1, 3]}).to_csv("results/x/other.csv", index=False)
    Path("results/x/report.html").write_text(
        Path("results/x/report.html").read_text().replace("YSwK", "YSxi", 1).replace("YQo", "Ygo")
    )
    assert f"report.html: shows another {FIGURE}.csv than is there" in made.wrong()["report"]
    write_report(f"{FIGURE}.csv", RAW)
    assert f"shows {RAW}, which is not there" in made.wrong()["report"]


def test_an_empty_tree_does_not_pass(made, tmp_path):
    tree = read_tree(tmp_path, "results/nothing", "smap", [])
    problems = inspect(tree, made.instance).problems
    assert problems == ["stamps: results/nothing: there are no results to look at: make some first"]


def test_page_manifest_and_crate_are_written(made, tmp_path):
    change_number(made)
    tree, audit = made.audit()
    text = page(audit, tree, made.instance, "2026-01-01T00:00:00+00:00")
    assert "# Audit of x: failed" in text
    assert "## What this audit cannot see" in text
    assert f"- **{FOLDER}/parameters.nc**: is not what was written: its content_sha256" in text
    listed = manifest(audit, tree, made.instance, "2026-01-01T00:00:00+00:00")
    json.dumps(listed, allow_nan=False)
    files = {file["path"]: file for file in listed["files"]}
    assert files[f"{FIGURE}.png"]["sha256"] == sha256(f"{FIGURE}.png")
    assert files[f"{FOLDER}/parameters.nc"]["seed"] == "7"
    outside = {file["path"]: file["sha256"] for file in listed["outside"]}
    assert outside == {path: sha256(path) for path in (RAW, "resources/table.csv")}
    assert not listed["passed"]
    folder = tmp_path / "audit"
    folder.mkdir()
    for name in ("audit.md", "manifest.json"):
        (folder / name).write_text("{}")
    write_crate(folder, tree, made.instance, "2026-01-01T00:00:00+00:00")
    assert check_crate(folder) == []
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert entities["https://example.org/a.csv"]["sha256"] == sha256(RAW)
    assert (folder / "outputs/figures/p/fig.png").is_file()
    graph.remove(entities["#run"])
    write_json(
        {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph},
        folder / "ro-crate-metadata.json",
    )
    assert "the root mentions no run of the workflow" in check_crate(folder)


@pytest.fixture
def repeated(tmp_path):
    """Two files of a run as it was, and again."""

    def write(folder, parameters, **stamp):
        space = SPACE.subset(["infilt", "Ws"])
        attributes = {"machine": "m", "device": "cpu", "versions": "{}", "code": "c"} | stamp
        given = {"then": "results/in.nc", "now": "/there/results/in.nc"}[folder]
        attributes = {"inputs": json.dumps({given: "sum"})} | attributes
        given = {f"provenance_{name}": value for name, value in attributes.items()}
        path = tmp_path / folder / "parameters.nc"
        contracts.write(parameters_dataset(space, parameters), path, "parameters", given)
        table = pd.DataFrame({"epoch": [1, 2], "seconds": [len(folder), 9.0], "loss": [0.5, 0.4]})
        table.to_csv(path.with_name("history.csv"), index=False)
        return {name: path.with_name(name) for name in ("parameters.nc", "history.csv")}

    return write


PARAMETERS = torch.tensor([[0.1, 0.6], [0.2, 0.7]])


def test_a_run_repeated_on_the_same_machine_is_the_same_to_the_last_bit(repeated):
    rows = compare_run("r", repeated("then", PARAMETERS), repeated("now", PARAMETERS))
    assert [(row.file, row.same, row.passed) for row in rows] == [
        ("parameters.nc", True, True),
        ("history.csv", True, True),
    ]
    other = compare_run("r", repeated("then", PARAMETERS), repeated("now", PARAMETERS * 1.00001))
    assert [row.passed for row in other] == [False, True]


def test_elsewhere_a_repeated_run_is_held_to_tolerances(repeated):
    then = repeated("then", PARAMETERS)
    near, far = PARAMETERS * 1.001, PARAMETERS + torch.tensor([0.2, 0.2])
    rows = {
        name: compare_run("r", then, repeated("now", values, machine="another"))[0]
        for name, values in (("near", near), ("far", far))
    }
    assert (rows["near"].same, rows["near"].passed, rows["far"].passed) == (False, True, False)
    assert "elsewhere: machine" in rows["near"].what


def test_a_run_of_other_code_is_not_compared_in_silence(repeated):
    then, now = repeated("then", PARAMETERS), repeated("now", PARAMETERS, code="d")
    assert [row.file for row in compare_run("r", then, now) if not row.passed] == ["code"]


def test_a_run_from_other_inputs_is_told_and_repeated_parts_are_none(repeated):
    then = repeated("then", PARAMETERS)
    parts = {"/there/results/in.nc": "sum", "results/x/audit/rerun/r/part.nc": "any"}
    other = {"/there/results/in.nc": "another sum"}
    failed = [
        [row.file for row in compare_run("r", then, now) if not row.passed]
        for inputs in (parts, other)
        if (now := repeated("now", PARAMETERS, inputs=json.dumps(inputs)))
    ]
    assert failed == [[], ["inputs"]]


@pytest.fixture
def drawn(tmp_path):
    """A file with its stamp, as it was and again."""

    def write(folder, name, content, **stamp):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".png":
            matplotlib.image.imsave(path, content, metadata={"Title": folder})
        else:
            path.write_text(content)
        about = {"versions": {"numpy": "2"}, "machine": "m", "code": "c", "inputs": {"a": "sum"}}
        write_json({"rule": "plot", **about, **stamp}, f"{path}.json")
        return path

    return write


PIXELS = np.random.default_rng(1).random((50, 50, 3))
SPOT = PIXELS.copy()
SPOT[0, 0] = 0
TABLE, NEAR, FAR = "a,seconds\nx,1.0\n", "a,seconds\nx,1.0001\n", "a,seconds\nx,1.1\n"


@pytest.mark.parametrize(
    ("name", "then", "now", "where", "passed"),
    [
        # written otherwise, and of the same values
        ("a.csv", TABLE, "a,seconds\nx,1.000\n", {}, True),
        ("a.csv", TABLE, NEAR, {}, False),
        ("a.csv", TABLE, NEAR, {"machine": "n"}, True),
        ("a.csv", TABLE, FAR, {"machine": "n"}, False),
        ("a.csv", TABLE, "a,seconds\ny,1.0\n", {"machine": "n"}, False),
        ("a.csv", TABLE, TABLE + "x,1.0\n", {"machine": "n"}, False),
        ("a.csv", TABLE, FAR, {"versions": {"numpy": "3"}}, False),
        # what only one environment has is not at work
        ("a.csv", TABLE, NEAR, {"versions": {"numpy": "2", "torch": "1"}}, False),
        ("a.png", PIXELS, PIXELS, {}, True),
        ("a.png", PIXELS, SPOT, {}, False),
        ("a.png", PIXELS, SPOT, {"machine": "n"}, True),
        ("a.png", PIXELS, PIXELS[::-1], {"machine": "n"}, False),
        ("a.png", PIXELS, PIXELS[:40], {"machine": "n"}, False),
        ("a.png", PIXELS, PIXELS[::-1], {"versions": {"numpy": "3"}}, True),
        ("a.pdf", "one", "one", {}, True),
        ("a.pdf", "one", "two", {}, False),
        ("a.pdf", "one", "two", {"machine": "n"}, True),
    ],
)
def test_what_is_drawn_again_is_compared_by_content(drawn, name, then, now, where, passed):
    row = compare_made("plot", drawn("then", name, then), drawn("now", name, now, **where))
    assert row.passed == passed, row.what
    assert row.what.startswith("the same" if row.same else "not the same")
    assert passed or row.job == "plot"


def test_a_pdf_is_held_to_its_words_and_places(tmp_path):
    def draw(name, word="0.12", x=0.5):
        figure = Figure(figsize=(2, 2))
        figure.text(x, 0.5, word)
        figure.savefig(tmp_path / name, metadata={"CreationDate": None, "ModDate": None})
        return tmp_path / name

    one = draw("one.pdf")
    assert same(one, draw("again.pdf"))
    # the last digit that is printed is another, and so is the length of what holds it
    assert same(one, draw("near.pdf", x=0.5 + 1e-7))
    assert (tmp_path / "near.pdf").read_bytes() != one.read_bytes()
    assert not same(one, draw("far.pdf", x=0.501))
    assert not same(one, draw("word.pdf", word="0.13"))
    longer = tmp_path / "longer.pdf"
    longer.write_bytes(one.read_bytes() + b"\n9 0 obj\n<< /Type /Page >>\nendobj\n%%EOF\n")
    assert not same(one, longer)


def test_why_something_drawn_again_may_differ_is_told(drawn):
    then = drawn("then", "a.csv", TABLE)
    now = drawn("now", "a.csv", FAR, code="d", inputs={"a": "another sum"})
    told = compare_made("plot", then, now).what
    assert (
        told
        == "not the same; the code was edited since; it was made from other inputs than are there"
    )
    Path(f"{then}.json").write_bytes(b"\xff")
    assert "has no stamp a.csv.json cannot be read" in compare_made("plot", then, now).what


def test_what_cannot_be_compared_is_a_finding_and_the_others_go_on(repeated):
    then, now = repeated("then", PARAMETERS), repeated("now", PARAMETERS)
    cut(then["parameters.nc"])(None)
    rows = compared("r", then, lambda: compare_run("r", then, now))
    assert [(row.file, row.passed) for row in rows] == [
        ("parameters.nc", False),
        ("history.csv", False),
    ]
    assert "cannot be repeated or compared: OSError" in rows[0].what


def test_the_cheapest_run_of_each_kind_is_repeated(tmp_path):
    for run in ("a_1", "a_2", "b_1", "b_2"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        (tmp_path / "runs" / run / "parameters.nc").touch()
    for name, seconds in (("a/a_1", 9), ("a/a_2", 8), ("b/b_1_batch-0", 4), ("b/b_1_batch-1", 4)):
        path = tmp_path / f"times/{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\tmax_rss\n{seconds}\t1\n")
    (tmp_path / "times/b/b_2.tsv").write_text("s\n7\n")
    kinds = {"a": ["a_1", "a_2", "a_gone"], "b": ["b_1", "b_2"], "c": ["c_1"]}
    assert cheapest(kinds, tmp_path / "times", tmp_path / "runs") == ["a_2", "b_2"]
