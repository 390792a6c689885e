"""Validation before anything runs: every mistake is named with file, key and remedy."""

import copy
import shutil
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from parlearn.gaps.network import FillSettings
from parlearn.learn.parameter_networks import NETWORKS
from parlearn.learn.settings import Settings
from parlearn.models.surrogate.fit import SurrogateSettings
from parlearn.models.vic import SPACE
from parlearn.plan import catalogue
from parlearn.plan import config as configuration
from parlearn.plan.catalogue import METHODS
from parlearn.plan.config import ConfigError
from parlearn.plan.products import PRODUCTS
from parlearn.sources.hydrodl import required_files
from parlearn.sources.twin import TwinConfig

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "config" / "schemas"
CONFIGS = [
    "config/config.yaml",
    "config/real.yaml",
    "config/paper.yaml",
    "config/li2023.yaml",
    "config/li2023_real.yaml",
    "tests/workflow/tiny.yaml",
]


def load(name):
    return yaml.safe_load((ROOT / name).read_text())


def check(config, file="c.yaml"):
    return configuration.check_config(config, SCHEMAS, file, ROOT)


def change(key, value, name="config/config.yaml"):
    """A configuration with one dotted key set, or removed where value is None."""
    config = copy.deepcopy(load(name))
    *path, last = key.split(".")
    place = config
    for part in path:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return config


@pytest.mark.parametrize("name", CONFIGS)
def test_own_configurations_are_valid(name):
    config = check(load(name), name)
    runs = catalogue.read_runs(ROOT / "config/runs.tsv", SCHEMAS, config)
    figures = catalogue.read_figures(ROOT / "config/figures.yaml", SCHEMAS, config, runs, ROOT)
    assert runs
    assert all(figure["runs"] for figure in figures.values())
    catalogue.pilot_identity(config)
    for run in runs.values():
        catalogue.identity(run, config)


def test_own_datasets_are_valid():
    datasets = catalogue.read_datasets(ROOT / "config/datasets.csv", SCHEMAS)
    assert len(datasets) == 33
    archives = catalogue.read_archives(ROOT / "config/datasets.csv", SCHEMAS)
    for name, product in PRODUCTS.items():
        assert archives[name]["login"] == product.login
        assert archives[name]["version"] == product.version


