"""What make does to a folder that it did not make."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("target", "environment"), [("setup", ".venv"), ("docs", "build/docs-venv")]
)
def test_an_environment_behind_a_link_is_not_emptied(tmp_path, target, environment):
    project, shared = tmp_path / "project", tmp_path / "shared"
    project.mkdir()
    for name in ("Makefile", "requirements.lock", "requirements-docs.lock"):
        shutil.copy(ROOT / name, project)
    shared.mkdir()
    (shared / "used_by_others").touch()
    (project / environment).parent.mkdir(exist_ok=True)
    (project / environment).symlink_to(shared)
    done = subprocess.run(
        ["make", target], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "is a link" in done.stderr
    assert (shared / "used_by_others").exists()
