"""Scores of basins beside published ones: intervals, tables as they are published, figures."""

import warnings
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from parlearn.metrics import bootstrap
from parlearn.plots import benchmark as drawn_benchmark
from parlearn.plots import style
from parlearn.plots.sheet import Sheet
from parlearn.runs import evaluate
from parlearn.sources import published
from parlearn.sources.records import RecordsError
from parlearn.storage import contracts
from parlearn.study.roles import ROLES
from parlearn.summarise import benchmark, hydrographs, shares
from parlearn.summarise.results import Results

BASINS, TIME = 12, pd.date_range("1988-10-01", "1991-09-30")
SPANS = {"train": ("1988-10-02", "1989-09-30"), "test": ("1989-10-01", "1991-09-30")}
DATASETS = {
    "gauged": {"samplings": ["all"], "period": "one_year", "cells": "train"},
    "ungauged": {"samplings": ["fold1", "fold2"], "period": "one_year", "cells": "test"},
}
#: error of a run in standard deviations of the noise that is put on the flow
ERRORS = {"default": 1.0, "sceua": 0.5, "dpl_a": 0.3}


class InMemory(Results):
    """Results whose files are datasets in memory."""

    def __init__(self, files, **changes):
        super().__init__("root", "camels", target="streamflow", test=SPANS["test"], **changes)
        object.__setattr__(self, "files", files)

    def _read(self, path, kind):
        return self.files["/".join(path.parts[-2:])]

    _read_table = _read

    def _series(self, run):
        return self.files[f"{run.run}/simulation.nc"]["streamflow"]


@pytest.fixture(scope="module")
def study():
    rng = np.random.default_rng(1)
    flow = np.exp(rng.normal(0, 0.6, (BASINS, 1)) + rng.normal(0, 0.7, (BASINS, len(TIME))))
    seen = np.where(rng.random(flow.shape) < 0.1, np.nan, flow)
    half = np.arange(BASINS) % 2
    roles = [np.full(BASINS, ROLES["train"]), *(np.where(half == k, 3, 1) for k in (0, 1))]
    files = {
        "camels/domain.nc": xr.Dataset(
            {
                "gauge": ("cell", [f"{k + 1:08d}" for k in range(BASINS)]),
                "lat": ("cell", rng.uniform(30, 48, BASINS)),
                "lon": ("cell", rng.uniform(-120, -70, BASINS)),
                "role": (("sampling", "cell"), np.stack(roles).astype("i1")),
            },
            coords={"sampling": ["all", "fold1", "fold2"]},
        ),
        "camels/observations.nc": xr.Dataset(
            {"streamflow": (("cell", "time"), seen)}, coords={"time": TIME}
        ),
        "camels/forcing.nc": xr.Dataset(
            {n: (("cell", "time"), rng.gamma(0.4, 8, flow.shape)) for n in ("prec", "tair")},
            coords={"time": TIME},
        ),
        "camels/published.csv": pd.DataFrame(
            [
                (f"{k + 1:08d}", name, gauged, 0.5 + 0.01 * k, *SPANS["test"])
                for name, gauged in (("A", 1), ("B", 0))
                for k in range(10)
            ],
            columns=published.COLUMNS,
        ),
    }
    rows = []
    for method, error in ERRORS.items():
        for sampling, role in zip(("all", "fold1", "fold2"), roles, strict=True):
            name = f"{method}_{sampling}"
            noise = rng.normal(0, error * flow.std(1, keepdims=True), flow.shape)
            simulation = xr.Dataset(
                {"streamflow": (("model", "cell", "time"), np.abs(flow + noise)[None])},
                coords={"model": ["hbv"], "time": TIME},
            )
            observed = files["camels/observations.nc"]
            files[f"{name}/simulation.nc"] = simulation
            files[f"{name}/metrics.nc"] = evaluate.score(simulation, observed, SPANS, role)
            files[f"{name}/parameters.nc"] = xr.Dataset({"parameters": ("cell", np.zeros(BASINS))})
            model = "-" if method == "default" else "process"
            rows.append((name, method, model, sampling, "one_year", "none", 1))
    columns = ["run", "method", "model", "sampling", "period", "observation_map", "seed"]
    return InMemory(files), pd.DataFrame(rows, columns=columns)