def test_a_file_without_checksum_is_refused(tmp_path):
    head = "product,version,file,url,sha256,licence,doi,login\n"
    (tmp_path / "datasets.csv").write_text(f"{head}a,1,b.csv,https://c/d,,none,,none\n")
    with pytest.raises(ConfigError, match="b.csv: has no sha256"):
        catalogue.read_datasets(tmp_path / "datasets.csv", SCHEMAS)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("surogate", {}, "unknown key 'surogate' (did you mean 'surrogate'?)"),
        ("source.rowz", 3, "source: unknown key 'rowz' (did you mean 'rows'?)"),
        ("surrogate.hiden", 3, "surrogate: unknown key 'hiden' (did you mean 'hidden'?)"),
        ("settings.dpl.dpl_z.epoch", 3, "settings.dpl.dpl_z: unknown key 'epoch' (did you mean"),
        ("study", None, "study is missing: add it"),
        ("simulate.sets", None, "simulate: sets is missing"),
        ("device", "gpu", "device: 'gpu' is unknown (did you mean 'cpu'?); choose from cpu, cuda"),
        ("source.name", "twinn", "source.name: 'twinn' is unknown (did you mean 'twin'?)"),
        ("simulate.sets", "many", "simulate.sets: 'many' is not of the type asked for"),
        ("simulate.sets", 0, "simulate.sets: 0 is out of range: it must be at least 1"),
        ("simulate.cells", "some", "simulate.cells: 'some' must be a number of cells or all"),
        ("results", "/tmp/x", "results: '/tmp/x' must be a folder inside the project"),
        ("name", "My Run", "name: 'My Run' must be small letters"),
        ("model.parameters", ["infilt", "Dm"], "model.parameters[1]: 'Dm' is unknown"),
        ("source.start", "2015-13-01", "source.start: '2015-13-01' is not a usable date"),
        ("source.start", "2016-02-29", "source.start: '2016-02-29' is not a usable date"),
        ("periods.test", ["2017-04-31", "2019-03-31"], "periods.test: 2017-04-31 is not a date"),
        ("periods.test", ["2017-04-01"], "periods.test: ['2017-04-01'] has the wrong length"),
        ("periods.test", ["2019-03-31", "2017-04-01"], "is after 2017-04-01: exchange them"),
        ("periods.test", ["2016-04-01", "2019-03-31"], "overlaps the test period"),
        ("periods.test", ["2017-04-01", "2020-03-31"], "not inside the record of the source"),
        ("samplings.s2", 2, "samplings.s2: 2 is not the side of a patch"),
        ("samplings.s64", 64, "samplings.s64: no 64 x 64 patch fits into the 32 x 48 cells"),
        ("samplings.r1", {"region": 1, "of": 5}, "samplings.r1: regions are for scattered cells"),
        ("settings.dpl.dpl_z.preset", "li2032", "'li2032' is unknown (did you mean 'li2023'?)"),
        ("settings.dpl.dpl_z", {"hidden": 3}, "settings.dpl.dpl_z: epochs is missing"),
        ("settings.dpl.dpl_z.bounds", "clip", "settings.dpl.dpl_z.bounds: 'clip' is unknown"),
        ("simulate.pilot.settings", "dpl_x", "simulate.pilot.settings: 'dpl_x' is not defined"),
        ("simulate.pilot.sampling", "s5", "simulate.pilot.sampling: 's5' is not defined"),
        ("calibrate", {"batches": {"s5": 2}}, "calibrate.batches.s5: is not defined"),
        ("datasets", None, "datasets is missing: add it"),
        (
            "datasets.DAS-S8.samplings",
            ["s88"],
            "datasets.DAS-S8.samplings: 's88' is not defined (did",
        ),
        ("datasets.DAS-S8.period", "year", "datasets.DAS-S8.period: 'year' is not defined"),
        ("datasets.DAS-S8.cells", "tests", "datasets.DAS-S8.cells: 'tests' is unknown (did you"),
        ("datasets.DAS-S8.samplings", [], "datasets.DAS-S8.samplings: [] has the wrong length"),
    ],
)
def test_mistakes_are_named(key, value, words):
    with pytest.raises(ConfigError) as caught:
        check(change(key, value))
    assert words in str(caught.value)
    assert all(line.startswith("c.yaml: ") for line in str(caught.value).splitlines())


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("source.mirror", "no/such/folder", "source.mirror: there is no folder no/such/folder"),
        ("source.years", [2015, 2014], "source.years[1]: 2014 is unknown"),
        ("samplings.d2", 2.0, "samplings.d2: 2.0 is not a share"),
        ("source.rows", 5, "unknown key 'rows'"),
        ("claims_as", [{"s8": "al"}], "claims_as[0].s8: 'al' is not defined (did you mean 'all'?)"),
        ("claims_as", [{"s9": "all"}], "claims_as[0]: 's9' is unknown; choose from s16, s8, s4"),
    ],
)
def test_mistakes_with_real_data_are_named(key, value, words):
    with pytest.raises(ConfigError) as caught:
        check(change(key, value, "config/real.yaml"))
    assert words in str(caught.value)


@pytest.mark.parametrize("name", CONFIGS[:3])
def test_gap_filling_can_be_laid_over_each_configuration(name):
    laid_over = load("config/gap_filling.yaml")
    config = check({**load(name), **laid_over})
    assert config["gap_filling"] == laid_over["gap_filling"]
    FillSettings.from_dict(config["gap_filling"])
    assert "gap_filling" not in check(load(name))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"hiden": 3}, "gap_filling: unknown key 'hiden' (did you mean 'hidden'?)"),
        ({"held_out": 0}, "gap_filling.held_out: 0 is out of range: it must be above 0"),
        ({"held_out": 1}, "gap_filling.held_out: 1 is out of range: it must be below 1"),
        (
            {"window": 367},
            "gap_filling.window: 367 days is longer than periods.train.one_year of 366",
        ),
        ({"epochs": "many"}, "gap_filling.epochs: 'many' is not of the type asked for"),
    ],
)
def test_mistakes_in_gap_filling_are_named(values, words):
    good = load("config/gap_filling.yaml")["gap_filling"]
    with pytest.raises(ConfigError) as caught:
        check(change("gap_filling", good | values))
    assert words in str(caught.value)
    assert len(caught.value.problems) == 1


