"""The plan of the workflow: dry runs of every configuration, targets, and the form of the rules."""

import re
from pathlib import Path

import pytest

from parlearn.plan.config import check_config, read_yaml
from parlearn.plan.digests import modules
from parlearn.plan.experiments import read_runs
from parlearn.plan.figures import read_figures

PICTURE = Path(__file__).parents[2] / "docs/rules.svg"
#: configuration -> fewest and most jobs
CONFIGS = {
    "config/config.yaml": (50, 600),
    "config/real.yaml": (50, 600),
    "config/paper.yaml": (50, 700),
    "config/li2023.yaml": (50, 600),
    "config/li2023_real.yaml": (50, 600),
    "config/real_sets.yaml": (50, 300),
    "config/huaihe_twin.yaml": (80, 130),
    "config/smap_maps.yaml": (40, 120),
    "config/sun2024.yaml": (150, 250),
    # archives, with neither logins nor maps at hand
    "config/conus.yaml": (500, 1200),
    "config/conus_li2023.yaml": (400, 1200),
    "config/huaihe.yaml": (30, 200),
    # files of basins, fetched in one job
    "config/camels.yaml": (10, 60),
    "config/camels_hbv.yaml": (10, 60),
    "config/pub.yaml": (8, 250),
    "config/basins_twin.yaml": (30, 120),
}


def jobs(text) -> dict[str, int]:
    """Rule -> number of jobs, from the table that ends a dry run."""
    return {m[1]: int(m[2]) for m in re.finditer(r"^(\w+) +(\d+)$", text, re.M)}


@pytest.mark.parametrize("config", CONFIGS)
def test_every_configuration_can_be_planned(project, config):
    planned = jobs(project.snakemake("-n", "-c2", config=config).stdout)
    fewest, most = CONFIGS[config]
    assert fewest < planned["total"] < most
    assert planned["all"] == 1


def test_conus_is_hundreds_of_jobs(project):
    text = project.snakemake("-n", "-c2", config="config/conus.yaml").stdout
    planned = jobs(text)
    assert 500 < planned["total"] < 2000
    # 24 runs through the surrogate, in 2, 5 and 20 jobs, and one through VIC
    assert planned["calibrate_sceua"] == 8 * (2 + 5 + 20) + 5
    assert planned["join_sceua"] == 25
    assert planned["simulate_samples"] == 60


def test_picture_in_the_readme_is_of_these_rules(project):
    """What `make rulegraph` draws, here without graphviz: the names and the arrows' ends."""
    words = ["--quiet", "all", "--rulegraph", "--", "claims", "tsai2021_fig4"]
    dot = project.snakemake(*words, config=None).stdout
    rules = set(re.findall(r'label *= *"(\w+)"', dot))
    drawn = set(re.findall(r">(\w+)</text>", PICTURE.read_text()))
    assert len(rules) > 20
    assert drawn == rules, "the rules have changed: make rulegraph"


def test_demo_is_the_default(project):
    assert jobs(project.snakemake("-n", "-c2", config=None).stdout)["build_twin"] == 1


def test_results_may_lie_outside_of_the_project(project, tmp_path):
    elsewhere = tmp_path / "scratch/results"
    call = ("--config", f"results={elsewhere}", "--configfile", "tests/workflow/tiny.yaml")
    planned = jobs(project.snakemake("-n", "-c2", *call, config=None).stdout)
    assert planned == jobs(project.snakemake("-n", "-c2").stdout)
    project.snakemake("-c2", f"{elsewhere}/runs.tsv", *call, config=None)
    assert (elsewhere / "runs.tsv").is_file()
    assert (elsewhere / "logs").is_dir()
    assert not (project.folder / "results").exists()


def test_a_refused_configuration_is_told_in_a_sentence(project):
    call = ("-n", "--config", "results=workflow/lib")
    done = project.snakemake(*call, check=False)
    assert done.returncode == 1
    assert "tiny.yaml: results: 'workflow/lib' lies in the project's own folder" in done.stdout
    assert "Traceback" not in done.stdout


def test_granules_of_an_archive_come_before_all_else_and_can_be_had_alone(project):
    planned = jobs(project.snakemake("-n", "-c2", "retrieve", config="config/conus.yaml").stdout)
    # a year of weather before four years of record
    assert planned["retrieve_granules"] == 12 * (5 + 4 + 4)
    assert set(planned) == {"list_granules", "preflight", "retrieve_granules", "retrieve", "total"}
    planned = jobs(project.snakemake("-n", "-c1", "preflight", config="config/huaihe.yaml").stdout)
    assert set(planned) == {"list_granules", "preflight", "total"}


def test_real_data_are_retrieved_file_by_file(project):
    planned = jobs(project.snakemake("-n", "-c2", config="config/real.yaml").stdout)
    assert planned["retrieve_hydrodl"] == 33
    assert "build_twin" not in planned


