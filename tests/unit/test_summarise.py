"""Summaries of made-up runs hold the numbers that the runs' files hold."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from parlearn.metrics.progress import is_upper_bound
from parlearn.plan.methods import METHODS, Method
from parlearn.storage import contracts
from parlearn.summarise import (
    comparison,
    curves,
    fields,
    parameter_sets,
    parameters,
    performance,
    recovery,
    sampling,
    scaling,
    surrogate,
)
from parlearn.summarise.choice import choose, compared, identify
from parlearn.summarise.variants import Variant, read_variant

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
    made_up.make_run(study, made_up.BY_SET.iloc[-1])
    return study


@pytest.fixture(scope="module")
def results(study):
    return made_up.open_results(study)


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
        "dpl_z_direct",
        "dpl_z_direct+network",
    }


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("dpl_z", Variant("dpl_z")),
        ("dpl_z_direct", Variant("dpl_z", direct=True)),
        ("sceua_direct+network", Variant("sceua", True, "network")),
        ("cellmean", Variant("cellmean")),
        ("dpl_z_direct:v9", Variant("dpl_z", True, parameter_set="v9")),
        ("dpl_z_direct:v9+network", Variant("dpl_z", True, "network", "v9")),
        ("dpl_a*4", Variant("dpl_a", members=4)),
        ("dpl_z_direct:v9+none*2", Variant("dpl_z", True, "none", "v9", 2)),
        ("ganpo_arnet", Variant("ganpo", surrogate="arnet")),
        ("dpl_z_arnet+none", Variant("dpl_z", False, "none", surrogate="arnet")),
    ],
)
def test_names_of_variants(name, variant):
    assert read_variant(name) == variant
    assert str(variant) == name


def test_a_variant_of_no_known_method_is_refused():
    with pytest.raises(ValueError, match="there is no method 'magic'"):
        read_variant("magic_direct")


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
    untrained = choose(made_up.FULL.iloc[:2], results)
    assert [r.variant for r in compared(untrained)] == ["default"]
    with pytest.raises(ValueError, match="no run with parameters"):
        compared(untrained[untrained["method"] == "cellmean"])


def test_maps_compare_by_what_methods_are(results, monkeypatch):
    """A network and a search that are new in the registry need no line in any figure's code."""
    new = Method("anneal", "Annealing", "search", "calibrate_anneal", ("observations",))
    monkeypatch.setitem(METHODS, "anneal", new)
    attributes = ("attributes", "observations")
    monkeypatch.setitem(METHODS, "gan", Method("gan", "GAN", "network", "learn_gan", attributes))
    rows = [(method, "surrogate", "s4", "one_year", 1) for method in ("anneal", "gan")]
    found = compared(choose(made_up.make_runs(*rows), results))
    assert [run.variant for run in found] == ["gan", "anneal"]
    # what reads series comes first, what is direct last
    rows += [
        ("dpl_z", "process", "s4", "one_year", 1),
        ("paraformer_z", "surrogate", "s4", "one_year", 1),
    ]
    found = compared(choose(made_up.make_runs(*rows), results))
    assert [run.variant for run in found] == ["paraformer_z", "anneal"]
    found = compared(choose(made_up.make_runs(*rows[1:3]), results))
    assert [run.variant for run in found] == ["gan"]


def test_scores_are_mapped_test_scores(results, study):
    run = next(made_up.MINIMAL.itertuples())
    stored = contracts.read(results.file(run, "metrics.nc"), "metrics")["score"]
    kept = stored.sel(target="soil_moisture", model="vic", map="mapped", period="test")
    np.testing.assert_array_equal(results.scores(run).values, kept.values)
    np.testing.assert_allclose(results.scores(run, "raw").values, kept.values + 0.5, rtol=1e-5)
    with pytest.raises(ValueError, match="no target 'runoff'"):
        made_up.open_results(study, target="runoff").scores(run)
    with pytest.raises(ValueError, match="no sampling 's16'"):
        results.cells("s16", "temporal")


