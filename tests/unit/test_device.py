"""The torch device: what was asked for, or an error."""

import pytest
import torch

from parlearn.storage.device import pick_device


def test_device():
    assert pick_device("cpu") == "cpu"
    assert pick_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="none of cpu, cuda, auto"):
        pick_device("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_gpu_asked_for_and_none_there_is_an_error():
    with pytest.raises(RuntimeError, match="torch sees no GPU"):
        pick_device("cuda")
