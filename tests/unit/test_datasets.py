"""Summaries over data sets: figures and tables of Li & Lu 2023, and costs."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from parlearn.storage import contracts
from parlearn.summarise import cost, distributions, mean_scores, means, patterns, ranges, sites
from parlearn.summarise import datasets as pooling
from parlearn.summarise import scores as score_tables

_spec = importlib.util.spec_from_file_location(
    "made_up_results", Path(__file__).with_name("made_up_results.py")
)
made_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_up)

FOLDS = made_up.make_runs(
    ("default", "-", "s8", "two_years", 1),
    *(("dpl_z", "surrogate", fold, "two_years", 1) for fold in ("fold1", "fold0")),
    ("paraformer_z", "surrogate", "fold0", "two_years", 1),
)
HELD_OUT = {"samplings": ["fold0", "fold1"], "period": "two_years", "cells": "test"}
RUNS = made_up.LI2023


def of(runs, *methods, model=None):
    chosen = runs["method"].isin(methods)
    return runs[chosen & (runs["model"] == model if model else True)]


def one(table, **keys):
    for name, value in keys.items():
        table = table[table[name] == value]
    return table


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = made_up.make_study(tmp_path_factory.mktemp("results"), folds=True)
    for run in pd.concat([RUNS, FOLDS]).drop_duplicates("run").itertuples():
        made_up.make_run(study, run)
    return study


@pytest.fixture(scope="module")
def results(study):
    return made_up.open_results(study)


def test_members_of_data_sets(results):
    members = pooling.gather(RUNS, results, made_up.DATASETS)
    found = {(m.dataset, m.variant, m.seed) for m in members}
    assert ("DAS-S4", "paraformer_z", 2) in found
    assert ("DAS-S8NG", "paraformer_z_direct", 1) in found
    assert ("DAS-S4", "paraformer_z_direct", 1) not in found
    # the default is of s8, and serves s4 as well
    assert {m.dataset for m in members if m.variant == "default"} == set(made_up.DATASETS)
    for member in members:
        sampling = made_up.DATASETS[member.dataset]["samplings"][0]
        split = "spatial" if member.dataset == "DAS-S8NG" else "temporal"
        np.testing.assert_array_equal(member.cells, results.cells(sampling, split))
    groups = pooling.by_method(members[::-1])
    assert [m.seed for m in groups["DAS-S8", "dpl_a"]] == [1, 2]


def test_folds_are_pooled(results, caplog):
    runs = of(FOLDS, "default", "dpl_z")
    (member,) = pooling.gather(runs, results, {"pooled": HELD_OUT})
    assert member.variant == "dpl_z"
    assert sorted(member.cells) == list(range(made_up.ROWS * made_up.COLS))
    by_fold = {run.sampling: run for run, _ in member.parts}
    scores = dict(zip(member.cells, pooling.scores(member, results, ["rmse"])[0], strict=True))
    for cell in (6, 7):  # fold0 holds out the even cells
        alone = results.scores(by_fold[f"fold{cell % 2}"]).sel(metric="rmse").values
        assert scores[cell] == alone[cell]
    # the default's line was fit at cells that are held out here
    assert "default is left out of pooled" in caplog.text


def test_what_cannot_be_pooled_is_refused(results):
    with pytest.raises(ValueError, match="paraformer_z with seed 1 has no run of fold1"):
        pooling.gather(FOLDS, results, {"pooled": HELD_OUT})
    twice = HELD_OUT | {"samplings": ["fold1", "s8"]}
    with pytest.raises(ValueError, match="cells of the data set 'x' are in more than one"):
        pooling.gather(FOLDS, results, {"x": twice | {"cells": "train"}})
    with pytest.raises(ValueError, match=r"no run .* for the data set 'x' \(s8, two_years\)"):
        pooling.gather(FOLDS, results, {"x": made_up.DATASETS["DAS-S8"]})


def test_distributions(results):
    table = distributions.summarise(RUNS, results, made_up.DATASETS)
    line = one(table, dataset="DAS-S8", variant="dpl_a", metric="nse").set_index("share")
    cells = results.cells("s8", "temporal")
    runs = one(RUNS, method="dpl_a", sampling="s8").itertuples()
    first, second = (results.scores(run).sel(metric="nse").values[cells] for run in runs)
    middle = (first + second) / 2  # the median of two
    assert line.loc[0.0, "value"] == pytest.approx(middle.min(), abs=1e-6)
    assert line.loc[0.5, "value"] == pytest.approx(np.median(middle), abs=1e-6)
    assert line.loc[1.0, "value"] == pytest.approx(middle.max(), abs=1e-6)
    ends = sorted([np.median(first), np.median(second)])
    assert list(line.loc[0.5, ["low", "high"]]) == pytest.approx(ends, abs=1e-6)
    assert line["seeds"].unique() == [2]
    assert line["cells"].unique() == [len(cells)]
    alone = one(table, dataset="DAS-S8", variant="paraformer_z_direct", metric="nse")
    assert (alone["low"] == alone["value"]).all()


def put_rmse(results, run, values):
    """Give a run these test RMSE (cell,)."""
    path = results.file(run, "metrics.nc")
    metrics = contracts.read(path, "metrics")
    place = {"metric": "rmse", "period": "test", "map": "mapped", "model": "vic"}
    metrics["score"].loc[place] = values
    contracts.write(metrics, path, "metrics")


def put_history(results, run, epochs):
    table = contracts.read_table(results.file(run, "history.csv"), "history").iloc[:2]
    table["runs_per_cell"] = [0, epochs]
    contracts.write_table(table, results.file(run, "history.csv"), "history")


def test_scores_tests_and_budgets(tmp_path):
    study = made_up.make_study(tmp_path)
    results = made_up.open_results(study)
    runs = one(RUNS, sampling="s8")
    runs = runs[runs["method"].isin(["sceua", "dpl_z", "paraformer_z"])]
    for run in runs.itertuples():
        made_up.make_run(study, run)
        # seeds average to 0.05, and dpl_z is 0.01 worse in every cell
        level = 0.05 + {"paraformer_z": 0, "dpl_z": 0.01, "sceua": 0.02}[run.method]
        spread = {1: -0.004, 2: 0.004}[run.seed] if run.model == "surrogate" else 0.0
        put_rmse(results, run, np.full(made_up.ROWS * made_up.COLS, level + spread))
        if run.method != "sceua":
            put_history(results, run, {"dpl_z": 30, "paraformer_z": 50}[run.method])
    only = {"DAS-S8": made_up.DATASETS["DAS-S8"]}
    table = score_tables.summarise(runs, results, only, reference="paraformer_z")
    seeds = one(table, variant="dpl_z", quantity="rmse").set_index("seed")["value"]
    assert seeds.to_dict() == pytest.approx({1: 0.056, 2: 0.064})
    test = one(table, variant="dpl_z")[lambda t: t["seed"].isna()].set_index("quantity")["value"]
    cells = len(results.cells("s8", "temporal"))
    assert cells == 3
    assert test["median_difference"] == pytest.approx(0.01)
    assert test["pairs"] == cells
    assert test["p_value"] == pytest.approx(2 / 2**cells)  # all of one sign, by the exact test
    assert not len(one(table, variant="paraformer_z", quantity="p_value"))
    # networks through the surrogate ran 50 times at most: SCE-UA's records are at 0, 10, 20, 40, 80
    early = one(table, variant="sceua@early", seed=1).set_index("quantity")["value"]
    assert early["runs_per_cell"] == 40
    assert early["seconds"] == 80
    assert early["rmse"] == pytest.approx(made_up.END["sceua"] + 0.1 * np.exp(-40 / 60))
    assert one(table, variant="sceua_direct@early")["seed"].nunique() == 1
    assert one(table, variant="dpl_z", seed=1, quantity="runs_per_cell")["value"].item() == 30


def test_an_ensemble_has_scores_and_no_costs(tmp_path):
    study = made_up.make_study(tmp_path)
    results = made_up.open_results(study)
    runs = one(RUNS, sampling="s8", method="dpl_z")
    joined = runs.iloc[:1].assign(run="together", members=2)
    runs = pd.concat([runs, joined], ignore_index=True)
    for run in runs.itertuples():
        made_up.make_run(study, run)
    for name in ("history.csv", "curve.csv"):
        (study.root / "runs" / "together" / name).unlink()
    only = {"DAS-S8": made_up.DATASETS["DAS-S8"]}
    table = score_tables.summarise(runs, results, only, reference="dpl_z")
    quantities = {name: set(of["quantity"]) for name, of in table.groupby("variant")}
    assert {"rmse", "runs_per_cell"} < quantities["dpl_z"]
    assert quantities["dpl_z*2"] & {"rmse", "runs_per_cell", "p_value"} == {"rmse", "p_value"}


def test_sceua_before_its_first_record():
    columns = ["runs_per_cell", "seconds", "rmse_train_cells", "rmse_test_cells"]
    curve = pd.DataFrame([[77, 7, 0.06, 0.07], [180, 16, 0.05, 0.06]], columns=columns)
    early = score_tables._early(curve, 60, "test")
    assert early == {"rmse": 0.07, "runs_per_cell": 77, "seconds": 7}
    assert score_tables._early(curve, 200, "train")["rmse"] == 0.05


def test_scores_of_means_by_hand():
    simulated, observed = np.array([1.0, -2.0, 3.0]), np.array([1.0, 2.0, 4.0])
    scores = means.score_means(simulated, observed)
    assert scores["rmse"] == pytest.approx(np.sqrt((0 + 16 + 1) / 3))
    assert scores["nse"] == pytest.approx(1 - 17 / (42 / 9))
    # deviations (1/3, -8/3, 7/3) and (-4/3, -1/3, 5/3), sums of thirds
    assert scores["corr"] == pytest.approx((-4 + 8 + 35) / np.sqrt((1 + 64 + 49) * (16 + 1 + 25)))
    assert (scores["below_zero"], scores["cells"]) == (1, 3)


def test_means_are_over_observed_days(results, study):
    runs = of(RUNS, "dpl_z", "sceua", model="surrogate")
    chosen = {"DAS-S8NG": made_up.DATASETS["DAS-S8NG"]}
    table = means.summarise(runs, results, chosen)
    points = one(table, panel="point", variant="dpl_z")
    cells = results.cells("s8", "spatial")
    assert len(points) == len(cells)
    assert points["seed"].unique() == [1]
    assert len(one(table, panel="score", variant="dpl_z")) == 2
    days = [k for k, day in enumerate(made_up.TIME) if day >= pd.Timestamp(made_up.TEST[0])]
    cell = cells[1]
    seen = [k for k in days if np.isfinite(study.observed[cell, k])]
    pairs = [study.moisture[cell, k - 1 : k + 1].mean() for k in seen]
    point = points.iloc[1]
    assert point["observed"] == pytest.approx(study.observed[cell, seen].mean(), abs=1e-6)
    assert point["simulated"] == pytest.approx(np.mean(pairs) + 0.01 + made_up.OFFSET, abs=1e-6)

    table = mean_scores.summarise(runs, results, chosen, target="evapotranspiration")
    assert set(table["panel"]) == {"score"}
    # ET is ten times moisture, in mm a day; simulated 0.1 above, without a map, day for day
    assert table["rmse"].to_numpy() == pytest.approx(0.1 * 365.25, rel=1e-4)


def test_cell_never_observed_has_no_mean(tmp_path):
    study = made_up.make_study(tmp_path)
    results = made_up.open_results(study)
    runs = one(of(RUNS, "dpl_z"), sampling="s8", seed=1)
    for run in runs.itertuples():
        made_up.make_run(study, run)
    path = tmp_path / "smap" / "observations.nc"
    observations = contracts.read(path, "observations")
    cells = results.cells("s8", "temporal")
    observations["soil_moisture"][cells[0]] = np.nan
    contracts.write(observations, path, "observations")
    only = {"DAS-S8": made_up.DATASETS["DAS-S8"]}
    table = means.summarise(runs, results, only)
    assert len(one(table, panel="point")) == len(cells) - 1
    assert one(table, panel="score")["cells"].item() == len(cells) - 1
    assert one(table, panel="score")["rmse"].notna().all()


def test_patterns(results, study):
    runs = of(RUNS, "default", "dpl_z", "sceua", model="surrogate")
    only = {"DAS-S4": made_up.DATASETS["DAS-S4"]}
    table = patterns.summarise(runs, results, only, ["infilt"])
    cells = results.cells("s4", "temporal")
    true = one(table, variant="truth")
    np.testing.assert_array_equal(true["cell"], cells)
    np.testing.assert_allclose(true["value"], study.truth["parameters"].values[0, cells])
    learned = one(table, variant="dpl_z")
    np.testing.assert_allclose(learned["value"], true["value"], rtol=1e-6)
    assert learned["seed"].unique() == [1]
    assert learned["log"].all()


def test_sites_by_rank():
    values = np.array([5.0, 1.0, 9.0, 3.0, 7.0, 100.0])
    # quantiles 0.1, 0.5, 0.9 are 2, 6 and 54.5: nearest are 1 (first of 1 and 3), 5 and 9 or 100
    assert sites.pick_by_rank(values) == [1, 0, 2]
    assert sites.pick_by_rank(np.array([4.0])) == [0]


def test_heaviest_rain_that_can_be_judged():
    rain, warmth, seen = np.zeros(80), np.full(80, 5.0), np.full(80, np.nan)
    rain[[10, 30, 50]] = 20, 40, 30
    seen[[24, 35, 50]] = 0.2  # all within 7 days before and 21 after day 30, two around day 50
    assert sites.heaviest_rain(rain, warmth, seen) == 30
    warmth[30] = -1  # snow
    seen[[55, 71]] = 0.2
    assert sites.heaviest_rain(rain, warmth, seen) == 50
    assert sites.heaviest_rain(rain, warmth, np.full(80, np.nan)) == 30


def test_sites_and_their_weather(results, study):
    runs = of(RUNS, "dpl_z", "paraformer_z", model="surrogate")
    only = {"DAS-S4": made_up.DATASETS["DAS-S4"]}
    table = sites.summarise(runs, results, only)
    climate, chosen = one(table, panel="map"), one(table, panel="site")
    cells = results.cells("s4", "temporal")
    days = slice(made_up.TIME.get_loc(made_up.TEST[0]), made_up.TIME.get_loc(made_up.TEST[1]) + 1)
    rain = study.forcing["prec"].values[:, days]
    np.testing.assert_allclose(climate["precipitation"], 365.25 * rain[cells].mean(1), rtol=1e-5)
    assert chosen["precipitation"].is_monotonic_increasing
    assert set(chosen["cell"]) <= set(cells)
    site = chosen.iloc[1]
    assert site["event_last"] - site["event_first"] == pd.Timedelta(days=28)
    here = one(table, panel="rain", site=site["site"]).set_index("time")["value"]
    np.testing.assert_allclose(here, rain[int(site["cell"])], rtol=1e-6)
    series = one(table, panel="series", site=site["site"])
    assert set(series["variant"]) == {"observed", "dpl_z", "paraformer_z"}
    assert series["seed"].dropna().unique() == [1]


def test_ranges(results):
    table = ranges.summarise(of(RUNS, "default"), results).set_index("name")
    assert list(table.index) == made_up.NAMES
    assert list(table.loc["Dsmax", ["printed_lower", "printed_upper"]]) == [0, 10.8]
    assert list(table.loc["Dsmax", ["lower", "upper", "unit"]]) == pytest.approx(
        [0.1, 30, "mm day-1"]
    )
    assert table.loc["expt", "printed_name"] == "expt1"


def test_ranges_that_differ_are_refused(tmp_path):
    study = made_up.make_study(tmp_path)
    results = made_up.open_results(study)
    runs = of(RUNS, "default", "dpl_z")
    for run in runs.itertuples():
        made_up.make_run(study, run)
    path = results.file(next(of(RUNS, "dpl_z").itertuples()), "parameters.nc")
    parameters = contracts.read(path, "parameters")
    parameters["parameters"].attrs["upper"] = [0.9, 1.0, 30.0, 0.999, 31.0]
    contracts.write(parameters, path, "parameters")
    with pytest.raises(ValueError, match="has expt in"):
        ranges.summarise(runs, results)


def test_cost(results, study):
    runs = of(RUNS, "dpl_z", "sceua")
    train = {k: d for k, d in made_up.DATASETS.items() if d["cells"] == "train"}
    table = cost.summarise(runs, results, train)
    learned = one(table, dataset="DAS-S8", variant="dpl_z", seed=2)
    assert learned["device"].unique() == ["cpu"]
    found = learned.set_index("quantity")["value"]
    assert found["weights"] == made_up.WEIGHTS
    assert found["epochs_to_loss"] == 40  # 0.04 + 0.1 exp(-40 / 10) is the first below
    assert found["seconds_to_loss"] == 80
    assert found["seconds_per_epoch"] == 2
    assert found["memory_mb"] == 512.5
    never = cost.summarise(runs, made_up.open_results(study, threshold=0.01), train)
    assert never.loc[never["quantity"] == "epochs_to_loss", "value"].isna().all()
    calibrated = one(table, dataset="DAS-S8", variant="sceua_direct")
    assert set(calibrated["quantity"]) == {"epochs", "seconds", "seconds_per_epoch", "memory_mb"}


def test_cost_of_a_run_that_does_not_tell_its_memory(tmp_path):
    study = made_up.make_study(tmp_path)
    results = made_up.open_results(study)
    runs = one(of(RUNS, "dpl_z"), sampling="s8")
    for run in runs.itertuples():
        made_up.make_run(study, run)
        path = results.file(run, "parameters.nc")
        parameters = contracts.read(path, "parameters")
        del parameters.attrs["provenance_peak_memory_mb"]
        contracts.write(parameters, path, "parameters")
    with pytest.raises(ValueError, match="does not say how much memory"):
        cost.summarise(runs, results, {"DAS-S8": made_up.DATASETS["DAS-S8"]})
