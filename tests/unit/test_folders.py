"""Where results may go, and where not."""

import subprocess
from pathlib import Path

import pytest

from parlearn.plan.folders import OWN, results_problems

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path):
    """A folder that looks like a clone of the project."""
    root = tmp_path / "parlearn"
    for name in ("config", "workflow/lib", "results", ".git"):
        (root / name).mkdir(parents=True)
    (root / "README.md").touch()
    return root


def test_own_folders_are_those_that_hold_files_of_the_project():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    folders = {name.partition("/")[0] for name in listed if "/" in name}
    links = {name for name in listed if (ROOT / name).is_symlink()}
    shown = {name for name in folders | links if not name.startswith(".")}
    assert shown - {"results"} == {*OWN}


@pytest.mark.parametrize("results", ["results", "results/mine", "mine", "résultats/a-1.2_b+c@d"])
def test_a_folder_of_the_project_that_holds_none_of_its_files(project, results):
    assert [*results_problems(results, project)] == []


def test_a_folder_elsewhere(project, tmp_path):
    assert [*results_problems(str(tmp_path / "scratch/new"), project)] == []
    assert [*results_problems(str(project / "results/x"), project)] == []


def test_a_link_out_of_the_project(project, tmp_path):
    (tmp_path / "scratch").mkdir()
    (project / "mine").symlink_to(tmp_path / "scratch")
    assert [*results_problems("mine", project)] == []
    assert [*results_problems("mine/run", project)] == []


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ("../x", "'../x' holds . or .., or a / too many: name a folder such as results/mine"),
        ("results/../config", "holds . or .."),
        (".", "holds . or .."),
        ("./results", "holds . or .."),
        ("results/", "a / too many"),
        ("results//x", "a / too many"),
        ("config", "'config' lies in the project's own folder config: name"),
        ("workflow/lib", "lies in the project's own folder workflow"),
        ("resources/raw/x", "lies in the project's own folder resources"),
        (".git/x", "lies in the project's own folder .git"),
        ("README.md", "cannot be a folder, since"),
        ("README.md/x", "cannot be a folder, since"),
        ("/", "a / too many"),
        ("", "has blanks or signs that patterns, rules or shells read otherwise"),
        ("-x", "has blanks or signs"),
        *((f"re{sign}s", "has blanks or signs") for sign in " *?[]{}<>~$'\"\\#%&;|:\n\0"),
    ],
)
def test_other_folders_are_refused(project, results, words):
    (problem,) = results_problems(results, project)
    assert problem.startswith("results: ")
    assert words in problem


def test_what_holds_the_project_is_refused(project, tmp_path):
    for results in (project, tmp_path):
        (problem,) = results_problems(str(results), project)
        assert "holds the project itself: name a folder" in problem
    (problem,) = results_problems(str(project / "config"), project)
    assert "own folder config" in problem


def test_links_are_followed(project, tmp_path):
    (project / "inside").symlink_to(project / "workflow")
    (problem,) = results_problems("inside/lib", project)
    assert f"which is {project}/workflow/lib, lies in the project's own folder workflow" in problem
    (project / "above").symlink_to(tmp_path)
    (problem,) = results_problems("above", project)
    assert "holds the project itself" in problem
    (project / "gone").symlink_to(tmp_path / "gone")
    (problem,) = results_problems("gone/x", project)
    assert problem == (
        f"results: {project}/gone is a link to nothing: make the folder {tmp_path}/gone"
    )
    (project / "loop").symlink_to("loop")
    (problem,) = results_problems("loop", project)
    assert "loop is a link to nothing" in problem


def test_a_folder_that_cannot_be_made(project, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    (problem,) = results_problems(str(tmp_path / "new/x"), project)
    assert f"cannot be made, since {tmp_path} is not writable" in problem
    # what is there may be looked at
    assert [*results_problems("results", project)] == []
