"""Scores at one point: hand-computed, against spotpy and SciPy, and at their edges."""

import numpy as np
import pytest
import scipy.stats
import spotpy.objectivefunctions as reference
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parlearn.metrics.point import METRICS, bias, corr, kge, nse, rmse, ubrmse

NAN = float("nan")


def test_hand_computed():
    simulation = np.array([[1.0, 2.0, 3.0, 6.0]])
    observation = np.array([[2.0, 2.0, 4.0, 4.0]])
    # errors -1, 0, -1, 2; means 3, 3; departures -2 -1 0 3 and -1 -1 1 1
    assert bias(simulation, observation) == pytest.approx([0.0])
    assert rmse(simulation, observation) == pytest.approx([np.sqrt(6 / 4)])
    assert ubrmse(simulation, observation) == pytest.approx([np.sqrt(6 / 4)])
    r = 6 / np.sqrt(14 * 4)
    assert corr(simulation, observation) == pytest.approx([r])
    assert nse(simulation, observation) == pytest.approx([1 - 6 / 4])
    gamma = np.sqrt(14 / 4) / np.sqrt(4 / 4)
    assert kge(simulation, observation) == pytest.approx([1 - np.hypot(r - 1, gamma - 1)])


def test_against_independent_implementations():
    rng = np.random.default_rng(1)
    observation = rng.gamma(2.0, 0.1, (6, 50))
    simulation = 0.7 * observation + 0.1 + 0.05 * rng.standard_normal((6, 50))
    observation[rng.random((6, 50)) < 0.4] = NAN
    scores = {name: score(simulation, observation) for name, score in METRICS.items()}
    for cell in range(6):
        seen = np.isfinite(observation[cell])
        s, o = simulation[cell, seen], observation[cell, seen]
        expected = {
            "bias": -reference.bias(o, s),  # spotpy's is observed - simulated
            "rmse": reference.rmse(o, s),
            "ubrmse": np.std(s - o),
            "corr": scipy.stats.pearsonr(s, o).statistic,
            "nse": reference.nashsutcliffe(o, s),
        }
        for name, value in expected.items():
            assert scores[name][cell] == pytest.approx(value, rel=1e-9), name
        # spotpy's kge has the ratio of spreads (Gupta et al. 2009), eq. 15 that of variations
        r = scipy.stats.pearsonr(s, o).statistic
        variation = scipy.stats.variation(s) / scipy.stats.variation(o)
        parts = np.array([r - 1, s.mean() / o.mean() - 1, variation - 1])
        assert scores["kge"][cell] == pytest.approx(1 - np.linalg.norm(parts), rel=1e-9)
    assert scores["rmse"] ** 2 == pytest.approx(scores["bias"] ** 2 + scores["ubrmse"] ** 2)


def test_tensors_and_leading_dimensions():
    simulation, observation = torch.rand(2, 3, 20), torch.rand(2, 3, 20)
    observation[..., ::3] = NAN
    for name, score in METRICS.items():
        given_tensor = score(simulation, observation)
        assert (given_tensor.shape, given_tensor.dtype) == ((2, 3), torch.float64), name
        np.testing.assert_array_equal(
            given_tensor.numpy(), score(simulation.numpy(), observation.numpy())
        )
    assert rmse(simulation[0, 0], observation[0, 0]) == rmse(simulation, observation)[0, 0]


def test_gaps_are_left_out_and_missing_simulation_is_not():
    observation = np.array([0.1, NAN, 0.3, 0.2, NAN])
    simulation = np.array([0.2, 9.0, 0.2, 0.4, NAN])
    kept = np.array([0, 2, 3])
    for score in METRICS.values():
        np.testing.assert_equal(
            score(simulation, observation), score(simulation[kept], observation[kept])
        )
        simulation_gap = np.where(np.arange(5) == 2, NAN, simulation)
        assert np.isnan(score(simulation_gap, observation))


@pytest.mark.parametrize("observed", [[], [NAN, NAN], [0.3, NAN]])
def test_fewer_than_two_observations(observed):
    observation = np.array(observed)
    for score in METRICS.values():
        assert np.isnan(score(np.full(len(observed), 0.2), observation))


def test_constant_series():
    # 0.1 summed 7 times and divided by 7 is not 0.1 in binary: the variance must still be zero
    constant, varying = np.full(7, 0.1), np.linspace(0.1, 0.4, 7)
    for simulation, observation in ((constant, varying), (varying, constant)):
        assert np.isnan(corr(simulation, observation))
        assert np.isnan(kge(simulation, observation))
        assert ubrmse(simulation, observation) == pytest.approx(np.std(varying))
    assert np.isnan(nse(varying, constant))
    assert nse(constant, varying) < 0
    assert ubrmse(constant, constant) == 0
    assert np.isnan(corr(constant, constant))


def test_kge_of_a_mean_of_zero():
    assert np.isnan(kge(np.array([0.5, 1.5]), np.array([-1.0, 1.0])))


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(2, 5\) and observation \(5,\)"):
        rmse(np.zeros((2, 5)), np.zeros(5))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(-5, 5))
def test_properties(seed, slope, offset):
    rng = np.random.default_rng(seed)
    observation, noise = rng.standard_normal((2, 30))
    simulation = observation + noise
    assert corr(slope * simulation + offset, observation) == pytest.approx(
        corr(simulation, observation)
    )
    assert ubrmse(simulation + offset, observation) == pytest.approx(
        ubrmse(simulation, observation)
    )
    assert bias(simulation + offset, observation) == pytest.approx(
        bias(simulation, observation) + offset
    )
    assert nse(observation, observation) == 1
    assert nse(simulation, observation) <= 1
