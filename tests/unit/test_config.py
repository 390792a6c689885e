"""Validation before anything runs: every mistake is named with file, key and remedy."""

import copy
import shutil
from dataclasses import fields, replace
from pathlib import Path

import pytest
import yaml

from parlearn.calibrate.sceua import Settings as SearchSettings
from parlearn.gaps.network import FillSettings
from parlearn.learn.parameter_networks import NETWORKS
from parlearn.learn.settings import Settings
from parlearn.models.registry import PROCESSES
from parlearn.models.surrogate.fit import SurrogateSettings
from parlearn.plan import config as configuration
from parlearn.plan import datasets as dataset_table
from parlearn.plan import domains, experiments
from parlearn.plan import figures as figure_table
from parlearn.plan.config import ConfigError
from parlearn.plan.methods import METHODS, made_by
from parlearn.plan.products import PRODUCTS
from parlearn.plan.surrogates import SURROGATES
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
    runs = experiments.read_runs(ROOT / "config/experiments.yaml", SCHEMAS, config)
    figures = figure_table.read_figures(ROOT / "config/figures.yaml", SCHEMAS, config, runs, ROOT)
    assert runs
    assert all(figure["runs"] for figure in figures.values())
    experiments.pilot_identity(config)
    for run in runs.values():
        experiments.identity(run, config)


def test_own_datasets_are_valid():
    datasets = dataset_table.read_datasets(ROOT / "config/datasets.csv", SCHEMAS)
    assert len(datasets) == 33
    archives = dataset_table.read_archives(ROOT / "config/datasets.csv", SCHEMAS)
    for name, product in PRODUCTS.items():
        assert archives[name]["login"] == product.login
        assert archives[name]["version"] == product.version


def test_a_file_without_checksum_is_refused(tmp_path):
    head = "product,version,file,url,sha256,licence,doi,login\n"
    (tmp_path / "datasets.csv").write_text(f"{head}a,1,b.csv,https://c/d,,none,,none\n")
    with pytest.raises(ConfigError, match="b.csv: has no sha256"):
        dataset_table.read_datasets(tmp_path / "datasets.csv", SCHEMAS)


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
        ("results", "config", "results: 'config' lies in the project's own folder config: name a"),
        ("name", "My Run", "name: 'My Run' must be small letters"),
        (
            "model.parameters",
            ["infilt", "Dm"],
            "model.parameters: VIC has no parameter 'Dm'; it has infilt, Ds",
        ),
        (
            "model.parameters",
            ["expt", "expt"],
            "model.parameters: 'expt' stands twice: take one out",
        ),
        ("model.process", "vik", "model.process: 'vik' is unknown (did you mean 'vic'?)"),
        ("model.options", {"pet": "oudin"}, "model.options.pet: VIC has no such option; it has no"),
        ("model.routing", "gama", "model.routing: 'gama' is unknown (did you mean 'gamma'?)"),
        ("model.components", 1, "model.components: 1 is out of range: it must be at least 2"),
        (
            "model.parameters",
            ["route_scale"],
            "model.parameters: VIC has no parameter 'route_scale'; it has infilt, Ds",
        ),
        ("model.simulate_with", ["surrogate"], "model.simulate_with: has no process: every run is"),
        (
            "model.simulate_with",
            ["process"],
            "surrogate: nothing uses it, since model.simulate_wit",
        ),
        ("surrogate", None, "surrogate: is missing, and model.simulate_with asks for a surrogate"),
        (
            "periods.validate",
            ["2016-10-01", "2017-02-28"],
            "overlaps the validation period 2016-10",
        ),
        (
            "periods.validate",
            ["2018-01-01", "2018-03-31"],
            "periods.validate: 2018-01-01 .. 2018-0",
        ),
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
        (
            "simulate.pilot.method",
            "dpl_y",
            "simulate.pilot.method: 'dpl_y' is unknown (did you mean 'dpl_z'?); choose from dpl_a",
        ),
        ("simulate.pilot.method", "sceua", "simulate.pilot.method: 'sceua' is unknown; choose"),
        (
            "settings.dlp",
            {},
            "settings: unknown key 'dlp' (did you mean 'dpl'?); known are dpl, ",
        ),
        ("settings.sceua.sceua", {"kstop": 1}, "settings.sceua.sceua: max_evaluations is missing"),
        ("settings.sceua.sceua.complexes", 0, "settings.sceua.sceua.complexes: 0 is out of range"),
        ("settings.sceua.sceua.complex", 2, "settings.sceua.sceua: unknown key 'complex' (did"),
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


