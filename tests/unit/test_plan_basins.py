"""Configurations of basins: what is refused before anything runs, and how basins are read."""

import copy
from pathlib import Path

import pytest
import yaml

from parlearn.models.registry import PROCESSES
from parlearn.plan import config as configuration
from parlearn.plan import experiments
from parlearn.plan.basins import SIGNATURES, basins_of, read_sums
from parlearn.plan.periods import record_of
from parlearn.plan.places import is_twin, kind_of_data, observed, offered
from parlearn.plan.reading import ConfigError
from parlearn.sources import camels, camels_tables

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "config" / "schemas"
TWIN = {"name": "twin_basins", "basins": 12, "years": 20, "start": "1989-10-01", "seed": 1}
CARAVAN = {
    "name": "caravan",
    "mirror": "config",
    "files": "csv",
    "basins": None,
    "record": ["1989-10-01", "2008-09-30"],
}


def load(name="config/camels.yaml"):
    return yaml.safe_load((ROOT / name).read_text())


def check(config):
    return configuration.check_config(config, SCHEMAS, "c.yaml", ROOT)


@pytest.mark.parametrize(
    "name",
    [
        "config/camels.yaml",
        "config/camels_hbv.yaml",
        "config/pub.yaml",
        "config/basins_twin.yaml",
    ],
)
def test_own_configurations_are_valid(name):
    config = check(load(name))
    runs = experiments.read_runs(ROOT / "config/experiments.yaml", SCHEMAS, config)
    assert {run.targets for run in runs.values()} == {("streamflow",)}
    assert observed(config) == ["streamflow"]


def test_folds_of_pub_hold_out_all_and_regions_are_all_hydrologic_units():
    samplings = load("config/pub.yaml")["samplings"]
    assert [samplings[f"fold{k}"] for k in range(1, 11)] == [
        {"fold": k, "of": 10, "validate": False} for k in range(1, 11)
    ]
    regions = [samplings[f"region{k}"]["without"] for k in range(1, 8)]
    assert sorted(sum(regions, [])) == [f"{k:02d}" for k in range(1, 19)]
    shares = [s["share"] for s in samplings.values() if "share" in s]
    assert shares == [0.02, 0.05, 0.125, 0.25, 0.5]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("source.forcing", "merra", "source.forcing: 'merra' is unknown"),
        ("source.forcing", "daymet", "source.forcing: daymet cannot be fetched file by file"),
        ("source.mirror", "nowhere", "source.mirror: there is no folder nowhere"),
        ("source.basins", "mine.txt", "source.basins: there is no list mine.txt"),
        ("source.record", ["1989-10-01", "x"], "source.record: ['1989-10-01', 'x'] are no two dat"),
        ("source.wind", 2, "source: unknown key 'wind'"),
        ("periods.test", ["1985-10-01", "1999-09-30"], "is not inside the record of the source"),
        ("samplings.all", 0.5, "samplings.all: 0.5 is no sampling of basins: write {} for all"),
        ("samplings.all", {"fold": 5, "of": 4}, "there is no fold 5 of 4: give 1 to 4"),
        ("samplings.all", {"fold": 1}, "samplings.all: 'of' says how many folds or regions"),
        ("samplings.all", {"of": 3}, "samplings.all: 'of' says how many folds or regions"),
        ("samplings.all", {"fold": 1, "of": 3, "without": ["01"]}, "fold, without exclude each"),
        ("samplings.all", {"share": 0}, "samplings.all.share: 0 is out of range"),
        ("samplings.all", {"folds": 3}, "samplings.all: unknown key 'folds'"),
    ],
)
def test_mistakes_are_named(key, value, words):
    config = copy.deepcopy(load())
    *path, last = key.split(".")
    place = config
    for part in path:
        place = place[part]
    place[last] = value
    with pytest.raises(ConfigError) as caught:
        check(config)
    assert words in str(caught.value)


def test_a_model_of_land_needs_a_source_that_tells_of_it():
    assert PROCESSES["vic"].domain == "land"
    with pytest.raises(ConfigError, match="VIC needs soil and vegetation of each unit, and the s"):
        check(load() | {"source": CARAVAN})
    hbv = {"process": "hbv", "parameters": ["FC"], "routing": "none", "simulate_with": ["process"]}
    check(load() | {"source": CARAVAN, "model": hbv})


def test_twins_of_basins():
    config = check(load() | {"source": TWIN})
    assert is_twin(config["source"])
    assert {"streamflow", "truth"} <= {*offered(config)}
    with pytest.raises(ConfigError, match="12 basins cannot be parted into 13"):
        check(load() | {"source": TWIN, "samplings": {"all": {"fold": 1, "of": 13}}})
    with pytest.raises(ConfigError, match="source.start: '1989-02-29' is not a usable date"):
        check(load() | {"source": TWIN | {"start": "1989-02-29"}})


def test_how_basins_are_read():
    config = load()
    record = record_of(config["source"])
    found = basins_of(config, record)
    assert found["fetched"]
    assert found["folder"] == "resources/raw/camels"
    assert found["record"] == ["1989-10-01", "2008-09-30"]
    config["source"]["mirror"] = "mine"
    assert basins_of(config, record)["folder"] == "mine"
    assert not basins_of(config, record)["fetched"]
    assert basins_of(load("config/real.yaml"), record) == {}
    twin = load() | {"source": TWIN}
    found = basins_of(twin, record)
    assert found["folder"] == "results/camels/camels/twin/camels"
    assert found["source"]["forcing"] == "daymet"


def test_the_pinned_files_are_those_of_the_benchmark():
    sums = read_sums(ROOT / "config/camels.sha256")
    names = camels.file_names(sums, {"forcing": "maurer_extended", "basins": None})
    assert sorted(names) == sorted(sums)
    gauges = [Path(name).name[:8] for name in names if name.startswith("usgs_streamflow")]
    assert len({*gauges}) == len(gauges) == 531
    assert {*camels_tables.file_names()} <= {*sums}
    assert not [name for name in sums if "hydro" in name]


def test_no_signature_is_among_the_attributes():
    assert not {*SIGNATURES} & {*camels_tables.UNITS}


def test_claims_are_answered_on_made_up_basins_as_on_any_twin():
    kinds = {name: kind_of_data({"name": name}) for name in ("twin_basins", "twin", "camels")}
    assert kinds == {"twin_basins": "twin", "twin": "twin", "camels": "real"}
