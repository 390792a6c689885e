"""Scoring of runs: periods, cells and maps kept apart; curves; the paired test."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import torch
import xarray as xr

from parlearn.metrics import spatial
from parlearn.metrics.paired import compare
from parlearn.metrics.progress import first_below
from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.observation import observe
from parlearn.models.parameter import Parameter
from parlearn.runs import evaluate
from parlearn.storage import contracts
from parlearn.study.grid import Grid

PERIODS = {"train": ("2020-01-11", "2020-01-20"), "test": ("2020-01-21", "2020-02-09")}
TRAIN, TEST = slice(10, 20), slice(20, 40)
ROLE = np.array([1, 1, 2, 3, 0, 3])
TIME = pd.date_range("2020-01-01", periods=40).as_unit("s")


def simulation(seed=0):
    rng = np.random.default_rng(seed)
    dims = ("model", "cell", "time")
    return xr.Dataset(
        {
            "soil_moisture": (dims, rng.uniform(0.1, 0.4, (2, 6, 40)).astype("f4")),
            "evapotranspiration": (dims, rng.uniform(0, 5, (2, 6, 40)).astype("f4")),
        },
        coords={"time": TIME, "model": ["vic", "surrogate"]},
    )


def observations(seed=1):
    rng = np.random.default_rng(seed)
    moisture, et = rng.uniform(0.1, 0.4, (6, 40)), rng.uniform(0, 5, (6, 40))
    moisture[:, ::3] = np.nan
    dims = ("cell", "time")
    return xr.Dataset(
        {"soil_moisture": (dims, moisture), "evapotranspiration": (dims, et)}, coords={"time": TIME}
    )


def test_scores_by_hand_and_by_contract(tmp_path):
    simulated, observed = simulation(), observations()
    scores = evaluate.score(simulated, observed, PERIODS, ROLE, slope=0.8, offset=0.05)
    moisture = simulated["soil_moisture"].values
    paired = (moisture[:, :, :-1] + moisture[:, :, 1:]) / 2  # of days 1, 2, ...
    for days, period in ((TRAIN, "train"), (TEST, "test")):
        seen = observed["soil_moisture"].values[:, days]
        raw = paired[0, :, days.start - 1 : days.stop - 1]
        for name, series in (("raw", raw), ("mapped", 0.8 * raw + 0.05)):
            part = scores["score"].sel(target="soil_moisture", model="vic", map=name, period=period)
            expected = np.nanmean(series - seen, axis=1)
            np.testing.assert_allclose(part.sel(metric="bias"), expected, atol=1e-6)
            expected = np.sqrt(np.nanmean((series - seen) ** 2, axis=1))
            np.testing.assert_allclose(part.sel(metric="rmse"), expected, atol=1e-6)
        flux = scores["score"].sel(target="evapotranspiration", model="surrogate", period=period)
        error = simulated["evapotranspiration"].values[1] - observed["evapotranspiration"].values
        expected = np.sqrt(np.mean(error[:, days] ** 2, axis=1))
        for name in evaluate.MAPS:  # a flux is neither paired nor mapped
            np.testing.assert_allclose(flux.sel(map=name, metric="rmse"), expected, atol=1e-6)
    counts = scores["observed"].sel(target="soil_moisture")
    np.testing.assert_array_equal(
        counts.sel(period="test"), np.isfinite(observed["soil_moisture"].values[:, TEST]).sum(1)
    )
    contracts.write(scores, tmp_path / "metrics.nc", "metrics")
    back = contracts.read(tmp_path / "metrics.nc", "metrics")
    np.testing.assert_array_equal(back["score"], scores["score"])


def _on_a_grid(seed=0):
    """Simulation, observations and grid of a full map of 12 x 12 units but one."""
    rng = np.random.default_rng(seed)
    dims, count = ("model", "cell", "time"), 143
    simulated = {"evapotranspiration": (dims, rng.uniform(0, 5, (2, count, 40)).astype("f4"))}
    observed = rng.uniform(0, 5, (count, 40))
    observed[7, 25] = np.nan
    return (
        xr.Dataset(simulated, coords={"time": TIME, "model": ["vic", "surrogate"]}),
        xr.Dataset({"evapotranspiration": (("cell", "time"), observed)}, coords={"time": TIME}),
        Grid((12, 12), torch.arange(1, 144)),
    )


def test_maps_are_scored_day_by_day_where_all_units_are_observed(tmp_path):
    simulated, observed, grid = _on_a_grid()
    used = np.arange(143) != 20
    scores = evaluate.score_maps(simulated, observed, PERIODS["test"], grid, used)
    mask = np.ones(144, bool)
    mask[[0, 21]] = False
    maps = [
        np.insert(x[:, TEST].T, 0, np.nan, axis=1).reshape(20, 12, 12)
        for x in (
            simulated["evapotranspiration"].values[1],
            observed["evapotranspiration"].values,
        )
    ]
    mask = mask.reshape(12, 12)
    ours = scores.sel(target="evapotranspiration", model="surrogate", map="raw")
    for name, expected in (
        ("eof_similarity", spatial.eof_similarity(*maps, mask)),
        ("ssim", spatial.ssim(*maps, mask)),
    ):
        np.testing.assert_allclose(ours[name], expected, atol=1e-6)
        assert np.isnan(ours[name].values).tolist() == [day == 5 for day in range(20)]
    part = ours["fss"].sel(percentile=80, neighbourhood=5)
    np.testing.assert_allclose(part, spatial.fss(*maps, mask, 80, 5), atol=1e-6)
    whole = evaluate.score(simulated, observed, PERIODS, np.ones(143)).merge(scores)
    contracts.write(whole, tmp_path / "metrics.nc", "metrics")
    assert contracts.read(tmp_path / "metrics.nc", "metrics")["fss"].sizes["day"] == 20


def test_maps_of_an_ensemble_are_those_of_its_mean():
    simulated, observed, grid = _on_a_grid()
    other = simulated * 0.5
    both = xr.concat([simulated, other], "member").transpose("model", "member", "cell", "time")
    used = np.ones(143, bool)
    ensemble = evaluate.score_maps(both, observed, PERIODS["test"], grid, used)
    mean = evaluate.score_maps(simulated * 0.75, observed, PERIODS["test"], grid, used)
    xr.testing.assert_allclose(ensemble, mean, atol=1e-6)


def test_without_a_whole_map_there_are_no_scores_of_maps():
    simulated, observed, grid = _on_a_grid()
    observed["evapotranspiration"][3] = np.nan
    scores = evaluate.score_maps(simulated, observed, PERIODS["test"], grid, np.ones(143, bool))
    assert not scores


def test_an_ensemble_is_scored_as_its_mean_and_member_by_member(tmp_path):
    members = [simulation(seed) for seed in range(3)]
    ensemble = xr.concat(members, "member").transpose("model", "member", "cell", "time")
    observed = observations()
    slopes, offsets = np.array([0.8, 1.0, 1.2]), np.array([0.0, 0.02, 0.05])
    scores = evaluate.score(ensemble, observed, PERIODS, ROLE, slope=slopes, offset=offsets)
    for k, member in enumerate(members):
        alone = evaluate.score(member, observed, PERIODS, ROLE, slope=slopes[k], offset=offsets[k])
        np.testing.assert_array_equal(scores["member_score"][k], alone["score"])
    corrected = sum(
        (a * m["soil_moisture"] + b) / 3 for a, b, m in zip(slopes, offsets, members, strict=True)
    )
    mean = members[0].assign(soil_moisture=corrected)
    expected = evaluate.score(mean, observed, PERIODS, ROLE)["score"].sel(
        target="soil_moisture", map="raw"
    )
    ours = scores["score"].sel(target="soil_moisture", map="mapped")
    np.testing.assert_allclose(ours, expected, atol=2e-6)
    contracts.write(scores, tmp_path / "metrics.nc", "metrics")
    contracts.write(ensemble, tmp_path / "simulation.nc", "simulation")
    back = contracts.read(tmp_path / "simulation.nc", "simulation")
    assert back["soil_moisture"].dims == ("model", "member", "cell", "time")


def test_composites_are_compared_with_the_mean_of_their_days():
    simulated, observed = simulation(), observations()
    days = np.ones(40, dtype=np.int64)
    days[[27, 35]] = 8
    observed["evapotranspiration_days"] = "time", days
    observed["evapotranspiration"][:, np.setdiff1d(np.arange(40), [27, 35])] = np.nan
    contracts.check(observed, "observations.nc", "observations")
    scores = evaluate.score(simulated, observed, PERIODS, ROLE)
    flux = simulated["evapotranspiration"].values[0]
    error = np.stack([flux[:, 20:28].mean(1), flux[:, 28:36].mean(1)], 1)
    error -= observed["evapotranspiration"].values[:, [27, 35]]
    part = scores["score"].sel(target="evapotranspiration", model="vic", map="raw", period="test")
    np.testing.assert_allclose(part.sel(metric="bias"), error.mean(1), atol=1e-6)
    seen = scores["observed"].sel(target="evapotranspiration", period="test")
    assert seen.values.tolist() == [2] * 6


def test_periods_do_not_mix():
    scores = evaluate.score(simulation(), observations(), PERIODS, ROLE)
    changed = observations()
    for name in changed.data_vars:
        changed[name].values[:, TEST] += 0.1
        changed[name].values[:, : TRAIN.start] = 9.0  # belongs to no period
    other = evaluate.score(simulation(), changed, PERIODS, ROLE)
    train = [x["score"].sel(period="train") for x in (scores, other)]
    xr.testing.assert_identical(*train)
    assert (scores["score"] != other["score"]).sel(period="test", metric="bias").all()


def test_map_of_each_cell():
    slope = np.linspace(0.5, 1.5, 6)
    scores = evaluate.score(simulation(), observations(), PERIODS, ROLE, slope=slope, offset=0.01)
    alone = evaluate.score(simulation(), observations(), PERIODS, ROLE, slope=slope[3], offset=0.01)
    xr.testing.assert_allclose(scores["score"].isel(cell=3), alone["score"].isel(cell=3))


def test_cells_without_observations_have_no_score():
    observed = observations()
    observed["soil_moisture"].values[3, TEST] = np.nan
    scores = evaluate.score(simulation(), observed, PERIODS, ROLE)
    part = scores["score"].sel(target="soil_moisture", period="test")
    assert part.isel(cell=3).isnull().all()
    assert part.isel(cell=[0, 1, 2, 4, 5]).notnull().all()
    table = evaluate.medians(scores).set_index(
        ["target", "model", "map", "period", "test", "metric"]
    )
    line = table.loc[("soil_moisture", "vic", "raw", "test", "spatial", "rmse")]
    assert line["cells"] == 1
    assert line["median"] == part.sel(model="vic", map="raw", metric="rmse").values[5]
    line = table.loc[("soil_moisture", "vic", "raw", "test", "temporal", "rmse")]
    assert line["cells"] == 2
    expected = part.sel(model="vic", map="raw", metric="rmse").values[:2].mean()
    assert line["median"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s, o: (s, o.rename(soil_moisture="a", evapotranspiration="b")), "nothing to score"),
        (lambda s, o: (s.isel(time=slice(1, None)), o), "not on the same days"),
        (lambda s, o: (s.isel(cell=slice(3)), o), "3 cells simulated, 6 observed"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        evaluate.score(*change(simulation(), observations()), PERIODS, ROLE)


@pytest.mark.parametrize("span", [("2020-01-01", "2020-01-05"), ("2020-01-11", "2020-03-01")])
def test_period_outside_the_timeline(span):
    with pytest.raises(ValueError, match="not within the timeline after its first day"):
        evaluate.score(simulation(), observations(), {"train": span}, ROLE)


def test_fit_map_sees_training_cells_and_period_only():
    simulated = simulation()["soil_moisture"].sel(model="vic")
    paired = simulated.values.copy()
    paired[:, 1:] = (simulated.values[:, 1:] + simulated.values[:, :-1]) / 2
    observed = (0.6 * paired + 0.07).astype("f8")
    observed[ROLE != 1] = 5.0
    observed[:, : TRAIN.start] = observed[:, TRAIN.stop :] = 7.0
    training = xr.DataArray(observed, dims=("cell", "time"), coords={"time": TIME})
    slope, offset = evaluate.fit_map(simulated, training, PERIODS["train"], ROLE)
    assert (slope, offset) == pytest.approx((0.6, 0.07), abs=1e-5)


class Wave(ProcessModel):
    """soil_moisture = level + 0.1 wave(cell, day)."""

    space = ParameterSpace((Parameter("level", "1", 0.0, 0.5),))
    outputs = ("evapotranspiration", "soil_moisture")
    warmup, n_cells, n_days = 0, 6, 40

    def __init__(self):
        self.wave = torch.rand(6, 40, generator=torch.manual_seed(3))
        self.calls = []

    def simulate(self, parameters, cells=None, days=None):
        self.calls.append((tuple(parameters.shape), cells.tolist()))
        moisture = parameters + 0.1 * self.wave[cells][:, days]
        return torch.stack([-moisture, moisture], -1)


def trajectory(levels, **maps):
    data = {
        "parameters": (("epoch", "cell", "parameter"), np.asarray(levels, "f4")[..., None]),
        "seconds": ("epoch", np.arange(len(levels)) * 2.0),
        **maps,
    }
    epochs = np.arange(len(levels)) * 10.0
    return xr.Dataset(data, coords={"parameter": ["level"], "epoch": epochs})


def observed_wave(model, level=0.2):
    moisture = level + 0.1 * model.wave.numpy().astype("f8")
    paired = np.full_like(moisture, np.nan)
    paired[:, 1:] = (moisture[:, 1:] + moisture[:, :-1]) / 2
    return xr.Dataset({"soil_moisture": (("cell", "time"), paired)}, coords={"time": TIME})


MOISTURE = ["soil_moisture"]


@pytest.mark.parametrize("largest", [2**26, 1])
def test_curve(monkeypatch, largest):
    monkeypatch.setattr(evaluate, "LARGEST_CALL", largest)
    model = Wave()
    levels = np.full((4, 6), 0.2)
    levels += np.array([0.1, 0.05, 0.02, 0.0])[:, None] * np.array([1, 3, 99, 2, 99, 2])
    levels = np.minimum(levels, 0.5)
    table = evaluate.curve(
        trajectory(levels), model, observed_wave(model), MOISTURE, PERIODS["test"], ROLE
    )
    contracts.check_table(table, "curve.csv", "curve")
    assert table["runs_per_cell"].tolist() == [0, 10, 20, 30]
    assert table["seconds"].tolist() == [0, 2, 4, 6]
    np.testing.assert_allclose(table["rmse_train_cells"], [0.2, 0.1, 0.04, 0.0], atol=1e-6)
    np.testing.assert_allclose(table["rmse_test_cells"], [0.2, 0.1, 0.04, 0.0], atol=1e-6)
    assert all(cells == [0, 1, 3, 5] for _, cells in model.calls)
    assert len(model.calls) == (1 if largest > 1 else 4)
    assert first_below(table, 0.05) == (20.0, 4.0)
    assert np.isnan(first_below(table, -1.0)).all()


def test_a_curve_of_each_target():
    """Evaporation is minus soil moisture here, seen as the mean of five days, not corrected."""
    model, levels = Wave(), np.array([[0.3] * 6, [0.2] * 6])
    observed = observed_wave(model)
    flux = torch.tensor(-0.2) - 0.1 * model.wave
    lengths = np.where(np.arange(40) % 5 == 4, 5, 1)
    mean = observe(flux, "evapotranspiration", torch.from_numpy(lengths)).numpy().copy()
    mean[:, lengths == 1] = np.nan
    observed["evapotranspiration"] = ("cell", "time"), mean
    observed["evapotranspiration_days"] = "time", lengths
    offset = {"offset": ("epoch", [0.0, 0.05])}
    names = ["soil_moisture", "evapotranspiration"]
    table = evaluate.curve(
        trajectory(levels, **offset), model, observed, names, PERIODS["test"], ROLE
    )
    contracts.check_table(table, "curve.csv", "curve")
    assert table["target"].tolist() == ["soil_moisture"] * 2 + ["evapotranspiration"] * 2
    assert table["runs_per_cell"].tolist() == [0, 10] * 2
    np.testing.assert_allclose(table["rmse_train_cells"], [0.1, 0.05, 0.1, 0.0], atol=1e-6)


def test_curve_takes_the_map_of_each_epoch():
    model = Wave()
    levels = np.full((2, 6), 0.2)
    by_epoch = {"offset": ("epoch", [0.03, 0.0])}
    by_cell = {"offset": (("epoch", "cell"), np.repeat([[0.03], [0.0]], 6, axis=1))}
    for maps in (by_epoch, by_cell):
        table = evaluate.curve(
            trajectory(levels, **maps), model, observed_wave(model), MOISTURE, PERIODS["test"], ROLE
        )
        np.testing.assert_allclose(table["rmse_train_cells"], [0.03, 0.0], atol=1e-6)


def test_curve_without_held_out_cells_and_of_another_model():
    model, role = Wave(), np.array([1, 1, 1, 2, 0, 0])
    table = evaluate.curve(
        trajectory(np.full((2, 6), 0.2)),
        model,
        observed_wave(model),
        MOISTURE,
        PERIODS["test"],
        role,
    )
    assert table["rmse_test_cells"].isna().all()
    assert table["rmse_train_cells"].notna().all()
    other = trajectory(np.full((2, 6), 0.2)).assign_coords(parameter=["depth"])
    with pytest.raises(ValueError, match="the trajectory has parameters"):
        evaluate.curve(other, model, observed_wave(model), MOISTURE, PERIODS["test"], role)


def test_compare():
    rng = np.random.default_rng(2)
    first = rng.normal(0.05, 0.01, 40)
    second = first + rng.normal(0.005, 0.005, 40)
    first[3], second[7] = np.nan, np.nan
    result = compare(first, second)
    seen = np.isfinite(first) & np.isfinite(second)
    expected = scipy.stats.wilcoxon(first[seen], second[seen])
    assert (result["cells"], result["dropped"]) == (38, 2)
    assert result["p_value"] == pytest.approx(expected.pvalue)
    assert result["p_value"] < 0.01
    assert result["median_difference"] < 0
    assert compare(first, first)["p_value"] == 1
    assert np.isnan(compare(np.array([np.nan]), np.array([1.0]))["p_value"])
    with pytest.raises(ValueError, match="same cells"):
        compare(first, second[1:])
