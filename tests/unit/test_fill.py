"""Filling gaps: what the network may know, what it must be able to do, what stays as it was."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from parlearn.gaps.fill import fill_period, fill_training
from parlearn.gaps.network import FillSettings, GapFiller, apply, before
from parlearn.gaps.series import withhold
from parlearn.networks.training import Training
from parlearn.storage import contracts
from parlearn.study.roles import ROLES
from parlearn.study.tensors import FORCING, build_study

torch.set_num_threads(1)

CELLS, DAYS = 30, 220
TIME = np.datetime64("2015-03-22", "ns") + np.arange(DAYS) * np.timedelta64(1, "D")
SPAN = ("2015-04-01", "2015-10-17")
INSIDE = slice(10, 210)
QUICK = FillSettings(hidden=8, epochs=2, batch=10, window=50, held_out=0.1, seed=1)
TRAIN, TEST = slice(0, 20), slice(23, 29)


@pytest.fixture(scope="module")
def files():
    """Cells wetted by rain that dry out at a pace of their own, seen on two days of five."""
    rng = np.random.default_rng(1)
    rain = 12.0 * rng.random((CELLS, DAYS)) ** 6
    keeps = rng.uniform(0.8, 0.95, (CELLS, 1))
    moisture = np.empty((CELLS, DAYS))
    moisture[:, 0] = 0.2
    for day in range(1, DAYS):
        moisture[:, day] = (0.05 + keeps[:, 0] * (moisture[:, day - 1] - 0.05)) + (
            0.008 * rain[:, day]
        )
    observed = np.where(rng.random((CELLS, DAYS)) < 0.4, moisture, np.nan)
    observed[:, : INSIDE.start] = observed[:, INSIDE.stop :] = np.nan
    observed[2, :40] = np.nan  # no observation for the first month
    observed[29] = np.nan  # none at all
    role = np.full((2, CELLS), ROLES["train"], dtype="i1")
    role[:, 20:23], role[:, TEST], role[:, 29] = ROLES["validate"], ROLES["test"], ROLES["unused"]
    role[1, 10:20] = ROLES["unused"]
    domain = xr.Dataset(
        {
            "attributes": (("cell", "attribute"), np.c_[keeps, rng.normal(size=CELLS)]),
            "attribute_units": ("attribute", ["1", "1"]),
            "lat": ("cell", np.linspace(30, 40, CELLS)),
            "lon": ("cell", np.linspace(-100, -90, CELLS)),
            "porosity": ("cell", np.full(CELLS, 0.45)),
            "role": (("sampling", "cell"), role),
        },
        coords={"attribute": ["keeps", "nothing"], "sampling": ["all", "d4"]},
    )
    weather = {name: (("cell", "time"), rain, {"units": "u"}) for name in FORCING}
    forcing = xr.Dataset(weather, coords={"time": TIME})
    training = xr.Dataset(
        {
            "soil_moisture": (("period", "cell", "time"), observed[None], {"units": "m3 m-3"}),
            "evapotranspiration": (
                ("period", "cell", "time"),
                observed[None],
                {"units": "mm day-1"},
            ),
        },
        coords={"time": TIME, "period": ["one_year"]},
    )
    return domain, forcing, training, moisture


def period(files, settings=QUICK, **options):
    domain, forcing, training, _ = files
    chosen = domain["role"].values[0] == ROLES["train"]
    return fill_period(domain, forcing, training, "one_year", SPAN, chosen, settings, **options)


def everything(files, settings=QUICK, sampling="all", **options):
    return fill_training(*files[:3], sampling, {"one_year": SPAN}, settings, **options)


def same_weights(one, other):
    pairs = zip(one.filler.state_dict().values(), other.filler.state_dict().values(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


def changed(files, cells, days=slice(None), value=0.5, name="soil_moisture"):
    """The files with observed values of some cells and days replaced, gaps left as they are."""
    training = files[2].copy(deep=True)
    values = training[name].values[0]
    part = values[cells, days]
    values[cells, days] = np.where(np.isfinite(part), value, part)
    return (*files[:2], training, files[3])


@pytest.fixture(scope="module")
def quick(files):
    return period(files)


def test_observations_of_test_cells_change_no_weight(files, quick):
    for cells in (TEST, slice(20, 23)):
        other = period(changed(files, cells))
        assert same_weights(quick, other)
        assert not np.array_equal(quick.values[cells], other.values[cells], equal_nan=True)
    assert not same_weights(quick, period(changed(files, TRAIN)))


def test_missing_test_cells_change_no_weight(files, quick):
    assert same_weights(quick, period(changed(files, TEST, value=np.nan)))


def test_withheld_observations_change_no_weight(files, quick):
    training = files[2].copy(deep=True)
    values = training["soil_moisture"].values[0]
    withheld = withhold(np.isfinite(values), QUICK.held_out, QUICK.seed)
    assert withheld[TRAIN].any()
    values[withheld] = 0.9
    other = period((*files[:2], training, files[3]))
    assert same_weights(quick, other)
    rows = [fill.card["scores"]["training cells"][0] for fill in (quick, other)]
    assert rows[0]["days"] == rows[1]["days"]
    assert rows[1]["network"]["bias"] < rows[0]["network"]["bias"] - 0.3


def test_another_seed_gives_other_weights(files, quick):
    assert same_weights(quick, period(files))
    assert not same_weights(quick, period(files, replace(QUICK, seed=2)))


def test_only_gaps_of_the_period_are_filled(files):
    filled, card = everything(files)
    contracts.check(filled.drop_vars("evapotranspiration"), "filled/all.nc", "training")
    was, now = (ds["soil_moisture"].values[0] for ds in (files[2], filled))
    flag, seen = filled["filled"].values[0], np.isfinite(was)
    assert np.array_equal(now[seen], was[seen])
    assert not flag[seen].any()
    assert np.isnan(now[:, : INSIDE.start]).all()
    assert np.isnan(now[:, INSIDE.stop :]).all()
    assert np.isfinite(now[:29, INSIDE]).all()
    assert np.array_equal(flag == 1, np.isfinite(now) & ~seen)
    assert (now[flag == 1] > 0).all()
    assert (now[flag == 1] < 1).all()
    # a cell of which nothing was seen stays empty
    assert np.isnan(now[29]).all()
    assert filled["evapotranspiration"].equals(files[2]["evapotranspiration"])
    entry = card["periods"]["one_year"]
    assert entry["cells_without_observation"] == 1
    assert entry["filled"] == flag.sum()
    assert entry["filled_by_gap"]["before the first observation"] >= 30
    ends = (
        "all between observations",
        "before the first observation",
        "after the last observation",
    )
    assert sum(entry["filled_by_gap"][name] for name in ends) == entry["filled"]
    given = now[flag == 1]
    assert entry["lowest_and_highest"] == pytest.approx([given.min(), given.max()], abs=1e-5)
    assert entry["cells"] == {"training cells": 20, "other cells": 9}
    assert json.loads(filled.attrs["gap_filling"]) == {"one_year": entry["scores"]}
    json.dumps(card, allow_nan=False)


def test_where_rain_says_all_the_network_beats_simple_fillings(files):
    settings = FillSettings(hidden=16, epochs=60, batch=10, window=60, held_out=0.15, seed=1)
    done = period(files, settings)
    for cells in ("training cells", "other cells"):
        row = done.card["scores"][cells][0]
        assert row["gap"] == "all between observations"
        network, *others = (row[k]["rmse"] for k in ("network", "last value", "interpolation"))
        assert network < 0.6 * min(others)
    # and so it is on the days that nobody observed
    truth, given = files[3], np.isfinite(done.values)
    line = xr.DataArray(files[2]["soil_moisture"].values[0], dims=("cell", "time"))
    line = line.interpolate_na("time", fill_value="extrapolate").values
    errors = [np.sqrt(np.mean((v - truth)[given] ** 2)) for v in (done.values, line)]
    assert errors[0] < 0.6 * errors[1]


def test_each_period_has_a_network_of_its_own(files):
    domain, forcing, training, _ = files
    early = training["time"] < np.datetime64("2015-08-01")
    short = training["soil_moisture"].where(early)
    both = xr.concat([short, training["soil_moisture"]], "period").to_dataset()
    both = both.assign_coords(period=["short", "long"])
    spans = {"short": ("2015-04-01", "2015-07-31"), "long": SPAN}
    filled, card = fill_training(domain, forcing, both, "all", spans, QUICK)
    values = filled["soil_moisture"].sel(period="short")
    assert not values.where(~early).notnull().any()
    assert values.where(early).notnull().any()
    # what is observed later changes nothing earlier
    later = both.copy(deep=True)
    later["soil_moisture"][1] = later["soil_moisture"][1] * 0.5
    again, _ = fill_training(domain, forcing, later, "all", spans, QUICK)
    assert again["soil_moisture"].sel(period="short").equals(values)
    assert list(card["periods"]) == ["short", "long"]


def test_what_is_known_beside_a_day():
    nan = torch.nan
    known = before(torch.tensor([[nan, 2.0, nan, nan, -1.0], [nan] * 5]))
    value, age, flag = known[0].unbind(-1)
    assert value.tolist() == [0, 0, 2, 2, 2]
    assert torch.allclose(age * 30, torch.tensor([30.0, 30.0, 0.0, 1.0, 2.0]))
    assert flag.tolist() == [0, 0, 1, 1, 1]
    assert known[1].tolist() == [[0, 1, 0]] * 5


def test_an_untaught_network_answers_between_0_and_1_whatever_was_observed():
    torch.manual_seed(1)
    filler = GapFiller(3, 2, 4, mean=0.2, std=0.1)
    seen = torch.tensor([[0.0, torch.nan, 1.0, torch.nan], [torch.nan] * 4])
    answer = filler(100 * torch.randn(2, 4, 3), torch.randn(2, 2), seen)
    assert answer.shape == (2, 4)
    assert ((answer > 0) & (answer < 1)).all()


def test_killed_job_goes_on_to_the_same_numbers(files, quick, tmp_path, monkeypatch):
    options = {"checkpoint": tmp_path / "fill.pt", "identity": {"inputs": ["abc"]}}

    def die(self, row):
        raise KeyboardInterrupt

    # an epoch ends by showing it, after the checkpoint is written
    monkeypatch.setattr(Training, "_show", die)
    with pytest.raises(KeyboardInterrupt):
        period(files, **options)
    monkeypatch.undo()
    resumed = period(files, **options)
    assert same_weights(quick, resumed)
    assert resumed.card["loss"] == quick.card["loss"]


def test_each_sampling_learns_from_its_own_training_cells(files):
    sparse = everything(files, sampling="d4")
    # cells 10 to 19 train in the sampling "all" alone
    other = everything(changed(files, slice(10, 20)), sampling="d4")
    fillings = [done[0]["soil_moisture"].values[0, :10] for done in (sparse, other)]
    assert np.array_equal(*fillings, equal_nan=True)
    assert sparse[1]["sampling"] == "d4"
    assert sparse[1]["periods"]["one_year"]["cells"]["training cells"] == 10
    changing = everything(changed(files, slice(0, 5)), sampling="d4")[0]["soil_moisture"]
    assert not np.array_equal(changing.values[0, 5:10], fillings[0][5:], equal_nan=True)
    with pytest.raises(ValueError, match="no sampling 's8'; it has"):
        everything(files, sampling="s8")
    domain = files[0].copy(deep=True)
    domain["role"][1] = ROLES["validate"]
    with pytest.raises(ValueError, match="'d4' has no training cell"):
        everything((domain, *files[1:]), sampling="d4")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hiden": 8}, "unknown key 'hiden'"),
        ({"held_out": 0.0}, "held_out = 0.0; it must lie above 0 and below 1"),
        ({"held_out": 1.0}, "held_out = 1.0"),
        ({"epochs": 0}, "epochs = 0"),
        ({"window": 1}, "window = 1"),
        ({"learning_rate": 0.0}, "learning_rate = 0.0"),
    ],
)
def test_wrong_settings(values, message):
    good = {"hidden": 8, "epochs": 2, "batch": 10, "window": 50, "held_out": 0.1, "seed": 1}
    assert FillSettings.from_dict(good) == QUICK
    with pytest.raises(ValueError, match=message):
        FillSettings.from_dict(good | values)


def test_errors(files):
    with pytest.raises(
        ValueError, match="hidden, epochs, batch, window, held_out, seed is missing"
    ):
        FillSettings.from_dict({})
    with pytest.raises(ValueError, match="window = 201 days is longer than the 200 days"):
        period(files, replace(QUICK, window=201))
    with pytest.raises(ValueError, match="held_out = 0.001 withholds no observation"):
        period(files, replace(QUICK, held_out=0.001))
    with pytest.raises(ValueError, match="soil_moisture, which is not among the targets"):
        everything((*files[:2], files[2].drop_vars("soil_moisture")))
    with pytest.raises(ValueError, match="outside the training period"):
        fill_training(*files[:3], "all", {"one_year": ("2015-04-01", "2015-09-30")}, QUICK)


def test_a_network_that_fails_is_an_error(files, quick):
    names = {"period": "one_year", "span": SPAN, "targets": ("soil_moisture",), "needed": ()}
    study = build_study(*files[:3], files[0]["role"].values[0], **names)
    broken = copy.deepcopy(quick.filler)
    broken.network.output.bias.data.fill_(torch.nan)
    with pytest.raises(FloatingPointError, match="6000 filled values are not numbers"):
        apply(broken, study, study.observations[:, study.training, 0])
