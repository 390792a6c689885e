"""What a configuration may not ask for is refused in words before anything runs."""

import copy
import inspect
import math
import random
import re
from pathlib import Path

import pytest

from parlearn.calibrate import sceua
from parlearn.gaps.network import FillSettings
from parlearn.learn import ganpo
from parlearn.learn import settings as learner
from parlearn.learn.parameter_networks import NETWORKS
from parlearn.plan import archives, claims, experiments, figures, methods
from parlearn.plan.config import check_config
from parlearn.plan.instance import check_runs, read_instance
from parlearn.plan.reading import ConfigError, read_yaml
from parlearn.plan.source import HELD_OUT
from parlearn.plan.surrogates import SURROGATES, surrogates_of
from parlearn.sources.twin import TwinConfig
from parlearn.study.splits import random_splits

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "config/schemas"
CLAIMS = claims.read_claims(ROOT / "config/claims.yaml", SCHEMAS)
FILL = read_yaml(ROOT / "config/gap_filling.yaml")["gap_filling"]


def changed(name, **keys):
    """A configuration with some keys set, each a path of names with dots."""
    config = copy.deepcopy(read_yaml(ROOT / f"config/{name}.yaml"))
    for key, value in keys.items():
        *path, last = key.split("__")
        place = config
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return config


def planned(config):
    """All that the rules are made of; ConfigError where a configuration is refused."""
    tables = ROOT / "config"
    config = check_config(config, SCHEMAS, "c.yaml", ROOT)
    runs = experiments.read_runs(tables / "experiments.yaml", SCHEMAS, config)
    check_runs(runs, config, "c.yaml")
    shown = figures.read_figures(tables / "figures.yaml", SCHEMAS, config, runs, ROOT)
    return config, runs, shown, claims.plan(CLAIMS, runs, config)


