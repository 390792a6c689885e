"""Scores of streamflow: hand-computed, against loops in NumPy and against spotpy, with gaps."""

import numpy as np
import pytest
import spotpy.objectivefunctions as reference
import torch

from parlearn.metrics.flow import LEAST
from parlearn.metrics.point import METRICS
from parlearn.plan.targets import TARGETS
from parlearn.plots import style

NAN = float("nan")
FLOW = TARGETS["streamflow"].scores


def one(name, simulation, observation):
    return float(METRICS[name](np.asarray(simulation, float), np.asarray(observation, float)))


def test_hand_computed():
    observation = np.arange(1.0, 101)  # flows 1 to 100 in the order of days
    simulation = observation[::-1] * 2  # the same flows doubled, on other days
    assert one("alpha", simulation, observation) == pytest.approx(2)
    assert one("beta", simulation, observation) == pytest.approx(2)
    # correlation -1, both ratios 2
    assert one("kge_2009", simulation, observation) == pytest.approx(1 - np.sqrt(4 + 1 + 1))
    # duration curves know no days: twice the two highest flows
    assert one("fhv", simulation, observation) == pytest.approx(100)
    # logarithms of doubled flows are shifted, so slope and depth below the least stay
    assert one("fms", simulation, observation) == pytest.approx(0, abs=1e-9)
    assert one("flv", simulation, observation) == pytest.approx(0, abs=1e-9)
    # squared flows have twice the slope and lie twice as deep
    assert one("fms", observation**2, observation) == pytest.approx(100)
    assert one("flv", observation**2, observation) == pytest.approx(-100)
    assert one("nse_sqrt", [1, 4, 16], [1, 4, 9]) == pytest.approx(1 - 1 / 2)


def by_loops(name, simulation, observation):
    """The same of one series without gaps, in words of NumPy alone."""
    s, o = (np.sort(x)[::-1] for x in (simulation, observation))
    n = len(o)
    if name == "fhv":
        k = int(np.round(0.02 * n))
        return 100 * (s[:k].sum() - o[:k].sum()) / o[:k].sum()
    s, o = (np.log(np.maximum(x, 1e-6)) for x in (s, o))
    if name == "fms":
        a, b = int(np.round(0.2 * n)), int(np.round(0.7 * n))
        return 100 * ((s[a] - s[b]) - (o[a] - o[b])) / (o[a] - o[b])
    k = int(np.round(0.3 * n))
    s, o = (np.sum(x[-k:] - x[-k:].min()) for x in (s, o))
    return -100 * (s - o) / o


def test_against_loops_and_spotpy():
    rng = np.random.default_rng(4)
    observation = rng.gamma(0.4, 3, (8, 700))
    simulation = observation ** rng.uniform(0.7, 1.3, (8, 1)) * rng.lognormal(0, 0.3, (8, 700))
    observation[2, observation[2] < np.quantile(observation[2], 0.15)] = 0  # now and then dry
    simulation[3, simulation[3] < 0.1] = 0
    observation[rng.random((8, 700)) < 0.3] = NAN
    got = {name: METRICS[name](simulation, observation) for name in FLOW}
    for basin in range(8):
        seen = np.isfinite(observation[basin])
        s, o = simulation[basin, seen], observation[basin, seen]
        expected = {name: by_loops(name, s, o) for name in ("fhv", "fms", "flv")}
        expected["kge_2009"], r, expected["alpha"], expected["beta"] = reference.kge(
            o, s, return_all=True
        )
        expected["nse_sqrt"] = reference.nashsutcliffe(np.sqrt(o), np.sqrt(s))
        for name, value in expected.items():
            assert got[name][basin] == pytest.approx(value, rel=1e-9), (name, basin)
        assert got["corr"][basin] == pytest.approx(r)
        # 2012: the ratio of coefficients of variation takes the place of alpha
        gamma = expected["alpha"] / expected["beta"]
        parts = np.array([r - 1, expected["beta"] - 1, gamma - 1])
        assert got["kge"][basin] == pytest.approx(1 - np.linalg.norm(parts))


def test_a_perfect_simulation():
    observation = np.random.default_rng(1).gamma(1, 2, 400)
    perfect = {"nse": 1, "kge": 1, "kge_2009": 1, "alpha": 1, "beta": 1, "nse_sqrt": 1, "corr": 1}
    for name in FLOW:
        value = one(name, observation, observation)
        assert value == pytest.approx(perfect.get(name, 0), abs=1e-12), name


def test_gaps_are_left_out_and_a_missing_simulation_is_not():
    rng = np.random.default_rng(2)
    observation, simulation = rng.gamma(1, 2, (2, 200))
    holed = observation.copy()
    holed[::3] = NAN
    broken = simulation.copy()
    broken[::3] = NAN
    kept = np.isfinite(holed)
    for name in FLOW:
        assert one(name, broken, holed) == pytest.approx(one(name, simulation[kept], holed[kept]))
        assert np.isnan(one(name, broken, observation)), name
        assert np.isnan(one(name, simulation[:1], observation[:1])), name
        assert np.isnan(one(name, simulation, np.full(200, NAN))), name


def test_where_nothing_is_defined():
    dry, some = np.zeros(100), np.random.default_rng(3).gamma(1, 2, 100)
    for name in ("alpha", "beta", "kge_2009", "fhv", "fms", "flv", "nse_sqrt"):
        assert np.isnan(one(name, some, dry)), name
    # a simulated dry river can be scored: it has no volume at all
    assert one("fhv", dry, some) == -100
    assert one("beta", dry, some) == 0
    # too few days to have a highest 2 %
    assert np.isnan(one("fhv", some[:20], some[:20]))


def test_negative_flows_of_a_surrogate_count_as_none():
    observation = np.random.default_rng(5).gamma(1, 2, 300)
    below, none = (
        np.where(observation < 1, -0.5, observation),
        np.where(observation < 1, 0.0, observation),
    )
    for name in ("nse_sqrt", "fms", "flv"):
        assert one(name, below, observation) == one(name, none, observation)
    assert one("flv", none, observation) == pytest.approx(
        one("flv", np.maximum(none, LEAST), observation)
    )


def test_leading_dimensions():
    simulation, observation = torch.rand(3, 1, 4, 200), torch.rand(3, 1, 4, 200)
    observation[..., ::7] = NAN
    for name in FLOW:
        together = METRICS[name](simulation, observation)
        assert together.shape == (3, 1, 4)
        alone = METRICS[name](simulation[1, 0, 2], observation[1, 0, 2])
        assert together[1, 0, 2] == pytest.approx(float(alone))


def test_every_score_of_every_target_has_a_name_and_a_unit():
    for target in TARGETS.values():
        for name in target.scores:
            assert name in METRICS
            assert style.score_label(name, target.name)
    assert style.score_unit("flv", "streamflow") == "%"
