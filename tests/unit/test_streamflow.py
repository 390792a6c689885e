"""Streamflow from forcing to scores: made-up basins of known parameters, learned and scored."""

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from parlearn.calibrate.objective import TrainingError
from parlearn.calibrate.sceua import SCEUA
from parlearn.calibrate.sceua import Settings as Search
from parlearn.learn import dpl
from parlearn.learn.settings import Settings
from parlearn.plan.targets import TARGETS
from parlearn.runs import evaluate, outputs
from parlearn.runs.opening import default_of, open_process
from parlearn.storage import contracts
from parlearn.study.roles import ROLES
from parlearn.study.scales import error_scales
from parlearn.study.tensors import FORCING, build_study

CELLS, DAYS = 24, 500
MODEL = {
    "process": "hbv",
    "parameters": ["FC", "K1", "route_scale"],
    "routing": "gamma",
}
SPANS = {"train": ("2001-06-01", "2002-01-31"), "test": ("2002-02-01", "2002-05-15")}


@pytest.fixture(scope="module")
def basins():
    """Domain, forcing, observed flow with gaps, true parameters, and the model of that truth.

    The parameters follow two attributes; climates differ, so that flows differ by much.
    """
    rng = np.random.default_rng(3)
    time = pd.date_range("2001-01-01", periods=DAYS)
    dims = ("cell", "time")
    attributes = rng.standard_normal((CELLS, 2)).astype(np.float32)
    wetness = np.exp(rng.normal(0, 0.7, CELLS))[:, None]
    series = dict.fromkeys(FORCING, np.ones((CELLS, DAYS), np.float32))
    series["prec"] = wetness * rng.gamma(0.3, 15, (CELLS, DAYS))
    series["tair"] = rng.normal(9, 5, (CELLS, DAYS))
    forcing = xr.Dataset({n: (dims, v, {"units": "1"}) for n, v in series.items()}, {"time": time})
    role = np.full(CELLS, ROLES["train"])
    role[16:20], role[20:] = ROLES["validate"], ROLES["test"]
    domain = xr.Dataset(
        {
            "lat": ("cell", rng.uniform(30, 45, CELLS)),
            "attributes": (("cell", "attribute"), attributes),
            "attribute_units": ("attribute", ["1", "1"]),
            "role": ("cell", role),
        },
        coords={"attribute": ["a", "b"]},
    )
    model = open_process(MODEL, domain, forcing, outputs=("streamflow",))
    a, b = torch.from_numpy(attributes).sigmoid().unbind(-1)
    truth = model.space.to_physical(torch.stack([a, b, 1 - a], -1))
    flow = model.simulate(truth)[..., 0].numpy()
    flow[rng.random(flow.shape) < 0.2] = np.nan
    observed = xr.Dataset({"streamflow": (dims, flow, {"units": "mm day-1"})}, {"time": time})
    return domain, forcing, observed, truth, model


@pytest.fixture(scope="module")
def study(basins):
    domain, forcing, observed, _, _ = basins
    span = slice(*SPANS["train"])
    inside = observed["time"].isin(observed["time"].sel(time=span))
    training = observed.where(inside).expand_dims(period=["all"])
    return build_study(
        domain,
        forcing,
        training,
        domain["role"].values,
        period="all",
        span=SPANS["train"],
        targets=("streamflow",),
        needed=("train", "validate"),
    )


def scores_of(parameters, basins):
    domain, forcing, observed, _, model = basins
    with torch.inference_mode():
        runs = {"hbv": model.simulate(parameters)}
    simulation = outputs.simulation_dataset(runs, model.outputs, forcing["time"])
    contracts.check(simulation, "simulation.nc", "simulation")
    return evaluate.score(simulation, observed, SPANS, domain["role"].values)


def test_what_sceua_minimises_is_one_less_nse_of_each_basin(basins, study):
    _, _, _, truth, model = basins
    cells = study.cells("train")
    error = TrainingError(model, study, cells)
    unit = torch.rand(len(cells), 2, 3, generator=torch.Generator().manual_seed(1))
    unit[:, 1] = model.space.to_unit(truth[cells])
    values = error(cells, unit)
    nse = scores_of(model.space.to_physical(_whole(unit[:, 0], cells)), basins)["score"].sel(
        target="streamflow", model="hbv", map="raw", period="train", metric="nse"
    )
    np.testing.assert_allclose(1 - values[:, 0] ** 2, nse.values[cells], atol=1e-4)
    assert values[:, 1].max() < 1e-3


def _whole(unit, cells):
    """Places of all basins; those not asked for in the middle."""
    whole = torch.full((CELLS, unit.shape[-1]), 0.5)
    whole[cells] = unit
    return whole


def test_a_small_and_a_large_river_count_alike(study):
    cells = study.cells("train")
    flow = study.observed(cells, study.training)[..., 0]
    scales = error_scales(study, ("streamflow",))[cells, 0]
    assert scales.max() > 5 * scales.min()
    for series, scale in zip(flow, scales, strict=True):
        assert series[series.isfinite()].std(correction=0) == pytest.approx(float(scale), rel=1e-4)


_QUICK = Settings(
    epochs=40, hidden=8, learning_rate=0.03, observation_map="none", targets={"streamflow": 1.0}
)


def test_a_network_learns_the_parameters_of_ungauged_basins(basins, study):
    domain, _, _, truth, model = basins
    start = default_of(MODEL, domain)
    found = dpl.learn("dpl_a", study, model, _QUICK, seed=1, start=start)
    before, after = scores_of(start, basins), scores_of(found.parameters, basins)
    assert after["metric"].values.tolist() == list(TARGETS["streamflow"].scores)
    where = {"target": "streamflow", "model": "hbv", "map": "mapped", "period": "test"}
    test = domain["role"].values == ROLES["test"]
    nse = [
        float(scores["score"].sel(metric="nse", **where).values[test].mean())
        for scores in (before, after)
    ]
    assert nse[1] > nse[0] + 0.1
    perfect = scores_of(truth, basins)["score"].sel(metric="kge", **where)
    np.testing.assert_allclose(perfect, 1, atol=1e-4)


def test_a_search_finds_them_basin_by_basin(basins, study):
    _, _, _, truth, model = basins
    cells = study.cells("train")[:4]
    error = TrainingError(model, study, cells)
    found = SCEUA(error, cells, len(model.space), Search(max_evaluations=400, complexes=2)).run()
    assert found.value.max() < 0.05
    np.testing.assert_allclose(found.best, model.space.to_unit(truth[cells]), atol=0.15)