def one(table, **keys):
    for name, value in keys.items():
        table = table[table[name] == value]
    return table


def test_an_interval_of_a_median_holds_it_and_narrows_with_the_units():
    rng = np.random.default_rng(0)
    few, many = rng.normal(0.6, 0.2, 40), rng.normal(0.6, 0.2, 4000)
    low, high = bootstrap.over_units(np.append(few, np.nan))
    assert low < np.median(few) < high
    # the standard error of a median of normal numbers is 1.2533 sigma / sqrt(n)
    narrow = np.subtract(*bootstrap.over_units(many)[::-1])
    assert narrow == pytest.approx(2 * 1.96 * 1.2533 * 0.2 / np.sqrt(4000), rel=0.1)
    assert high - low > 5 * narrow
    assert np.isnan(bootstrap.over_units([np.nan])).all()


def test_years_are_drawn_whole_and_the_score_is_worked_out_anew():
    rng = np.random.default_rng(0)
    year = np.repeat(np.arange(8), 30)
    observed = rng.gamma(1.0, 2.0, (5, 240)) * (1 + year)
    observed[rng.random(observed.shape) < 0.1] = np.nan
    simulated = np.nan_to_num(observed) + rng.normal(0, 2, observed.shape)
    found = bootstrap.over_years(simulated, observed, year, seed=3, draws=50)
    drawn = np.random.default_rng(3).integers(8, size=(50, 8))
    medians = []
    for years in drawn:
        days = np.concatenate([np.flatnonzero(year == k) for k in years])
        s, o = simulated[:, days], observed[:, days]
        error = np.nansum((s - o) ** 2, 1)
        medians.append(np.median(1 - error / np.nansum((o - np.nanmean(o, 1)[:, None]) ** 2, 1)))
    np.testing.assert_allclose(found, np.quantile(medians, bootstrap.LIMITS), rtol=1e-9)


def test_published_tables_are_read_as_they_are(tmp_path):
    folder = tmp_path / published.FOLDER
    folder.mkdir()
    (folder / "global_lstm_static.csv").write_text("basin,nse,bias\n01022500,0.7,0.1\n1031500,,0\n")
    (folder / "other.csv").write_text("basin,nse\n1,0\n")
    names = ["benchmarks/global_lstm_static.csv", "benchmarks/other.csv"]
    table = published.read_published(tmp_path, names)
    assert table["gauge"].tolist() == ["01022500", "01031500"]
    assert table["published"].tolist() == ["LSTM"] * 2
    assert table["nse"].tolist()[0] == 0.7
    contracts.write_table(table, tmp_path / "published.csv", "published")
    results = Results(tmp_path.parent, tmp_path.name)
    assert results.published["gauge"].tolist() == ["01022500", "01031500"]
    empty = published.read_published(tmp_path, [])
    assert empty.empty
    contracts.write_table(empty, tmp_path / "none.csv", "published")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("basin,bias\n1,0\n", "has no column nse"),
        ("basin,nse\n1,0.5\n00000001,0.4\n", "the basin 00000001 stands twice"),
        ("basin,nse\n1,1.5\n", "an NSE is above 1"),
    ],
)
def test_what_is_no_such_table_is_refused(tmp_path, text, words):
    (tmp_path / published.FOLDER).mkdir()
    name = f"{published.FOLDER}/pub_lstm.csv"
    (tmp_path / name).write_text(text)
    with pytest.raises(RecordsError, match=words):
        published.read_published(tmp_path, [name])


