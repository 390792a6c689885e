"""A surrogate learns a leaky bucket under a small twin's weather, and behaves as a model does."""

import importlib.util
import json
import logging
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from parlearn.models.base import ProcessModel
from parlearn.models.surrogate import model as module
from parlearn.models.surrogate.features import build_features
from parlearn.models.surrogate.fit import (
    Surrogate,
    SurrogateSettings,
    first_days,
    fit_surrogate,
    gather_samples,
    judge_surrogate,
    median_skill,
    spans_outside,
)
from parlearn.networks.training import Training
from parlearn.sources.twin import TwinConfig, build_inputs

_spec = importlib.util.spec_from_file_location(
    "leaky_bucket", Path(__file__).with_name("leaky_bucket.py")
)
leaky_bucket = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(leaky_bucket)
OUTPUTS, LeakyBucket, batch_of = (
    getattr(leaky_bucket, name) for name in ("OUTPUTS", "LeakyBucket", "batch_of")
)
SETTINGS = SurrogateSettings(
    hidden=16, iterations=600, batch=48, window=40, warmup=50, learning_rate=0.03
)
TRAIN, TEST = slice(365, 731), slice(731, 1096)


@pytest.fixture(scope="module")
def inputs():
    return build_inputs(TwinConfig(rows=4, cols=8, years=2), {"s4": 4}, "2016-03-31", 0)


@pytest.fixture(scope="module")
def bucket(inputs):
    return LeakyBucket(*inputs)


@pytest.fixture(scope="module")
def samples(bucket):
    batches = [batch_of(bucket, 10, seed) for seed in (1, 2)]
    return gather_samples(batches, bucket.space, OUTPUTS).split(4)


def fit(inputs, bucket, samples, settings=SETTINGS, **options):
    options = {"spans": [TRAIN], "seed": 0} | options
    return fit_surrogate(*inputs, samples, bucket.space, settings, **options)


@pytest.fixture(scope="module")
def surrogate(inputs, bucket, samples):
    return fit(inputs, bucket, samples[0])


def parameters_of(surrogate, *lead):
    unit = torch.rand(*lead, len(surrogate.space), generator=torch.Generator().manual_seed(5))
    return surrogate.space.to_physical(unit)


def test_learns_the_bucket(surrogate, samples):
    """On unseen parameter sets in a period whose weather it has not seen."""
    skill = judge_surrogate(surrogate, samples[1], TEST)
    assert skill["corr"].dims == ("output", "cell")
    medians = median_skill(skill)
    assert medians["soil_moisture"]["corr"] > 0.9
    assert medians["evapotranspiration"]["corr"] > 0.9
    assert abs(medians["soil_moisture"]["bias"]) < 0.03


def test_scores_are_those_of_the_differences(surrogate, samples):
    answer = surrogate.simulate(
        surrogate.space.to_physical(samples[1].parameters), samples[1].cells, TEST
    )
    difference = (answer - samples[1].outputs[:, :, TEST])[..., 0]
    expected = difference.square().mean(-1).sqrt()[:, 3].median()
    score = judge_surrogate(surrogate, samples[1], TEST)["rmse"].sel(output="soil_moisture", cell=3)
    assert float(score) == pytest.approx(float(expected), rel=1e-4)


def test_is_a_process_model(surrogate, bucket):
    assert isinstance(surrogate, ProcessModel)
    assert surrogate.outputs == OUTPUTS
    assert surrogate.space.parameters == bucket.space.parameters
    assert (surrogate.n_cells, surrogate.n_days) == (32, 1096)
    assert surrogate.warmup == SETTINGS.warmup
    parameters = parameters_of(surrogate, 3, 2, 32)
    runs = surrogate.simulate(parameters)
    assert runs.shape == (3, 2, 32, 1096, 2)
    assert runs.dtype == torch.float32
    alone = surrogate.simulate(parameters[1, 0, [4, 9]], torch.tensor([4, 9]))
    torch.testing.assert_close(alone, runs[1, 0, [4, 9]], rtol=1e-4, atol=1e-5)


def test_a_window_is_run_after_its_warmup(surrogate):
    parameters = parameters_of(surrogate, 32)
    days = slice(500, 540)
    long = surrogate.simulate(parameters, days=slice(500 - SETTINGS.warmup, 540))
    window = surrogate.simulate(parameters, days=days)
    assert window.shape == (32, 40, 2)
    # the longer run has twice the warm-up before these days: a little different, no more
    torch.testing.assert_close(window, long[:, SETTINGS.warmup :], rtol=0.2, atol=0.2)
    first = surrogate.simulate(parameters, days=slice(0, 60))
    whole = surrogate.simulate(parameters)
    torch.testing.assert_close(first, whole[:, :60], rtol=1e-4, atol=1e-5)


def test_pieces_give_the_same(surrogate, monkeypatch):
    parameters = parameters_of(surrogate, 3, 32)
    whole = surrogate.simulate(parameters, days=slice(100, 200))
    monkeypatch.setitem(module.CHUNK, "cpu", 64 * 150 * 7)
    pieces = surrogate.simulate(parameters, days=slice(100, 200))
    torch.testing.assert_close(pieces, whole, rtol=1e-4, atol=1e-5)


