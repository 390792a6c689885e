"""What happens where two Snakemakes meet, the clock goes back, or results may not be written."""

import contextlib
import os
import signal
import subprocess
import time

import pytest

from .changes import RESULTS
from .judging import contents, differences

pytestmark = pytest.mark.usefixtures("killed")

FIGURE = "tsai2021_fig1"
PICTURE = f"{RESULTS}/figures/tsai2021/{FIGURE}.png"


def test_the_second_of_two_refuses_and_the_first_goes_on(attacked, before):
    (attacked.folder / PICTURE).unlink()
    first = attacked.start("-c1", FIGURE)
    for line in first.stdout:
        if line.startswith(("rule ", "localrule ")):
            break
    os.killpg(first.pid, signal.SIGSTOP)  # it takes as long as the second one needs
    try:
        second = attacked.snakemake("-c1", FIGURE, check=False)
    finally:
        os.killpg(first.pid, signal.SIGCONT)
    said = first.stdout.read()
    assert first.wait() == 0, said[-3000:]
    assert second.returncode == 1
    assert "no other Snakemake process is trying to create the same files" in second.stdout
    assert differences(before, contents(attacked.folder)) == []


def test_a_clock_that_went_back_is_told_and_changes_nothing(attacked, before):
    """Files of an hour to come: nothing is made again for it; what has to be made is refused."""
    to_come = time.time() + 3600
    for path in (attacked.folder / RESULTS).rglob("*"):
        if path.is_file():
            os.utime(path, (to_come, to_come))
    assert "Nothing to be done" in attacked.snakemake("-n").stdout
    (attacked.folder / PICTURE).unlink()
    done = attacked.snakemake("-c1", FIGURE, check=False)
    assert done.returncode == 1
    assert "This could indicate a clock skew problem" in done.stdout
    # the clock is right again
    now = time.time()
    for path in (attacked.folder / RESULTS).rglob("*"):
        if path.is_file():
            os.utime(path, (now - 60, now - 60))
    attacked.snakemake("-c1", FIGURE)
    assert differences(before, contents(attacked.folder)) == []


@contextlib.contextmanager
def read_only(folder):
    """A folder that nobody can write, root neither; skipped where it cannot be made so."""
    for words in (["--bind", folder, folder], ["-o", "remount,ro,bind", folder]):
        done = subprocess.run(["mount", *map(str, words)], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("a folder can be mounted read-only by root alone")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_results_that_cannot_be_written_are_named_and_stay(attacked, before):
    (attacked.folder / PICTURE).unlink()
    with read_only(attacked.folder / "results"):
        plan = attacked.snakemake("-n", FIGURE)
        done = attacked.snakemake("-c1", FIGURE, check=False)
        audit = attacked.snakemake("-c1", "audit", check=False)
    assert f"plot_{FIGURE}" in plan.stdout
    for told in (done, audit):
        assert told.returncode == 1
        assert "Read-only file system" in told.stdout
        assert RESULTS in told.stdout
    attacked.snakemake("-c1", FIGURE)
    assert differences(before, contents(attacked.folder)) == []
