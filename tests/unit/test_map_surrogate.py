"""The surrogate of maps: its network, and a leaky bucket that it learns under a twin's weather."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from parlearn.models.surrogate.fit import gather_samples, judge_surrogate, median_skill
from parlearn.models.surrogate.fit_maps import (
    SurrogateSettings,
    first_days,
    fit_surrogate,
)
from parlearn.models.surrogate.maps import Surrogate, _mean_of_last, map_features, next_day
from parlearn.networks.dense import DenseBlock, DenseEncoderDecoder
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

torch.set_num_threads(1)

SETTINGS = SurrogateSettings(
    first=8, growth=4, blocks=(1, 1, 1), iterations=250, batch=6, rollout=5, warmup=30
)
TRAIN, TEST = slice(365, 731), slice(800, 920)


@pytest.fixture(scope="module")
def inputs():
    return build_inputs(TwinConfig(rows=4, cols=8, years=2), {"s4": 4}, "2016-03-31", 0)


@pytest.fixture(scope="module")
def bucket(inputs):
    return LeakyBucket(*inputs)


@pytest.fixture(scope="module")
def samples(bucket):
    batches = [batch_of(bucket, 8, seed) for seed in (1, 2)]
    return gather_samples(batches, bucket.space, OUTPUTS).split(3)


def fit(inputs, bucket, samples, settings=SETTINGS, **options):
    options = {"spans": [TRAIN], "seed": 0} | options
    return fit_surrogate(*inputs, samples, bucket.space, settings, **options)


@pytest.fixture(scope="module")
def surrogate(inputs, bucket, samples):
    return fit(inputs, bucket, samples[0])


def parameters_of(surrogate, *lead):
    unit = torch.rand(
        *lead, surrogate.n_cells, len(surrogate.space), generator=torch.Generator().manual_seed(5)
    )
    return surrogate.space.to_physical(unit)


# -- the network


@pytest.mark.parametrize("shape", [(25, 17), (24, 17), (18, 38), (5, 9), (4, 8)])
def test_maps_come_back_in_their_size(shape):
    network = DenseEncoderDecoder(6, 2, first=8, growth=4, blocks=(1, 2, 1))
    assert network(torch.randn(2, 6, *shape)).shape == (2, 2, *shape)


def test_sizes_that_are_four_times_a_number_and_one_need_no_padding():
    """25 - 13 - 7 - 13 - 25 and 17 - 9 - 5 - 9 - 17, as strided and transposed steps give them."""
    network, sizes = DenseEncoderDecoder(3, 1, first=4, growth=2, blocks=(1, 1, 1)), []
    for part in network.body:
        part.register_forward_hook(lambda _, __, out: sizes.append(tuple(out.shape[-2:])))
    network(torch.randn(1, 3, 25, 17))
    assert list(dict.fromkeys(sizes)) == [(13, 9), (7, 5), (25, 17)]


def test_a_dense_block_passes_on_all_that_it_was_given():
    block, maps = DenseBlock(3, growth=2, layers=4), torch.randn(2, 3, 5, 5)
    answer = block(maps)
    assert block.n_out == answer.shape[1] == 3 + 4 * 2
    assert torch.equal(answer[:, :3], maps)


def test_the_published_sizes_have_the_weights_that_their_layers_say():
    # features: 48, + 5 x 40 = 248, halved 124, + 10 x 40 = 524, 262, + 5 x 40 = 462, 231
    dense = sum((48 + 40 * k) * 40 * 9 + 2 * (48 + 40 * k) for k in range(5))
    dense += sum((124 + 40 * k) * 40 * 9 + 2 * (124 + 40 * k) for k in range(10))
    dense += sum((262 + 40 * k) * 40 * 9 + 2 * (262 + 40 * k) for k in range(5))
    steps = sum(n * m + 2 * n + m * m * 9 + 2 * m for n, m in ((248, 124), (524, 262), (462, 231)))
    joined = (231 + 7) * 96 + 96 + 96 + 1
    network = DenseEncoderDecoder(7, 1)
    assert sum(w.numel() for w in network.parameters()) == 7 * 48 * 49 + dense + steps + joined


def test_sizes_of_nothing_are_refused():
    with pytest.raises(ValueError, match="three blocks of at least 1"):
        DenseEncoderDecoder(3, 1, blocks=(1, 0, 1))


# -- inputs


def test_the_past_is_the_mean_of_the_days_that_there_are():
    values = torch.arange(6.0)[None]
    assert _mean_of_last(values, 3).tolist() == [[0.0, 0.5, 1.0, 2.0, 3.0, 4.0]]
    assert _mean_of_last(values, 9).tolist() == [[0.0, 0.5, 1.0, 1.5, 2.0, 2.5]]


def test_no_rollout_knows_of_a_day_outside_of_its_span(inputs):
    days = first_days([slice(0, 100), slice(200, 300)], 4)
    assert days.tolist() == [*range(90, 97), *range(290, 297)]
    domain, forcing = inputs
    changed = forcing.copy(deep=True)
    changed["prec"][:, 150:200] += 5.0
    one, two = (map_features(domain, f).series for f in (forcing, changed))
    assert torch.equal(one[:, days], two[:, days])
    assert not torch.equal(one[:, 200:289], two[:, 200:289])


def test_a_span_without_room_is_refused():
    with pytest.raises(ValueError, match="rollout 5 days and the 90 before it do not fit into"):
        first_days([slice(0, 94)], 5)


# -- training and use


def test_learns_the_bucket(surrogate, samples):
    """On unseen fields in a period whose weather it has not seen, run from its own answers."""
    medians = median_skill(judge_surrogate(surrogate, samples[1], TEST))
    assert medians["soil_moisture"]["corr"] > 0.6
    assert medians["evapotranspiration"]["corr"] > 0.85


def test_each_day_follows_from_the_answer_for_the_day_before(surrogate):
    physical = parameters_of(surrogate)
    long = surrogate.simulate(physical, days=slice(300, 320))
    again = surrogate.simulate(physical, days=slice(310, 320))
    # another warm-up, so nearly alike; without one the start is forgotten the same way
    assert torch.allclose(long[:, 10:], again, atol=0.05 * float(long.std()))
    start = 300 - surrogate.warmup
    unit = surrogate.space.to_unit(physical)[None]
    scaled = surrogate._run(unit, start, start, 302)[0]
    natural = surrogate.mean + surrogate.std * scaled[:, -2:]
    expected = surrogate.low[:, None] + surrogate.width[:, None] * natural
    assert torch.allclose(long[:, :2], expected, atol=1e-6)


def test_holes_stay_empty(surrogate):
    fixed = torch.randn(1, surrogate.network.body[0].in_channels, *surrogate.grid.shape)
    fixed = fixed[:, : -len(OUTPUTS) - surrogate.series.shape[1]]
    fixed[:, 0] = 1.0
    fixed[:, 0, 1, 2] = 0.0
    state = next_day(
        surrogate.network, surrogate.series[5], fixed, torch.zeros(1, 2, *surrogate.grid.shape)
    )
    assert (state[0, :, 1, 2] == 0).all()
    assert (state[0, :, 0, 0] != 0).all()


def test_runs_side_by_side_are_those_alone_and_cells_may_come_in_any_order(surrogate):
    physical, days = parameters_of(surrogate, 3), slice(400, 410)
    together = surrogate.simulate(physical, days=days)
    assert together.shape == (3, surrogate.n_cells, 10, 2)
    for one, alone in zip(physical, together, strict=True):
        assert torch.allclose(surrogate.simulate(one, days=days), alone, atol=1e-5)
    order = torch.randperm(surrogate.n_cells, generator=torch.Generator().manual_seed(1))
    mixed = surrogate.simulate(physical[0][order], order, days)
    assert torch.allclose(mixed, together[0][order], atol=1e-5)


def test_gradients_are_those_of_differences(surrogate):
    physical, days = parameters_of(surrogate).double(), slice(500, 505)
    unit = surrogate.space.to_unit(physical.float())
    unit.requires_grad_(True)

    def total(u):
        return surrogate.simulate(surrogate.space.to_physical(u), days=days)[..., 1].mean()

    (gradient,) = torch.autograd.grad(total(unit), unit)
    direction = gradient / gradient.norm()
    step = 2e-2
    with torch.no_grad():
        inside = unit.clamp(step, 1 - step)
        (slope,) = [
            (total(inside + step * direction) - total(inside - step * direction)) / (2 * step)
        ]
    inside = inside.requires_grad_(True)
    (gradient,) = torch.autograd.grad(total(inside), inside)
    assert float(slope) == pytest.approx(float((gradient * direction).sum()), rel=0.05)


def test_some_of_the_cells_are_refused(surrogate):
    some = torch.arange(5)
    with pytest.raises(ValueError, match="was asked for 5 of the 32 cells: let methods that work"):
        surrogate.simulate(parameters_of(surrogate)[:5], some, slice(0, 5))


def test_a_saved_one_is_the_same(surrogate, inputs, tmp_path):
    surrogate.save(tmp_path)
    loaded = Surrogate.load(tmp_path, *inputs)
    physical, days = parameters_of(surrogate), slice(350, 355)
    assert torch.equal(
        loaded.simulate(physical, days=days), surrogate.simulate(physical, days=days)
    )
    assert loaded.card == surrogate.card
    assert loaded.warmup == SETTINGS.warmup


def test_goes_on_from_an_earlier_round(surrogate, inputs, bucket, samples):
    short = replace(SETTINGS, iterations=1, learning_rate=1e-8)
    later = fit(inputs, bucket, samples[0], short, start=surrogate)
    assert later.scalers == surrogate.scalers
    for one, two in zip(later.network.parameters(), surrogate.network.parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-4)
    with pytest.raises(ValueError, match="cannot go on from a network of"):
        fit(inputs, bucket, samples[0], replace(short, growth=5), start=surrogate)


def test_the_same_seed_gives_the_same_and_a_killed_training_goes_on(
    inputs, bucket, samples, tmp_path, monkeypatch
):
    short = replace(SETTINGS, iterations=6)
    monkeypatch.setattr("parlearn.models.surrogate.fit_maps.EPOCH", 2)
    undisturbed = fit(inputs, bucket, samples[0], short)
    record, ended = Training.record, []

    def killed(self, *args, **kwargs):
        record(self, *args, **kwargs)
        ended.append(self.epoch)
        if self.epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Training, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            fit(inputs, bucket, samples[0], short, checkpoint=tmp_path / "checkpoint")
    resumed = fit(inputs, bucket, samples[0], short, checkpoint=tmp_path / "checkpoint")
    assert ended == [1, 2]
    assert not (tmp_path / "checkpoint").exists()
    for one, two in zip(
        undisturbed.network.state_dict().values(),
        resumed.network.state_dict().values(),
        strict=True,
    ):
        assert torch.equal(one, two)


def test_samples_of_some_cells_and_wrong_settings_are_refused(inputs, bucket, samples):
    some = replace(
        samples[0],
        parameters=samples[0].parameters[:, :9],
        outputs=samples[0].outputs[:, :9],
        cells=samples[0].cells[:9],
    )
    with pytest.raises(ValueError, match="runs of all 32 cells, and these are of 9: set simulate"):
        fit(inputs, bucket, some)
    for name, value in (("batch", 1), ("rollout", 0), ("weight_decay", -1.0)):
        with pytest.raises(ValueError, match=f"{name}"):
            replace(SETTINGS, **{name: value})
    domain, forcing = inputs
    with pytest.raises(ValueError, match="lie on no grid"):
        fit((domain.drop_vars("row"), forcing), bucket, samples[0])
    assert np.isfinite(samples[0].outputs.numpy()).all()
