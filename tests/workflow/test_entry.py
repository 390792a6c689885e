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