def test_an_ensemble_is_shown_as_the_mean_of_its_members(tmp_path):
    study = made_up.make_study(tmp_path, samplings=("s8",))
    run = next(made_up.MINIMAL.itertuples())
    made_up.make_run(study, run)
    results = made_up.open_results(study)
    cells = np.arange(3)
    folder = results.file(run, "parameters.nc").parent
    kinds = ("parameters", "simulation")
    alone = {kind: contracts.read(folder / f"{kind}.nc", kind) for kind in kinds}
    members, seen = {kind: [] for kind in kinds}, []
    for k, (slope, share) in enumerate(((0.8, 0.9), (1.1, 1.0))):
        parameters = alone["parameters"].assign(slope=slope, offset=0.01 * k)
        series = alone["simulation"] * share
        contracts.write(parameters, folder / "parameters.nc", "parameters")
        contracts.write(series, folder / "simulation.nc", "simulation")
        seen.append(made_up.open_results(study).simulated(run, cells))
        members["parameters"].append(parameters)
        members["simulation"].append(series)
    for kind in kinds:
        both = xr.concat(members[kind], "member", combine_attrs="override")
        first = ["member"] if kind == "parameters" else ["model", "member"]
        both = both.transpose(*first, ...)
        contracts.write(both, folder / f"{kind}.nc", kind)
    results = made_up.open_results(study)
    xr.testing.assert_allclose(results.simulated(run, cells), (seen[0] + seen[1]) / 2)
    fields = results.parameters(run)["parameters"]
    assert fields.dims == ("parameter", "cell")
    np.testing.assert_allclose(fields, alone["parameters"]["parameters"], rtol=1e-6)
    assert "lower" in fields.attrs


def test_curves(results):
    table = curves.summarise(made_up.FULL, results)
    line = one(table, variant="dpl_z", sampling="s8", period="one_year", seed=2)
    assert list(line["runs_per_cell"]) == [0, 10, 20, 40, 80, 160]
    assert (line["trained_cells"] == len(results.cells("s8", "temporal"))).all()
    default = one(table, variant="default")
    run = next(made_up.FULL.itertuples())
    cells = results.cells("s8", "temporal")
    expected = np.median(results.scores(run).sel(metric="rmse").values[cells])
    assert default["rmse_train_cells"].item() == pytest.approx(expected)
    assert default["runs_per_cell"].item() == 0
    assert set(table["target"]) == {"soil_moisture"}
    assert set(table["threshold"]) == {made_up.THRESHOLD}


def test_scaling(results):
    table = scaling.summarise(made_up.FULL, results)
    assert not set(table["variant"]) & {"default", "cellmean"}
    assert table.loc[table["variant"] == "sceua", "epochs"].isna().all()
    dpl = one(table, variant="dpl_z", sampling="s4", period="two_years", seed=1)
    assert dpl["epochs"].item() == 40  # 0.04 + 0.1 exp(-40 / 10) is the first below
    assert dpl["seconds"].item() == 80
    # simulated ET is the truth plus 0.1 mm a day, and the truth grows with the row
    assert (table["corr_evapotranspiration"] > 0.9).all()
    assert not table["at_most"].any()
    with pytest.raises(ValueError, match="trained run"):
        scaling.summarise(made_up.FULL.iloc[:2], results)


