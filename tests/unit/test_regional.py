"""Regional calibration: transfer functions by hand, the error by hand, coefficients found again."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from parlearn.calibrate.regional import RegionalError, calibrate_regional
from parlearn.calibrate.sceua import Settings
from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.parameter import Parameter
from parlearn.models.registry import PROCESSES
from parlearn.models.routing.parameters import BOUNDS as ROUTING
from parlearn.models.vic.defaults import SPACE
from parlearn.models.vic.transfer import TransferFunctions
from parlearn.networks.scalers import Scaler, Scalers
from parlearn.runs.opening import transfer_functions_of
from parlearn.study.roles import ROLES
from parlearn.study.tensors import FORCING, Study

#: those of VIC's parameters that have a transfer function
PARAMETERS = ("infilt", "Ds", "Dsmax", "Ws", "expt", "depth2", "depth3")
CELLS, DAYS, TRAINING = 30, 60, slice(10, 60)


def domain(**changes):
    values = {"sand": [20.0, 60.0], "clay": [40.0, 10.0], "slope": [5.0, 40.0]} | changes
    return xr.Dataset(
        {"attributes": (("cell", "attribute"), np.array(list(values.values())).T)},
        {"attribute": list(values)},
    )


def test_fields_by_hand():
    functions = TransferFunctions(domain(), PARAMETERS)
    fields = dict(zip(PARAMETERS, functions.fields(functions.start).unbind(-1)))
    torch.testing.assert_close(fields["infilt"], torch.tensor([0.5 * 5 / 15, 0.5 * 40 / 50]))
    b = torch.tensor([3.1 + 0.157 * 40 - 0.003 * 20, 3.1 + 0.157 * 10 - 0.003 * 60])
    torch.testing.assert_close(fields["expt"], 3 + 2 * b)
    ksat = 10 ** torch.tensor([-0.6 + 0.0126 * 20 - 0.0064 * 40, -0.6 + 0.0126 * 60 - 0.0064 * 10])
    dsmax = ksat * 25.4 * 24 * torch.tensor([0.005, 0.04])
    assert dsmax[1] > 30  # and is cut to its bound
    torch.testing.assert_close(fields["Dsmax"], dsmax.clamp(max=30))
    torch.testing.assert_close(fields["Ds"], torch.sigmoid(torch.tensor([-3.0, -3.0])))
    assert fields["depth2"].tolist() == pytest.approx([0.4, 0.4])


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6))
def test_fields_stay_inside_their_bounds(seed):
    rng = torch.Generator().manual_seed(seed)
    functions = TransferFunctions(domain(), PARAMETERS)
    unit = torch.rand(5, len(functions.space), generator=rng)
    fields = functions.fields(functions.space.to_physical(unit))
    assert fields.shape == (5, 2, len(PARAMETERS))
    SPACE.subset(PARAMETERS).check(fields)


def test_every_coefficient_moves_its_parameter_and_no_other():
    functions = TransferFunctions(domain(), PARAMETERS)
    before = functions.fields(functions.start)
    for k, name in enumerate(functions.space.names):
        unit = functions.space.to_unit(functions.start)
        unit[k] += 0.05 if unit[k] < 0.5 else -0.05
        moved = (functions.fields(functions.space.to_physical(unit)) - before).abs().amax(0) > 1e-6
        assert [PARAMETERS[j] for j in moved.nonzero()[:, 0]] == [name.split("_")[0]]


def test_missing_attributes_and_functions_are_named():
    with pytest.raises(ValueError, match="need the attribute slope"):
        TransferFunctions(domain().drop_sel(attribute="slope"), PARAMETERS)
    with pytest.raises(ValueError, match="no transfer function for depth9"):
        TransferFunctions(domain(), ("infilt", "depth9"))


def test_basins_have_functions_for_their_routing_as_well():
    basins = domain().assign(area=("cell", [500.0, 5000.0]))
    basins = basins.assign_coords(attribute=["sand_frac", "clay_frac", "slope_mean"])
    model = {"process": "vic", "parameters": ["Ds", "route_shape", "route_scale"]}
    functions = transfer_functions_of(model | {"routing": "gamma"}, basins)
    assert functions.names == ("Ds", "route_shape", "route_scale")
    ds, shape, scale = functions.fields(functions.start).unbind(-1)
    assert ds.tolist() == pytest.approx(
        TransferFunctions(domain(), ["Ds"]).fields(torch.tensor([-3.0, 0.0, 0.0]))[:, 0].tolist()
    )
    assert shape.tolist() == [1.5, 1.5]
    assert scale.tolist() == pytest.approx([1.0, 10**0.3])
    rng = torch.Generator().manual_seed(0)
    unit = torch.rand(7, len(functions.space), generator=rng)
    fields = functions.fields(functions.space.to_physical(unit))
    assert fields.shape == (7, 2, 3)
    ParameterSpace(p for p in ROUTING if p.name != "route_lag").check(fields[..., 1:])
    with pytest.raises(ValueError, match="need the area of each basin"):
        transfer_functions_of(model | {"routing": "gamma"}, basins.drop_vars("area"))
    with pytest.raises(ValueError, match="components: 3"):
        transfer_functions_of(model | {"routing": "gamma", "components": 3}, basins)


def test_the_registry_gives_the_functions_of_a_process():
    functions = PROCESSES["vic"].transfer_functions(domain(), ("Ds", "expt"))
    assert functions.names == ("Ds", "expt")
    assert functions.fields(functions.start).shape == (2, 2)


class Bucket(ProcessModel):
    """Loses a share of its water a day."""

    space = ParameterSpace((Parameter("leak", "day-1", 0.02, 0.5, "log"),))
    outputs, warmup = ("evapotranspiration",), 10

    def __init__(self, rain):
        self.rain, (self.n_cells, self.n_days) = rain, rain.shape

    def simulate(self, parameters, cells=None, days=None):
        first, last, _ = (days or slice(None)).indices(self.n_days)
        begin, leak = max(0, first - self.warmup), parameters[..., 0]
        water, series = 10.0 * torch.ones_like(leak), []
        for day in range(begin, last):
            lost = leak * water
            water = water - lost + self.rain[cells, day]
            series.append(lost[..., None])
        return torch.stack(series[first - begin :], -2)


class Line:
    """leak = level + change x attribute."""

    names = ("leak",)
    space = ParameterSpace(
        (Parameter("level", "1", 0.05, 0.3), Parameter("change", "1", -0.05, 0.05))
    )
    start = torch.tensor([0.1, 0.0])

    def __init__(self, attribute):
        self.attribute = attribute

    def fields(self, coefficients):
        level, change = coefficients[..., None, 0], coefficients[..., None, 1]
        return (level + change * self.attribute).clamp(0.02, 0.5)[..., None]


def make_study():
    rng = torch.Generator().manual_seed(0)
    attribute = torch.rand(CELLS, generator=rng) * 2 - 1
    rain = 8 * torch.rand(CELLS, DAYS, generator=rng) ** 3
    functions, model = Line(attribute), Bucket(rain)
    truth = torch.tensor([0.2, 0.03])
    observed = model.simulate(functions.fields(truth), torch.arange(CELLS))
    observed[torch.rand(CELLS, DAYS, 1, generator=rng) < 0.4] = torch.nan
    observed[:, : TRAINING.start] = torch.nan
    observed[1:, 30] = torch.nan  # a day that one cell alone has
    role = torch.full((CELLS,), ROLES["train"], dtype=torch.int8)
    role[::5] = ROLES["test"]
    train = role == ROLES["train"]
    forcing = rain[:, TRAINING, None].expand(-1, -1, len(FORCING))
    scalers = Scalers(
        Scaler.fit(attribute[train, None], ("a",), ("1",)),
        Scaler.fit(forcing[train], FORCING, ("1",) * len(FORCING)),
        Scaler.fit(observed[train], ("evapotranspiration",), ("mm day-1",)),
    )
    dates = np.datetime64("2009-01-01", "D") + np.arange(DAYS)
    study = Study(
        dates,
        TRAINING,
        role,
        attribute[:, None],
        forcing,
        observed,
        ("evapotranspiration",),
        scalers,
    )
    return study, model, functions, truth


def test_the_error_is_the_mean_over_days_of_the_rmse_over_cells():
    study, model, functions, _ = make_study()
    coefficients = torch.tensor([[0.1, 0.01], [0.3, -0.02]])
    error = RegionalError(model, study, functions, (1.0, 0.0))
    found = error(torch.tensor([0]), functions.space.to_unit(coefficients)[None])
    train = study.cells("train")
    for k, one in enumerate(coefficients):
        run = model.simulate(functions.fields(one)[train], train, slice(9, 60))[:, 1:, 0]
        daily = []
        for day in range(50):
            seen = study.observations[train, 10 + day, 0]
            there = torch.isfinite(seen)
            if there.sum() >= 2:
                daily.append(float((run[there, day] - seen[there]).square().mean().sqrt()))
        assert len(daily) == 49
        assert float(found[0, k]) == pytest.approx(np.mean(daily), rel=1e-5)


def test_of_streamflow_each_basin_counts_by_its_own_variance():
    study, model, functions, _ = make_study()
    study = replace(study, targets=("streamflow",))
    model.outputs = ("streamflow",)
    coefficients = torch.tensor([[0.1, 0.01], [0.3, -0.02]])
    error = RegionalError(model, study, functions, (1.0, 0.0))
    found = error(torch.tensor([0]), functions.space.to_unit(coefficients)[None])
    train = study.cells("train")
    seen = study.observations[train][:, 10:60, 0].numpy()
    for k, one in enumerate(coefficients):
        run = model.simulate(functions.fields(one)[train], train, slice(9, 60))[:, 1:, 0].numpy()
        shares = (run - seen) ** 2 / np.nanvar(seen, axis=1, keepdims=True)
        assert float(found[0, k]) == pytest.approx(np.nanmean(shares) ** 0.5, rel=1e-5)


def test_coefficients_are_found_again_and_a_killed_search_goes_on(tmp_path, monkeypatch):
    study, model, functions, truth = make_study()
    choice = Settings(max_evaluations=400, complexes=3, seed=1)
    found = calibrate_regional(model, study, functions, choice)
    assert list(found.coefficients.values()) == pytest.approx(truth.tolist(), abs=0.005)
    assert found.parameters.shape == (CELLS, 1)
    assert found.trajectory["epoch"][0] == 1
    assert np.all(np.diff(found.history["train_loss"]) <= 0)

    from parlearn.calibrate.sceua import SCEUA

    save, path = SCEUA.save, tmp_path / "state.npz"

    def dies(self, place):
        save(self, place)
        raise KeyboardInterrupt

    monkeypatch.setattr(SCEUA, "save", dies)
    with pytest.raises(KeyboardInterrupt):
        calibrate_regional(model, study, functions, choice, checkpoint=path)
    monkeypatch.setattr(SCEUA, "save", save)
    again = calibrate_regional(model, study, functions, choice, checkpoint=path)
    assert torch.equal(again.parameters, found.parameters)


def test_functions_of_other_parameters_and_blind_studies_are_refused():
    study, model, functions, _ = make_study()
    functions.names = ("other",)
    with pytest.raises(ValueError, match="make other, the model has leak"):
        calibrate_regional(model, study, functions, Settings(max_evaluations=100, complexes=2))
    study.observations[:] = torch.nan
    with pytest.raises(ValueError, match="no day of the training period"):
        RegionalError(model, study, functions, (1.0, 0.0))
