"""The gamma unit hydrograph against SciPy and NumPy, water that is conserved, the wrapped model."""

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.components import Components
from parlearn.models.parameter import Parameter
from parlearn.models.routing.hydrograph import LENGTH, convolve, unit_hydrograph
from parlearn.models.routing.model import Routed
from parlearn.models.routing.parameters import BOUNDS

SPACE = ParameterSpace(BOUNDS)


def drawn(*shape, seed=1, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return SPACE.to_physical(torch.rand(*shape, 3, generator=generator, dtype=dtype))


def hydrograph_of(parameters):
    return unit_hydrograph(*parameters.unbind(-1))


class Drizzle(ProcessModel):
    """Fast and slow flow in fixed proportions of made-up rain; one parameter."""

    space = ParameterSpace((Parameter("share", "1", 0.0, 1.0),))
    outputs = ("fast", "slow", "store")
    warmup = 4

    def __init__(self, cells=4, days=60):
        generator = torch.Generator().manual_seed(7)
        self.rain = torch.rand(cells, days, generator=generator, dtype=torch.float64) * 10
        self.n_cells, self.n_days = cells, days
        self.asked = []

    def simulate(self, parameters, cells=None, days=None):
        self.asked.append(days)
        rain = self.rain if cells is None else self.rain[cells]
        rain = rain[:, days or slice(None)]
        share = parameters[..., :1]
        series = share * rain, (1 - share) * rain, share + 0 * rain
        return torch.stack(series, -1)


def test_shares_are_those_of_the_gamma_distribution():
    for shape, scale in ((0.1, 0.5), (0.1, 7.0), (1.0, 2.0), (2.9, 0.5), (3.0, 7.0)):
        edge = scipy.stats.gamma.cdf(np.arange(LENGTH + 1), shape, scale=scale)
        expected = np.diff(edge) / edge[-1]
        shares = unit_hydrograph(*torch.tensor([shape, scale], dtype=torch.float64))
        np.testing.assert_allclose(shares, expected, rtol=0, atol=1e-9)
        single = unit_hydrograph(*torch.tensor([shape, scale]))
        np.testing.assert_allclose(single, expected, rtol=0, atol=1e-6)


def test_a_lag_in_days_and_parts_of_a_day():
    shape, scale = torch.tensor([1.2, 1.2, 1.2, 1.2]), torch.tensor([1.5] * 4)
    plain = unit_hydrograph(shape, scale)[0]
    lagged = unit_hydrograph(shape, scale, torch.tensor([0.0, 1.0, 2.25, 3.0]))
    assert torch.equal(lagged[0, :LENGTH], plain)
    assert torch.equal(lagged[1, 1 : LENGTH + 1], plain)
    assert (lagged[1, 0], lagged[3, 2]) == (0, 0)
    assert torch.allclose(lagged[3, 3:], plain)
    quarter = torch.cat([plain, torch.zeros(1)]) * 0.75
    quarter[1:] += plain * 0.25
    assert torch.allclose(lagged[2, 2:], quarter[: LENGTH + 1])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.sampled_from([0.0, 1.0, None]), min_size=3, max_size=3))
