"""Experiments: the runs of every set, what decides their outcome, and mistakes by their names."""

import copy
from collections import Counter
from itertools import product
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from parlearn.plan.config import ConfigError, read_yaml
from parlearn.plan.experiments import Run, expand, identity, model_of, read_runs, row
from parlearn.plan.figures import select
from parlearn.plan.methods import METHODS, settings_parts

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "config" / "schemas"
OWN = read_yaml(ROOT / "config/experiments.yaml")
CONFIG = read_yaml(ROOT / "config/config.yaml")


@pytest.fixture
def read(tmp_path):
    """Read the runs of the demo from experiments of which some dotted keys were set."""

    def read(config=CONFIG, **changes):
        content = copy.deepcopy(OWN)
        for key, value in changes.items():
            *path, last = key.split("/")
            place = content
            for part in path:
                place = place[int(part) if part.isdigit() else part]
            place[int(last) if last.isdigit() else last] = value
        path = tmp_path / "experiments.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return read_runs(path, SCHEMAS, config)

    return read


def test_own_sets_hold_the_designs_of_the_papers():
    counts = {name: len(expand(OWN, name)) for name in OWN["sets"]}
    assert counts == {
        "demo": 20,
        "paper": 107,
        "conus": 107,
        "conus_li2023": 50,
        "li2023": 50,
        "real": 17,
        "smap_maps": 17,
        "li2023_real": 54,
        "real_sets": 52,
        "huaihe": 12,
        "sun2024": 30,
        "basins": 13,
        "camels": 4,
        "camels_components": 8,
        "calibrate": 2,
        "pub": 56,
    }
    seeds = Counter((run.sampling, run.period) for run in expand(OWN, "paper"))
    assert set(seeds) == set(product(("s16", "s8", "s4"), ("one_year", "two_years")))
    # three methods of four seeds; at s8 and s4 two more, and what is compared there alone
    assert [seeds[s, "one_year"] for s in ("s16", "s8", "s4")] == [12, 12, 12]
    assert [seeds[s, "two_years"] for s in ("s16", "s8", "s4")] == [12, 39, 20]


@pytest.mark.parametrize(
    "cells",
    [
        "demo dpl_z_s16_1y_1 smap dpl_z surrogate s16 one_year soil_moisture domain 1 dpl_z",
        "demo default_s8_2y smap default - s8 two_years soil_moisture domain 1 -",
        "paper cellmean_s8_2y smap cellmean - s8 two_years soil_moisture none 1 -",
        "paper sceua_vic_s8_2y_1 smap sceua process s8 two_years soil_moisture domain 1 sceua_vic",
        "paper paraformer_a_s4_2y_3 smap paraformer_a surrogate s4 two_years soil_moisture domain "
        "3 paraformer_a",
        "real dpl_z_vic_all_1y_1_network smap dpl_z process all one_year soil_moisture network 1 "
        "dpl_z_vic",
        "li2023_real default_region3_1y smap default - region3 one_year soil_moisture domain 1 -",
        "huaihe default_et huaihe default - all two_years evapotranspiration none 1 -",
        "huaihe dpl_z_vic_et_1 huaihe dpl_z process all two_years evapotranspiration none 1 "
        "dpl_z_vic",
    ],
)
def test_some_rows_whole(cells):
    name, *expected = cells.split()
    runs = {run.run: run for run in expand(OWN, name)}
    assert [*row(runs[expected[0]]).values()] == [*expected, "-", "-"]


def test_an_ensemble_of_seeds_comes_last(read):
    change = {"sets/demo/runs/1/seeds": [1, 2, 3], "sets/demo/runs/1/ensemble": True}
    runs = read(**change)
    joined = runs["dpl_a_s8_2y_ensemble"]
    assert joined.members == ("dpl_a_s8_2y_1", "dpl_a_s8_2y_2", "dpl_a_s8_2y_3")
    assert row(joined)["members"] == ",".join(joined.members)
    assert "sceua_s4_2y_ensemble" in runs
    assert len(runs) == len(read()) + 8 * 2 + 8
    every = select(runs, {"method": ["dpl_a"], "sampling": ["s8"], "model": ["surrogate"]})
    assert every == [*joined.members]
    assert select(runs, {"ensemble": [True], "method": ["dpl_a"], "sampling": ["s8"]}) == [
        joined.run
    ]
    with pytest.raises(ConfigError, match=r"runs\[1\].ensemble: one seed makes none"):
        read(**{"sets/demo/runs/1/ensemble": True})