def test_window_as_long_as_the_period_will_do():
    good = load("config/gap_filling.yaml")["gap_filling"]
    check(change("gap_filling", good | {"window": 366}))
    del good["epochs"]
    with pytest.raises(ConfigError, match="gap_filling: epochs is missing: add it"):
        check(change("gap_filling", good))


def test_all_mistakes_come_at_once():
    config = change("surogate", {})
    config["device"] = "gpu"
    del config["study"]
    with pytest.raises(ConfigError) as caught:
        check(config)
    assert len(caught.value.problems) == 3


def test_unquoted_dates_will_do():
    text = (ROOT / "config/config.yaml").read_text().replace('"', "")
    assert check(yaml.safe_load(text))["periods"] == check(load("config/config.yaml"))["periods"]


@pytest.fixture
def table(tmp_path):
    """Write a table of runs: the demo's, with some columns of one run changed."""
    lines = (ROOT / "config/runs.tsv").read_text().splitlines()
    header = lines[0].split("\t")

    def write(row="dpl_z_s8_2y_1", **columns):
        rows = [dict(zip(header, line.split("\t"), strict=True)) for line in lines[1:]]
        next(r for r in rows if r["run"] == row).update(columns)
        path = tmp_path / "runs.tsv"
        path.write_text(
            "\n".join(["\t".join(header), *("\t".join(r.values()) for r in rows)]) + "\n"
        )
        return path

    return write


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"method": "dpl_y"}, "method: 'dpl_y' is unknown (did you mean"),
        ({"model": "-"}, "model: '-' does not go with method dpl_z; choose from surrogate, vic"),
        ({"model": "hbv"}, "model: 'hbv' is unknown; choose from -, surrogate, vic"),
        ({"sampling": "s5"}, "sampling: 's5' is not defined"),
        ({"period": "year"}, "period: 'year' is not defined"),
        ({"settings": "dpl_zz"}, "settings: 'dpl_zz' is not defined (did you mean 'dpl_z'?)"),
        ({"settings": "sceua"}, "settings: 'sceua' is not defined"),
        ({"target": "runoff"}, "target: 'runoff' must be soil_moisture or evapotranspiration"),
        ({"observation_map": "cell"}, "observation_map: 'cell' is unknown"),
        ({"seed": "one"}, "run 'dpl_z_s8_2y_1', seed: 'one' must be a whole number"),
        ({"run": "Dpl Z"}, "run: 'Dpl Z' must be small letters"),
        ({"run": "default_s8_2y"}, "run 'default_s8_2y' stands there twice: rename one"),
        ({"study": "camels"}, "study: 'camels' is unknown"),
    ],
)
def test_mistakes_in_runs_are_named(table, columns, words):
    path = table(**columns)
    with pytest.raises(ConfigError) as caught:
        catalogue.read_runs(path, SCHEMAS, load("config/config.yaml"))
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_table_of_runs_itself(tmp_path, table):
    config = load("config/config.yaml")
    with pytest.raises(ConfigError, match="there is no such file"):
        catalogue.read_runs(tmp_path / "none.tsv", SCHEMAS, config)
    short = tmp_path / "short.tsv"
    short.write_text("run\tsets\nonly_one\n")
    with pytest.raises(ConfigError, match="row 'only_one' does not have as many columns"):
        catalogue.read_runs(short, SCHEMAS, config)
    with pytest.raises(ConfigError, match="no run belongs to the set 'mine'"):
        catalogue.read_runs(table(), SCHEMAS, {**config, "run_set": "mine"})


def test_label_does_not_decide_the_outcome(table):
    config = load("config/config.yaml")
    one, two, other = (
        catalogue.identity(
            catalogue.read_runs(table(**columns), SCHEMAS, config)["dpl_z_s8_2y_1"], config
        )
        for columns in ({}, {"label": "renamed", "sets": "demo"}, {"seed": "9"})
    )
    assert one == two != other