def test_no_water_is_lost(seed, edge):
    unit = torch.rand(5, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    for k, value in enumerate(edge):
        if value is not None:
            unit[:, k] = value
    shares = hydrograph_of(SPACE.to_physical(unit))
    assert (shares >= 0).all()
    assert torch.allclose(shares.sum(-1), torch.ones(5, dtype=torch.float64), rtol=0, atol=1e-12)
    rain = torch.zeros(5, 60, dtype=torch.float64)
    rain[:, :40] = torch.rand(5, 40, dtype=torch.float64) * 50
    assert torch.allclose(convolve(rain, shares).sum(-1), rain.sum(-1), rtol=0, atol=1e-9)


def test_convolution_against_numpy():
    series = torch.rand(3, 4, 50, dtype=torch.float64)
    shares = hydrograph_of(drawn(3, 4))
    ours = convolve(series, shares)
    for k in range(12):
        place = divmod(k, 4)
        theirs = np.convolve(series[place], shares[place])[:50]
        np.testing.assert_allclose(ours[place], theirs, rtol=0, atol=1e-12)


def test_a_window_shorter_than_the_hydrograph():
    series, shares = torch.rand(2, 3, dtype=torch.float64), hydrograph_of(drawn(2))
    for k in range(2):
        theirs = np.convolve(series[k], shares[k])[:3]
        np.testing.assert_allclose(convolve(series, shares)[k], theirs, atol=1e-12)


def test_gradcheck():
    series = torch.rand(3, 25, dtype=torch.float64).requires_grad_()
    parameters = drawn(3, seed=2).requires_grad_()

    def routed(series, parameters):
        return convolve(series, hydrograph_of(parameters))

    assert torch.autograd.gradcheck(routed, (series, parameters))


def test_the_wrapper_is_a_process_model():
    inner = Drizzle()
    names = ("route_shape", "route_scale", "route_lag")
    model = Routed(inner, ("fast", "slow"), names, outputs=("store", "streamflow"))
    assert model.space.names == ("share", *names)
    parameters = torch.cat([torch.rand(2, 4, 1, dtype=torch.float64), drawn(2, 4)], -1)
    series = model.simulate(parameters)
    assert series.shape == (2, 4, 60, 2)
    assert torch.allclose(series[..., 0], parameters[..., :1].expand(-1, -1, 60))
    expected = convolve(inner.rain.expand(2, -1, -1), hydrograph_of(parameters[..., 1:]))
    assert torch.allclose(series[..., 1], expected)
    # a window has the water of the days before it
    cells, days = torch.tensor([3, 1]), slice(30, 40)
    window = model.simulate(parameters[:, cells], cells, days)
    assert torch.allclose(window, series[:, cells, days])
    assert inner.asked[-1] == slice(30 - LENGTH - 2, 40)
    early = model.simulate(parameters, days=slice(5, 12))
    assert torch.allclose(early, series[..., 5:12, :])


def test_parameters_that_are_not_learned_keep_their_default():
    inner, share = Drizzle(), torch.full((4, 1), 0.5, dtype=torch.float64)
    fixed = Routed(inner, ("fast",), ())
    shares = unit_hydrograph(*torch.tensor([1.5, 1.0], dtype=torch.float64))
    expected = convolve(0.5 * inner.rain, shares.expand(4, -1))
    assert torch.allclose(fixed.simulate(share)[..., 0], expected)


def test_without_a_hydrograph_drains_are_added_up():
    inner, share = Drizzle(), torch.rand(4, 1, dtype=torch.float64)
    model = Routed(inner, ("fast", "slow"), (), hydrograph=False)
    assert torch.allclose(model.simulate(share, days=slice(9, 20))[..., 0], inner.rain[:, 9:20])
    assert inner.asked[-1] == slice(9, 20)
    with pytest.raises(ValueError, match="there is no 'route_shape' to learn"):
        Routed(inner, ("fast",), hydrograph=False)


def test_routing_refuses_what_is_not_there():
    with pytest.raises(ValueError, match="no output 'runoff'; it has fast, slow, store"):
        Routed(Drizzle(), ("runoff",))
    with pytest.raises(ValueError, match="route_scale = 9 is outside"):
        Routed(Drizzle(), ("fast",)).simulate(torch.tensor([[0.5, 1.0, 9.0]] * 4))


def test_components_are_averaged():
    inner = Drizzle()
    model = Components(inner, 3)
    assert model.space.names == ("share_1", "share_2", "share_3")
    parameters = torch.rand(2, 4, 3, dtype=torch.float64).requires_grad_()
    series = model.simulate(parameters, days=slice(10, 20))
    each = [inner.simulate(parameters[..., k : k + 1], days=slice(10, 20)) for k in range(3)]
    assert torch.allclose(series, torch.stack(each).mean(0))
    series[..., 0].sum().backward()
    assert (parameters.grad > 0).all()
    # components below routing: one hydrograph for the basin
    routed = Routed(model, ("fast",))
    assert len(routed.space) == 5
    assert routed.simulate(torch.cat([parameters.detach(), drawn(2, 4)[..., :2]], -1)).shape == (
        *(2, 4, 60, 1),
    )
