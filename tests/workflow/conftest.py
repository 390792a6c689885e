"""What tests of the workflow share: the whole chain of the smallest twin, run once."""

import subprocess

import pytest


def git(folder, *words):
    who = ["-c", "user.name=A Test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


@pytest.fixture(scope="session")
def chain(make_project):
    """A committed copy of the project with the results of tiny.yaml."""
    project = make_project("chain")
    (project.folder / ".gitignore").write_text("/results/\n/.snakemake/\n__pycache__/\n")
    git(project.folder, "init", "--quiet")
    git(project.folder, "add", "--all")
    git(project.folder, "commit", "--quiet", "--message", "as it is")
    project.snakemake("-c2", "--quiet", "rules")
    return project
