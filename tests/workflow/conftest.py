"""What tests of the workflow share: the whole chain of the smallest twin, run once."""

import pytest


@pytest.fixture(scope="session")
def chain(make_project):
    """A committed copy of the project with the results of tiny.yaml."""
    project = make_project("chain")
    project.commit()
    project.snakemake("-c2", "--quiet", "rules")
    return project
