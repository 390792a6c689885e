"""The frame of a job: log file, threads, errors, place."""

import logging
import os
import platform

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
