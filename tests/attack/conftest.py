"""What the attacks share: the tiny instance, finished once and kept as it was."""

import contextlib
import copy
import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .changes import RESULTS
from .judging import contents
from .killing import killed_run

#: what is kept besides the results, to be put back
KEPT = ("results", "config", "resources", ".snakemake")


@contextlib.contextmanager
def keeping_checkpoints(folder: Path, kept: Path):
    """While jobs run, keep the last checkpoint of each: they remove it when they are done."""
    done = threading.Event()
    patterns = ("runs/*/*checkpoint*", "runs/*/*/*checkpoint*", "smap/surrogate/*checkpoint*")

    def watch():
        while not done.wait(0.05):
            for pattern in patterns:
                for path in (folder / RESULTS).glob(pattern):
                    target = kept / path.relative_to(folder)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    if path.name.startswith("."):
                        continue
                    with contextlib.suppress(FileNotFoundError):
                        # a link: what is written next takes the name and leaves this one as it is
                        os.link(path, beside := target.with_name(f"{target.name}.new"))
                        beside.replace(target)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.fixture(scope="session")
def finished(make_project):
    """A committed copy of the project with the results of tiny.yaml; ``seconds`` it took."""
    project = make_project("attacked")
    project.commit()
    project.checkpoints = project.folder.parent / "checkpoints"
    start = time.monotonic()
    with keeping_checkpoints(project.folder, project.checkpoints):
        project.snakemake("-c2", "--quiet", "rules")
    project.seconds = time.monotonic() - start
    return project


@pytest.fixture(scope="session")
def pristine(finished):
    """The folder of the finished instance as it was, to be compared with."""
    kept = finished.folder.parent / "pristine"
    for name in KEPT:
        shutil.copytree(finished.folder / name, kept / name, symlinks=True)
    return kept


@pytest.fixture(scope="session")
def before(pristine):
    """What the finished instance holds, by path."""
    return contents(pristine)


@pytest.fixture
def attacked(finished, pristine):
    """The finished instance, to be harmed; afterwards it is as it was."""
    yield finished
    restore(finished.folder, pristine)


def restore(folder: Path, pristine: Path):
    """Put back whatever differs in content or date, and remove what was not there."""
    for name in KEPT:
        before = {p.relative_to(pristine): p for p in (pristine / name).rglob("*") if p.is_file()}
        for path in [p for p in (folder / name).rglob("*") if p.is_file()]:
            if path.relative_to(folder) not in before:
                path.unlink()
        for relative, path in before.items():
            target = folder / relative
            if not target.is_file() or _differs(path, target):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                shutil.copy2(path, target)


def _differs(one: Path, other: Path) -> bool:
    a, b = one.stat(), other.stat()
    # a change that kept size and date is told by its content
    return (a.st_size, a.st_mtime_ns) != (b.st_size, b.st_mtime_ns) or (
        one.read_bytes() != other.read_bytes()
    )


@pytest.fixture(scope="session")
def killed(finished, tmp_path_factory):
    """The same chain from nothing on one core, killed again and again, while other tests run.

    Called, it waits for the end: the project and what each kill met.
    """
    project = copy.copy(finished)
    project.folder = tmp_path_factory.mktemp("killed") / "parlearn"
    leave = shutil.ignore_patterns("results", ".snakemake")
    shutil.copytree(finished.folder, project.folder, symlinks=True, ignore=leave)
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(killed_run, project, finished.seconds, stop)
        yield lambda: (project, job.result())
        stop.set()