def test_a_first_record_below_the_threshold_is_an_upper_bound(tmp_path):
    columns = ["runs_per_cell", "seconds", "rmse_train_cells"]
    curve = pd.DataFrame([[77, 7, 0.04], [180, 16, 0.03]], columns=columns)
    assert is_upper_bound(curve, 0.05)
    assert not is_upper_bound(curve, 0.035)  # reached at the second record
    assert not is_upper_bound(curve.assign(runs_per_cell=[0, 77]), 0.05)  # there before any run

    study = made_up.make_study(tmp_path)
    results = made_up.open_results(study)
    runs = made_up.make_runs(
        *((method, "surrogate", "s4", "one_year", 1) for method in ("sceua", "dpl_z"))
    )
    for run in runs.itertuples():
        made_up.make_run(study, run)
    path = results.file(next(runs.itertuples()), "curve.csv")
    curve = contracts.read_table(path, "curve").iloc[3:]
    contracts.write_table(curve.assign(rmse_train_cells=0.042), path, "curve")
    table = scaling.summarise(runs, results).set_index("variant")
    assert table["at_most"].to_dict() == {"sceua": True, "dpl_z": False}
    assert table.loc["sceua", "epochs"] == 40
    table = comparison.summarise(runs, results).set_index(["variant", "quantity"])["at_most"]
    assert table["sceua", "epochs_to_threshold"]
    assert table["sceua", "seconds_to_threshold"]
    assert not table["dpl_z", "epochs_to_threshold"]
    assert not table["sceua", "epochs"]


def test_table(results):
    table = comparison.summarise(made_up.FULL, results)
    assert set(table["sampling"]) == {"s4"}
    flux = table[(table["split"] == "mean") & (table["variant"] != "cellmean")]
    assert set(flux["target"]) == {"evapotranspiration"}
    bias = flux.loc[flux["quantity"] == "bias", "value"]
    assert bias.to_numpy() == pytest.approx(36.525, abs=0.01)  # 0.1 mm a day
    assert "cellmean" not in set(table.loc[table["split"] == "mean", "variant"])
    value = one(table, variant="dpl_a", seed=2, score_map="raw", split="spatial", quantity="rmse")
    run = made_up.FULL[
        (
            made_up.FULL[["method", "sampling", "period", "seed"]]
            == ["dpl_a", "s4", "two_years", 2]
        ).all(axis=1)
    ]
    scores = results.scores(next(run.itertuples()), "raw").sel(metric="rmse").values
    assert value["value"].item() == pytest.approx(np.median(scores[results.cells("s4", "spatial")]))
    # made-up errors are 0.25 smaller in the training period
    trained = {"variant": "dpl_a", "seed": 2, "quantity": "rmse", "score_map": "mapped"}
    both = [
        one(table, **trained, split=split)["value"].item() for split in ("training", "temporal")
    ]
    assert both[1] - both[0] == pytest.approx(0.25)
    costs = one(table, variant="dpl_z", seed=1, split="cost").set_index("quantity")["value"]
    assert costs["epochs"] == 160
    assert costs["seconds"] == 320
    assert costs["epochs_to_search"] == 40
    # SCE-UA ran through the surrogate: a run through VIC has no rival on the same model
    direct = one(table, variant="dpl_z_direct", split="cost")
    assert "epochs_to_search" not in set(direct["quantity"])
    # the cell mean is a map alone: raw and mapped are one
    mean = one(table, variant="cellmean", split="temporal", quantity="rmse")
    assert mean["value"].nunique() == 1


def test_performance(results, study):
    table = performance.summarise(made_up.FULL, results, boxes_at="s8")
    maps, boxes, series = (one(table, panel=name) for name in ("map", "box", "series"))
    assert list(dict.fromkeys(maps["variant"])) == ["dpl_z", "sceua"]
    assert (maps["sampling"] == "s4").all()
    assert (boxes["sampling"] == "s8").all()
    # as in the paper, only cells of the densest sampling that are trained on are mapped
    trained = results.cells("s4", "temporal")
    np.testing.assert_array_equal(one(maps, variant="sceua")["cell"], trained)
    ranked = one(maps, variant="dpl_z").set_index("cell")["value"].sort_values()
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


