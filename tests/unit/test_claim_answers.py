"""Answers to claims: the numbers themselves, verdicts, and the page for people."""

import importlib.util
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from parlearn.claims.answers import Number, answer_claims, judge
from parlearn.claims.page import page
from parlearn.claims.quantities import QUANTITIES, Asked, AtMost, Files, geary
from parlearn.plan import claims as table
from parlearn.plan import experiments
from parlearn.storage import contracts
from parlearn.summarise.results import Results


def _load(name):
    """A module of made-up things beside this file."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


made_up, _claims = _load("made_up_results"), _load("made_up_claims")
CLAIM, changed, number = _claims.CLAIM, _claims.changed, _claims.number


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Made-up results, with observations of ET, the surrogate's card and a field known by heart."""
    study = made_up.make_study(tmp_path_factory.mktemp("results"))
    for run in made_up.FULL.itertuples():
        made_up.make_run(study, run)
    folder = study.root / "smap"
    observed = contracts.read(folder / "observations.nc", "observations")
    # simulated is 10 (moisture + 0.01) mm a day
    observed["evapotranspiration"] = ("cell", "time"), 10 * study.moisture
    contracts.write(observed, folder / "observations.nc", "observations")
    card = {"skill": {"soil_moisture": {"corr": 0.93}, "evapotranspiration": {"corr": 0.95}}}
    study.card = folder / "card.json"
    study.card.write_text(json.dumps(card))
    return study


@pytest.fixture
def files(study):
    return Files(Results(study.root, "smap"), made_up.TEST, 0.043, str(study.card))


def run_like(method, sampling="s8", period="two_years", seed=1, model="surrogate"):
    wanted = {
        "method": method,
        "sampling": sampling,
        "period": period,
        "seed": seed,
        "model": model,
    }
    rows = made_up.FULL[(made_up.FULL[list(wanted)] == list(wanted.values())).all(axis=1)]
    return SimpleNamespace(**rows.iloc[0])


def ask(files, metric, run, cells="train", sampling="s8", **keys):
    return QUANTITIES[metric](files, Asked(run, sampling, cells, **keys))


def stored(files, run, metric, cells, sampling="s8"):
    """Mapped test scores by VIC straight from the file."""
    split = {"train": "temporal", "test": "spatial"}[cells]
    with xr.open_dataset(files.results.file(run, "metrics.nc")) as ds:
        one = ds["score"].sel(map="mapped", model="vic", period="test", metric=metric)
        return one.isel(target=0).values[files.results.cells(sampling, split)].astype(float)


@pytest.mark.parametrize("metric", ["bias", "rmse", "ubrmse", "corr", "nse"])
@pytest.mark.parametrize("cells", ["train", "test"])
def test_scores_are_medians_over_the_cells_asked_for(files, metric, cells):
    run = run_like("dpl_z", "s4")
    expected = np.median(stored(files, run, metric, cells, "s4"))
    assert ask(files, metric, run, cells, "s4") == pytest.approx(expected)
    # a run is scored at the cells of the sampling that is asked for, not at its own
    assert ask(files, metric, run, cells, "s8") != pytest.approx(expected)


def test_spread_and_quartiles_over_cells(files):
    run = run_like("sceua")
    low, high = np.percentile(stored(files, run, "bias", "train"), [25, 75])
    assert ask(files, "bias_interquartile_range", run) == pytest.approx(high - low)
    low, high = np.percentile(stored(files, run, "nse", "test"), [25, 75])
    assert ask(files, "nse_lower_quartile", run, "test") == pytest.approx(low)
    assert ask(files, "nse_upper_quartile", run, "test") == pytest.approx(high)


def test_scores_before_the_linear_correction(files):
    run = run_like("default", model="-")
    mapped = ask(files, "bias", run)
    # the made-up raw scores are 0.5 higher
    assert ask(files, "bias", run, correction="none") == pytest.approx(mapped + 0.5)


