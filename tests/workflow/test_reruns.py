"""What runs again after which change: the finished chain is edited, then its dry run is read."""

import os
import re
import shutil
from typing import NamedTuple

import pytest

from parlearn.plan.config import check_config, read_yaml
from parlearn.plan.experiments import read_runs
from parlearn.plan.figures import read_figures

RESULTS = "results/tiny"
LIBRARY = "workflow/lib/parlearn"
#: bytes; from here on inputs count as changed by their dates, unless Snakemake is told otherwise
LARGE = 1_000_000


class Job(NamedTuple):
    rule: str
    outputs: list[str]
    reason: str


class Edit:
    """Change a file of the copy, and put it back at the end."""

    def __init__(self, tree, name, change):
        self.path, self.change = tree.folder / name, change

    def __enter__(self):
        self.before = self.path.read_bytes()
        changed = self.change(self.before.decode()).encode()
        assert changed != self.before
        self.path.write_bytes(changed)

    def __exit__(self, *_):
        self.path.write_bytes(self.before)


@pytest.fixture(scope="module")
def tree(chain, tmp_path_factory):
    """A copy of the finished chain, with the dates of its files, to be edited."""
    project = object.__new__(type(chain))
    project.folder = tmp_path_factory.mktemp("reruns") / "parlearn"
    shutil.copytree(chain.folder, project.folder, symlinks=True)
    return project


def planned(tree, *words) -> list[Job]:
    """The jobs that a dry run would run, targets without files of their own left out."""
    found = []
    for block in re.split(r"\n(?=\[)", tree.snakemake("-n", "-c2", *words).stdout):
        rule = re.search(r"^(?:local)?rule (\w+):$", block, re.M)
        outputs = re.search(r"^ +output: (.*)$", block, re.M)
        reason = re.search(r"^ +reason: (.*)$", block, re.M)
        if rule and outputs:
            found.append(Job(rule[1], outputs[1].split(", "), reason[1]))
    return found


def started_by_themselves(jobs) -> set[str]:
    """Rules with a job that does not only follow from another job's output."""
    follows = "Input files updated by another job"
    return {job.rule for job in jobs if not job.reason.startswith(follows)}


def test_nothing_runs_again_by_itself(tree):
    assert planned(tree) == []


def test_touching_and_checking_out_runs_nothing_again(tree):
    for path in [tree.folder / "Snakefile", *(tree.folder / "workflow").rglob("*.*")]:
        if path.is_file():  # a checkout writes the file anew
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)
    # all dates reversed: what was made first is newest, inputs are newer than what is made of them
    files = [p for p in tree.folder.rglob("*") if p.is_file() and ".snakemake" not in p.parts]
    dates = sorted(p.stat().st_mtime for p in files)
    for path, date in zip(sorted(files, key=lambda p: -p.stat().st_mtime), dates, strict=True):
        os.utime(path, (date, date))
    assert (tree.folder / RESULTS / "smap/forcing.nc").stat().st_size > LARGE
    assert planned(tree) == []


def test_changed_content_of_a_large_input_runs_its_readers_again(tree):
    path = tree.folder / RESULTS / "smap/forcing.nc"
    before = path.read_bytes()
    path.write_bytes(before + b"\0")
    jobs = planned(tree)
    path.write_bytes(before)
    rules = {job.rule for job in jobs}
    assert {"simulate_samples", "learn_dpl", "simulate_run", "calibrate_sceua"} <= rules
    assert {"simulate_samples", "set_default"} <= started_by_themselves(jobs)
    assert not {"build_twin", "grid_forcing", "regrid_product", "split_training"} & rules


#: modules that scripts import through other modules, and the rules of these scripts, by hand
DEEP = {
    "calibrate/sceua.py": {"calibrate_sceua", "join_sceua"},
    "geometry/overlap.py": {"regrid_product", "read_statics"},
    "networks/training.py": {"train_surrogate", "learn_pilot", "learn_dpl"},
    "plots/style.py": {f"plot_tsai2021_fig{n}" for n in ("1", "2", "3", "4", "6", "S1", "S2", "S3")}
    | {f"plot_li2023_fig{n}" for n in range(3, 10)}
    | {f"tabulate_{table}" for table in ("tsai2021_tableS1", "smap_cost")}
    | {f"tabulate_li2023_table{n}" for n in (1, 2, 3)}
    | {"plot_smap_recovery"},
    # modules that the entries of figures name: the figures that do, and no others
    "plots/means.py": {"plot_tsai2021_fig3", "plot_li2023_fig4", "plot_li2023_fig9"},
    "summarise/sites.py": {"summarise_sites", "plot_li2023_fig8"},
}


@pytest.mark.parametrize(("module", "users"), DEEP.items(), ids=DEEP)
def test_edit_of_a_module_runs_exactly_its_users_again(tree, module, users):
    with Edit(tree, f"{LIBRARY}/{module}", lambda text: text + "\nEDITED = 1\n"):
        jobs = planned(tree)
    # a user that comes after another one is planned for its input, whatever else has changed
    assert started_by_themselves(jobs) <= users <= {job.rule for job in jobs}


