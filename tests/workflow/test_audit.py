"""The audit of a small finished tree, untouched and tampered with; repeated runs."""

import copy
import json
import shutil

import matplotlib.image
import netCDF4
import pandas as pd
import pytest

from parlearn.audit.crate import PROFILES, check_crate
from parlearn.storage.files import sha256

RESULTS = "results/tiny"
RUNS = ("default_s8_2y", "sceua_s8_2y_1", "dpl_a_vic_s8_2y_1")
REPEAT = ["--config", f"audit={{rerun: [{', '.join(RUNS)}]}}"]


@pytest.fixture(scope="module")
def audited(chain, tmp_path_factory):
    """A copy of the finished chain, to be tampered with."""
    folder = tmp_path_factory.mktemp("audited") / "parlearn"
    shutil.copytree(chain.folder, folder, symlinks=True)
    project = copy.copy(chain)
    project.folder = folder
    return project


def audit(project):
    """Exit status, what was printed, and the manifest."""
    done = project.snakemake("-c1", "audit", check=False)
    manifest = json.loads((project.folder / RESULTS / "audit/manifest.json").read_text())
    assert manifest["passed"] == (done.returncode == 0), done.stdout[-4000:]
    return done, manifest


def found(manifest) -> dict[str, set[str]]:
    """Check -> places of its problems."""
    return {
        check["name"]: {problem["where"] for problem in check["problems"]}
        for check in manifest["checks"]
        if check["problems"]
    }


def test_an_untouched_tree_passes_and_nothing_is_made(audited):
    results = audited.folder / RESULTS
    before = {p: p.stat().st_mtime_ns for p in results.rglob("*") if p.is_file()}
    done, manifest = audit(audited)
    assert found(manifest) == {}, done.stdout[-4000:]
    after = {p: p.stat().st_mtime_ns for p in results.rglob("*") if p.is_file()}
    assert {p: after.get(p) for p in before} == before
    new = {p.relative_to(results).as_posix() for p in {*after} - {*before}}
    outside = {name for name in new if not name.startswith("audit/")}
    assert outside == {"logs/audit.log"}
    looked = {check["name"]: check["looked_at"] for check in manifest["checks"]}
    assert looked["raw"] > 1000
    assert looked["stamps"] > 60
    assert looked["lineage"] > 60
    files = {file["path"]: file for file in manifest["files"]}
    learned = files[f"{RESULTS}/runs/dpl_a_vic_s8_2y_1/parameters.nc"]
    assert (learned["rule"], learned["seed"], len(learned["sha256"])) == ("learn_dpl", "1", 64)
    page = (results / "audit/audit.md").read_text()
    assert "# Audit of tiny: passed" in page
    assert "the twin of seed 1" in page


def test_the_crate_is_one_of_a_workflow_run(audited):
    folder = audited.folder / RESULTS / "audit"
    assert check_crate(folder) == []
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert {one["@id"] for one in entities["./"]["conformsTo"]} == {*PROFILES}
    assert entities["./"]["mainEntity"] == {"@id": "project/Snakefile"}
    run = entities["#run"]
    made = {one["@id"] for one in run["result"]}
    assert "outputs/figures/tsai2021/tsai2021_figS1.png" in made
    assert {f"outputs/runs/{name}/parameters.nc" for name in RUNS} <= made
    assert entities["#seed"]["value"] == "1"
    (folder / "outputs/figures/tsai2021/tsai2021_figS1.png").unlink()
    assert any("tsai2021_figS1.png is named and not there" in lack for lack in check_crate(folder))


