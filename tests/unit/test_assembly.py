"""What stands around a process model: components and routing, as a configuration asks for them."""

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from parlearn.models.assembly import assembly_of
from parlearn.models.components import Components
from parlearn.models.routing.hydrograph import convolve, unit_hydrograph
from parlearn.models.routing.model import Routed
from parlearn.runs.opening import default_of, open_process, space_of

HBV = {"process": "hbv", "parameters": ["FC", "K1"]}
ROUTED = HBV | {"parameters": ["route_lag", "FC", "K1", "route_scale"], "routing": "gamma"}


def place(cells=3, days=40):
    rng = np.random.default_rng(1)
    time = pd.date_range("2001-04-01", periods=days)
    dims, shape = ("cell", "time"), (cells, days)
    tair = rng.normal(10, 5, shape)
    forcing = {"prec": rng.gamma(0.5, 8, shape), "tair": tair, "tmin": tair - 4, "tmax": tair + 5}
    forcing = xr.Dataset({n: (dims, v) for n, v in forcing.items()}, coords={"time": time})
    return xr.Dataset({"lat": ("cell", rng.uniform(30, 45, cells))}), forcing


def test_a_plain_model_is_what_it_was():
    vic = assembly_of({"process": "vic", "parameters": ["Ds", "infilt"]})
    assert [p.name for p in vic.parameters] == ["Ds", "infilt"]
    assert vic.targets == ("soil_moisture", "evapotranspiration")
    assert assembly_of(HBV).targets == ("evapotranspiration",)
    assert type(open_process(HBV, *place())).__name__ == "HBV"


def test_every_model_with_drains_can_have_streamflow():
    vic = assembly_of({"process": "vic", "parameters": ["Ds", "route_scale"], "routing": "gamma"})
    assert vic.targets == ("soil_moisture", "evapotranspiration", "streamflow")
    assert [p.name for p in vic.parameters] == ["Ds", "route_scale"]
    assert {*vic.process.drains} <= {*vic.process.outputs}


def test_parameters_of_the_process_come_before_those_of_routing():
    assert space_of(ROUTED).names == ("FC", "K1", "route_lag", "route_scale")
    four = space_of(ROUTED | {"components": 2})
    assert four.names == ("FC_1", "FC_2", "K1_1", "K1_2", "route_lag", "route_scale")
    assert four.parameters[1].upper == 1000
    with pytest.raises(ValueError, match="HBV has no parameter named 'route_lag'"):
        assembly_of(ROUTED | {"routing": "none"})


def test_defaults_have_the_order_of_the_space():
    domain, _ = place()
    model = ROUTED | {"components": 2}
    values = default_of(model, domain)
    assert values[1].tolist() == pytest.approx([250, 250, 0.1, 0.1, 0, 1])
    space_of(model).check(values)


def test_streamflow_is_the_routed_mean_of_the_components():
    domain, forcing = place()
    model = open_process(ROUTED | {"components": 2}, domain, forcing)
    assert isinstance(model, Routed)
    assert isinstance(model.model, Components)
    assert model.outputs == ("evapotranspiration", "streamflow")
    assert model.space.names == space_of(ROUTED | {"components": 2}).names
    parameters = model.space.to_physical(
        torch.rand(3, 6, generator=torch.Generator().manual_seed(1))
    )
    series = model.simulate(parameters)
    alone = open_process(HBV, domain, forcing, outputs=("evapotranspiration", "runoff"))
    each = torch.stack([alone.simulate(parameters[:, k : k + 3 : 2]) for k in (0, 1)]).mean(0)
    assert torch.allclose(series[..., 0], each[..., 0], atol=1e-6)
    lag, scale = parameters[:, 4], parameters[:, 5]
    shares = unit_hydrograph(torch.full((3,), 1.5), scale, lag)
    assert torch.allclose(series[..., 1], convolve(each[..., 1], shares), atol=1e-5)


def test_without_routing_streamflow_is_the_runoff_of_the_day():
    domain, forcing = place()
    wanted = ("streamflow", "runoff", "swe")
    model = open_process(HBV | {"routing": "none"}, domain, forcing, outputs=wanted)
    series = model.simulate(default_of(HBV, domain))
    assert torch.equal(series[..., 0], series[..., 1])
    assert series[..., 0].max() > 0


def test_options_reach_the_model():
    domain, forcing = place()
    name = ("potential_evapotranspiration",)
    series = [
        open_process(HBV | {"options": {"pet": pet}}, domain, forcing, outputs=name).simulate(
            default_of(HBV, domain)
        )
        for pet in ("oudin", "hargreaves")
    ]
    assert (series[0] - series[1]).abs().max() > 0.1