def test_scores_that_are_not_defined_or_not_there(files):
    assert np.isnan(ask(files, "corr", run_like("cellmean", model="-")))
    with pytest.raises(ValueError, match="has no metric 'kge'"):
        ask(files, "kge", run_like("dpl_z"))
    with pytest.raises(ValueError, match="has no target 'evapotranspiration'"):
        ask(files, "corr", run_like("dpl_z"), target="evapotranspiration")


def test_costs(files):
    run = run_like("dpl_z")
    # 0.04 + 0.1 exp(-40 / 10) is the first below 0.043; two seconds an epoch
    assert ask(files, "epochs_to_functional", run) == 40
    assert ask(files, "seconds_to_functional", run) == 80
    assert ask(files, "seconds_per_epoch", run) == pytest.approx(2)
    # SCE-UA ends at 0.045
    assert ask(files, "epochs_to_functional", run_like("sceua")) == np.inf


def test_costs_up_to_the_first_record_are_known_from_above_alone(files, study):
    run = run_like("sceua", seed=2)
    path = files.results.file(run, "curve.csv")
    curve = contracts.read_table(path, "curve")
    contracts.write_table(curve.iloc[3:].assign(rmse_train_cells=0.04), path, "curve")
    epochs, seconds = (ask(files, f"{cost}_to_functional", run) for cost in ("epochs", "seconds"))
    assert (epochs, seconds) == (40, 80)
    assert isinstance(epochs, AtMost)
    assert isinstance(seconds, AtMost)
    # a curve that begins before the first run knows when it came there
    start = curve.assign(rmse_train_cells=0.04)
    contracts.write_table(start, path, "curve")
    assert not isinstance(ask(files, "epochs_to_functional", run), AtMost)
    contracts.write_table(curve, path, "curve")


def test_means_of_evapotranspiration_are_sums_of_a_year(files, study):
    run = run_like("dpl_z")
    error = ask(files, "spatial_rmse", run, target="evapotranspiration")
    assert error == pytest.approx(0.1 * 365.25, rel=1e-4)  # 0.1 mm a day too much everywhere
    bias = ask(files, "spatial_bias_magnitude", run, target="evapotranspiration")
    assert bias == pytest.approx(0.1 * 365.25, rel=1e-4)
    assert ask(files, "spatial_corr", run, target="evapotranspiration") == pytest.approx(1)
    days = made_up.TIME.slice_indexer(*made_up.TEST)
    cells = files.results.cells("s8", "temporal")
    observed = 365.25 * 10 * study.moisture[cells, days].mean(axis=1)
    expected = 1 - error**2 / np.mean((observed - observed.mean()) ** 2)
    nse = ask(files, "spatial_nse", run, target="evapotranspiration")
    assert nse == pytest.approx(expected, rel=1e-3)


def test_means_of_soil_moisture_are_of_six_in_the_morning_on_observed_days(files, study):
    with xr.open_dataset(study.root / "smap/observations.nc") as ds:
        observed = ds["soil_moisture"].values
    days = np.arange(len(made_up.TIME))[made_up.TIME.slice_indexer(*made_up.TEST)]
    cells = files.results.cells("s8", "spatial")
    pairs = []
    for cell in cells:
        seen = [day for day in days if np.isfinite(observed[cell, day])]
        morning = [study.moisture[cell, day - 1 : day + 1].mean() + 0.01 for day in seen]
        pairs.append((np.mean(morning) + made_up.OFFSET, observed[cell, seen].mean()))
    simulated, seen = np.transpose(pairs)
    expected = np.sqrt(np.mean((simulated - seen) ** 2))
    assert ask(files, "spatial_rmse", run_like("dpl_z"), "test") == pytest.approx(
        expected, rel=1e-4
    )
    corr = ask(files, "spatial_corr", run_like("dpl_z"), "test")
    assert corr == pytest.approx(np.corrcoef(simulated, seen)[0, 1], rel=1e-4)


def rewrite(study, run, kind, change):
    """Change a file of a run; the changed dataset."""
    path = study.root / "runs" / run.run / f"{kind}.nc"
    ds = contracts.read(path, kind)
    change(ds)
    contracts.write(ds, path, kind)
    return ds