def test_tampering_is_found_and_named(audited):
    """All at once, since an audit takes its time; each must be told by its own check."""
    results = audited.folder / RESULTS
    kept = audited.folder / "kept"
    shutil.copytree(results, kept)
    number = results / "runs/sceua_s8_2y_1/parameters.nc"
    with netCDF4.Dataset(number, "a") as ds:
        ds["parameters"][0, 0] = float(ds["parameters"][0, 0]) * 0.99
    seed = results / "runs/dpl_a_vic_s8_2y_1/parameters.nc"
    with netCDF4.Dataset(seed, "a") as ds:
        ds.delncattr("provenance_seed")
    leak = results / "smap/training.nc"
    with netCDF4.Dataset(leak, "a") as ds:
        ds["soil_moisture"][0, 0, -3] = 0.3
    sidecar = results / "figures/tsai2021/tsai2021_figS1.png.json"
    sidecar.unlink()
    raw = sorted((results / "smap/twin/raw/smap").rglob("*.h5"))
    raw[0].chmod(0o644)
    shutil.copyfile(raw[1], raw[0])
    module = audited.folder / "workflow/lib/parlearn/calibrate/objective.py"
    text = module.read_text()
    module.write_text(text + "\nEDITED = 1\n")
    try:
        done, manifest = audit(audited)
    finally:
        module.write_text(text)
        shutil.rmtree(results)
        kept.rename(results)
    wrong = found(manifest)
    name = {p: p.relative_to(audited.folder).as_posix() for p in (number, seed, leak, raw[0])}
    assert name[number] in wrong["contents"]
    assert name[seed] in wrong["stamps"]
    assert name[leak] in wrong["separation"] & wrong["contents"]
    assert sidecar.relative_to(audited.folder).as_posix().removesuffix(".json") in wrong["stamps"]
    assert name[raw[0]] in wrong["raw"]
    assert f"{RESULTS}/runs/sceua_s8_2y_1/calibration/batch-0.nc" in wrong["stale"]
    assert "." in wrong["commit"]
    for place in [*name.values(), "was made by other code of calibrate_sceua"]:
        assert place in done.stdout
    assert "in the test period" in done.stdout


def test_repeated_runs_are_the_same_to_the_last_bit(audited):
    results = audited.folder / RESULTS
    stamps = {p: p.stat().st_mtime_ns for p in (results / "runs").rglob("*") if p.is_file()}
    done = audited.snakemake("-c2", "audit_rerun", *REPEAT)
    table = pd.read_csv(results / "audit/rerun.csv")
    assert table["same"].all(), table.to_string()
    assert {*RUNS} < set(table["job"])
    # all that is drawn from runs, and the scores of those that were repeated
    figures = {p.relative_to(audited.folder).as_posix() for p in (results / "figures").rglob("*.*")}
    drawn = {path for path in figures if not path.endswith(".json")}
    drawn |= {f"{RESULTS}/{name}" for name in ("claims.csv", "claims.md", "runs.tsv")}
    drawn |= {f"{RESULTS}/runs/{run}/metrics.nc" for run in RUNS} | {f"{RESULTS}/smap/coverage.csv"}
    assert drawn <= set(table["file"])
    assert len(list((results / "summaries").glob("*.csv"))) == sum(
        "/summaries/" in f for f in table["file"]
    )
    assert {"parameters.nc", "history.csv", "network/network.safetensors"} <= set(table["file"])
    assert done.stdout.count("rule rerun_") >= len(RUNS)
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps
    assert not [p for p in (results / "audit/rerun").rglob("*") if p.is_file()]


def forged(path):
    """Let the sidecar of a file say that the file is what was written."""
    beside = path.with_name(f"{path.name}.json")
    beside.write_text(json.dumps(json.loads(beside.read_text()) | {"sha256": sha256(path)}))