def test_performance_without_correction(study):
    raw = made_up.open_results(study, correction="raw")
    table = performance.summarise(made_up.MINIMAL, raw, boxes_at="s8")
    assert set(one(table, panel="box")["sampling"]) == {"s4"}  # there is no s8
    series = one(table, panel="series", variant="dpl_a", site=1)
    cell, day = int(series["cell"].iloc[0]), made_up.TIME.get_loc("2015-03-01")
    shown = series.set_index("time").loc["2015-03-01", "value"]
    assert shown == pytest.approx(study.moisture[cell, day - 1 : day + 1].mean() + 0.01, abs=1e-6)


def test_surrogate(results, study):
    table = surrogate.summarise(made_up.MINIMAL, results)
    box = one(table, panel="box", target="evapotranspiration", metric="nse")
    assert box["median"].item() == pytest.approx(np.median(study.skill["nse"].values[1]))
    series = one(table, panel="series", target="soil_moisture", site=1)
    both = series.pivot_table(index="time", columns="variant", values="value")
    np.testing.assert_allclose(both["surrogate"] - both["vic"], 0.01, atol=1e-6)
    # drawn by their order, whatever the process model's name
    assert list(dict.fromkeys(series["variant"])) == ["vic", "surrogate"]


def test_sampling(results, study):
    table = sampling.summarise(made_up.MINIMAL, results)
    counts = table[table["sampling"] == "s4"]["role"].value_counts()
    role = study.domain["role"].sel(sampling="s4").values
    assert counts["train"] == (role == 1).sum()
    assert counts["test"] == (role == 3).sum()


def test_parameters(results, study):
    table = parameters.summarise(made_up.FULL, results, ["infilt"])
    assert list(dict.fromkeys(table["variant"])) == ["dpl_z", "sceua", "truth"]
    assert table["log"].all()
    true = one(table, variant="truth").sort_values("cell")["value"].to_numpy()
    np.testing.assert_allclose(true, study.truth["parameters"].values[0])
    without = made_up.open_results(study, truth_file=None)
    table = parameters.summarise(made_up.MINIMAL, without, without=["infilt"])
    assert "truth" not in set(table["variant"])
    assert one(table, parameter="Dsmax")["unit"].unique() == ["mm day-1"]
    assert list(dict.fromkeys(table["parameter"])) == ["Ds", "Dsmax", "Ws", "expt"]
    assert not one(table, parameter="Ws")["log"].any()
    with pytest.raises(ValueError, match="no parameter 'b'"):
        parameters.summarise(made_up.MINIMAL, results, ["b"])


def test_recovery(results, study):
    table = recovery.summarise(made_up.FULL, results)
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


def test_parameter_sets_with_what_they_do_to_another_flux(results, study):
    runs = made_up.BY_SET
    table = parameter_sets.summarise(runs, results, flux="evapotranspiration")
    assert set(table["variant"]) == {"default", "dpl_z_direct", "dpl_z_direct:v9"}
    own = one(table, variant="dpl_z_direct:v9", split="spatial").set_index("quantity")["value"]
    cells = results.cells("s4", "spatial")
    here = slice(*made_up.TEST)
    with xr.open_dataset(study.root / "runs" / runs["run"].iloc[-1] / "simulation.nc") as ds:
        et = ds["evapotranspiration"].sel(model="vic", time=here).isel(cell=cells)
        et = et.mean("time").values
    rain = study.forcing["prec"].sel(time=here).isel(cell=cells).mean("time").values
    assert own["flux"] == pytest.approx(np.median(et), rel=1e-5)
    assert own["share"] == pytest.approx(np.median(et / rain), rel=1e-5)
    cost = one(table, variant="dpl_z_direct:v9", split="cost").set_index("quantity")["value"]
    assert cost.to_dict() == {"runs_per_cell": 160, "seconds": 320}
    assert one(table, variant="default", split="cost").empty
    medians = results.medians(runs.iloc[-1].copy(), "temporal")
    found = one(table, variant="dpl_z_direct:v9", split="temporal", quantity="rmse")["value"]
    assert found.item() == pytest.approx(medians["rmse"])