def test_cells_with_a_negative_mean_are_counted(files, study):
    run = run_like("dpl_a", seed=2)
    assert ask(files, "cells_below_zero", run) == 0
    before = ask(files, "spatial_bias_magnitude", run)
    offset = np.full(study.moisture.shape[0], made_up.OFFSET)
    offset[files.results.cells("s8", "temporal")[:2]] = -5
    rewrite(study, run, "parameters", lambda ds: ds["offset"].values.__setitem__(..., offset))
    fresh = Files(files.results, files.span, files.threshold)
    assert ask(fresh, "cells_below_zero", run) == 2
    assert ask(fresh, "cells_below_zero", run, "test") == 0
    # a bias below zero has a size as well
    shift = 2 * (5 + made_up.OFFSET) / len(files.results.cells("s8", "temporal"))
    after = ask(fresh, "spatial_bias_magnitude", run)
    assert shift > before
    assert after == pytest.approx(shift - before, rel=1e-3)


def test_parameters_over_cells(files, study):
    run = run_like("dpl_a", "s4")
    field = np.full(study.moisture.shape[0], 0.01)
    trained, held_out = (files.results.cells("s4", split) for split in ("temporal", "spatial"))
    field[trained] = np.linspace(0.1, 0.2, len(trained))
    field[held_out[0]] = 0.7
    rewrite(study, run, "parameters", lambda ds: ds["parameters"].values.__setitem__(0, field))
    assert ask(files, "largest_value", run, "train", "s4", parameter="infilt") == pytest.approx(0.2)
    assert ask(files, "largest_value", run, "test", "s4", parameter="infilt") == pytest.approx(0.7)
    # on a log scale, as infilt is shown, and at trained cells alone
    place = (study.domain[name].values[trained] for name in ("lat", "lon"))
    expected = geary(np.log(field[trained]), *place)
    roughness = ask(files, "neighbour_roughness", run, "train", "s4", parameter="infilt")
    assert roughness == pytest.approx(expected, rel=1e-4)


def test_rank_correlation_with_precipitation(files, study):
    run = run_like("dpl_a", "s4")
    with pytest.raises(ValueError, match="no precipitation among its attributes"):
        ask(files, "rank_corr_with_precipitation", run, "train", "s4", parameter="infilt")
    with xr.open_dataset(study.root / "runs" / run.run / "parameters.nc") as ds:
        field = ds["parameters"].sel(parameter="infilt").values
    for attribute, rain, expected in (
        ("precipitation", field**3, 1),
        ("climate_precipitation", -field, -1),
    ):
        results = Results(study.root, "smap")
        domain = study.domain.assign_coords(attribute=["clay", attribute]).copy(deep=True)
        domain["attributes"].values[:, 1] = rain
        results.__dict__["domain"] = domain
        wet = Files(results, files.span, files.threshold)
        rank = ask(wet, "rank_corr_with_precipitation", run, "train", "s4", parameter="infilt")
        assert rank == pytest.approx(expected)


def test_skill_of_the_surrogate_is_on_its_card(files):
    assert ask(files, "corr_with_vic", SimpleNamespace(run="")) == 0.93
    et = ask(files, "corr_with_vic", SimpleNamespace(run=""), target="evapotranspiration")
    assert et == 0.95


def test_roughness_by_hand():
    # along the equator; the nearest of 0, 1, 3, 7 are 1, 0, 1, 3
    lon = np.array([0.0, 1.0, 3.0, 7.0])
    values = np.array([1.0, 2.0, 4.0, 8.0])
    expected = (1 + 1 + 4 + 16) / 4 / (2 * 28.75 / 3)
    assert geary(values, np.zeros(4), lon, neighbours=1) == pytest.approx(expected)
    # a unit does not matter
    assert geary(3 * values - 1, np.zeros(4), lon, neighbours=1) == pytest.approx(expected)