@pytest.fixture
def figures(tmp_path):
    """Write figures.yaml beside the modules and captions it names, with one figure changed."""
    for folder in ("lib/parlearn/summarise", "lib/parlearn/plots", "report"):
        shutil.copytree(ROOT / "workflow" / folder, tmp_path / "workflow" / folder)
    config = load("config/config.yaml")
    runs = catalogue.read_runs(ROOT / "config/runs.tsv", SCHEMAS, config)

    def read(name="tsai2021_fig4", changed=None, **keys):
        content = load("config/figures.yaml")
        content[name].update(keys)
        path = tmp_path / "figures.yaml"
        path.write_text(yaml.safe_dump(content))
        return catalogue.read_figures(path, SCHEMAS, config | (changed or {}), runs, tmp_path)

    return read


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"caption": "none.rst"}, "tsai2021_fig4.caption: there is no"),
        ({"module": "none"}, "tsai2021_fig4.module: there is no"),
        ({"runs": {"method": ["none"]}}, "tsai2021_fig4.runs: no run of the set 'demo' is like"),
        ({"runs": {"metod": ["dpl_z"]}}, "tsai2021_fig4.runs: unknown key 'metod' (did you mean"),
        ({"needs": ["runoff"]}, "tsai2021_fig4.needs[0]: 'runoff' is unknown"),
    ],
)
def test_mistakes_in_figures_are_named(figures, keys, words):
    with pytest.raises(ConfigError) as caught:
        figures(**keys)
    assert words in str(caught.value)


def test_figure_takes_the_runs_like_its_choice(figures):
    found = figures(runs={"method": ["sceua"], "sampling": ["s8"], "period": ["two_years"]})
    assert found["tsai2021_fig4"]["runs"] == ["sceua_s8_2y_1"]


def test_only_the_papers_asked_for(figures):
    assert {f["paper"] for f in figures().values()} == {"tsai2021", "li2023", "beyond"}
    assert {f["paper"] for f in figures(changed={"papers": ["li2023"]}).values()} == {"li2023"}
    with pytest.raises(ConfigError, match=r"papers: 'li2032' .* \(did you mean 'li2023'\?\)"):
        figures(changed={"papers": ["li2032"]})
    # what another paper's figure lacks is no matter, but what one asked for lacks is
    nothing = {"runs": {"method": ["none"]}}
    assert "li2023_fig3" in figures(changed={"papers": ["li2023"]}, **nothing)
    with pytest.raises(ConfigError, match=r"li2023_fig3\.runs: no run"):
        figures("li2023_fig3", changed={"papers": ["li2023"]}, **nothing)


def test_data_sets_of_a_figure():
    def labels(which, *cells):
        datasets = {f"{k}": {"cells": name} for k, name in enumerate(cells)}
        return "".join(catalogue.datasets_of(which, {"datasets": datasets}))

    cells = ("train", "test", "train", "test", "test")
    assert [labels(which, *cells) for which in ("all", "train", "last", "pair")] == [
        "01234",
        "02",
        "2",
        "23",
    ]
    assert labels("pair", "test", "train") == ""
    assert labels("last", "test") == ""


def test_figure_takes_the_runs_of_its_data_sets(figures):
    chosen = {"method": ["default", "cellmean", "dpl_z"], "model": ["surrogate", "-"]}
    runs = figures("li2023_fig5", runs=chosen)["li2023_fig5"]["runs"]
    assert set(runs) == {"default_s8_2y", "cellmean_s8_2y", "dpl_z_s8_2y_1"}
    runs = figures("li2023_fig5", runs=chosen, datasets="train")["li2023_fig5"]["runs"]
    assert "dpl_z_s4_2y_1" in runs
    only = {"a": {"samplings": ["s16"], "period": "two_years", "cells": "train"}}
    with pytest.raises(ConfigError, match=r"li2023_fig5\.datasets: no run like .* data set 'a'"):
        figures("li2023_fig5", changed={"datasets": only}, runs={"method": ["default", "sceua"]})
    only["a"]["cells"] = "test"
    with pytest.raises(ConfigError, match="li2023_fig5.datasets: .* have no 'last'"):
        figures("li2023_fig5", changed={"datasets": only})