def refused(config):
    with pytest.raises(ConfigError) as caught:
        planned(config)
    return str(caught.value)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        # floats for counts
        ({"surrogate__hidden": 64.0}, "surrogate.hidden: 64.0 is not a whole number as it is writ"),
        ({"settings__dpl__dpl_a__epochs": 25.0}, "settings.dpl.dpl_a.epochs: 25.0 is not a whole"),
        ({"source__seed": 1.0}, "source.seed: 1.0 is not a whole number as it is written: write 1"),
        ({"simulate__sets": 24.5}, "simulate.sets: 24.5 is not of the type asked for: give a valu"),
        ({"surrogate__hidden": 10**10}, "surrogate.hidden: 10000000000 is out of range: it must b"),
        ({"simulate__rounds": 10**6}, "simulate.rounds: 1000000 is out of range: it must be at mo"),
        # what YAML reads otherwise than it looks
        ({"surrogate__learning_rate": "1e-3"}, "surrogate.learning_rate: '1e-3' is read as text:"),
        ({"surrogate__hidden": "32"}, "surrogate.hidden: '32' is read as text: write 32, without"),
        ({"samplings": {16: 16}}, "samplings: the key 16 is not text: put it in quotes"),
        ({"samplings": {"S 8": 8}}, "samplings: 'S 8' must be small letters, digits and _"),
        ({"periods__train": {"a/b": []}}, "periods.train: 'a/b' must be small letters, digits and"),
        # no numbers
        ({"surrogate__learning_rate": math.nan}, "surrogate.learning_rate: nan is no number to co"),
        ({"settings__dpl__dpl_a__learning_rate": math.inf}, "dpl_a.learning_rate: inf is no numbe"),
        ({"threshold": math.nan}, "threshold: nan is no number to compute with: give a finite one"),
        ({"source__sm_noise": math.nan}, "source.sm_noise: nan is no number to compute with"),
        ({"settings__sceua__sceua__peps": math.inf}, "settings.sceua.sceua.peps: inf is no number"),
        # windows
        ({"settings__dpl__dpl_z__window": 367}, "c.yaml: settings.dpl.dpl_z.window, of dpl_z in o"),
        ({"settings__dpl__dpl_a__window": 732}, "settings.dpl.dpl_a.window, of dpl_a in two_years"),
        ({"settings__dpl__paraformer_z__reading": 732}, "paraformer_z.reading, of paraformer_z in"),
        ({"settings__dpl__pilot__window": 367}, "settings.dpl.pilot.window, of dpl_a in one_year:"),
        ({"surrogate__window": 977}, "surrogate.window: with surrogate.warmup 1097 days, which is"),
        ({"gap_filling": FILL | {"window": 367}}, "gap_filling.window: 367 days is longer than pe"),
        # dates
        ({"periods__test": ["20170401", "20180331"]}, "periods.test: 20170401, 20180331 is not a"),
        ({"periods__test": ["2017-W14-6", "2018-03-31"]}, "periods.test: 2017-W14-6 is not a date"),
        ({"periods__test": [20170401, 20180331]}, "periods.test[0]: 20170401 is not of the type a"),
        ({"source__start": "20150401"}, "source.start: '20150401' is not a usable date: write it"),
        ({"source__start": "0001-04-01"}, "source.start: '0001-04-01' is not a usable date: write"),
        ({"source__start": "9999-04-01"}, "source.start: '9999-04-01' is not a usable date"),
        ({"periods__train__test": ["2015-04-01", "2016-03-31"]}, "periods.train.test: is the name"),
        # more of one thing than there is of another
        ({"simulate__batches": 25}, "simulate.batches: 25 jobs cannot share simulate.sets: 24: gi"),
        ({"surrogate__held_out": 24}, "surrogate.held_out: 24 of simulate.sets: 24 leaves none to"),
        ({"simulate__cells": 193}, "simulate.cells: 193 is more than the 192 cells that the sampl"),
        ({"calibrate": {"batches": {"s8": 25}}}, "calibrate.batches.s8: 25 jobs cannot share 24 c"),
        ({"samplings__s32": 32, "source__cols": 32}, "samplings.s32: 32 takes 1 of the cells: it"),
        ({"samplings__s6": 6}, "samplings: patches of 4 do not fit into those of 6, so that what"),
        ({"settings__sceua__sceua__max_evaluations": 76}, "settings.sceua.sceua.max_evaluations,"),
        ({"settings__dpl__paraformer_a__heads": 5}, "paraformer_a.heads, of paraformer_a in two_y"),
        ({"settings__dpl__paraformer_a__hidden": 30}, "4 heads do not divide hidden = 30: change"),
        # names
        ({"model__parameters": ["expt", "Ds", "expt"]}, "model.parameters: 'expt' stands twice: t"),
        ({"audit": {"rerun": ["dpl_z_s8_2y_2"]}}, "audit.rerun: 'dpl_z_s8_2y_2' is unknown (did y"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_what_cannot_be_is_refused(keys, sentence):
    assert sentence in refused(changed("config", **keys))


@pytest.mark.parametrize(
    ("name", "keys", "sentence"),
    [
        ("real", {"source__years": [2015, 2015]}, "source.years: 2015 stands twice: take one out"),
        ("real", {"source__mirror": ""}, "source.mirror: there is no folder : name the folder tha"),
        ("real", {"simulate__cells": 413}, "simulate.cells: 413 is more than the 412 cells that t"),
        ("real", {"samplings__d": 0.003}, "samplings.d: 0.003 takes 1 of the cells: it needs two"),
        ("real", {"samplings__r": {"region": 1, "of": 413}}, "412 cells have no 413 regions: give"),
        ("real", {"calibrate": {"batches": {"d4": 83}}}, "d4: 83 jobs cannot share 82 cells"),
        ("conus", {"source__record": ["20150401", "20190331"]}, "are no two dates in order: write"),
        ("conus", {"source__box__north": math.nan}, "source.box.north: nan is no number to comput"),
        ("conus", {"source__minimum_share": math.nan}, "source.minimum_share: nan is no number to"),
        ("huaihe", {"settings__ganpo__ganpo__batch": 4000}, "ganpo.batch, of ganpo in two_years:"),
        ("huaihe", {"source__products__cmfd__mirror": ""}, "cmfd.mirror: there is no folder : nam"),
        # a surrogate that answers maps
        ("sun2024", {"arnet__rollout": 1007}, "rollout: with the 90 days before it 1097 days, w"),
        ("sun2024", {"arnet__held_out": 48}, "arnet.held_out: 48 of simulate.sets: 48 leaves none"),
        ("sun2024", {"arnet__batch": 1}, "arnet.batch: 1 is out of range: it must be at least 2"),
        ("sun2024", {"arnet__blocks": [2, 4]}, "arnet.blocks: "),
        ("sun2024", {"simulate__cells": 100}, "simulate.cells: 100 cells make no map, and arnet"),
        ("sun2024", {"model__simulate_with": ["process", "arnet"]}, "has arnet and no surrogat"),
        ("sun2024", {"model__simulate_with": ["process", "surrogate"]}, "arnet: nothing use"),
    ],
)  # fmt: skip
def test_what_other_sources_do_not_have_is_refused(name, keys, sentence):
    assert sentence in refused(changed(name, **keys))


def test_what_just_fits_is_taken():
    keys = {
        "settings__dpl__dpl_z__window": 366,
        "settings__dpl__dpl_a__window": 731,
        "surrogate__window": 976,
        "simulate__batches": 24,
        "surrogate__held_out": 23,
        "simulate__cells": 192,
        "calibrate": {"batches": {"s8": 24}},
        "settings__sceua__sceua__max_evaluations": 77,
        "audit": {"rerun": ["dpl_z_s8_2y_1"]},
    }
    planned(changed("config", **keys))


def test_a_line_of_each_cell_is_for_networks(tmp_path):
    table = read_yaml(ROOT / "config/experiments.yaml")
    table["variants"]["sceua"]["observation_map"] = "network"
    (tmp_path / "experiments.yaml").write_text(str(table))
    config = check_config(changed("config"), SCHEMAS, "c.yaml", ROOT)
    with pytest.raises(
        ConfigError, match=r"experiments\.yaml: variants\.sceua: observation_map ne"
    ):
        experiments.read_runs(tmp_path / "experiments.yaml", SCHEMAS, config)


def test_a_key_that_stands_twice_is_refused_though_snakemake_took_the_last(tmp_path):
    text = (ROOT / "config/config.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(text.replace("  rows: 32\n", "  rows: 64\n  rows: 32\n"))
    with pytest.raises(ConfigError, match=r"mine\.yaml: source\.rows: stands twice, in lines"):
        read_instance(changed("config"), [tmp_path / "mine.yaml"], ROOT)


def test_limits_start_from_the_defaults_of_the_library():
    assert learner.Settings(epochs=1).hidden == methods.HIDDEN
    assert learner.Settings(epochs=1).heads == methods.HEADS
    assert sceua.Settings(max_evaluations=100).complexes == methods.COMPLEXES
    assert ganpo.Settings(epochs=1).batch == methods.DAYS
    for name, network in NETWORKS.items():
        source = inspect.getsource(network)
        limits = {k for k, _ in methods.METHODS[name].limits({"heads": 3, "hidden": 8}, 9, 9)}
        assert ("Transformer" in source.partition("(")[0]) == ("heads" in limits)


def test_scattered_cells_are_held_out_as_by_the_library():
    assert inspect.signature(random_splits).parameters["test_share"].default == HELD_OUT


#: in place of a value
ODD = (None, "", " ", "x", "a b", "../x", "{x}", "*", "é", True, -1, 0, 1, 3, 2**40, 10**400, 0.5,
       64.0, 1e-3, math.nan, math.inf, -math.inf, [], {}, ["x"], ["x", "x"], {"x": 1}, {1: {}},
       "20170101", "2017-02-30", "1e-3", [2017, 2018], ["2016-01-01", "2017-01-01"])  # fmt: skip


def places(value, path=()):
    """Paths to all that stands in a configuration."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in inner:
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from places(item, (*path, key))


def mutate(config, rng: random.Random):
    """One change at one place; what was changed, in words."""
    *path, last = rng.choice([*places(config)])
    holder = config
    for part in path:
        holder = holder[part]
    value, how = holder[last], rng.randrange(6)
    where = ".".join(map(str, (*path, last)))
    if how == 0:
        del holder[last]
        return f"{where} taken out"
    if how == 1 and isinstance(holder, dict):
        name = rng.choice([f"{last}x", last.upper(), f"{last} ", 7, True, None])
        holder[name] = holder.pop(last)
        return f"{where} called {name!r}"
    if how == 2 and isinstance(value, int | float):
        holder[last] = rng.choice([-value, value * 1000, value + 1, value / 3, float(value)])
    elif how == 3 and isinstance(value, list):
        holder[last] = rng.choice([value[::-1], value + value[:1], value[:1], value + [None]])
    else:
        holder[last] = rng.choice(ODD)
    return f"{where} = {str(holder[last])[:40]}"


def use(config, runs, shown, answers):
    """Do with what was taken what rules and scripts do with it."""
    for run in runs.values():
        settings = experiments.identity(run, config)["settings"]
        method = methods.METHODS[run.method]
        if method.module:
            method.load().Settings.from_dict(settings)
        elif method.settings:
            sceua.Settings(**settings)
    if "simulate" in config:
        learner.Settings.from_dict(experiments.pilot_identity(config)["settings"])
        for kind in surrogates_of(config):
            own = {k: v for k, v in config[kind].items() if k not in ("seed", "held_out")}
            SURROGATES[kind].load_training().SurrogateSettings(**own)
    if "gap_filling" in config:
        FillSettings.from_dict(config["gap_filling"])
    source = {k: v for k, v in config["source"].items() if k != "name"}
    if config["source"]["name"] == "twin":
        TwinConfig(**source)
    if grid := archives.archives_of(config):
        for product in grid["products"]:
            assert archives.arrived(grid, product)
            archives.regridded(grid, product, config["periods"]["test"])
    for figure in shown.values():
        figures.figure_files(figure, runs, config)
    claims.claim_files(answers, config)


@pytest.mark.parametrize("name", ["config", "real", "conus", "huaihe", "li2023_real"])
def test_any_single_change_is_refused_in_words_or_planned(name):
    more = {"audit": {"rerun": ["dpl_z_all_1y_1"]}} if "real" in name else {}
    outcomes = {"refused": 0, "planned": 0}
    for seed in range(40):
        config = changed(name) | {"gap_filling": dict(FILL)} | more
        what = mutate(config, random.Random(f"{name}{seed}"))
        try:
            found = planned(config)
        except ConfigError as error:
            outcomes["refused"] += 1
            for line in str(error).splitlines():
                assert re.match(r"\S+\.(yaml|csv): \S", line), (what, line)
                assert re.search(r": .{4,}(: |; |must |, )\S", line), (what, line)
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}: {what}: {error!r}") from error
        try:
            use(*found)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {what} was taken: {error!r}") from error
        outcomes["planned"] += 1
    assert outcomes["refused"] > 25
    assert outcomes["planned"] > 1