def test_roughness_of_known_fields():
    lat, lon = (x.ravel() for x in np.mgrid[30:38:0.5, -110:-100:0.5])
    row, col = (x.ravel() for x in np.mgrid[:16, :20])
    assert geary(lon, lat, lon) < 0.02
    assert geary((row + col) % 2, lat, lon) > 1.8
    strangers = np.random.default_rng(1).normal(size=row.size)
    assert geary(strangers, lat, lon) == pytest.approx(1, abs=0.1)
    assert np.isnan(geary(np.ones(row.size), lat, lon))
    assert np.isnan(geary([1.0], [30.0], [-100.0]))


# --- verdicts -------------------------------------------------------------------------------------


def of(*values, name="it", place=0, exact=False):
    return Number(name, place, np.array(values, dtype=float), exact)


@pytest.mark.parametrize(
    ("claim", "values", "expected"),
    [
        # standard deviation 0.002, standard error 0.001 of four seeds
        (number(), (0.044, 0.044, 0.04, 0.04), ("reproduced", "yes")),
        (number(), (0.0505, 0.0465, 0.0505, 0.0465), ("reproduced", "no")),
        (number(), (0.0535, 0.0495, 0.0535, 0.0495), ("differs", "no")),
        (number(), (0.062, 0.058, 0.062, 0.058), ("differs", "yes")),
        (number(), (0.05,), ("reproduced", "unknown")),
        (number(), (0.0501,), ("differs", "unknown")),
        (number("at_least", 0.91), (0.92, 0.93), ("reproduced", "yes")),
        (number("at_least", 0.91), (0.90, 0.89), ("differs", "yes")),
        (number("at_most", 0), (0, 0), ("reproduced", "no")),
        (number("at_most", 0), (1, 1), ("differs", "yes")),
        # never reached
        (number(), (np.inf, np.inf), ("differs", "yes")),
        (number(), (0.04, np.inf), ("differs", "no")),
        (number("at_least", 25), (np.inf, np.inf), ("reproduced", "yes")),
    ],
)
def test_verdict_on_a_number(claim, values, expected):
    assert judge(claim, [of(*values)]) == expected


def test_verdict_on_a_number_without_chance_is_clear():
    assert judge(number(), [of(0.04, exact=True)]) == ("reproduced", "yes")


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        # each with a standard error of 1, the difference with one of sqrt 2
        ([of(9, 11), of(5, 7, place=1)], ("reproduced", "yes")),
        ([of(9, 11), of(7, 9, place=1)], ("reproduced", "no")),
        ([of(7, 9), of(9, 11, place=1)], ("differs", "no")),
        ([of(5, 7), of(9, 11, place=1)], ("differs", "yes")),
        ([of(9, 11), of(5, place=1)], ("reproduced", "unknown")),
        ([of(9, 11), of(5, place=1, exact=True)], ("reproduced", "yes")),
        ([of(9, 11), of(9, 11, place=1)], ("differs", "no")),
        ([of(1, exact=True), of(1, place=1, exact=True)], ("differs", "no")),
        # never reached: above everything, and no order among themselves
        ([of(np.inf, np.inf), of(5, 7, place=1)], ("reproduced", "yes")),
        ([of(5, np.inf), of(5, 7, place=1)], ("reproduced", "no")),
        ([of(np.inf, np.inf), of(np.inf, np.inf, place=1)], ("differs", "no")),
        # three in a row: every step counts, and one step back is enough
        ([of(19, 21), of(9, 11, place=1), of(7, 9, place=2)], ("reproduced", "no")),
        ([of(19, 21), of(5, 7, place=1), of(9, 11, place=2)], ("differs", "yes")),
        ([of(19, 21), of(5, place=1), of(9, 11, place=2)], ("differs", "unknown")),
        # members of one place, 30 and 5, are not compared with each other
        ([of(29, 31), of(5, 7), of(0, 2, place=1)], ("reproduced", "yes")),
        ([of(29, 31), of(-1, 1), of(0, 2, place=1)], ("differs", "no")),
    ],
)
def test_verdict_on_an_order(numbers, expected):
    assert judge(CLAIM, numbers) == expected


