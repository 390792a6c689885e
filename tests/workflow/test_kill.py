"""A workflow killed outright goes on where it was, to the numbers of an undisturbed one."""

import os
import re
import shutil
import signal

import pytest
import xarray as xr
import yaml

CONFIG = "tests/workflow/long.yaml"
RUNS = "results/long/runs"
DPL, SCEUA = "dpl_a_vic_s8_2y_1", "sceua_vic_s8_2y_1"
#: run, log of its job, what stands there with its first checkpoint and when it goes on from one
LEARNERS = [
    (DPL, f"learn_dpl/{DPL}", r"epoch 1 of 40", r"resumed after epoch (\d+)"),
    (SCEUA, f"calibrate_sceua/{SCEUA}_batch-0", r"loop 1:", r"resumed from \S+ after (\d+) loops"),
]


def parameters(project, run):
    with xr.open_dataset(project.folder / RUNS / run / "parameters.nc") as ds:
        return ds.load()


@pytest.fixture(scope="module")
def long(make_project):
    """A copy of the project whose learners run long enough to be caught, and have run once."""
    project = make_project("killed")
    config = yaml.safe_load((project.folder / "tests/workflow/tiny.yaml").read_text())
    # the set of runs that has SCE-UA on VIC, and so needs no surrogate
    config |= {"name": "long", "results": "results/long", "run_set": "paper"}
    config["settings"]["dpl"]["dpl_a_vic"]["epochs"] = 40
    config["settings"]["sceua"]["sceua_vic"]["max_evaluations"] = 250
    (project.folder / CONFIG).write_text(yaml.safe_dump(config))
    targets = [f"{RUNS}/{run}/parameters.nc" for run, *_ in LEARNERS]
    project.snakemake("-c1", *targets, config=CONFIG)
    return project


@pytest.mark.parametrize(
    ("run", "log", "saved", "resumed"), LEARNERS, ids=[run for run, *_ in LEARNERS]
)
def test_a_killed_run_goes_on_from_its_checkpoint(long, run, log, saved, resumed):
    undisturbed = parameters(long, run)
    folder, target = long.folder / RUNS / run, f"{RUNS}/{run}/parameters.nc"
    shutil.rmtree(folder)

    process = long.start("-c1", target, config=CONFIG)
    said = ""
    for line in process.stdout:
        said += line
        if re.search(saved, line):
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.stdout.read()  # ends when the last process of the group is dead
    assert process.wait() == -signal.SIGKILL, said[-3000:]
    assert not (folder / "parameters.nc").exists(), "it was over before it could be killed"
    assert len(list(folder.rglob("checkpoint*"))) == 1

    refused = long.snakemake("-c1", target, config=CONFIG, check=False)
    assert refused.returncode == 1
    assert "--unlock" in refused.stdout
    long.snakemake("--unlock", config=None)
    long.snakemake("-c1", target, config=CONFIG)

    said = (long.folder / f"results/long/logs/{log}.log").read_text()
    assert int(re.search(resumed, said)[1]) >= 1
    assert parameters(long, run).equals(undisturbed)
    left = [p.name for p in folder.rglob("*")]
    assert not [name for name in left if name.startswith(".") or "checkpoint" in name]