def test_a_set_of_parameters_of_its_own():
    runs = {run.run: run for run in expand(OWN, "real")}
    known = runs["dpl_z_vic_all_1y_1"]
    own = runs["dpl_z_vic_r13_all_1y_1"]
    names = ("infilt", "diff")
    config = {"model": {"process": "vic", "parameters": ["expt"], "simulate_with": ["process"]}}
    config["model"]["parameter_sets"] = {"r13": names}
    differing = {"run": own.run, "parameter_set": "r13", "settings": "dpl_z_vic_sets"}
    assert row(own) == row(known) | differing
    assert model_of(config, own.parameter_set) == {"process": "vic", "parameters": names}
    assert model_of(config, known.parameter_set) == {"process": "vic", "parameters": ["expt"]}
    # a figure shows such runs only where it asks for them
    every = select(runs, {"method": ["dpl_z"], "parameter_set": ["any"]})
    assert own.run in every
    assert select(runs, {"parameter_set": ["r13"]}) == [own.run]
    assert own.run not in select(runs, {"method": ["dpl_z"]})
    assert known.run in select(runs, {"method": ["dpl_z"]})


def test_a_row_has_all_columns_of_a_run():
    run = expand(OWN, "demo")[0]
    assert list(row(run)) == list(Run.__dataclass_fields__)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("variants/dpl_z/method", "dpl_y", "variants.dpl_z.method: 'dpl_y' is unknown (did you"),
        (
            "variants/dpl_z/model",
            "-",
            "variants.dpl_z.model: '-' does not go with method dpl_z; choose from surrogate, pro",
        ),
        ("variants/dpl_z/model", "hbv", "'hbv' does not go with method dpl_z; choose from surr"),
        ("variants/default/model", "vic", "'vic' does not go with method default; choose from -"),
        ("variants/default/settings", "dpl_z", "variants.default.settings: method default has"),
        ("variants/dpl_z/settings", "dpl_zz", "settings: 'dpl_zz' is not defined (did you mean"),
        ("variants/dpl_z/settings", "sceua", "variants.dpl_z.settings: 'sceua' is not defined"),
        ("variants/dpl_z/targets", ["runoff"], "variants.dpl_z.targets: 'runoff' is unknown"),
        (
            "variants/dpl_z/setings",
            1,
            "variants.dpl_z: unknown key 'setings' (did you mean 'settings'?",
        ),
        ("variants/dpl_z", {}, "variants.dpl_z: method is missing: add it"),
        ("sets/demo/study", "camels", "'camels' is not the configuration's study 'smap'"),
        ("sets/demo/targets", ["runoff"], "sets.demo.targets: 'runoff' is unknown; choose from"),
        (
            "sets/demo/targets",
            ["streamflow"],
            "sets.demo.targets: VIC gives no streamflow: give model.routing",
        ),
        (
            "variants/dpl_z/targets",
            ["streamflow"],
            "variants.dpl_z.targets: VIC gives no streamflow: give model.routing",
        ),
        (
            "variants/dpl_z_vic/parameter_set",
            "v9",
            "variants.dpl_z_vic.parameter_set: 'v9' is not defined; the configuration has",
        ),
        ("sets/demo/observation_map", "cell", "sets.demo.observation_map: 'cell' is unknown"),
        (
            "sets/demo/runs/1/samplings",
            ["s5"],
            "sets.demo.runs[1].samplings: 's5' is not defined; the "
            "configuration has s16, s8, s4 under samplings: add it there or change",
        ),
        ("sets/demo/runs/0/periods", ["year"], "sets.demo.runs[0].periods: 'year' is not defined"),
        ("sets/demo/runs/0/variants", ["dpl"], "runs[0].variants: 'dpl' is not defined (did you"),
        ("sets/li2023/runs/0/variants", ["x"], "sets.li2023.runs[0].variants: 'x' is not defined"),
        ("sets/demo/runs/0/seeds", ["one"], "runs[0].seeds[0]: 'one' is not of the type asked"),
        ("sets/demo/runs/0/seeds", [], "sets.demo.runs[0].seeds: [] has the wrong length"),
        ("sets/demo/runs/0/name", "Dpl Z", "sets.demo.runs[0].name: 'Dpl Z' must be of small"),
        ("sets/demo/runs/0/name", "one", "run 'one' stands twice in the set demo: take one out or"),
        ("periods/two_years", "2Y", "run 'dpl_z_s8_2Y_1' of the set demo: must be small letters"),
        (
            "sets/paper/observation_map",
            "none",
            "run 'default_s8_2y' is not the same in the sets demo and paper: name one of them",
        ),
    ],
)
def test_mistakes_are_named(read, tmp_path, key, value, words):
    with pytest.raises(ConfigError) as caught:
        read(**{key: value})
    assert words in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "experiments.yaml"))


def test_a_target_that_the_model_does_not_give(read):
    model = {"process": "hbv", "parameters": ["FC"], "simulate_with": ["process", "surrogate"]}
    with pytest.raises(ConfigError) as caught:
        read(CONFIG | {"model": model})
    words = "sets.demo.targets: HBV gives no soil_moisture: choose another target or process"
    assert words in str(caught.value)


