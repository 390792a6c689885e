"""The cache of compiled kernels: what does not verify is compiled anew, what fails is named."""

import ctypes
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from parlearn.models.fuse import build as module
from parlearn.models.fuse.build import build, cache_folder, compiler

pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")

SOURCE = 'extern "C" int answer() { return ANSWER; }\n'
OTHER = 'extern "C" int other() { return 1; }\n'
#: kernels are tried in a process of their own, which a broken one takes with it
TRY = """
import logging, sys
from parlearn.models.fuse.build import build
logging.basicConfig(format="%(message)s")
print("answer", build(sys.argv[1], {"ANSWER": 42}).answer())
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PARLEARN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def attempt(**environment):
    return subprocess.run(
        [sys.executable, "-c", TRY, SOURCE],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def script(folder, text):
    """A program that prints and ends as told."""
    path = folder / "cxx"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return str(path)


def test_a_kernel_is_compiled_once(cache, monkeypatch):
    assert build(SOURCE, {"ANSWER": 42}).answer() == 42
    (path,) = cache.iterdir()
    monkeypatch.setattr(module, "_keep", lambda *_: pytest.fail("compiled again"))
    assert build(SOURCE, {"ANSWER": 42}).answer() == 42
    monkeypatch.undo()
    assert [p for p in cache.parent.iterdir() if p != cache] == []


def truncated(path, other):
    path.write_bytes(path.read_bytes()[:5000])


def emptied(path, other):
    path.write_bytes(b"")


def overwritten(path, other):
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 4 : len(whole) // 2] = b"\xff" * (len(whole) // 2 - len(whole) // 4)
    path.write_bytes(whole)


def another_kernel(path, other):
    path.write_bytes(other.read_bytes())


def renamed(path, other):
    key, checksum = path.stem.split("-")[1], other.stem.split("-")[2]
    path.unlink()
    other.rename(path.with_name(f"kernel-{key}-{checksum}.so"))


def a_folder(path, other):
    path.unlink()
    path.mkdir()


ATTACKS = [truncated, emptied, overwritten, another_kernel, renamed, a_folder]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_a_kept_kernel_that_does_not_verify_is_not_loaded(cache, attack):
    first = attempt()
    assert first.stdout == "answer 42\n", first.stderr
    (path,) = cache.iterdir()
    build(OTHER, {})
    (other,) = set(cache.iterdir()) - {path}
    attack(path, other)
    again = attempt()
    assert (again.returncode, again.stdout) == (0, "answer 42\n"), again.stderr
    assert str(path).rpartition("-")[0] in again.stderr
    if attack is not a_folder:
        third = attempt()
        assert (third.stdout, third.stderr) == ("answer 42\n", "")


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").write_text("")
    done = attempt(PARLEARN_CACHE=str(tmp_path / "file" / "cache"))
    assert done.stdout == "answer 42\n"
    assert "cannot be kept" in done.stderr
    assert str(tmp_path / "file") in done.stderr
    assert "PARLEARN_CACHE" in done.stderr


def test_a_full_cache_is_done_without(full_disk):
    done = attempt(PARLEARN_CACHE=str(full_disk))
    assert done.stdout == "answer 42\n", done.stderr
    assert "No space left on device" in done.stderr
    assert list(full_disk.glob("*kernel*")) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_without_rights_is_done_without(tmp_path):
    tmp_path.chmod(0o500)
    done = attempt(PARLEARN_CACHE=str(tmp_path))
    tmp_path.chmod(0o700)
    assert done.stdout == "answer 42\n"
    assert "Permission denied" in done.stderr


def test_an_empty_name_of_a_cache_is_none(monkeypatch):
    monkeypatch.setenv("PARLEARN_CACHE", "")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_folder() == Path("/home/somebody/.cache/parlearn")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo no licence >&2; exit 3", ["failed (exit 3)", "--version", "no licence"]),
        ('[ "$1" = --version ] || { echo no disk >&2; exit 1; }', ["failed (exit 1)", "no disk"]),
        ("echo all is well", ["made no file", "all is well"]),
        (
            '[ "$1" = --version ] || { for last; do :; done; echo junk > "${last%.cpp}.so"; }',
            ["cannot be loaded"],
        ),
    ],
)
def test_a_compiler_that_fails_is_named_with_what_it_printed(
    tmp_path, cache, monkeypatch, text, words
):
    program = script(tmp_path, text)
    monkeypatch.setenv("CXX", program)
    with pytest.raises(RuntimeError) as caught:
        build(SOURCE, {"ANSWER": 1})
    for word in [program, *words]:
        assert word in str(caught.value)
    assert not cache.exists() or list(cache.iterdir()) == []


def test_a_compiler_that_cannot_be_run_is_named(tmp_path, cache, monkeypatch):
    path = tmp_path / "cxx"
    path.write_bytes(b"\x00\x01 no program")
    path.chmod(0o755)
    monkeypatch.setenv("CXX", str(path))
    with pytest.raises(RuntimeError, match="cannot be run"):
        build(SOURCE, {"ANSWER": 1})


def test_processes_that_compile_at_once_do_not_disturb_each_other(cache):
    call = [sys.executable, "-c", TRY, SOURCE]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = [
        subprocess.Popen(call, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert [process.communicate()[0] for process in started] == ["answer 42\n"] * 3
    assert all(isinstance(ctypes.CDLL(str(path)), ctypes.CDLL) for path in cache.iterdir())
    assert attempt().stdout == "answer 42\n"