def test_one_figure_takes_only_what_it_needs(project):
    planned = jobs(project.snakemake("-n", "-c2", "tsai2021_fig4").stdout)
    drawn = {rule for rule in planned if rule.startswith(("plot_", "tabulate_", "summarise_"))}
    assert drawn == {"plot_tsai2021_fig4", "summarise_parameters"}
    assert not {"simulate_run", "evaluate_run"} & set(planned)
    assert planned["calibrate_sceua"] == 2


def test_learners_read_the_filled_observations_on_demand_and_scores_never(project):
    call = ("-n", "-c2")
    assert "fill_training" not in jobs(project.snakemake(*call).stdout)
    laid_over = ("--configfile", "tests/workflow/tiny.yaml", "config/gap_filling.yaml")
    text = project.snakemake(*call, *laid_over, config=None).stdout
    assert jobs(text)["fill_training"] == 3
    readers = {"training": set(), "observations": set()}
    filled = set()
    for rule, inputs, outputs in re.findall(
        r"^rule (\w+):\n +input: (.*)\n +output: (.*)$", text, re.M
    ):
        for name in readers:
            if f"/smap/{name}.nc" in inputs:
                readers[name].add(rule)
        if sampling := re.search(r"/smap/filled/(\w+).nc", inputs):
            filled.add(rule)
            # a run and a line read the file of their own sampling, the pilot that of the one it is
            # given
            own = f"_{sampling[1]}_" in outputs or f"/line/{sampling[1]}/" in outputs
            assert own or (rule, sampling[1]) == ("learn_pilot", "s4")
    assert readers["training"] == {"fill_training"}
    learners = {"learn_dpl", "learn_pilot", "calibrate_sceua", "set_default", "set_cellmean"}
    assert filled == {*learners, "fit_line"}
    assert {"evaluate_run", "evaluate_trajectory"} <= readers["observations"]


def test_all_of_a_paper_is_a_target(project):
    planned = jobs(project.snakemake("-n", "-c2", "tsai2021").stdout)
    assert "plot_tsai2021_fig1" in planned
    assert "plot_smap_recovery" not in planned


def test_every_figure_is_a_target(project):
    schemas = project.folder / "config/schemas"
    config = check_config(read_yaml(project.folder / "tests/workflow/tiny.yaml"), schemas, "tiny")
    runs = read_runs(project.folder / "config/experiments.yaml", schemas, config)
    path = project.folder / "config/figures.yaml"
    figures = read_figures(path, schemas, config, runs, project.folder)
    listed = project.snakemake("--list").stdout
    assert all(re.search(rf"^{name}\b", listed, re.M) for name in figures)


def rules(project):
    """Name (or None) and text of every rule in the .smk files."""
    for path in sorted((project.folder / "workflow/rules").glob("*.smk")):
        parts = re.split(r"^ *rule *(\w*):$", path.read_text(), flags=re.M)
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            # up to the next line that stands at the margin: a function, or a rule made from another
            yield name, re.split(r"^(?=\S)", text, maxsplit=1, flags=re.M)[0]


NEEDS = ("log", "benchmark", "conda", "threads", "resources", "params", "script")


def test_every_rule_has_what_the_house_asks_for(project):
    found = 0
    for name, text in rules(project):
        if "script:" not in text:  # a named target
            continue
        found += 1
        assert re.match(r'\s*"""[A-Z].*\."""', text), f"{name}: no docstring of one sentence"
        # a benchmark would be an output of a rule that has none, so as to run each time
        always = not re.search(r"^ +output:", text, re.M)
        for key in NEEDS:
            if key == "benchmark" and always:
                continue
            assert re.search(rf"^ +{key}:", text, re.M), f"{name}: no {key}"
        for key in ("mem_mb", "runtime"):
            assert key in text, f"{name}: no {key}"
        assert re.search(r"code=(lambda wildcards: )?code\(", text), f"{name}: no code"
        if name:
            # modules that a script loads by name stand behind it
            assert re.search(rf'code\(\s*"{name}"[,)]', text), f"{name}: the code of another script"
            assert f"/scripts/{name}.py" in text, f"{name}: script of another name"
            for folder in ("<logs>",) if always else ("<logs>", "<benchmarks>"):
                assert f"{folder}/{name}" in text, f"{name}: not under its name in {folder}"
    assert found >= 15


def test_every_script_belongs_to_a_rule_and_is_short(project):
    named = "".join(path.read_text() for path in (project.folder / "workflow/rules").glob("*.smk"))
    for script in (project.folder / "workflow/scripts").glob("*.py"):
        assert f"/scripts/{script.name}" in named, f"{script.name}: no rule of it"
        assert len(script.read_text().splitlines()) <= 80, f"{script.name}: longer than 80 lines"


def test_planning_needs_no_heavy_library(project):
    heavy = re.compile(r"^\s*(import|from) (torch|xarray|pandas|numpy|matplotlib)\b", re.M)
    library = project.folder / "workflow/lib/parlearn"
    used = [*(library / "plan").glob("*.py"), library / "audit/choice.py"]
    assert len(used) > 10
    for module in used:
        for path in {module} | modules(module, library=library):
            assert not heavy.search(path.read_text()), f"{path} is read at planning"