def test_gradients_reach_the_parameters(surrogate):
    parameters = parameters_of(surrogate, 32).requires_grad_()
    days = slice(400, 430)
    surrogate.simulate(parameters, days=days)[..., 0].mean().backward()
    assert torch.isfinite(parameters.grad).all()
    assert all(p.grad is None for p in surrogate.network.parameters())
    step = torch.zeros_like(parameters)
    step[7, 1] = 0.02
    with torch.no_grad():
        ahead, behind = (
            surrogate.simulate(parameters + sign * step, days=days)[..., 0].double().mean()
            for sign in (1, -1)
        )
    slope = (ahead - behind) / 0.04
    assert parameters.grad[7, 1].item() == pytest.approx(slope.item(), rel=0.05)


def test_days_outside_the_test_period():
    dates = np.datetime64("2015-01-01", "ns") + np.arange(10) * np.timedelta64(1, "D")
    assert spans_outside(dates, ("2015-01-08", "2015-01-10")) == [slice(0, 7)]
    assert spans_outside(dates, ("2015-01-04", "2015-01-06")) == [slice(0, 3), slice(6, 10)]
    assert spans_outside(dates, ("2015-01-01", "2015-01-02")) == [slice(2, 10)]


def test_no_sequence_crosses_the_test_period():
    """Days 3 and 4 between two spans: what begins on day 2 would be warmed up in them."""
    assert first_days([slice(0, 3), slice(5, 9)], 3).tolist() == [0, 3, 4]


def test_learns_on_both_sides_of_a_test_period(inputs, bucket, samples):
    """Runs are not a number in the test period, which lies before the years of training."""
    test = slice(100, 400)
    blank = samples[0].outputs.clone()
    blank[:, :, test] = torch.nan
    spans = [slice(0, test.start), slice(test.stop, bucket.n_days)]
    found = fit(inputs, bucket, replace(samples[0], outputs=blank), spans=spans)
    assert found.card["days"] == [["2014-04-01", "2014-07-09"], ["2015-05-06", "2017-03-31"]]
    skill = judge_surrogate(found, samples[1], test)
    assert float(skill["corr"].sel(output="soil_moisture").median()) > 0.9
    late = fit(inputs, bucket, samples[0], spans=[slice(0, 89), spans[1]])
    assert late.card["days"] == [["2015-05-06", "2017-03-31"]], "89 days are too short for one"


def test_saved_and_loaded(surrogate, inputs, tmp_path):
    surrogate.save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "card.json",
        "scaler.json",
        "weights.safetensors",
    ]
    loaded = Surrogate.load(tmp_path, *inputs)
    parameters = parameters_of(surrogate, 32)
    assert torch.equal(loaded.simulate(parameters), surrogate.simulate(parameters))
    assert loaded.card == surrogate.card
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["days"] == [["2015-04-01", "2016-03-31"]]
    assert (card["parameter_sets"], card["cells"]) == (16, 32)
    domain, forcing = inputs
    with pytest.raises(ValueError, match="missing.*attribute sand"):
        Surrogate.load(tmp_path, domain.isel(attribute=slice(1, None)), forcing)


class Killed(Exception):
    pass


def test_resumes_after_a_kill(inputs, bucket, samples, tmp_path, monkeypatch, caplog):
    settings = replace(SETTINGS, hidden=8, iterations=30, dropout=0.2)
    monkeypatch.setattr("parlearn.models.surrogate.fit.EPOCH", 10)
    whole = fit(inputs, bucket, samples[0], settings)
    record = Training.record

    def record_and_die(self, *args, **kwargs):
        record(self, *args, **kwargs)
        if self.epoch == 2:
            raise Killed

    path = tmp_path / "checkpoint"
    monkeypatch.setattr(Training, "record", record_and_die)
    with pytest.raises(Killed):
        fit(inputs, bucket, samples[0], settings, checkpoint=path)
    monkeypatch.setattr(Training, "record", record)
    with caplog.at_level(logging.INFO):
        second = fit(inputs, bucket, samples[0], settings, checkpoint=path)
    assert "resumed after epoch 2" in caplog.text
    for ours, theirs in zip(second.network.parameters(), whole.network.parameters()):
        assert torch.equal(ours, theirs)
    assert second.card["loss"] == whole.card["loss"]
    assert os.listdir(tmp_path) == []


def test_a_round_goes_on_from_the_one_before(surrogate, inputs, bucket, samples):
    settings = replace(SETTINGS, iterations=20, learning_rate=1e-6)
    second = fit(inputs, bucket, samples[0], settings, start=surrogate)
    assert second.scalers == surrogate.scalers
    parameters = parameters_of(surrogate, 32)
    torch.testing.assert_close(
        second.simulate(parameters), surrogate.simulate(parameters), rtol=0.01, atol=0.01
    )
    with pytest.raises(ValueError, match="cannot go on from a network of hidden 16"):
        fit(inputs, bucket, samples[0], replace(settings, hidden=8), start=surrogate)