def hbv(**more):
    """The demo with HBV as its model."""
    model = {"process": "hbv", "parameters": ["FC"], "simulate_with": ["process", "surrogate"]}
    return change("model", model | more)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"options": {"pet": "penman"}}, "model.options.pet: 'penman' is none of oudin, hargr"),
        ({"options": {"pets": "oudin"}}, "model.options.pets: HBV has no such option; it has pet"),
        ({"parameters": ["route_shape"]}, "HBV has no parameter 'route_shape'; it has BETA"),
        (
            {"parameters": ["route_shape"], "routing": "gamma"},
            "model.parameters: names none of HBV itself: add one",
        ),
        (
            {"parameters": ["route_shap"], "routing": "gamma"},
            "HBV has no parameter 'route_shap' (did you mean 'route_shape'?)",
        ),
    ],
)
def test_mistakes_in_what_stands_around_a_model_are_named(more, words):
    with pytest.raises(ConfigError) as caught:
        check(hbv(**more))
    assert words in str(caught.value)


def test_a_model_that_runs_a_program_of_the_user():
    model = {"process": "vic5", "parameters": ["infilt"], "simulate_with": ["process", "surrogate"]}
    run = {"version": "5.1.0", "ranks": 4, "threads": 2, "minutes": 90, "mem_mb": 4000}
    assert check(change("model", model | {"program": run}))
    for program, words in (
        ({"path": "none.exe"}, "model.program.path: there is no file none.exe: name the execut"),
        ({"ranks": 0}, "model.program.ranks: 0 is out of range"),
        ({"rank": 1}, "unknown key 'rank'"),
    ):
        with pytest.raises(ConfigError) as caught:
            check(change("model", model | {"program": program}))
        assert words in str(caught.value)
    with pytest.raises(ConfigError, match="HBV runs no program: take the key out"):
        check(hbv(program=run))


def test_a_model_with_options_components_and_routing():
    model = {"parameters": ["FC", "route_lag"], "routing": "gamma"}
    assert check(hbv(**model, components=4, options={"pet": "hargreaves"}))
    assert check(hbv(routing="none"))


def test_a_source_that_describes_less_than_the_model_needs(monkeypatch):
    monkeypatch.setitem(domains.DESCRIBED, "twin", "place")
    assert check(hbv())
    with pytest.raises(ConfigError) as caught:
        check(load("config/config.yaml"))
    assert (
        "model.process: VIC needs soil and vegetation of each unit, and the source twin describes "
        "latitude, longitude and elevation alone: choose another process or source"
    ) in str(caught.value)


def test_every_source_says_what_it_describes():
    schema = load("config/schemas/config.schema.yaml")
    assert set(domains.DESCRIBED) == {*schema["properties"]["source"]["properties"]["name"]["enum"]}
    assert {*domains.DESCRIBED.values()} <= {*domains.DOMAINS}
    assert {process.domain for process in PROCESSES.values()} <= {*domains.DOMAINS}


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
def figures(tmp_path):
    """Write figures.yaml beside the modules and captions it names, with one figure changed."""
    for folder in ("lib/parlearn/summarise", "lib/parlearn/plots", "report"):
        shutil.copytree(ROOT / "workflow" / folder, tmp_path / "workflow" / folder)
    config = load("config/config.yaml")
    runs = experiments.read_runs(ROOT / "config/experiments.yaml", SCHEMAS, config)

    def read(name="tsai2021_fig4", changed=None, **keys):
        content = load("config/figures.yaml")
        content[name].update(keys)
        path = tmp_path / "figures.yaml"
        path.write_text(yaml.safe_dump(content))
        return figure_table.read_figures(path, SCHEMAS, config | (changed or {}), runs, tmp_path)

    return read


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"caption": "none.rst"}, "tsai2021_fig4.caption: there is no"),
        ({"module": "none"}, "tsai2021_fig4.module: there is no"),
        ({"runs": {"seed": [9]}}, "tsai2021_fig4.runs: no run of the set 'demo' is like"),
        ({"runs": {"method": ["dpl_y"]}}, "runs.method: 'dpl_y' is unknown (did you mean 'dpl_"),
        ({"runs": [{}, {"family": ["net"]}]}, "tsai2021_fig4.runs.family: 'net' is unknown (did"),
        ({"runs": {"reads": ["serie"]}}, "runs.reads[0]: 'serie' is unknown (did you mean"),
        ({"runs": [{"trained": "yes"}]}, "runs[0].trained: 'yes' is not of the type asked for"),
        ({"runs": []}, "tsai2021_fig4.runs: [] has the wrong length"),
        ({"runs": {"metod": ["dpl_z"]}}, "tsai2021_fig4.runs: unknown key 'metod' (did you mean"),
        ({"needs": ["runoff"]}, "tsai2021_fig4.needs: 'runoff' is unknown"),
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
    nothing = {"runs": {"seed": [9]}}
    assert "li2023_fig3" in figures(changed={"papers": ["li2023"]}, **nothing)
    with pytest.raises(ConfigError, match=r"li2023_fig3\.runs: no run"):
        figures("li2023_fig3", changed={"papers": ["li2023"]}, **nothing)