def test_the_surrogate_knows_no_other_parameters(read):
    model = CONFIG["model"] | {"parameter_sets": {"v9": ["infilt", "porosity"]}}
    with pytest.raises(ConfigError, match="the surrogate knows model.parameters alone"):
        read(CONFIG | {"model": model}, **{"variants/dpl_z/parameter_set": "v9"})


def test_the_file_and_the_set_must_be_there(read, tmp_path):
    with pytest.raises(ConfigError, match="there is no such file"):
        read_runs(tmp_path / "none.yaml", SCHEMAS, CONFIG)
    with pytest.raises(ConfigError, match=r"there is no 'dem' \(did you mean 'demo'\?\), which"):
        read(CONFIG | {"run_set": "dem"})


def test_the_order_of_runs_does_not_hang_on_how_a_set_is_written(read):
    entries = OWN["sets"]["demo"]["runs"]
    turned = [
        {key: list(reversed(values)) for key, values in entry.items()}
        for entry in reversed(entries)
    ]
    names = list(read())
    assert list(read(**{"sets/demo/runs": turned})) == names
    assert names[:3] == ["default_s8_2y", "cellmean_s8_2y", "dpl_z_s16_1y_1"]
    # samplings and periods as the configuration lists them; methods as the registry does
    assert names[5:8] == ["dpl_z_s8_1y_1", "sceua_s8_2y_1", "dpl_a_s8_2y_1"]
    assert names[-1] == "paraformer_z_s4_2y_1"


def test_only_what_decides_the_outcome_is_in_the_identity(read):
    one, named, other = (
        identity(read(**changes)[run], CONFIG)
        for run, changes in (
            ("dpl_z_s8_2y_1", {}),
            (
                "mine_dpl_z_s8_two_1",
                {"name": "mine_{variant}_{sampling}_{period}_{seed}"}
                | {"periods": {"two_years": "two"}},
            ),
            ("dpl_z_s8_2y_9", {"sets/demo/runs/2/seeds": [9]}),
        )
    )
    assert one == named
    assert one | {"seed": 9} == other


names = st.text("abcs84_", min_size=1, max_size=4).filter(lambda name: name[0].isalpha())
some = st.lists(names, min_size=1, max_size=3, unique=True)


@settings(deadline=None)
@given(
    methods=st.lists(st.sampled_from([*METHODS]), min_size=1, max_size=4),
    entries=st.lists(
        st.tuples(some, some, st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True)),
        min_size=1,
        max_size=3,
    ),
    declared=st.tuples(some, some),
)
def test_names_are_unique_and_samplings_declared(tmp_path_factory, methods, entries, declared):
    """Whatever is crossed: every run has a name of its own, or the file is refused and says why."""
    variants = {
        f"v{k}": {"method": name}
        | ({"model": METHODS[name].models[0], "settings": "x"} if METHODS[name].trained else {})
        for k, name in enumerate(methods)
    }
    crossed = [
        {"variants": [*variants], "samplings": samplings, "periods": periods, "seeds": seeds}
        for samplings, periods, seeds in entries
    ]
    experiments = {
        "name": "{variant}_{sampling}_{period}_{seed}",
        "periods": {},
        "variants": variants,
        "sets": {
            "a": {
                "study": "smap",
                "targets": ["soil_moisture"],
                "observation_map": "domain",
                "runs": crossed,
            }
        },
    }
    samplings, periods = declared
    config = {
        "run_set": "a",
        "study": "smap",
        "model": {
            "process": "vic",
            "parameters": ["Ds"],
            "simulate_with": ["process", "surrogate"],
        },
        "samplings": dict.fromkeys(samplings),
        "periods": {"train": dict.fromkeys(periods)},
        "settings": {part: {"x": {}} for part in settings_parts()},
    }
    trained = sum(METHODS[name].trained for name in methods)
    expected = sum(
        len(s) * len(p) * (trained * len(seeds) + len(methods) - trained) for s, p, seeds in entries
    )
    runs = expand(experiments, "a")
    assert len(runs) == expected
    twice = len({run.run for run in runs}) < expected
    unknown = {s for e in entries for s in e[0]} - {*samplings}
    unknown |= {p for e in entries for p in e[1]} - {*periods}
    path = tmp_path_factory.mktemp("experiments") / "e.yaml"
    path.write_text(yaml.safe_dump(experiments))
    if not twice and not unknown:
        found = read_runs(path, SCHEMAS, config)
        assert {*found.values()} == {*runs}
        assert {run.sampling for run in found.values()} <= {*samplings}
        assert {run.period for run in found.values()} <= {*periods}
        return
    with pytest.raises(ConfigError) as caught:
        read_runs(path, SCHEMAS, config)
    assert ("stands twice" in str(caught.value)) == twice
    for name in unknown:
        assert f"{name!r} is not defined" in str(caught.value)
