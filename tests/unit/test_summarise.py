"""Summaries of made-up runs hold the numbers that the runs' files hold."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from parlearn.storage import contracts
from parlearn.summarise import curves, fields, skill
from parlearn.summarise.results import Results, choose, compared, identify

_spec = importlib.util.spec_from_file_location(
    "made_up_results", Path(__file__).with_name("made_up_results.py")
)
made_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_up)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = made_up.make_study(tmp_path_factory.mktemp("results"))
    for run in made_up.FULL.itertuples():
        made_up.make_run(study, run)
    for run in made_up.MINIMAL.itertuples():
        made_up.make_run(study, run)
    return study


@pytest.fixture(scope="module")
def results(study):
    return Results(study.root, "smap")


def one(table, **keys):
    for name, value in keys.items():
        table = table[table[name] == value]
    return table


def test_variants(results):
    runs = identify(made_up.FULL, results)
    assert set(runs["variant"]) == {
        "default",
        "cellmean",
        "sceua",
        "dpl_a",
        "dpl_z",
        "dpl_z_vic",
        "dpl_z_vic+network",
    }


def test_no_map_is_named_where_there_is_a_map_as_well(results):
    rows = [
        ("dpl_a", "surrogate", "s4", "one_year", 1),
        ("dpl_a", "surrogate", "s4", "one_year", 1, "none"),
    ]
    assert list(identify(made_up.make_runs(*rows), results)["variant"]) == ["dpl_a", "dpl_a+none"]
    assert list(identify(made_up.make_runs(rows[1]), results)["variant"]) == ["dpl_a"]


def test_runs_that_look_the_same_are_refused(results):
    runs = made_up.make_runs(("dpl_a", "surrogate", "s4", "one_year", 1))
    with pytest.raises(ValueError, match="differ in nothing"):
        identify(pd.concat([runs, runs.assign(run="other")]), results)
    with pytest.raises(ValueError, match="no run"):
        identify(runs.iloc[:0], results)


def test_choice_of_sampling_and_period(results):
    chosen = choose(made_up.FULL, results)
    assert set(chosen["sampling"]) == {"s4"}
    assert set(chosen["period"]) == {"two_years"}
    assert {"default", "cellmean"} < set(chosen["method"])
    chosen = choose(made_up.FULL, results, "s8", "one_year")
    # the mean of two years is not what one year gives; the default knows no year
    assert set(chosen["variant"]) == {"default", "sceua", "dpl_a", "dpl_z"}
    with pytest.raises(ValueError, match="no run of this figure has sampling .s2."):
        choose(made_up.FULL[made_up.FULL["method"] == "sceua"], results, "s2")


def test_what_maps_compare(results):
    assert [r.variant for r in compared(choose(made_up.FULL, results))] == ["dpl_z", "sceua"]
    assert [r.seed for r in compared(choose(made_up.FULL, results))] == [1, 1]
    assert [r.variant for r in compared(choose(made_up.MINIMAL, results))] == ["dpl_a"]
    rows = [(method, "surrogate", "s4", "one_year", 1) for method in ("sceua", "paraformer")]
    added = compared(choose(made_up.make_runs(*rows), results))
    assert [r.variant for r in added] == ["paraformer", "sceua"]
    untrained = choose(made_up.FULL.iloc[:2], results)
    assert [r.variant for r in compared(untrained)] == ["default"]
    with pytest.raises(ValueError, match="no run with parameters"):
        compared(untrained[untrained["method"] == "cellmean"])


def test_scores_are_mapped_test_scores(results, study):
    run = next(made_up.MINIMAL.itertuples())
    stored = contracts.read(results.file(run, "metrics.nc"), "metrics")["score"]
    kept = stored.sel(target="soil_moisture", model="vic", map="mapped", period="test")
    np.testing.assert_array_equal(results.scores(run).values, kept.values)
    np.testing.assert_allclose(results.scores(run, "raw").values, kept.values + 0.5, rtol=1e-5)
    with pytest.raises(ValueError, match="no target 'runoff'"):
        Results(study.root, "smap", target="runoff").scores(run)
    with pytest.raises(ValueError, match="no sampling 's16'"):
        results.cells("s16", "temporal")


def test_curves(results):
    table = curves.summarise_curves(made_up.FULL, results)
    line = one(table, variant="dpl_z", sampling="s8", period="one_year", seed=2)
    assert list(line["runs_per_cell"]) == [0, 10, 20, 40, 80, 160]
    assert (line["trained_cells"] == len(results.cells("s8", "temporal"))).all()
    default = one(table, variant="default")
    run = next(made_up.FULL.itertuples())
    cells = results.cells("s8", "temporal")
    expected = np.median(results.scores(run).sel(metric="rmse").values[cells])
    assert default["rmse_train_cells"].item() == pytest.approx(expected)
    assert default["runs_per_cell"].item() == 0


def test_scaling(results):
    table = curves.summarise_scaling(made_up.FULL, results, made_up.TEST, threshold=0.043)
    assert not set(table["variant"]) & {"default", "cellmean"}
    assert table.loc[table["variant"] == "sceua", "epochs"].isna().all()
    dpl = one(table, variant="dpl_z", sampling="s4", period="two_years", seed=1)
    assert dpl["epochs"].item() == 40  # 0.04 + 0.1 exp(-40 / 10) is the first below
    assert dpl["seconds"].item() == 80
    # simulated ET is the truth plus 0.1 mm a day, and the truth grows with the row
    assert (table["corr_et"] > 0.9).all()
    with pytest.raises(ValueError, match="trained run"):
        curves.summarise_scaling(made_up.FULL.iloc[:2], results, made_up.TEST)


def test_table(results):
    table = curves.summarise_table(made_up.FULL, results, made_up.TEST)
    assert set(table["sampling"]) == {"s4"}
    flux = table[(table["split"] == "flux") & (table["variant"] != "cellmean")]
    bias = flux.loc[flux["quantity"] == "bias", "value"]
    assert bias.to_numpy() == pytest.approx(36.525, abs=0.01)  # 0.1 mm a day
    assert "cellmean" not in set(table.loc[table["split"] == "flux", "variant"])
    value = one(table, variant="dpl_a", seed=2, score_map="raw", split="spatial", quantity="rmse")
    run = made_up.FULL[
        (
            made_up.FULL[["method", "sampling", "period", "seed"]]
            == ["dpl_a", "s4", "two_years", 2]
        ).all(axis=1)
    ]
    scores = results.scores(next(run.itertuples()), "raw").sel(metric="rmse").values
    assert value["value"].item() == pytest.approx(np.median(scores[results.cells("s4", "spatial")]))
    costs = one(table, variant="dpl_z", seed=1, split="cost").set_index("quantity")["value"]
    assert costs["epochs"] == 160
    assert costs["seconds"] == 320
    assert costs["epochs_to_sceua"] == 40
    # SCE-UA ran through the surrogate: a run through VIC has no rival on the same model
    direct = one(table, variant="dpl_z_vic", split="cost")
    assert "epochs_to_sceua" not in set(direct["quantity"])
    # the cell mean is a map alone: raw and mapped are one
    mean = one(table, variant="cellmean", split="temporal", quantity="rmse")
    assert mean["value"].nunique() == 1


def test_performance(results, study):
    table = skill.summarise_performance(made_up.FULL, results, made_up.TEST, sampling="s8")
    maps, boxes, series = (one(table, panel=name) for name in ("map", "box", "series"))
    assert list(dict.fromkeys(maps["variant"])) == ["dpl_z", "sceua"]
    assert (maps["sampling"] == "s4").all()
    assert (boxes["sampling"] == "s8").all()
    trained = results.cells("s4", "temporal")
    ranked = one(maps, variant="dpl_z").set_index("cell").loc[trained, "value"].sort_values()
    sites = series.drop_duplicates("site").set_index("site")
    assert sites.loc[2, "cell"] == ranked.index[round(0.5 * (len(ranked) - 1))]
    assert sites.loc[1, "score"] > sites.loc[2, "score"] > sites.loc[3, "score"]
    assert series["time"].min() >= pd.Timestamp(made_up.TEST[0])
    cell, day = int(sites.loc[1, "cell"]), made_up.TIME.get_loc("2015-03-01")
    shown = one(series, site=1, variant="dpl_z", time=pd.Timestamp("2015-03-01"))["value"].item()
    pair = study.moisture[cell, day - 1 : day + 1].mean() + 0.01
    assert shown == pytest.approx(pair + made_up.OFFSET, abs=1e-6)
    box = one(boxes, variant="sceua", split="temporal", metric="rmse").iloc[0]
    assert box["seeds"] == 2
    assert box["cells"] == 2 * len(results.cells("s8", "temporal"))
    assert box["q05"] <= box["q25"] <= box["median"] <= box["q75"] <= box["q95"]
    assert "corr" not in set(one(boxes, variant="cellmean")["metric"])


def test_performance_without_map(study):
    raw = Results(study.root, "smap", score_map="raw")
    table = skill.summarise_performance(made_up.MINIMAL, raw, made_up.TEST)
    series = one(table, panel="series", variant="dpl_a", site=1)
    cell, day = int(series["cell"].iloc[0]), made_up.TIME.get_loc("2015-03-01")
    shown = series.set_index("time").loc["2015-03-01", "value"]
    assert shown == pytest.approx(study.moisture[cell, day - 1 : day + 1].mean() + 0.01, abs=1e-6)


def test_surrogate(results, study):
    run = next(made_up.MINIMAL.itertuples())
    table = skill.summarise_surrogate(study.skill, run, results, made_up.TEST)
    box = one(table, panel="box", target="evapotranspiration", metric="nse")
    assert box["median"].item() == pytest.approx(np.median(study.skill["nse"].values[1]))
    series = one(table, panel="series", target="soil_moisture", site=1)
    both = series.pivot_table(index="time", columns="variant", values="value")
    np.testing.assert_allclose(both["surrogate"] - both["vic"], 0.01, atol=1e-6)


def test_sampling(results, study):
    table = fields.summarise_sampling(results)
    counts = table[table["sampling"] == "s4"]["role"].value_counts()
    role = study.domain["role"].sel(sampling="s4").values
    assert counts["train"] == (role == 1).sum()
    assert counts["test"] == (role == 3).sum()


def test_parameters(results, study):
    table = fields.summarise_parameters(made_up.FULL, results, ["infilt"], study.truth)
    assert list(dict.fromkeys(table["variant"])) == ["dpl_z", "sceua", "truth"]
    assert table["log"].all()
    true = one(table, variant="truth").sort_values("cell")["value"].to_numpy()
    np.testing.assert_allclose(true, study.truth["parameters"].values[0])
    table = fields.summarise_parameters(made_up.MINIMAL, results)
    assert list(dict.fromkeys(table["parameter"])) == ["Ds", "Dsmax", "Ws", "expt"]
    assert not one(table, parameter="Ws")["log"].any()
    with pytest.raises(ValueError, match="no parameter 'b'"):
        fields.summarise_parameters(made_up.MINIMAL, results, ["b"])


def test_recovery(results, study):
    table = fields.summarise_recovery(made_up.FULL, results, study.truth)
    scores = one(table, panel="score")
    assert one(scores, variant="dpl_z")["corr"].min() == pytest.approx(1)
    assert one(scores, variant="default")["corr"].isna().all()
    assert one(scores, variant="sceua")["corr"].abs().max() < 0.9
    assert "cellmean" not in set(table["variant"])
    points = one(table, panel="point", variant="dpl_z", parameter="Ws", split="spatial")
    assert len(points) == len(results.cells("s4", "spatial"))
    np.testing.assert_allclose(points["value"], points["true"], rtol=1e-6)


def test_correlation_of_what_does_not_vary():
    assert np.isnan(fields.correlate(np.ones(5), np.arange(5.0)))
    assert np.isnan(fields.correlate(np.arange(2.0), np.arange(2.0)))
    assert fields.correlate(np.arange(5.0), -np.arange(5.0)) == pytest.approx(-1)
