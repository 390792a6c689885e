"""HBV in torch: against plain Python, its water balance, its derivatives, and what it refuses."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from parlearn.models.hbv.model import HBV, SPACE, TWELVE, default_parameters
from parlearn.models.hbv.names import OUTPUTS, STATE
from parlearn.models.hbv.parameters import DEFAULTS, PARAMETERS

FORMS = (False, True)
_spec = importlib.util.spec_from_file_location(
    "scalar_hbv", Path(__file__).with_name("scalar_hbv.py")
)
scalar_hbv = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(scalar_hbv)


def place(cells, days, seed=1, wet=0.5):
    """Domain and forcing of invented basins with a cold winter and dry spells."""
    rng = np.random.default_rng(seed)
    time = pd.date_range("2001-01-01", periods=days)
    season = -np.cos(2 * np.pi * time.day_of_year.values / 365.25)
    tair = 4 + 12 * season + 4 * rng.standard_normal((cells, days))
    prec = np.where(rng.random((cells, days)) < wet, rng.gamma(0.6, 10, (cells, days)), 0)
    dims = ("cell", "time")
    spread = rng.uniform(3, 15, (cells, days))
    forcing = xr.Dataset(
        {
            "prec": (dims, prec),
            "tair": (dims, tair),
            "tmin": (dims, tair - spread / 2),
            "tmax": (dims, tair + spread / 2),
        },
        coords={"time": time},
    )
    domain = xr.Dataset({"lat": ("cell", rng.uniform(25, 50, cells))})
    return domain, forcing


def drawn(*shape, seed=2, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    unit = torch.rand(*shape, len(SPACE), generator=generator, dtype=torch.float64)
    return SPACE.to_physical(unit).to(dtype)


def model_of(domain, forcing, **options):
    options = {"names": PARAMETERS, "outputs": tuple(OUTPUTS), "dtype": torch.float64} | options
    return HBV(domain, forcing, **options)


@pytest.mark.parametrize("fused", FORMS)
def test_against_plain_python(fused):
    domain, forcing = place(20, 900 if fused else 250)
    model, parameters = model_of(domain, forcing, fused=fused), drawn(3, 20)
    ours, state = model.run(parameters)
    for sample in range(3):
        for cell in range(20):
            named = dict(zip(PARAMETERS, parameters[sample, cell].tolist(), strict=True))
            days, stores = scalar_hbv.run(model.loop.weather[cell].tolist(), named)
            for k, name in enumerate(OUTPUTS):
                theirs = [day[name] for day in days]
                np.testing.assert_allclose(
                    ours[sample, cell, :, k], theirs, rtol=0, atol=1e-6, err_msg=name
                )
            np.testing.assert_allclose(state[sample, cell, 0], stores, rtol=0, atol=1e-6)
    # weather and parameters reach every corner of the model
    largest = ours.amax((0, 1, 2))
    rare = [list(OUTPUTS).index(name) for name in ("quickflow", "capillary_rise", "swe")]
    assert (largest[rare] > 1).all()


def balance(ours, start, end):
    """Supply less what left and what is stored (sample, cell), mm."""
    of = dict(zip(OUTPUTS, ours.unbind(-1), strict=True))
    left = (of["supply"] - of["evapotranspiration"] - of["runoff"]).sum(-1)
    return left - (end - start).sum((-1, -2))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    edge=st.lists(st.sampled_from([0.0, 0.5, 1.0, None]), min_size=16, max_size=16),
    wet=st.sampled_from([0.0, 0.1, 0.9]),
)
def test_water_is_neither_made_nor_lost(seed, edge, wet):
    """Over parameters, their bounds among them, and weather from a desert to a flood."""
    domain, forcing = place(4, 100, seed, wet)
    model = model_of(domain, forcing)
    unit = torch.rand(2, 4, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    for k, value in enumerate(edge):
        if value is not None:
            unit[..., k] = value
    parameters = SPACE.to_physical(unit)
    start = torch.rand(2, 4, 1, 5, dtype=torch.float64) * 50
    start[..., 0, 2] = torch.minimum(start[..., 0, 2], parameters[..., SPACE.index("FC")])
    ours, end = model.run(parameters, state=start)
    assert balance(ours, start, end).abs().max() < 1e-6
    assert (ours >= 0).all()
    assert (end >= 0).all()
    of = dict(zip(OUTPUTS, ours.unbind(-1), strict=True))
    assert (of["evapotranspiration"] <= of["potential_evapotranspiration"] + 1e-12).all()
    assert (of["soil_water"] <= parameters[..., SPACE.index("FC"), None] + 1e-9).all()


def test_the_balance_can_fail():
    domain, forcing = place(2, 300)
    start = torch.zeros(1, 2, 1, 5, dtype=torch.float64)
    ours, end = model_of(domain, forcing).run(drawn(1, 2), state=start)
    ours[..., list(OUTPUTS).index("runoff")] *= 1.001
    assert balance(ours, start, end).abs().max() > 1e-3


def weighted_run(model, days, outputs):
    """A function of parameters alone: a weighted sum of all that the model gives, of each cell."""
    weights = torch.randn(
        days, outputs, dtype=torch.float64, generator=torch.Generator().manual_seed(3)
    )
    return lambda p: (model.run(p)[0] * weights).sum((-1, -2))


def test_gradcheck():
    """In all parameters at once, with snow, dry soil and floods."""
    domain, forcing = place(5, 150)
    outputs = ("runoff", "evapotranspiration", "swe")
    weighted = weighted_run(model_of(domain, forcing, outputs=outputs), 150, 3)
    parameters = drawn(5, seed=4).requires_grad_()
    assert torch.autograd.gradcheck(weighted, (parameters,), eps=1e-7, atol=1e-4, rtol=1e-3)
    (gradient,) = torch.autograd.grad(weighted(parameters).sum(), parameters)
    # the twelve and the additions matter, each somewhere
    assert (gradient.abs().sum(0) > 0).all()


def test_both_forms_have_the_same_derivatives():
    domain, forcing = place(4, 60)
    gradients = []
    for fused in FORMS:
        weighted = weighted_run(model_of(domain, forcing, fused=fused), 60, len(OUTPUTS))
        parameters = drawn(2, 4, seed=5).requires_grad_()
        gradients += torch.autograd.grad(weighted(parameters).sum(), parameters)
    assert torch.allclose(*gradients, rtol=1e-8, atol=1e-9)


def test_gradients_are_finite_at_the_bounds_and_in_drought():
    domain, forcing = place(2, 300, wet=0.02)
    for place_of in (0.0, 0.5, 1.0):
        parameters = SPACE.to_physical(torch.full((2, 16), place_of)).requires_grad_()
        series, _ = model_of(domain, forcing, dtype=torch.float32).run(parameters)
        series.sum().backward()
        assert torch.isfinite(parameters.grad).all()


def test_additions_do_nothing_at_their_defaults():
    domain, forcing = place(3, 300)
    twelve = drawn(3)[:, :12]
    plain = HBV(domain, forcing, names=TWELVE, outputs=tuple(OUTPUTS), dtype=torch.float64)
    rest = torch.tensor([DEFAULTS[name] for name in PARAMETERS[12:]], dtype=torch.float64)
    whole, _ = model_of(domain, forcing).run(torch.cat([twelve, rest.expand(3, -1)], -1))
    assert torch.equal(plain.run(twelve)[0], whole)
    series = dict(zip(OUTPUTS, whole.unbind(-1), strict=True))
    assert (series["capillary_rise"] == 0).all()
    prec = torch.as_tensor(forcing["prec"].values)
    assert torch.allclose(series["supply"], prec)


def test_defaults_lie_within_the_bounds():
    domain, _ = place(4, 2)
    for names in (TWELVE, PARAMETERS, ("TT", "FC")):
        values = default_parameters(domain, names)
        assert values.shape == (4, len(names))
        SPACE.subset(names).check(values)


@pytest.mark.parametrize("fused", FORMS)
def test_a_saved_state_restarts_the_run(fused):
    domain, forcing = place(3, 90)
    model, parameters = model_of(domain, forcing, fused=fused), drawn(2, 3)
    whole, end = model.run(parameters)
    first, state = model.run(parameters, days=slice(0, 40))
    second, restarted = model.run(parameters, days=slice(40, 90), state=state)
    assert state.shape == (2, 3, 1, len(STATE))
    assert torch.allclose(torch.cat([first, second], -2), whole, rtol=0, atol=1e-12)
    assert torch.allclose(end, restarted, rtol=0, atol=1e-12)


def test_warm_up_cells_and_samples():
    domain, forcing = place(5, 150)
    model = model_of(domain, forcing, warmup=30, outputs=("runoff", "swe"), dtype=torch.float32)
    parameters = drawn(2, 5, dtype=torch.float32)
    window = model.simulate(parameters, days=slice(100, 130))
    assert window.shape == (2, 5, 30, 2)
    longer, _ = model.run(parameters, days=slice(70, 130))
    assert torch.equal(window, longer[..., 30:, :])
    alone = model.simulate(parameters[1, 3:4], torch.tensor([3]), slice(100, 130))
    assert torch.allclose(alone[0], window[1, 3], rtol=1e-5, atol=1e-6)


def test_what_it_refuses():
    domain, forcing = place(2, 30)
    with pytest.raises(ValueError, match="no output flow; it has evapotranspiration, runoff"):
        HBV(domain, forcing, outputs=("flow",))
    with pytest.raises(ValueError, match="no evaporation by 'penman'; there are oudin, hargreaves"):
        HBV(domain, forcing, pet="penman")
    with pytest.raises(ValueError, match="lacks tmin, which HBV with evaporation by hargreaves"):
        HBV(domain, forcing.drop_vars("tmin"), pet="hargreaves")
    gap = forcing.copy(deep=True)
    gap["prec"][1, 3] = np.nan
    with pytest.raises(ValueError, match="prec is not finite at cell 1, day 3"):
        HBV(domain, gap)
    gap["prec"][1, 3] = -1
    with pytest.raises(ValueError, match="prec is negative at cell 1, day 3"):
        HBV(domain, gap)
    with pytest.raises(ValueError, match="domain has 1 cells, the forcing 2"):
        HBV(domain.isel(cell=[0]), forcing)
    model = HBV(domain, forcing)
    with pytest.raises(ValueError, match=r"parameters have shape \(3, 12\)"):
        model.simulate(torch.ones(3, 12))
    with pytest.raises(ValueError, match="BETA = 9 is outside"):
        model.simulate(default_parameters(domain).index_fill(-1, torch.tensor(0), 9.0))
    with pytest.raises(ValueError, match="are not a window"):
        model.simulate(default_parameters(domain), days=slice(20, 10))