def test_files_and_options_of_a_figure(figures):
    config = load("config/config.yaml")
    runs = catalogue.read_runs(ROOT / "config/runs.tsv", SCHEMAS, config)
    found = figures()
    files = catalogue.figure_files(found["smap_cost"], runs, config)["runs"]
    assert "<runs>/sceua_s8_2y_1/history.csv" in files
    assert "<runs>/dpl_z_s8_2y_1/network/card.json" in files
    assert not any(file.startswith("<runs>/sceua") and "card" in file for file in files)
    files = catalogue.figure_files(found["tsai2021_tableS1"], runs, config)["runs"]
    assert not any(file.startswith("<runs>/default") and "csv" in file for file in files)
    options = catalogue.summary_options(found["li2023_fig9"])
    assert list(options["datasets"]) == ["DAS-S8"]
    assert options["target"] == "evapotranspiration"
    assert catalogue.summary_options(found["tsai2021_fig1"]) == {}


def test_figures_of_tsai_keep_to_their_methods(figures):
    config = load("config/config.yaml")
    runs = catalogue.read_runs(ROOT / "config/runs.tsv", SCHEMAS, config)
    for figure in figures().values():
        if figure["paper"] == "tsai2021" and figure["files"]:
            assert not any(runs[run].method.startswith("paraformer") for run in figure["runs"])


def test_broken_yaml_and_missing_file(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: [1")
    with pytest.raises(ConfigError, match=r"a\.yaml: is not valid YAML"):
        configuration.read_yaml(path)
    with pytest.raises(ConfigError, match="there is no such file"):
        configuration.read_yaml(tmp_path / "b.yaml")


def test_schemas_know_the_settings_of_the_library():
    own = {"observation_map", "targets"}  # columns of the table of runs
    config = load("config/schemas/config.schema.yaml")["properties"]
    dpl = load("config/schemas/dpl.schema.yaml")["properties"]
    assert set(dpl) == {f.name for f in fields(Settings)} - own
    surrogate = set(config["surrogate"]["properties"])
    assert surrogate == {f.name for f in fields(SurrogateSettings)} | {"seed", "held_out"}
    assert set(config["gap_filling"]["properties"]) == {f.name for f in fields(FillSettings)}
    twin = set(load("config/schemas/source_twin.schema.yaml")["properties"])
    assert twin == {f.name for f in fields(TwinConfig)} | {"name"}
    assert config["model"]["properties"]["parameters"]["items"]["enum"] == list(SPACE.names)


def test_own_presets_are_settings_and_are_overridden():
    presets = configuration.read_presets(ROOT / "config/presets.yaml", SCHEMAS)
    for methods in presets.values():
        assert set(methods) <= set(NETWORKS)
        for settings in methods.values():
            Settings.from_dict(settings)
    config = check(change("settings.dpl.dpl_z", {"preset": "li2023", "epochs": 7}))
    merged = catalogue.preset("dpl", "dpl_z", "dpl_z", config)
    assert merged == {**presets["li2023"]["dpl_z"], "epochs": 7}
    assert merged["reading"] == 240
    assert merged["hidden"] == 256


def test_a_preset_without_the_method():
    config = check(change("settings.dpl.dpl_z", {"preset": "li2023"}))
    del config["presets"]["li2023"]["dpl_z"]
    with pytest.raises(ConfigError, match=r"config/presets.yaml has none for dpl_z; it has dpl_a"):
        catalogue.read_runs(ROOT / "config/runs.tsv", SCHEMAS, config)


def test_methods_know_the_networks_of_the_library():
    assert {name for name, family in METHODS.items() if family == "dpl"} == set(NETWORKS)


def test_datasets_hold_every_file_that_is_read():
    datasets = catalogue.read_datasets(ROOT / "config/datasets.csv", SCHEMAS)
    assert {f"CONUSv4f1/{name}" for name in required_files([2015, 2016])} <= set(datasets)
