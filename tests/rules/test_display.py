"""The display of ``--logger parlearn`` in runs of Snakemake, where one rule goes wrong."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SNAKEFILE = '''
rule all:
    input: "copied.txt", "told.txt", "wrong.txt"

rule copy:
    """Copy a file. And say so."""
    output: "copied.txt"
    shell: "echo noise of a shell >&2; touch {output}"

rule tell:
    """Tell what it does."""
    output: "told.txt"
    log: "logs/tell.log"
    script: "tell.py"

rule go_wrong:
    """Read a number."""
    input: "copied.txt", "told.txt"
    output: "{name}.txt"
    log: "logs/go_wrong/{name}.log"
    wildcard_constraints: name="wrong"
    script: "go_wrong.py"

rule wait:
    output: "waited.txt"
    shell: "sleep 600; touch {output}"
'''
TELL = """
import os
from parlearn.storage.job import job

with job(log=snakemake.log[0]) as log:
    log.info("from the library")
    print("printed")
    os.write(2, b"from a library in C\\n")
    open(snakemake.output[0], "w").close()
"""
GO_WRONG = """
from parlearn.storage.job import job

with job(log=snakemake.log[0]):
    raise ValueError("a wrong number")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "tell.py").write_text(TELL)
    (tmp_path / "go_wrong.py").write_text(GO_WRONG)
    return tmp_path


def call(folder, *words):
    path = os.pathsep.join([str(ROOT / "workflow/lib"), os.environ.get("PYTHONPATH", "")])
    return {
        "args": [sys.executable, "-m", "snakemake", "-c1", *words],
        "cwd": folder,
        "env": os.environ | {"PYTHONPATH": path, "TERM": "xterm"},
    }


def run(folder, *words):
    return subprocess.run(**call(folder, *words), capture_output=True, text=True, check=False)


def test_terminal_shows_the_failure_and_the_logs_have_all_else(folder):
    done = run(folder, "--logger", "parlearn")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "FAILED: go_wrong, wrong\n" in said
    assert "  The last lines of logs/go_wrong/wrong.log:\n" in said
    assert "ERROR ValueError: a wrong number" in said
    assert "  All of it: logs/go_wrong/wrong.log\n" in said
    assert "2 of 4 jobs done" in said
    assert said.endswith("the same command goes on from here.\n")
    for other in ("from the library", "printed", "in C", "Select jobs", "RuleException"):
        assert other not in said
    log = (folder / "logs/tell.log").read_text()
    for own in ("INFO from the library", "printed", "from a library in C", "done in"):
        assert own in log
    assert "Traceback" in (folder / "logs/go_wrong/wrong.log").read_text()

    # the cause is gone: the same command goes on
    (folder / "go_wrong.py").write_text("open(snakemake.output[0], 'w').close()\n")
    done = run(folder, "--logger", "parlearn")
    assert done.returncode == 0
    assert "2 of 2 jobs done" in done.stderr
    assert "All of it is there already" in run(folder, "--logger", "parlearn").stderr


def test_without_the_display_jobs_tell_standard_error_as_well(folder):
    done = run(folder, "told.txt")
    assert done.returncode == 0
    assert "INFO from the library" in done.stderr
    assert "from a library in C" in done.stderr
    assert "INFO from the library" in (folder / "logs/tell.log").read_text()


def test_an_interrupt_ends_it_without_failures(folder):
    words = call(folder, "--logger", "parlearn", "--", "waited.txt")
    process = subprocess.Popen(
        **words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    for line in process.stdout:
        if "wait" in line:
            os.killpg(process.pid, signal.SIGINT)
            break
    said = process.stdout.read()
    assert process.wait() != 0
    assert "Stopped by the user" in said
    assert "FAILED" not in said
    assert "Traceback" not in said


def test_a_terminal_gets_a_block_and_its_cursor_back(folder):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        **call(folder, "--logger", "parlearn", "--", "told.txt"), stdin=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        said += part
    os.close(ours)
    assert process.wait() == 0
    assert b"1 of 1 job done" in said
    assert said.count(b"\x1b[?25l") == said.count(b"\x1b[?25h") > 0