def test_medians_and_differences_are_those_of_the_basins(study):
    results, runs = study
    table = benchmark.summarise(runs, results, DATASETS)
    nse = results.files["dpl_a_all/metrics.nc"]["score"].sel(
        target="streamflow", model="hbv", map="mapped", metric="nse"
    )
    own = nse.sel(period="test").values
    row = one(table, dataset="gauged", name="dpl_a_direct", part="median", metric="nse").iloc[0]
    assert row["value"] == pytest.approx(np.median(own))
    assert row["low"] <= row["value"] <= row["high"]
    assert row["cells"] == BASINS
    trained = one(table, dataset="gauged", name="dpl_a_direct", part="training").iloc[0]
    assert trained["value"] == pytest.approx(np.median(nse.sel(period="train").values))
    pair = one(table, dataset="gauged", name="dpl_a_direct", part="difference")
    # of trained basins what learned elsewhere is not held against them; ten of the basins have one
    assert pair["against"].tolist() == ["A"]
    assert pair["cells"].tolist() == [10]
    theirs = 0.5 + 0.01 * np.arange(10)
    assert pair["value"].iloc[0] == pytest.approx(np.median(own[:10] - theirs))
    assert set(one(table, dataset="ungauged", part="difference")["against"]) == {"A", "B"}
    medians = one(table, dataset="ungauged", part="median", metric="nse").set_index("name")["value"]
    assert medians["dpl_a_direct"] > medians["sceua_direct"] > medians["default"]
    years = one(table, part="years")
    assert len(years) == 6
    assert (years["low"] < years["high"]).all()
    assert (years[["low", "high"]].sub(years["value"], axis=0).abs() < 0.1).all(axis=None)


def test_of_other_days_nothing_is_compared(study):
    results, runs = study
    files = dict(results.files)
    files["camels/published.csv"] = results.published.assign(last_day="1990-09-30")
    table = benchmark.summarise(runs, InMemory(files), DATASETS)
    assert not table["is_published"].any()
    assert "difference" not in set(table["part"])


def test_hydrographs_are_of_a_good_a_median_and_a_bad_basin(study):
    results, runs = study
    table = hydrographs.summarise(runs, results, DATASETS)
    sites = one(table, panel="site", variant="dpl_a_direct")
    assert (np.diff(sites["score"]) < 0).all()
    assert set(table["chosen_by"]) == {"dpl_a_direct"}
    first = sites.iloc[0]
    cell = int(first["cell"])
    seen = one(table, panel="series", variant="observed", site=first["site"])
    there = results.observed([cell]).sel(time=slice("1989-10-01", "1990-09-30")).values[0]
    np.testing.assert_allclose(seen["value"], there[np.isfinite(there)])
    assert len(one(table, panel="rain", site=first["site"])) == 365
    assert len(one(table, panel="series", variant="sceua_direct")) == 3 * 365


def test_shares_are_of_the_samplings_that_hold_out_the_same_basins(study):
    results, runs = study
    files = dict(results.files)
    domain = files["camels/domain.nc"]
    role = domain["role"].values.copy()
    # the second fold becomes a third of the first
    role[2] = np.where(role[1] == ROLES["test"], role[1], np.arange(BASINS) % 3 == 0)
    files["camels/domain.nc"] = domain.assign(role=(("sampling", "cell"), role))
    table = shares.summarise(runs, InMemory(files))
    assert set(table["sampling"]) == {"fold1", "fold2"}
    assert set(table["held_out"]) == {6}
    assert sorted(set(table["trained_cells"])) == [2, 6]
    assert sorted(set(table["share"])) == pytest.approx([1 / 3, 1])
    row = one(table, variant="dpl_a_direct", sampling="fold2", metric="nse").iloc[0]
    nse = files["dpl_a_fold2/metrics.nc"]["score"].sel(
        target="streamflow", model="hbv", map="mapped", metric="nse", period="test"
    )
    assert row["value"] == pytest.approx(np.median(nse.values[role[1] == ROLES["test"]]))
    assert row["low"] <= row["value"] <= row["high"]


@pytest.mark.parametrize("kind", ["figure", "table", "hydrographs", "shares"])
def test_what_is_drawn(study, tmp_path, monkeypatch, kind):
    results, runs = study
    module = {"hydrographs": hydrographs, "shares": shares}.get(kind, benchmark)
    given = () if kind == "shares" else (DATASETS,)
    contracts.write_table(module.summarise(runs, results, *given), tmp_path / "summary.csv")
    sheet = Sheet(tmp_path / "summary.csv", tmp_path / "out.png", "made-up data")
    monkeypatch.setattr(style, "DPI", 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if kind in ("hydrographs", "shares"):
            import_module(f"parlearn.plots.{kind}").draw(sheet)
        else:
            drawn_benchmark.draw(sheet, table=kind == "table")
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    if kind == "table":
        text = (tmp_path / "out.md").read_text()
        assert "gauged: medians over 12 basins" in text
        assert text.count("| SCE-UA direct |") == 4
        assert "| A |" in text