NEARLY = changed(margin={"size": 3, "why": "slightly"})
ALIKE = changed(
    compare="alike", order=None, among=["sceua", "dpl_z"], margin={"size": 3, "why": "hardly"}
)


@pytest.mark.parametrize(
    ("claim", "numbers", "expected"),
    [
        # the same, or above by less than the margin, is as good as the order
        (NEARLY, [of(9, 11), of(9, 11, place=1)], ("reproduced", "yes")),
        (NEARLY, [of(9, 11), of(11, 13, place=1)], ("reproduced", "no")),
        (NEARLY, [of(9, 11), of(12, 14, place=1)], ("differs", "no")),
        (NEARLY, [of(9, 11), of(19, 21, place=1)], ("differs", "yes")),
        (NEARLY, [of(10), of(12, place=1)], ("reproduced", "unknown")),
        # likeness is of every pair, in both directions
        (ALIKE, [of(9, 11), of(9, 11, place=1)], ("reproduced", "yes")),
        (ALIKE, [of(9, 11), of(12, 14, place=1)], ("reproduced", "no")),
        (ALIKE, [of(12.5, 14.5), of(9, 11, place=1)], ("differs", "no")),
        (ALIKE, [of(19, 21), of(9, 11, place=1)], ("differs", "yes")),
        (ALIKE, [of(10), of(12, place=1), of(14, place=2)], ("differs", "unknown")),
    ],
)
def test_verdict_on_what_is_the_same_but_for_a_margin(claim, numbers, expected):
    assert judge(claim, numbers) == expected


def at_most(*values, name="it", place=0, least=0.0):
    values = np.array(values, dtype=float)
    return Number(name, place, values, least=np.full(len(values), least))


@pytest.mark.parametrize(
    ("claim", "numbers", "verdict"),
    [
        # SCE-UA is first recorded after 77 runs, dPL needs 10 or 100
        (CLAIM, [at_most(77), of(10, place=1)], "not run"),
        (CLAIM, [at_most(77), of(100, place=1)], "differs"),
        (CLAIM, [of(840), at_most(77, place=1)], "reproduced"),
        (CLAIM, [of(40), at_most(77, place=1)], "not run"),
        (number(expected=60, tolerance=20), [at_most(77)], "not run"),
        (number(expected=60, tolerance=30), [at_most(77, least=40)], "reproduced"),
        (number(expected=60, tolerance=10), [at_most(45)], "differs"),
        (number("at_most", 80), [at_most(77)], "reproduced"),
        (number("at_most", 60), [at_most(77)], "not run"),
        (number("at_least", 80), [at_most(77)], "differs"),
        (number("at_least", 60), [at_most(77)], "not run"),
        (ALIKE, [at_most(2), at_most(3, place=1)], "reproduced"),
        (ALIKE, [at_most(77), at_most(77, place=1)], "not run"),
        (ALIKE, [at_most(77), of(100, place=1)], "differs"),
    ],
)
def test_a_cost_known_from_above_alone_decides_only_what_it_can(claim, numbers, verdict):
    found, clear = judge(claim, numbers)
    assert found == verdict
    assert (clear == "") == (verdict == "not run")


# --- rows and page --------------------------------------------------------------------------------


def answered(files, *claims, data="real", only=None, **config):
    """Answers from the made-up runs, all or some, with a configuration whose runs they are."""
    runs = {
        row.run: experiments.Run(
            study="smap", targets=("soil_moisture",), settings="-", **row._asdict()
        )
        for row in made_up.FULL.itertuples(index=False)
        if only is None or row.run in only
    }
    config = {
        "study": "smap",
        "model": {
            "process": "vic",
            "parameters": ["infilt", "Ds", "Dsmax", "Ws", "expt"],
            "simulate_with": ["process", "surrogate"],
        },
        "source": {"name": "hydrodl" if data == "real" else "twin"},
        "samplings": {"s8": 8, "s4": 4},
        "threshold": 0.043,
        "simulate": {"rounds": 2},
        **config,
    }
    entries = table.plan(list(claims), runs, config)
    return answer_claims(entries, files, data, "made_up")


