"""The workflow on a SLURM, through the profile: partitions, limits, cancelled and killed jobs.

make test-slurm    starts a SLURM of one node first (tests/slurm/cluster.sh)
"""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import xarray as xr
import yaml

pytestmark = pytest.mark.slurm

CONFIG = "tests/workflow/slurm.yaml"
RESULTS = "results/slurm"
DPL, SCEUA = "dpl_a_vic_s8_2y_1", "sceua_vic_s8_2y_1"
SURROGATE = f"{RESULTS}/smap/surrogate/round-1/weights.safetensors"
LEARNED = [f"{RESULTS}/runs/{run}/parameters.nc" for run in (DPL, SCEUA)]
#: log of a job, and what stands in it once there is a state to go on from
SAVED = {
    f"learn_dpl/{DPL}.log": r"epoch 1 of",
    f"calibrate_sceua/{SCEUA}_batch-0.log": r"loop 1:",
    f"calibrate_sceua/{SCEUA}_batch-1.log": r"loop 1:",
}
#: the profile, on a SLURM without accounting and with little patience
PROFILE = [
    *("--profile", "slurm", "--slurm-status-command", "squeue"),
    *("--seconds-between-status-checks", "3", "--slurm-init-seconds-before-status-checks", "3"),
]
PATIENCE = 1800  # seconds; the machine may be busy


def slurm(*words) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def cluster():
    try:
        partitions = slurm("sinfo", "--noheader", "--format=%R").split()
    except (OSError, subprocess.SubprocessError):
        partitions = []
    if not {"cpu", "gpu"} <= set(partitions):
        pytest.skip(
            "there is no SLURM with partitions cpu and gpu here: 'make test-slurm' installs and "
            "starts one, as root on Debian or Ubuntu"
        )


@pytest.fixture(scope="module")
def limits(make_project):
    """Jobs that ask for too little, under way while the other tests run."""
    project = make_project("limits")
    process = project.start("-s", "tests/slurm/limits.smk", *PROFILE, config=None)
    yield project, process
    end(process)


@pytest.fixture(scope="module")
def prepared(make_project, limits):
    """A copy of the project in which all that comes before the learners is there."""
    project = make_project("prepared")
    config = yaml.safe_load((project.folder / "tests/workflow/tiny.yaml").read_text())
    # the set of runs that has SCE-UA on VIC, and so needs no surrogate
    config |= {"name": "slurm", "results": RESULTS, "run_set": "paper", "device": "auto"}
    config["calibrate"] = {"batches": {"s8": 2}}
    config["settings"]["dpl"]["dpl_a_vic"]["epochs"] = 100
    config["settings"]["sceua"]["sceua_vic"]["max_evaluations"] = 2000
    (project.folder / CONFIG).write_text(yaml.safe_dump(config))
    study = f"{RESULTS}/smap"
    project.snakemake(
        *("-c2", f"{study}/line/s8/two_years.json", f"{study}/forcing.nc"),
        *(f"{study}/samples/round-1/batch-{batch}.nc" for batch in range(2)),
        config=CONFIG,
    )
    return project


@pytest.fixture(scope="module")
def undisturbed(prepared):
    """Run -> its parameters, learned on this machine without SLURM."""
    project = copy(prepared, "undisturbed")
    project.snakemake("-c2", *LEARNED, config=CONFIG)
    return parameters(project)


def copy(prepared, name):
    """Another folder like the prepared one."""
    project = object.__new__(type(prepared))
    project.folder = prepared.folder.parent / name / "parlearn"
    shutil.copytree(prepared.folder, project.folder, symlinks=True)
    return project


def parameters(project) -> dict[str, xr.Dataset]:
    found = {}
    for run in (DPL, SCEUA):
        with xr.open_dataset(project.folder / RESULTS / "runs" / run / "parameters.nc") as ds:
            found[run] = ds.load()
    return found


def equal(one, other) -> bool:
    return all(one[run].equals(other[run]) for run in one)


def log(project, name) -> str:
    path = project.folder / RESULTS / "logs" / name
    return path.read_text() if path.exists() else ""


def wait_until(condition, process, what):
    """Poll while a workflow runs."""
    begin = time.monotonic()
    while not condition():
        assert process.poll() is None, f"the workflow ended before {what}:\n{process.stdout.read()}"
        assert time.monotonic() - begin < PATIENCE, f"{what}: not within {PATIENCE} s"
        time.sleep(0.2)


def ended_well(process):
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said[-6000:]
    return said


def end(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=120)