def test_comments_docstrings_and_captions_run_nothing_again(tree):
    with (
        Edit(tree, f"{LIBRARY}/learn/dpl.py", lambda text: "# a comment\n" + text),
        Edit(tree, f"{LIBRARY}/storage/files.py", lambda text: text.replace('"""', '"""Or: ', 1)),
        Edit(tree, "workflow/scripts/learn_dpl.py", lambda text: text + "\n# a comment\n"),
        Edit(tree, "envs/torch.yaml", lambda text: text + "# a comment\n"),
        Edit(tree, "config/experiments.yaml", lambda text: "# a comment\n" + text),
        Edit(tree, "workflow/report/tsai2021_fig1.rst", lambda text: text + "\nMore.\n"),
    ):
        assert planned(tree) == []


def test_edit_of_a_drawing_draws_its_figure_alone(tree):
    with Edit(tree, f"{LIBRARY}/plots/curves.py", lambda text: text + "\nEDITED = 1\n"):
        jobs = planned(tree)
    assert [job.rule for job in jobs] == ["plot_tsai2021_fig1"]


def test_edit_of_a_summary_makes_it_and_what_is_drawn_of_it(tree):
    with Edit(tree, f"{LIBRARY}/summarise/curves.py", lambda text: text + "\nEDITED = 1\n"):
        jobs = planned(tree)
    assert {job.rule for job in jobs} == {"summarise_curves", "plot_tsai2021_fig1"}


def test_one_row_runs_that_run_and_what_shows_it_again(tree):
    run = "paraformer_z_vic_s8_2y_1"  # the only one of its variant in the demo
    old = "settings: paraformer_z_vic}"
    new = "settings: paraformer_z_vic, observation_map: none}"
    with Edit(tree, "config/experiments.yaml", lambda text: text.replace(old, new)):
        jobs = planned(tree)
    paths = [path for job in jobs for path in job.outputs]
    assert {p.split("/")[3] for p in paths if p.startswith(f"{RESULTS}/runs/")} == {run}
    assert not [p for p in paths if p.startswith(f"{RESULTS}/smap/")]
    drawn = {p.split("/")[-1].split(".")[0] for p in paths if p.startswith(f"{RESULTS}/figures/")}
    figures = shown(tree)
    assert drawn == {name for name, figure in figures.items() if run in figure["runs"]}
    assert "tsai2021_fig1" in drawn
    assert drawn < set(figures)
    others = {job.rule for job in jobs if not job.rule.startswith(("summarise_", "plot_", "tab"))}
    assert others == {
        *("list_runs", "learn_dpl", "simulate_run", "evaluate_run", "evaluate_trajectory"),
    }


def shown(tree) -> dict:
    """Figures that read files of runs, with their runs."""
    schemas = tree.folder / "config/schemas"
    config = check_config(read_yaml(tree.folder / "tests/workflow/tiny.yaml"), schemas, "tiny")
    runs = read_runs(tree.folder / "config/experiments.yaml", schemas, config)
    path = tree.folder / "config/figures.yaml"
    figures = read_figures(path, schemas, config, runs, tree.folder)
    return {name: figure for name, figure in figures.items() if figure["files"]}


def test_budget_runs_its_method_again(tree):
    def more(text):
        old = "dpl_z: {epochs: 2,"
        assert old in text
        return text.replace(old, "dpl_z: {epochs: 3,")

    with Edit(tree, "tests/workflow/tiny.yaml", more):
        jobs = planned(tree)
    runs = {path.split("/")[3] for job in jobs for path in job.outputs if "/runs/" in path}
    assert len(runs) == 6
    assert all(run.startswith("dpl_z_s") for run in runs)


def test_changed_env_runs_its_rules_again(tree):
    text = "".join(p.read_text() for p in (tree.folder / "workflow/rules").glob("*.smk"))
    rules = re.split(r"^ *rule *(\w*):$", text, flags=re.M)
    # rules of other studies and methods have no job here
    here = {path.stem for path in (tree.folder / RESULTS / "benchmarks").iterdir()}
    users = here & {
        name
        for name, text in zip(rules[1::2], rules[2::2], strict=True)
        if "envs/model.yaml" in text
    }
    with Edit(tree, "envs/model.yaml", lambda text: re.sub(r"scipy=.*", "scipy=1.0.0", text)):
        jobs = planned(tree)
    assert {"build_twin", "simulate_run", "calibrate_sceua"} < users
    assert started_by_themselves(jobs) <= users <= {job.rule for job in jobs}


def test_figure_redraws_from_its_summary_alone(tree):
    (tree.folder / RESULTS / "figures/tsai2021/tsai2021_fig4.png").unlink()
    assert [job.rule for job in planned(tree, "tsai2021_fig4")] == ["plot_tsai2021_fig4"]
    tree.snakemake("-c1", "tsai2021_fig4", "--quiet", "rules")
    assert planned(tree, "tsai2021_fig4") == []