def test_rows_hold_means_over_seeds(files, tmp_path):
    answers = answered(files, CLAIM, number(), changed(id="no", study="pub"))
    order, value, missing = answers.itertuples()
    each = {
        m: [np.median(stored(files, run_like(m, seed=s), "rmse", "test")) for s in (1, 2)]
        for m in ("sceua", "dpl_z")
    }
    means = {m: np.mean(v) for m, v in each.items()}
    assert order.expected == "sceua > dpl_z"
    assert order.ours == f"sceua {means['sceua']:.4g}; dpl_z {means['dpl_z']:.4g}"
    assert order.spread.startswith(f"sceua {np.std(each['sceua'], ddof=1):.4g}; dpl_z ")
    assert (order.seeds, order.verdict, order.why) == (2, "reproduced", "")
    assert value.expected == "0.04 ± 0.01"
    assert value.ours == f"{means['dpl_z']:.4g}"
    assert (value.verdict, value.data, value.configuration) == ("reproduced", "real", "made_up")
    assert (missing.verdict, missing.clear, missing.ours, missing.seeds) == ("not run", "", "", 0)
    contracts.write_table(answers, tmp_path / "claims.csv", "claims")
    assert len(contracts.read_table(tmp_path / "claims.csv", "claims")) == 3


def test_a_ratio_is_one_number_for_each_seed(files):
    claim = number(
        "at_least",
        2,
        method=None,
        quantity={"metric": "seconds_to_functional", "ratio": ["sceua", "dpl_z"]},
    )
    (row,) = answered(files, claim).itertuples()
    # SCE-UA never comes to 0.043
    assert (row.ours, row.spread, row.seeds, row.verdict) == ("never", "", 2, "reproduced")
    claim["quantity"]["metric"] = "seconds_per_epoch"
    (row,) = answered(files, claim).itertuples()
    assert (row.ours, row.spread, row.verdict) == ("1", "0", "differs")


def test_times_are_compared_on_one_machine_and_say_on_which(files, study):
    claim = changed(
        order=["dpl_a", "dpl_z"], quantity={"metric": "seconds_per_epoch", "sampling": "s4"}
    )
    (row,) = answered(files, claim).itertuples()
    assert row.verdict == "differs"
    assert "learned on cpu" in row.notes
    # one of two seeds on a GPU
    path = files.results.file(run_like("dpl_z", "s4", seed=2), "parameters.nc")
    before = path.read_bytes()
    about = {"provenance_device": "cuda", "provenance_machine": "a node"}
    contracts.write(contracts.read(path, "parameters"), path, "parameters", about)
    fresh = Files(files.results, files.span, files.threshold)
    (row,) = answered(fresh, claim).itertuples()
    path.write_bytes(before)
    assert row.verdict == "not run"
    assert row.why == ("times of unlike machines: dpl_a on cpu; dpl_z on cpu, cuda (a node)")
    assert row.ours.startswith("dpl_a ")
    about = {"provenance_device": ""}
    contracts.write(contracts.read(path, "parameters"), path, "parameters", about)
    with pytest.raises(ValueError, match="does not say on what it was learned"):
        answered(Files(files.results, files.span, files.threshold), claim)
    path.write_bytes(before)
    # a paper's own time is of its own machine
    seconds = number(quantity={"metric": "seconds_per_epoch"})
    (row,) = answered(files, seconds).itertuples()
    assert (row.verdict, row.why) == ("not run", "a time on the machine of the paper")


