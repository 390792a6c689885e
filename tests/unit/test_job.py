"""The frame of a job: log file, threads, errors, place."""

import logging
import os
import platform
import signal
import subprocess
import sys

import pytest
import torch

from parlearn.storage.job import job


def test_library_messages_reach_the_log_file(tmp_path):
    with job(log=tmp_path / "logs" / "rule.log", threads=1) as log:
        log.info("from the script")
        logging.getLogger("parlearn.study.tensors").warning("from the library")
    text = (tmp_path / "logs" / "rule.log").read_text()
    assert "from the script" in text
    assert "WARNING from the library" in text
    assert "done in" in text
    assert logging.getLogger("parlearn").handlers == []


def test_a_job_within_another_prints_nothing_twice(tmp_path, capsys):
    with job(log=tmp_path / "one.log") as log:
        with job(log=tmp_path / "two.log"):
            log.info("inside")
        log.info("outside")
    assert (tmp_path / "one.log").read_text().count("inside") == 1
    assert "inside" in (tmp_path / "two.log").read_text()
    assert "outside" not in (tmp_path / "two.log").read_text()
    assert capsys.readouterr().err.count("inside") == 1
    assert not log.handlers


def test_error_is_logged_by_its_message_and_passed_on(tmp_path):
    with pytest.raises(ValueError, match="a wrong number"), job(log=tmp_path / "r.log"):
        raise ValueError("a wrong number")
    assert "ERROR ValueError: a wrong number" in (tmp_path / "r.log").read_text()


def test_threads_come_from_the_rule(tmp_path, monkeypatch):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "7")
    before = torch.get_num_threads()
    with job(log=tmp_path / "r.log", threads=1):
        assert torch.get_num_threads() == 1
        assert os.environ["OMP_NUM_THREADS"] == "1"
    torch.set_num_threads(before)


def test_start_says_where_it_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    with job(log=tmp_path / "r.log"):
        pass
    assert f"1 thread on {platform.node()}, SLURM job 4711" in (tmp_path / "r.log").read_text()


STUCK = """
import os, signal, sys, threading
from parlearn.storage import job

job.PATIENCE = 0.01
lock = threading.Lock()
# a process in the background may have been started deaf to interrupts
signal.signal(signal.SIGINT, signal.default_int_handler)
with job.job(log=sys.argv[1]):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        lock.acquire()
        lock.acquire()
"""


def test_an_interrupted_job_ends_although_its_cleaning_up_never_does(tmp_path):
    call = [sys.executable, "-c", STUCK, str(tmp_path / "r.log")]
    path = os.pathsep.join(sys.path)
    done = subprocess.run(call, env=os.environ | {"PYTHONPATH": path}, timeout=60, check=False)
    assert done.returncode == -signal.SIGALRM


def test_after_a_job_an_interrupt_is_what_it_was_before(tmp_path):
    at_first = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with job(log=tmp_path / "r.log"):
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, at_first)
