"""What tests of rules and of the workflow share: a copy of the project, calls of Snakemake."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# a run of CI is repeatable; runs by hand go on looking for new examples
settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")

ROOT = Path(__file__).resolve().parents[1]
PARTS = (
    "Snakefile",
    "config",
    "envs",
    "profiles",
    "requirements.lock",
    "resources",
    "slurm",
    "tests",
    "workflow",
)


class Project:
    """A copy of the project in a folder of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        leave = shutil.ignore_patterns("__pycache__", "raw", ".*")
        for part in PARTS:
            source = ROOT / part
            if source.is_symlink():
                (folder / part).symlink_to(source.readlink())
            elif source.is_dir():
                shutil.copytree(source, folder / part, ignore=leave)
            else:
                shutil.copy2(source, folder / part)

    def commit(self):
        """Let the copy be a clean checkout, as the audit wants it."""
        (self.folder / ".gitignore").write_text("/results/\n/.snakemake/\n__pycache__/\n")
        who = ["-c", "user.name=A Test", "-c", "user.email=test@example.org"]
        for words in (
            ["init", "--quiet"],
            ["add", "--all"],
            [*who, "commit", "--quiet", "--message", "as it is"],
        ):
            call = ["git", "-C", str(self.folder), *words]
            subprocess.run(call, check=True, capture_output=True)

    def snakemake(self, *words, config="tests/workflow/tiny.yaml", check=True):
        """Run Snakemake in the copy; the finished process with all it printed as ``stdout``."""
        done = subprocess.run(check=False, **self._call(words, config))
        if check and done.returncode:
            raise AssertionError(f"{' '.join(map(str, done.args))} failed:\n{done.stdout[-6000:]}")
        return done

    def start(self, *words, config="tests/workflow/tiny.yaml"):
        """Start Snakemake in the copy, in a process group of its own; ``stdout`` is a pipe."""
        return subprocess.Popen(start_new_session=True, **self._call(words, config))

    def _call(self, words, config):
        call = [sys.executable, "-m", "snakemake", *map(str, words)]
        if config:
            call += ["--configfile", config]
        return {
            "args": call,
            "cwd": self.folder,
            "env": {k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "text": True,
        }


@pytest.fixture(scope="session")
def make_project(tmp_path_factory):
    """Make a copy of the project, without results, in a folder of this name."""

    def make(name: str) -> Project:
        return Project(tmp_path_factory.mktemp(name) / "parlearn")

    return make


@pytest.fixture(scope="module")
def project(make_project):
    """A copy of the project for the tests of one file."""
    return make_project("project")