def test_data_sets_of_a_figure():
    def labels(which, *cells):
        datasets = {f"{k}": {"cells": name} for k, name in enumerate(cells)}
        return "".join(figure_table.datasets_of(which, {"datasets": datasets}))

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
    runs = experiments.read_runs(ROOT / "config/experiments.yaml", SCHEMAS, config)
    found = figures()
    files = figure_table.figure_files(found["smap_cost"], runs, config)["runs"]
    assert "<runs>/sceua_s8_2y_1/history.csv" in files
    assert "<runs>/dpl_z_s8_2y_1/network/card.json" in files
    assert not any(file.startswith("<runs>/sceua") and "card" in file for file in files)
    files = figure_table.figure_files(found["tsai2021_tableS1"], runs, config)["runs"]
    assert not any(file.startswith("<runs>/default") and "csv" in file for file in files)
    options = figure_table.summary_options(found["li2023_fig9"])
    assert list(options["datasets"]) == ["DAS-S8"]
    assert options["target"] == "evapotranspiration"
    assert figure_table.summary_options(found["tsai2021_fig1"]) == {}


def test_a_choice_by_what_runs_are(figures):
    def methods(*choices):
        chosen = figures(runs=[*choices])["tsai2021_fig4"]["runs"]
        return {runs[name].method for name in chosen}

    config = load("config/config.yaml")
    runs = experiments.read_runs(ROOT / "config/experiments.yaml", SCHEMAS, config)
    # those of the demo
    units = {"default", "cellmean", "sceua", "dpl_a", "dpl_z", "paraformer_a", "paraformer_z"}
    assert methods({}) == units
    assert methods({"trained": False}) == {"default", "cellmean"}
    assert methods({"family": ["search"]}) == {"sceua"}
    series = {"family": ["network"], "reads": ["series"]}
    assert methods(series) == {"dpl_z", "paraformer_z"}
    # any of several choices; all keys of one
    assert methods(series, {"family": ["search"]}) == {"sceua", "dpl_z", "paraformer_z"}
    assert methods(series | {"model": ["-"]}, {"family": ["search"]}) == {"sceua"}
    assert methods({"works_on": ["units"], "reads": ["observations"]}) == units - {"default"}


def test_a_new_method_comes_into_every_comparison(monkeypatch):
    """No choice of a figure has to be touched for a method that is like the others."""
    config = load("config/config.yaml")
    runs = experiments.read_runs(ROOT / "config/experiments.yaml", SCHEMAS, config)
    like = {"mine": "dpl_z", "search": "sceua", "prior": "default"}
    for name, other in like.items():
        monkeypatch.setitem(METHODS, name, replace(METHODS[other], name=name))
        for run in [run for run in runs.values() if run.method == other]:
            runs[f"{name}_{run.run}"] = replace(run, run=f"{name}_{run.run}", method=name)
    found = figure_table.read_figures(ROOT / "config/figures.yaml", SCHEMAS, config, runs, ROOT)
    alone = {"tsai2021_figS2", "li2023_table1"}  # what the default's parameters alone give
    for name, other in like.items():
        shows = {
            method: {
                figure
                for figure, entry in found.items()
                if any(runs[run].method == method for run in entry["runs"])
            }
            for method in (name, other)
        }
        assert shows[name] == shows[other] - alone
        assert len(shows[name]) > 9


