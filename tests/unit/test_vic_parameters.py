"""Any of VIC's parameters may be learned: their order, their defaults, their effect, their
derivatives.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from parlearn.models.fuse.ops import Vars
from parlearn.models.registry import PROCESSES
from parlearn.models.vic import reference as ref
from parlearn.models.vic.defaults import SPACE, cell_values, default_parameters
from parlearn.models.vic.model import VIC
from parlearn.models.vic.names import CELL, STATE, TILE
from parlearn.models.vic.parameters import BEYOND_VIC5, BOUNDS, CONSTANT, PARAMETERS
from parlearn.models.vic.start import cold_start
from parlearn.models.vic.tile import layers, shifted

ROOT = Path(__file__).parents[2]
FIXTURE = ROOT / "tests" / "data" / "vic5-synthetic"
#: outputs of the original with these parameters varied
VARIED = ROOT / "tests" / "data" / "vic5-parameters"
VIC5 = tuple(name for name in PARAMETERS if name not in BEYOND_VIC5)
OUTPUTS = ("soil_moisture", "evapotranspiration", "runoff", "baseflow")


@pytest.fixture(scope="module")
def inputs():
    return xr.load_dataset(FIXTURE / "inputs.nc")


def vic(inputs, names=PARAMETERS, outputs=OUTPUTS, fused=None):
    options = {"dtype": torch.float64, "warmup": 0, "fused": fused}
    return VIC(inputs, inputs, names=names, outputs=outputs, **options)


def middle(inputs, names):
    """Every parameter well inside its bounds: a third of the way from the default to the middle."""
    space = SPACE.subset(names)
    unit = space.to_unit(default_parameters(inputs, names))
    return space.to_physical(unit + 0.3 * (0.5 - unit)).double()


def with_one(inputs, name, value):
    """The default parameters of every cell with one of them set (cell, PARAMETERS)."""
    given = default_parameters(inputs, PARAMETERS).double()
    given[:, PARAMETERS.index(name)] = value
    return given


def of_tiles(inputs, parameters):
    """What the model makes of the parameters (sample, cell, PARAMETERS) of the largest tiles."""
    table = vic(inputs).table
    cell = Vars(**dict(zip(CELL, table.cell.unbind(-1), strict=True)), theta_fc=table.theta_fc)
    tile = Vars(**dict(zip(TILE, table.tile[0].unbind(-1), strict=True)))
    par = Vars(**dict(zip(PARAMETERS, parameters.unbind(-1), strict=True)))
    layer = layers(par, cell, tile)
    return layer, cold_start(cell, layer)


def test_no_choice_inside_the_bounds_breaks_an_order_of_vic(inputs):
    generator = torch.Generator().manual_seed(7)
    unit = torch.rand(500, 8, len(PARAMETERS), generator=generator)
    corners = (torch.rand(500, 8, len(PARAMETERS), generator=generator) > 0.5).float()
    layer, state = of_tiles(inputs, SPACE.to_physical(torch.cat([unit, corners])).double())
    for k in "123":
        get = {name: getattr(layer, name + k) for name in ("resid", "wpwp", "wcr", "max")}
        assert (get["resid"] >= 0).all()
        assert (get["resid"] <= get["wpwp"]).all()
        assert (get["wpwp"] < get["wcr"]).all()
        assert (get["wcr"] < get["max"]).all()
        moist = getattr(state, f"w{k}")
        assert ((moist >= get["resid"]) & (moist < get["max"])).all()
    assert (layer.depth2 >= layer.depth1).all()
    shares = torch.stack([layer.root1, layer.root2, layer.root3])
    assert (shares >= 0).all()
    rooted = shares.sum(0)[:, :7]  # the last cell is bare
    assert torch.allclose(rooted, torch.ones_like(rooted))
    assert ((layer.cover >= 0) & (layer.cover <= 1)).all()
    assert (layer.k_saturated > layer.k_dry).all()


def test_default_parameters_are_those_of_each_cell(inputs):
    found = dict(zip(PARAMETERS, default_parameters(inputs, PARAMETERS).T, strict=True))
    assert all((found[name] == value).all() for name, value in CONSTANT.items())
    for name in ("Wcr_FRACT", "Ksat", "depth1"):
        assert found[name].tolist() == pytest.approx(inputs[name].values.tolist(), rel=1e-6)
    wilting = found["Wpwp_share"] * found["Wcr_FRACT"]
    assert wilting.tolist() == pytest.approx(inputs["Wpwp_FRACT"].values.tolist(), rel=1e-5)
    resid = found["resid_share"] * wilting * found["porosity"]
    assert resid.tolist() == pytest.approx(inputs["resid_moist"].values.tolist(), rel=1e-5)
    # cell 0 has shrubs with cover 0.6, cell 5 trees and shrubs with 0.8, cell 7 no plants
    assert found["fcanopy"][[0, 5, 7]].tolist() == pytest.approx([0.6, 0.8, 1.0])
    roots = inputs["root_layer"].isel(set=0, cell=0, veg_class=8, layer=0)
    assert float(found["root_fract1"][0]) == pytest.approx(float(roots), abs=1e-4)


def test_what_lies_beyond_a_bound_stays_where_it_is_not_learned(inputs):
    coarse = inputs.assign(Ksat=inputs["Ksat"] * 0 + 5.0)
    lower = SPACE.parameters[SPACE.index("Ksat")].lower
    assert (default_parameters(coarse, ("Ksat",)) == lower).all()
    assert (cell_values(coarse)[:, PARAMETERS.index("Ksat")] == 5.0).all()
    table = vic(coarse, ("infilt",)).table.parameters
    assert (table[:, PARAMETERS.index("Ksat")] == 5.0).all()


def test_with_all_parameters_at_their_defaults_the_model_is_as_without(inputs):
    all_free, none_free = vic(inputs), vic(inputs, ("infilt",))
    default = cell_values(inputs)
    space = all_free.space
    assert ((default >= space.lower - 1e-6) & (default <= space.upper + 1e-6)).all()
    days = slice(20, 40)  # snow, rain and sun
    a, _ = all_free.run(default, days=days)
    b, _ = none_free.run(default[:, :1], days=days)
    assert torch.allclose(a, b, rtol=1e-9, atol=1e-9)


def test_the_original_gives_the_same_with_every_parameter_varied():
    ours, theirs, inputs, model = ref.simulate(VARIED)
    assert set(model.space.names) == set(VIC5)
    given = inputs["params"].values
    assert (np.ptp(given, axis=(0, 1)) > 0)[[n not in ("Ds", "Ws") for n in VIC5]].all()
    rows = ref.compare(ours, theirs)
    assert len(rows) == len(ref.BARS)
    assert not [row for row in rows if not row[-1]], ref.report(rows)
    closed = ref.conserving(inputs)
    assert closed.sum() >= 12
    assert ref.water_balance(ours, inputs)[closed].max() < 5e-3


def test_a_mean_is_shifted_to_its_target_and_shares_stay_shares():
    value, weight = torch.tensor([0.2, 0.6, 0.7]), torch.tensor([0.5, 0.3, 0.2])
    mean = (value * weight).sum()
    for target in (0.05, float(mean), 0.97):
        new = shifted(value, mean, torch.tensor(target))
        assert float((new * weight).sum()) == pytest.approx(target, abs=1e-6)
        assert ((new >= 0) & (new <= 1)).all()
        assert (new.diff() >= 0).all()
    assert torch.equal(shifted(value, mean, mean), value)


def test_gradients_equal_differences_for_every_parameter(inputs):
    """Cells do not touch each other, so one parameter is nudged in all of them at once."""
    given = middle(inputs, PARAMETERS)
    # summer: no switch between snow and no snow, which no derivative crosses
    _, state = vic(inputs).run(given, days=slice(120, 150))
    # nor is a canopy as full as it can be, where a smaller one drips and a larger one does not
    state[..., tuple(STATE).index("wdew")] *= 0.9
    model, days, cells = vic(inputs, fused=False), slice(150, 154), torch.arange(8)
    weights = torch.randn(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))

    def total(parameters):
        start = state.expand(len(parameters), -1, -1, -1)
        out, _ = model.run(parameters, cells, days, state=start)
        return (out * weights).sum((-1, -2))  # (sample, cell)

    free = given[None].clone().requires_grad_()
    total(free).sum().backward()
    count = len(PARAMETERS)
    step = 1e-6 * given.abs().clamp(min=1e-2)
    nudge = torch.eye(count, dtype=torch.float64)[:, None] * step
    with torch.no_grad():
        high, low = total(given + nudge), total(given - nudge)
    for k, name in enumerate(PARAMETERS):
        slope = (high[k] - low[k]) / (2 * step[:, k])
        assert torch.allclose(free.grad[0, :, k], slope, rtol=1e-3, atol=1e-5), name
        assert free.grad[0, :, k].abs().max() > 0, name


def test_the_compiled_loop_equals_the_eager_form_in_every_parameter(inputs):
    given = middle(inputs, PARAMETERS)
    given[:, PARAMETERS.index("diff")] = 3.0
    days = slice(34, 42)  # rain, snow, rain on snow
    compiled, state = vic(inputs, outputs=ref.OUTPUTS).run(given, days=days)
    slow, slow_state = vic(inputs, outputs=ref.OUTPUTS, fused=False).run(given, days=days)
    assert torch.allclose(compiled, slow, rtol=1e-9, atol=1e-9)
    assert torch.allclose(state, slow_state, rtol=1e-8, atol=1e-8)


def test_derivatives_of_the_compiled_loop_equal_autograd_in_every_parameter(inputs):
    weights = torch.randn(8, 8, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    outputs, grads = ("soil_moisture", "evapotranspiration", "baseflow", "swe"), []
    for fused in (None, False):
        given = middle(inputs, PARAMETERS).requires_grad_()
        out, _ = vic(inputs, PARAMETERS, outputs, fused).run(given, days=slice(34, 42))
        (out * weights).sum().backward()
        grads.append(given.grad)
    assert (grads[1].abs().sum(0) > 0).all()
    assert torch.allclose(grads[0], grads[1], rtol=1e-6, atol=1e-8)


#: what a larger value does to the mean of an output over a spring and a summer, and where
EFFECTS = (
    ("soil_rarc", 10.0, 1000.0, "evapotranspiration", -1, (0, 7)),
    ("rmin_factor", 0.5, 3.0, "evapotranspiration", -1, (1, 2, 4)),
    ("LAI_factor", 0.3, 3.0, "canopy_evaporation", 1, (1, 2, 4)),
    ("albedo_factor", 0.6, 1.8, "evapotranspiration", -1, (1, 2, 6)),
    ("aero_factor", 0.3, 3.0, "moist1", 1, (0, 1, 5, 7)),
    ("Ksat", 50.0, 3000.0, "moist1", -1, (1, 2, 6, 7)),
    ("resid_share", 0.1, 0.95, "moist1", 1, (0, 7)),
    ("Wcr_FRACT", 0.3, 0.9, "evapotranspiration", -1, (1, 5)),
    ("porosity", 0.35, 0.55, "moist1", 1, (1, 2, 6, 7)),
    ("depth1", 0.04, 0.2, "moist1", 1, (0, 1, 2, 6, 7)),
    ("fcanopy", 0.3, 0.95, "moist1", 1, (0, 1, 4, 5)),
    ("root_fract1", 0.05, 0.6, "moist1", -1, (0, 1, 2, 3, 4, 5, 6)),
    ("diff", 0.0, 10.0, "moist1", 1, (0, 7)),
)


@pytest.mark.parametrize(("name", "low", "high", "output", "sign", "cells"), EFFECTS)
def test_a_parameter_works_in_the_direction_that_its_name_says(
    inputs, name, low, high, output, sign, cells
):
    model = vic(inputs, outputs=(output,))
    given = torch.stack([with_one(inputs, name, value) for value in (low, high)])
    cells = torch.tensor(cells)
    out, _ = model.run(given[:, cells], cells, slice(100, 180))
    less, more = out[..., 0].mean(-1)
    assert (sign * (more - less) > 0.002 * less.abs()).all()


def test_roots_of_layer_one_are_where_their_parameter_says(inputs):
    for share in (0.05, 0.8):
        layer, _ = of_tiles(inputs, with_one(inputs, "root_fract1", share))
        alone = [2, 3, 4, 6]  # cells of one tile
        assert layer.root1[alone].tolist() == pytest.approx([share] * 4, rel=1e-6)


def test_water_redistributed_between_layers_is_conserved(inputs):
    """To 1e-6 mm a day, in every cell where the original conserves water."""
    model = vic(inputs, outputs=ref.OUTPUTS)
    given = torch.stack([with_one(inputs, "diff", value) for value in (0.0, 2.0, 20.0)])
    given[:, :, PARAMETERS.index("depth1")] = 0.03  # thin: the most it can do in a step
    out, _ = model.run(given, days=slice(0, 120))
    ours = {name: out[..., k].numpy() for k, name in enumerate(ref.OUTPUTS)}
    window = inputs.isel(time=slice(0, 120))
    bare = inputs["fcanopy"].where(inputs["Cv"] > 0, 1).isel(veg_class=slice(0, 11))
    closed = (bare.min("veg_class") >= 1).values
    assert closed.sum() >= 5
    assert ref.water_balance(ours, window)[:, closed].max() < 1e-6
    # and it does what it is for: layers 1 and 2 come to the same saturation
    size = [of_tiles(inputs, given)[0].__dict__[f"max{k}"].numpy()[..., None] for k in (1, 2)]
    gap = abs(ours["moist1"] / size[0] - ours["moist2"] / size[1]).mean(-1)
    assert (gap[2] < 0.7 * gap[1]).all()
    assert (gap[1] < gap[0]).all()


def test_a_model_beyond_vic5_is_called_so():
    vic = PROCESSES["vic"]
    assert vic.called(VIC5) == "VIC"
    assert vic.called((*VIC5, "diff")) == "VIC+"


def test_every_parameter_stands_in_the_documentation():
    page = (ROOT / "docs" / "vic.md").read_text()
    for p in BOUNDS:
        row = f"| `{p.name}` | {p.long_name} | {p.unit} | {p.lower:g} | {p.upper:g} | {p.scale} |"
        assert f"{row} {p.default} | {p.source} |" in page, row