def test_forged_pictures_tables_and_answers_are_found_by_making_them_again(audited):
    """Each was changed together with its sidecar, so that the audit alone cannot tell."""
    results = audited.folder / RESULTS
    figure = results / "figures/tsai2021/tsai2021_figS1"
    changed = {
        "pixels": figure.with_suffix(".png"),
        "paper": figure.with_suffix(".pdf"),
        "words": results / "figures/tsai2021/tsai2021_tableS1.md",
        "gaps": results / "smap/coverage.csv",
        "number": results / "figures/li2023/li2023_fig8.csv",
    }
    before = {path: path.read_bytes() for path in changed.values()}
    before |= {(p := path.with_name(f"{path.name}.json")): p.read_bytes() for path in before}
    pixels = matplotlib.image.imread(changed["pixels"]).copy()
    pixels[10:20, 10:20] = 0
    matplotlib.image.imsave(changed["pixels"], pixels)
    changed["paper"].write_bytes(before[changed["paper"]] + b"\n% another\n")
    changed["words"].write_text(changed["words"].read_text().replace("1", "2", 1))
    table = pd.read_csv(changed["gaps"])
    table.loc[0, "count"] += 1
    table.to_csv(changed["gaps"], index=False)
    table = pd.read_csv(changed["number"])
    column = table.select_dtypes("float").columns[-1]
    table[column] *= 1.001
    table.to_csv(changed["number"], index=False)
    for path in changed.values():
        forged(path)
    try:
        only = ["--config", "audit={rerun: [default_s8_2y]}"]
        done = audited.snakemake("-c1", "audit_rerun", *only, check=False)
    finally:
        for path, content in before.items():
            path.write_bytes(content)
    assert done.returncode == 1
    told = pd.read_csv(results / "audit/rerun.csv")
    wrong = set(told["file"][~told["passed"]])
    assert wrong == {path.relative_to(audited.folder).as_posix() for path in changed.values()}


def test_damage_is_told_and_no_older_page_says_that_all_is_well(audited):
    results = audited.folder / RESULTS
    kept = audited.folder / "kept"
    shutil.copytree(results, kept, symlinks=True)
    sidecar = results / "figures/tsai2021/tsai2021_figS1.png.json"
    sidecar.write_bytes(b"\xff\xfe")
    cells = results / "runs/sceua_s8_2y_1/cells.csv"
    cells.write_text('cell,"\n1,2,3\n')
    cut = results / "smap/forcing.nc"
    cut.write_bytes(cut.read_bytes()[:5000])
    folder = results / "runs/default_s8_2y/metrics.nc"
    folder.unlink()
    folder.mkdir()
    run = results / "runs/dpl_a_vic_s8_2y_1"
    run.rename(audited.folder / "elsewhere")
    run.symlink_to(audited.folder / "elsewhere")
    page = results / "audit/audit.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text("# Audit of tiny: passed")
    try:
        _, manifest = audit(audited)
        text = page.read_text()
    finally:
        shutil.rmtree(results)
        shutil.rmtree(audited.folder / "elsewhere")
        kept.rename(results)
    wrong = found(manifest)
    place = {p: p.relative_to(audited.folder).as_posix() for p in (cells, cut, folder)}
    assert f"{RESULTS}/figures/tsai2021/tsai2021_figS1.png" in wrong["stamps"]
    assert place[folder] in wrong["stamps"]
    assert place[cells] in wrong["separation"] & wrong["contents"]
    assert place[cut] in wrong["separation"] & wrong["contents"]
    # the run that lies elsewhere is one like others: made from what is damaged, and no more wrong
    named = {check for check, places in wrong.items() for p in places if "dpl_a_vic_s8_2y_1" in p}
    assert named == {"stale"}
    assert "# Audit of tiny: failed" in text


def test_a_run_that_cannot_be_repeated_is_named(audited):
    """One was changed together with its stamp, so that only repeating it can tell."""
    path = audited.folder / RESULTS / "runs/default_s8_2y/parameters.nc"
    before = path.read_bytes()
    with netCDF4.Dataset(path, "a") as ds:
        ds["parameters"][0, 0] = float(ds["parameters"][0, 0]) * 0.99
    only = ["--config", "audit={rerun: [default_s8_2y]}"]
    done = audited.snakemake("-c1", "audit_rerun", *only, check=False)
    path.write_bytes(before)
    assert done.returncode == 1
    assert "default_s8_2y, parameters.nc: not the same" in done.stdout
