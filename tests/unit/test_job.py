"""The frame of a job: log file, threads, errors, device."""

import logging
import os

import pytest
import torch

from parlearn.job import job, pick_device


def test_library_messages_reach_the_log_file(tmp_path):
    with job(log=tmp_path / "logs" / "rule.log", threads=1) as log:
        log.info("from the script")
        logging.getLogger("parlearn.study").warning("from the library")
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


def test_device():
    assert pick_device("cpu") == "cpu"
    assert pick_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="none of cpu, cuda, auto"):
        pick_device("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_gpu_asked_for_and_none_there_is_an_error():
    with pytest.raises(RuntimeError, match="torch sees no GPU"):
        pick_device("cuda")