def queue(project) -> dict[int, dict]:
    """SLURM's jobs of a folder, those over included: number -> rule, partition, state and GPUs."""
    found = {}
    fields = "JobID:;,Partition:;,State:;,tres-per-job:;,WorkDir:;,Comment:"
    for line in slurm("squeue", "-h", "-t", "all", "-S", "i", "-O", fields).splitlines():
        number, partition, state, tres, folder, comment = line.strip().split(";", 5)
        if Path(folder) == project.folder:
            found[int(number)] = {
                "rule": re.match(r"rule_([a-z_]+?)(_wildcards.*)?$", comment)[1],
                "partition": partition,
                "state": state,
                "gpus": int(tres.endswith("gpu:1")),
            }
    return found


@pytest.fixture(scope="module")
def two(prepared):
    """Two folders, the same workflow in each at once; in the first, training is cancelled once."""
    projects = [copy(prepared, name) for name in ("first", "second")]
    targets = [SURROGATE, *LEARNED]
    processes = [project.start(*PROFILE, *targets, config=CONFIG) for project in projects]
    try:
        name, pattern = next(iter(SAVED.items()))
        wait_until(lambda: re.search(pattern, log(projects[0], name)), processes[0], "training")
        training = [n for n, job in queue(projects[0]).items() if job["rule"] == "learn_dpl"]
        slurm("scancel", *map(str, training))
        said = [ended_well(process) for process in processes]
    finally:
        for process in processes:
            end(process)
    return projects, [queue(project) for project in projects], said


def test_rules_that_ask_for_a_gpu_land_in_its_partition(two):
    _, queues, _ = two
    for jobs in queues:
        where = {job["rule"]: (job["partition"], job["gpus"]) for job in jobs.values()}
        assert where == {
            "train_surrogate": ("gpu", 1),
            "learn_dpl": ("cpu", 0),  # through VIC
            "calibrate_sceua": ("cpu", 0),
            "join_sceua": ("cpu", 0),
        }


def test_cancelled_job_is_submitted_again_and_goes_on(two, undisturbed):
    projects, queues, said = two
    trained = sorted(j["state"] for j in queues[0].values() if j["rule"] == "learn_dpl")
    assert trained == ["CANCELLED", "COMPLETED"]
    assert "Trying to restart job" in said[0]
    assert int(re.search(r"resumed after epoch (\d+)", log(projects[0], f"learn_dpl/{DPL}.log"))[1])
    assert equal(parameters(projects[0]), undisturbed)


def test_two_workflows_at_once_do_not_disturb_each_other(two, undisturbed):
    projects, queues, said = two
    assert {job["state"] for job in queues[1].values()} == {"COMPLETED"}
    assert "resumed" not in log(projects[1], f"learn_dpl/{DPL}.log")
    assert equal(parameters(projects[1]), undisturbed)
    weights = [(project.folder / SURROGATE).read_bytes() for project in projects]
    assert weights[0] == weights[1]


def test_killed_snakemake_goes_on_where_it_was(prepared, undisturbed):
    project = copy(prepared, "killed")
    process = project.start(*PROFILE, *LEARNED, config=CONFIG)
    try:
        wait_until(
            lambda: all(re.search(words, log(project, name)) for name, words in SAVED.items()),
            process,
            "all jobs had saved a state",
        )
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    finally:
        end(process)
    # what a user does: end what it left in the queue, unlock, type the same again
    slurm("scancel", *map(str, queue(project)))
    while any(job["state"] in ("RUNNING", "COMPLETING") for job in queue(project).values()):
        time.sleep(0.5)
    assert not any((project.folder / path).exists() for path in LEARNED), "over before the kill"
    project.snakemake("--unlock", config=CONFIG)
    project.snakemake(*PROFILE, *LEARNED, config=CONFIG)
    for name in SAVED:
        assert "resumed" in log(project, name), name
    assert equal(parameters(project), undisturbed)


def test_jobs_out_of_memory_or_time_come_back_with_more(limits):
    project, process = limits
    ended_well(process)
    assert (project.folder / "results/hungry.txt").read_text() == "1400\n"
    assert (project.folder / "results/slow.txt").read_text() == "2\n"
    ends = {rule: [] for rule in ("hungry", "slow")}
    for job in queue(project).values():
        ends[job["rule"]].append(job["state"])
    assert ends["slow"] == ["TIMEOUT", "COMPLETED"]
    # which of two names SLURM gives it depends on how it watches memory
    assert ends["hungry"] in ([why, "COMPLETED"] for why in ("OUT_OF_MEMORY", "FAILED"))
    logs = (project.folder / ".snakemake/slurm_logs/rule_hungry").glob("*.log")
    assert any("memory limit" in path.read_text() for path in logs)