def test_batches_of_some_cells(bucket, inputs):
    batch = batch_of(bucket, 6, 3).isel(cell=[2, 11, 30])
    samples = gather_samples([batch], bucket.space, OUTPUTS)
    assert samples.cells.tolist() == [2, 11, 30]
    settings = replace(SETTINGS, hidden=4, iterations=2)
    surrogate = fit(inputs, bucket, samples, settings)
    assert surrogate.n_cells == 32
    assert judge_surrogate(surrogate, samples, TEST)["cell"].values.tolist() == [2, 11, 30]


def test_sets_held_out_stay_held_out(bucket, samples):
    seen, unseen = samples
    assert seen.parameters.shape == (16, 32, 2)
    assert unseen.outputs.shape == (4, 32, 1096, 2)
    every = torch.cat([seen.parameters, unseen.parameters])
    assert len({tuple(p.flatten().tolist()) for p in every}) == 20
    batches = [batch_of(bucket, 10, seed) for seed in (1, 2, 3, 4)]
    later = gather_samples(batches, bucket.space, OUTPUTS).split(4, rounds=2)
    assert torch.equal(later[0].parameters[:16], seen.parameters)
    assert torch.equal(later[1].outputs[:4], unseen.outputs)
    with pytest.raises(ValueError, match="cannot hold out 16 parameter sets of each of 1 rounds"):
        seen.split(16)
    with pytest.raises(ValueError, match="of each of 3 rounds from 16 in all"):
        seen.split(1, rounds=3)


def test_unsuitable_samples(bucket):
    batch = batch_of(bucket, 2, 4)
    broken = batch.copy(deep=True)
    broken["evapotranspiration"][1, 5, 9] = np.nan
    with pytest.raises(ValueError, match="no batch of samples"):
        gather_samples([], bucket.space, OUTPUTS)
    with pytest.raises(ValueError, match="samples vary"):
        gather_samples([batch.assign_coords(parameter=["a", "b"])], bucket.space, OUTPUTS)
    with pytest.raises(ValueError, match="not of the same cells"):
        gather_samples([batch, batch.isel(cell=slice(3))], bucket.space, OUTPUTS)
    with pytest.raises(ValueError, match="not numbers"):
        gather_samples([broken], bucket.space, OUTPUTS)
    outside = batch.assign(parameters=batch["parameters"] * 0 + 1)
    with pytest.raises(ValueError, match="power = 1 is outside its bounds"):
        gather_samples([outside], bucket.space, OUTPUTS)


def test_unsuitable_requests(surrogate, inputs, bucket, samples):
    parameters = parameters_of(surrogate, 32)
    with pytest.raises(ValueError, match="outside its bounds"):
        surrogate.simulate(parameters * 100)
    with pytest.raises(ValueError, match="parameters of 32 cells, 2 asked for"):
        surrogate.simulate(parameters, torch.tensor([0, 1]))
    for days in (slice(50, 50), slice(0, 100, 2), slice(2000, 2010)):
        with pytest.raises(ValueError, match="not a span"):
            surrogate.simulate(parameters, days=days)
    with pytest.raises(ValueError, match="do not fit into the 60 days"):
        fit(inputs, bucket, samples[0], spans=[slice(0, 60), slice(1060, 1096)])
    with pytest.raises(ValueError, match="batch must be at least 1"):
        replace(SETTINGS, batch=0)
    with pytest.raises(ValueError, match="learning_rate must be above 0"):
        replace(SETTINGS, learning_rate=0)


def test_features(inputs):
    domain, forcing = inputs
    features = build_features(domain, forcing)
    series = dict(zip(features.series_names, features.series.unbind(-1)))
    static = dict(zip(features.static_names, features.static.unbind(-1)))
    water = series["rain"].expm1() + series["snowfall"].expm1()
    torch.testing.assert_close(
        water, torch.from_numpy(forcing["prec"].values).float(), rtol=1e-4, atol=1e-4
    )
    cold = forcing["tair"].values < -0.5
    assert series["rain"][torch.from_numpy(cold)].abs().max() == 0
    assert (series["vapour deficit"] >= 0).all()
    july = np.flatnonzero(forcing["time"].dt.month == 7)[0]
    expected = (domain["Cv"] * domain["LAI"].isel(month=6)).sum("veg_class")
    np.testing.assert_allclose(series["leaf area"][:, july], expected.transpose("cell"), rtol=1e-5)
    assert ((static["bare cover"] >= 0) & (static["bare cover"] <= 1)).all()
    assert ((static["surface roots"] >= 0) & (static["surface roots"] <= 1)).all()
    broken = forcing.copy(deep=True)
    broken["wind"][3, 7] = np.nan
    with pytest.raises(ValueError, match="surrogate input wind is not a number in 1 place"):
        build_features(domain, broken)
