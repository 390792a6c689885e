"""What one job keeps for a later one is used only where it verifies."""

import io
import logging
import zipfile

import numpy as np
import pytest

from parlearn.storage.sealed import SealError, seal, take_up, unseal

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def sealed(tmp_path):
    path = tmp_path / "state.bin"
    seal(CONTENT, path, "training", "run a")
    return path


def test_content_comes_back(sealed):
    assert unseal(sealed, "training", "run a") == CONTENT


@pytest.mark.parametrize("content", [b"", b"\n", b"{}", b'\n{"kind": 1}\n'])
def test_any_content_comes_back(tmp_path, content):
    seal(content, tmp_path / "x", "training", "run a")
    assert unseal(tmp_path / "x", "training", "run a") == content


def test_every_flipped_bit_is_found(tmp_path):
    path = tmp_path / "small"
    seal(b"ab\ncd", path, "training", "run a")
    whole = path.read_bytes()
    for place in range(len(whole) - 1):  # the newline at the end says nothing
        for bit in (1, 16):
            turned = bytearray(whole)
            turned[place] ^= bit
            path.write_bytes(turned)
            with pytest.raises(SealError):
                unseal(path, "training", "run a")


def test_every_truncation_is_found(tmp_path):
    path = tmp_path / "small"
    seal(b"ab\ncd", path, "training", "run a")
    whole = path.read_bytes()
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(SealError):
            unseal(path, "training", "run a")


def test_of_another_kind_or_owner_is_refused(sealed):
    with pytest.raises(SealError, match="its kind is 'training', and 'search' is due"):
        unseal(sealed, "search", "run a")
    with pytest.raises(SealError, match="its owner is 'run a', and 'run b' is due"):
        unseal(sealed, "training", "run b")


def test_what_does_not_verify_is_set_aside_and_named(sealed, caplog):
    damaged = sealed.read_bytes()[:-30]
    sealed.write_bytes(damaged)
    with caplog.at_level(logging.WARNING):
        assert take_up(sealed, "training", "run a", bytes) is None
    assert not sealed.exists()
    assert sealed.with_name("state.bin.unusable").read_bytes() == damaged
    assert f"{sealed} cannot be gone on from" in caplog.text
    assert "state.bin.unusable" in caplog.text
    assert take_up(sealed, "training", "run a", bytes) is None


def test_content_that_its_reader_refuses_is_set_aside(sealed, caplog):
    def read(content):
        raise ValueError("has other cells")

    assert take_up(sealed, "training", "run a", read) is None
    assert "has other cells" in caplog.text
    assert not sealed.exists()


def test_an_archive_stays_one(tmp_path):
    stream = io.BytesIO()
    np.savez(stream, a=np.arange(5))
    seal(stream.getvalue(), tmp_path / "a.npz", "search", "x")
    assert np.load(tmp_path / "a.npz")["a"].tolist() == [0, 1, 2, 3, 4]
    assert zipfile.ZipFile(tmp_path / "a.npz").testzip() is None
