"""The two Snakefiles: the root's, and the one where the public catalog of workflows looks."""

import re

import pytest


def jobs(printed: str) -> dict[str, str]:
    """Rule -> number of jobs, of a dry run."""
    return dict(re.findall(r"(?m)^(\w+) +(\d+)$", printed))


@pytest.fixture(scope="module")
def project(make_project):
    return make_project("entry")


def test_both_snakefiles_make_the_same(project):
    root = jobs(project.snakemake("-n").stdout)
    catalog = jobs(project.snakemake("-n", "--snakefile", "workflow/Snakefile").stdout)
    assert root.pop("all") == catalog.pop("whole") == "1"
    assert root == catalog
    assert int(root["total"]) > 30


def test_another_working_folder_is_refused_with_the_remedy(project, tmp_path):
    """As of a clone that cannot be written, whose tables would not be found from elsewhere."""
    config = project.folder / "tests/workflow/tiny.yaml"
    done = project.snakemake("-n", "--directory", tmp_path, config=config, check=False)
    assert done.returncode == 1
    assert f"{tmp_path} is not the folder of the workflow, {project.folder}" in done.stdout
    assert "Traceback" not in done.stdout