def test_what_hangs_on_the_first_record_is_not_run(files):
    run = run_like("sceua", "s4")
    path = files.results.file(run, "curve.csv")
    before = path.read_text()
    curve = contracts.read_table(path, "curve")
    contracts.write_table(curve.iloc[4:].assign(rmse_train_cells=0.04), path, "curve")
    epochs = {"metric": "epochs_to_functional", "sampling": "s4"}
    order = changed(quantity=epochs, order=["sceua", "dpl_z"])
    ratio = number(
        "at_least",
        1.5,
        method=None,
        quantity={**epochs, "metric": "seconds_to_functional", "ratio": ["sceua", "dpl_z"]},
    )
    only = [run.run, run_like("dpl_z", "s4").run]
    first, second = answered(files, order, ratio, only=only).itertuples()
    path.write_text(before)
    assert first.ours == "sceua at most 80; dpl_z 40"
    assert first.verdict == second.verdict == "not run"
    assert first.why == ("known from above alone, since it hangs on the first record: sceua")
    assert second.ours == "at most 2"


def test_likeness_and_margin_are_told(files):
    among = changed(
        compare="alike",
        order=None,
        among=["train", "test"],
        margin={"size": 0.01, "why": "hardly"},
        quantity={"method": "dpl_z"},
    )
    (row,) = answered(files, among).itertuples()
    assert row.expected == "train ≈ test (within 0.01)"
    assert row.ours.startswith("train 0.0")
    assert row.verdict == "reproduced"
    assert "margin: hardly" in row.notes
    (row,) = answered(files, NEARLY).itertuples()
    assert row.expected == "sceua > dpl_z (within 3)"


def test_costs_that_nothing_reached_are_not_run(files):
    strict = Files(files.results, files.span, 0.001)
    (row,) = answered(strict, changed(quantity={"metric": "epochs_to_functional"})).itertuples()
    assert (row.verdict, row.why) == ("not run", "never reached by sceua, dpl_z")


def test_on_a_twin_a_number_has_no_verdict(files):
    order, value = answered(files, CLAIM, number(), data="twin").itertuples()
    assert order.verdict == "reproduced"
    assert value.verdict == "not run"
    assert value.why == "of real data, and this is a twin"
    assert float(value.ours) == pytest.approx(0.04, abs=0.005)


def test_what_is_not_defined_is_not_run(files):
    claim = number("at_least", method="cellmean", quantity={"metric": "corr", "cells": "train"})
    (row,) = answered(files, claim).itertuples()
    assert (row.verdict, row.ours) == ("not run", "undefined")
    assert row.why == "no number for cellmean"


def test_page_tells_verdicts_reasons_and_contradictions(files):
    answers = answered(
        files,
        changed(order=["default", "dpl_z"], disagrees_with="two", note="as the text has it"),
        changed(id="two", order=["dpl_z", "default"], disagrees_with="one"),
        changed(id="far", study="pub"),
        changed(id="words", compare="statement"),
    )
    text = page(answers, "SMAP", "Four seeds.")
    assert "Configuration `made_up`. Data: SMAP. Four seeds." in text
    assert "| tsai2021 | 1 (1 clearly) | 1 (1 clearly) | 2 |" in text
    row = next(line for line in text.splitlines() if "`one`)" in line)
    assert re.search(r"\| default > dpl_z \| default 0\.\d+; dpl_z 0\.0\d+ ± 0\.0", row)
    assert row.endswith("| 2 | **reproduced** |")
    assert "*as the text has it; default: prior parameters of VIC" in row
    assert "; the paper disagrees with itself: see `two`*" in row
    assert "- the study here is smap, not pub: `far`" in text
    assert "synthetic twin" not in text
    twin = page(answered(files, CLAIM, number(), data="twin"), "A twin", "")
    assert "**This is a synthetic twin.**" in twin
    assert "| why not |" in twin
    # a bound goes with its number
    bound = answers.iloc[:1].assign(ours="sceua at most 77; dpl_z 9", spread="sceua 2; dpl_z 1")
    assert "| sceua at most 77 ± 2; dpl_z 9 ± 1 |" in page(bound, "SMAP", "")
    # a verdict within the spread says so
    near = answers.assign(clear="no")
    assert "**reproduced**, not beyond the spread over seeds" in page(near, "SMAP", "")