def test_broken_yaml_and_missing_file(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: [1")
    with pytest.raises(ConfigError, match=r"a\.yaml: is not valid YAML"):
        configuration.read_yaml(path)
    with pytest.raises(ConfigError, match="there is no such file"):
        configuration.read_yaml(tmp_path / "b.yaml")


def test_schemas_know_the_settings_of_the_library():
    own = {"observation_map", "targets"}  # columns of a run
    config = load("config/schemas/config.schema.yaml")["properties"]
    dpl = load("config/schemas/dpl.schema.yaml")["properties"]
    assert set(dpl) == {f.name for f in fields(Settings)} - own
    surrogate = set(config["surrogate"]["properties"])
    assert surrogate == {f.name for f in fields(SurrogateSettings)} | {"seed", "held_out"}
    for name, kind in SURROGATES.items():
        own = {f.name for f in fields(kind.load_training().SurrogateSettings)}
        assert set(config[name]["properties"]) == own | {"seed", "held_out"}
    kinds = config["model"]["properties"]["simulate_with"]["items"]["enum"]
    assert kinds == ["process", *SURROGATES]
    assert set(config["gap_filling"]["properties"]) == {f.name for f in fields(FillSettings)}
    twin = set(load("config/schemas/source_twin.schema.yaml")["properties"])
    assert twin == {f.name for f in fields(TwinConfig)} | {"name"}


def test_own_presets_are_settings_and_are_overridden():
    presets = configuration.read_presets(ROOT / "config/presets.yaml", SCHEMAS)
    for name, settings in (item for methods in presets.values() for item in methods.items()):
        method = METHODS[name]
        if method.module:
            method.load().Settings.from_dict(settings)
        else:
            SearchSettings(**settings)
    config = check(change("settings.dpl.dpl_z", {"preset": "li2023", "epochs": 7}))
    merged = experiments.preset("dpl", "dpl_z", "dpl_z", config)
    assert merged == {**presets["li2023"]["dpl_z"], "epochs": 7}
    assert merged["reading"] == 240
    assert merged["hidden"] == 256


def test_conus_of_li_and_lu_has_the_settings_and_the_test_year_of_the_paper():
    """Section 4.2 of Li & Lu (2023)."""
    config = load("config/conus_li2023.yaml")
    config = configuration.check_config(config, SCHEMAS, "conus_li2023.yaml", ROOT)
    assert config["periods"]["train"] == {"two_years": ["2015-04-01", "2017-03-31"]}
    assert config["periods"]["test"] == ["2017-04-01", "2018-03-31"]
    hidden = {"dpl_a": 1280, "dpl_z": 1280, "paraformer_a": 128, "paraformer_z": 256}
    for method, size in hidden.items():
        s8 = experiments.preset("dpl", method, method, config)
        s4 = experiments.preset("dpl", f"{method}_s4", method, config)
        transformer = method.startswith("paraformer")
        assert s8["hidden"] == (size if transformer else 256)
        assert s4["hidden"] == size
        assert (s8["batch"], s4["batch"]) == ((2000, 3600) if transformer else (300, 300))
        assert s8["epochs"] == s4["epochs"] == 3000
        # the paper has no limit on gradients
        assert s8["gradient_norm"] is s4["gradient_norm"] is None


def test_a_preset_without_the_method():
    config = check(change("settings.dpl.dpl_z", {"preset": "li2023"}))
    del config["presets"]["li2023"]["dpl_z"]
    with pytest.raises(ConfigError, match=r"config/presets.yaml has none for dpl_z; it has dpl_a"):
        experiments.read_runs(ROOT / "config/experiments.yaml", SCHEMAS, config)


def test_methods_know_the_networks_of_the_library():
    assert {n for n in made_by("learn_dpl") if METHODS[n].module == "learn.dpl"} == set(NETWORKS)
    for name, network in NETWORKS.items():
        assert ("series" in METHODS[name].reads) == network.uses_series


def test_datasets_hold_every_file_that_is_read():
    datasets = dataset_table.read_datasets(ROOT / "config/datasets.csv", SCHEMAS)
    assert {f"CONUSv4f1/{name}" for name in required_files([2015, 2016])} <= set(datasets)
