"""The made-up region: the same each time, physically sound, and honest about what it hides."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
import xarray as xr

from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.parameter import Parameter
from parlearn.models.vic.defaults import SPACE
from parlearn.sources.twin import TwinConfig, build_inputs, build_truth, truth_outputs
from parlearn.sources.twin.parameters import attribute_law, draw_parameters
from parlearn.storage import contracts
from parlearn.study.splits import keep_used

PATCHES = {"s8": 8, "s4": 4}
TRAIN_END = "2016-03-31"


class Bucket(ProcessModel):
    """A bucket with snow, enough to stand for the model of the truth."""

    space = ParameterSpace(
        [
            Parameter("infilt", "1", 0.001, 0.9, "log"),
            Parameter("Ds", "1", 0.001, 1.0, "log"),
            Parameter("Dsmax", "mm day-1", 0.1, 30.0, "log"),
            Parameter("Ws", "1", 0.5, 0.999),
            Parameter("expt", "1", 8.0, 30.0),
        ]
    )
    outputs = ("soil_moisture", "evapotranspiration", "swe")
    warmup = 0

    def __init__(self, domain, forcing):
        self.forcing = forcing
        self.n_cells, self.n_days = domain.sizes["cell"], forcing.sizes["time"]

    def simulate(self, parameters, cells=None, days=None):
        rain, warmth = (torch.from_numpy(self.forcing[v].values) for v in ("prec", "tair"))
        drying = 0.1 / parameters[..., self.space.index("expt")]
        moisture, snow, out = torch.full((self.n_cells,), 0.2), torch.zeros(self.n_cells), []
        for day in range(self.n_days):
            warm = warmth[:, day].clamp_min(0)
            melt = torch.minimum(snow, 3 * warm)
            fall = torch.where(warm > 0, 0.0, rain[:, day])
            snow = snow + fall - melt
            evaporation = 0.1 * warm * moisture
            water = (rain[:, day] - fall + melt - evaporation) / 100
            moisture = (moisture + water - drying * moisture).clamp(0.03, 0.48)
            out.append(torch.stack([moisture, evaporation, snow], dim=-1))
        return torch.stack(out, dim=1)


class Twin(NamedTuple):
    domain: xr.Dataset
    forcing: xr.Dataset
    observations: xr.Dataset
    truth: xr.Dataset


def make(config, patches, used_only=False):
    domain, forcing = build_inputs(config, patches, TRAIN_END, 1)
    if used_only:
        domain, forcing = keep_used(domain, forcing)
    truth, observations = build_truth(config, domain, forcing, Bucket(domain, forcing))
    return Twin(domain, forcing, observations, truth)


@pytest.fixture(scope="module")
def config():
    return TwinConfig(rows=16, cols=20, years=2, seed=3)


@pytest.fixture(scope="module")
def twin(config):
    return make(config, PATCHES)


def test_files_are_what_their_kinds_promise(twin, config):
    for kind, ds in twin._asdict().items():
        contracts.check(ds, kind, kind)
    days = 366 + 365 + 365
    assert twin.forcing.sizes == {"cell": 320, "time": days, "step": 8}
    assert str(twin.forcing["time"].values[0])[:10] == "2014-04-01"
    assert str(twin.forcing["time"].values[-1])[:10] == "2017-03-31"
    assert twin.forcing.attrs["record_start"] == config.start
    for ds in (twin.observations, twin.truth):
        assert ds.indexes["time"].equals(twin.forcing.indexes["time"])
    assert twin.domain["attributes"].dtype == np.float32


def test_same_seed_same_twin_and_another_seed_another(config):
    small = TwinConfig(rows=8, cols=8, years=2, seed=config.seed)
    first, second = (make(small, {"s4": 4}) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        xr.testing.assert_identical(a, b)
    domain, forcing = build_inputs(
        TwinConfig(rows=8, cols=8, years=2, seed=4), {"s4": 4}, TRAIN_END, 1
    )
    assert not np.allclose(domain["attributes"], first.domain["attributes"])
    assert not np.allclose(forcing["prec"], first.forcing["prec"])


def test_a_cell_is_the_same_without_the_others(twin, config):
    some = make(config, PATCHES, used_only=True)
    used = (twin.domain["role"] > 0).any("sampling").values
    assert 0 < used.sum() == some.domain.sizes["cell"] < used.size
    for name in ("truth", "observations"):
        xr.testing.assert_allclose(getattr(some, name), getattr(twin, name).isel(cell=used))


def test_grid_lies_on_the_nldas_grid(twin):
    lat, lon, row, col = (twin.domain[v].values for v in ("lat", "lon", "row", "col"))
    assert np.allclose((lat - 25.0625) / 0.125, np.round((lat - 25.0625) / 0.125))
    assert np.allclose((lon + 124.9375) / 0.125, np.round((lon + 124.9375) / 0.125))
    assert lat[row == 3][0] > lat[row == 0][0]
    assert lon[col == 3][0] > lon[col == 0][0]


def test_full_grid_has_every_sampling_and_each_cell_its_neighbour():
    patches = {"s16": 16, "s8": 8, "s4": 4}
    config = TwinConfig(rows=48, cols=64, years=2)
    config.check_patches(patches)
    domain, _ = build_inputs(TwinConfig(rows=32, cols=32, years=2), patches, TRAIN_END, 1)
    for name, n in patches.items():
        role = domain["role"].sel(sampling=name).values
        sampled = (role == 1) | (role == 2)
        assert sampled.sum() == (32 // n) ** 2 == (role == 3).sum()


def test_attributes_vary_and_agree_with_the_land(twin):
    table = twin.domain["attributes"].to_pandas()
    assert np.isfinite(table.values).all()
    assert (table.std() > 0).all()
    assert ((table["sand"] + table["clay"]) < 100).all()
    corr = np.corrcoef(table["dryness"], table["ndvi"])[0, 1]
    assert corr < -0.5  # green where it is wet
    assert len(np.unique(twin.domain["igbp"])) >= 5
    assert np.allclose(twin.domain["Cv"].sum("veg_class"), 1)


def test_climate_attributes_know_nothing_of_the_test_period(config):
    early, forcing = build_inputs(config, PATCHES, TRAIN_END, 1)
    known = forcing.sel(time=slice(None, TRAIN_END))
    expected = known["prec"].mean("time").values * 365.25
    got = early["attributes"].sel(attribute="precipitation").values
    assert np.allclose(got, expected, rtol=1e-4)
    assert np.allclose(early["avg_T"], known["tair"].mean("time"), atol=1e-3)


def test_true_parameters_are_inside_their_bounds_and_vary(twin):
    parameters = twin.truth["parameters"]
    for p in Bucket.space:
        values = parameters.sel(parameter=p.name).values
        assert p.lower < values.min()
        assert values.max() < p.upper
        unit = Bucket.space.subset([p.name]).to_unit(torch.from_numpy(values)[:, None])
        assert unit.std() > 0.08
    ds, ws = (parameters.sel(parameter=name).values for name in ("Ds", "Ws"))
    assert (ds <= ws).all()


def test_hidden_share_is_what_attributes_do_not_tell(twin, config):
    def draw(share, seed, space=Bucket.space):
        rng = np.random.default_rng(seed)
        return draw_parameters(twin.domain, space, config.shape, share, rng)

    assert draw(0.0, 1).equals(draw(0.0, 2))  # attributes alone: no chance in it
    assert not draw(0.3, 1).equals(draw(0.3, 2))
    told = draw(0.0, 1).sel(parameter="expt").values
    less, more = (
        np.corrcoef(told, draw(share, 1).sel(parameter="expt").values)[0, 1] for share in (0.1, 0.6)
    )
    assert 1 > less > more
    hidden = draw(1.0, 1).sel(parameter="expt").values.reshape(config.shape)
    assert np.corrcoef(hidden[:, 1:].ravel(), hidden[:, :-1].ravel())[0, 1] > 0.8
    alone = draw(0.3, 1, Bucket.space.subset(["expt"]))
    assert alone.equals(draw(0.3, 1).sel(parameter=["expt"]).assign_attrs(alone.attrs))


def test_depths_may_be_learned_too_and_change_nothing_else(twin, config):
    depths = [Parameter("depth2", "m", 0.1, 1.5), Parameter("depth3", "m", 0.5, 2.5)]
    space = ParameterSpace([*Bucket.space, *depths])
    streams = config.generators()
    seven = draw_parameters(
        twin.domain, space, config.shape, config.hidden_share, streams["parameters"]
    )
    assert np.array_equal(seven.values[:5], twin.truth["parameters"].values)
    assert (seven.values[5:].std(axis=1) > 0.1).all()


def test_parameters_without_a_law_of_their_own_vary_and_leave_the_others_as_they_are(twin, config):
    space = ParameterSpace([*Bucket.space, Parameter("beta", "1", 1.0, 6.0)])
    fields = draw_parameters(
        twin.domain, space, config.shape, config.hidden_share, config.generators()["parameters"]
    )
    assert np.array_equal(fields.values[:5], twin.truth["parameters"].values)
    assert fields.values[5].std() > 0.5
    again = draw_parameters(
        twin.domain, space, config.shape, config.hidden_share, config.generators()["parameters"]
    )
    assert fields.equals(again)


def test_every_parameter_of_vic_follows_the_land_whatever_others_are_learned(twin, config):
    def draw(space):
        rng = config.generators()["parameters"]
        return draw_parameters(twin.domain, space, config.shape, config.hidden_share, rng)

    every = draw(SPACE)
    values = twin.domain["attributes"].values.astype(float)
    names = twin.domain["attribute"].values.tolist()
    told = attribute_law(dict(zip(names, values.T, strict=True)))
    for parameter in SPACE:
        unit = SPACE.subset([parameter.name]).to_unit(
            torch.from_numpy(every.sel(parameter=parameter.name).values)[:, None]
        )
        assert unit.std() > 0.08, parameter.name
        follows = np.corrcoef(unit[:, 0], told[parameter.name])[0, 1]
        assert follows > 0.4, parameter.name
    some = draw(SPACE.subset(["infilt", "porosity", "diff"]))
    assert np.array_equal(some.values, every.sel(parameter=some["parameter"]).values)


def test_a_model_that_does_not_fit_is_refused(twin, config):
    model = Bucket(twin.domain, twin.forcing.isel(time=slice(0, 100)))
    with pytest.raises(ValueError, match="bound to 320 cells and 100 days"):
        build_truth(config, twin.domain, twin.forcing, model)


def test_a_truth_is_asked_for_the_targets_that_a_model_knows_and_snow():
    assert truth_outputs(["swe", "runoff", "soil_moisture"]) == ("soil_moisture", "swe")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rowz": 16}, "unknown key rowz; known are"),
        ({"years": 1}, "source.years = 1 .*one year to train on and one to test"),
        ({"rows": 3}, "source.rows = 3 is outside"),
        ({"rows": 16.0}, "a whole number is needed"),
        ({"seed": True}, "a whole number is needed"),
        ({"start": "spring"}, "source.start = 'spring' is not a date"),
        ({"start": "2016-02-29"}, "29 February"),
        ({"sm_noise": -0.01}, "source.sm_noise = -0.01 is outside"),
        ({"sm_noise": "low"}, "source.sm_noise = 'low': a number is needed"),
        ({"hidden_share": 1.5}, "source.hidden_share = 1.5 is outside"),
    ],
)
def test_bad_settings_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        TwinConfig.from_mapping({"name": "twin", **given})


@pytest.mark.parametrize(
    ("rows", "cols", "patches", "message"),
    [
        (16, 18, {"s16": 16}, "source.cols = 18 has no room for sampling s16 .*needs 20"),
        (8, 33, {"s8": 8}, "source.cols = 33 has no room for sampling s8"),
        (6, 16, {"s8": 8}, None),
        (12, 12, {"s16": 16}, "finds one 16 x 16 patch"),
        (4, 8, {"s4": 4}, None),
    ],
)
def test_a_grid_too_small_for_a_sampling_is_refused(rows, cols, patches, message):
    config = TwinConfig(rows=rows, cols=cols)
    if message is None:
        config.check_patches(patches)
        return
    with pytest.raises(ValueError, match=message):
        config.check_patches(patches)


@pytest.mark.parametrize("date", ["2014-12-31", "2019-01-01"])
def test_a_training_period_outside_the_record_is_refused(config, date):
    with pytest.raises(ValueError, match="record runs from 2015-04-01 to 2017-03-31"):
        build_inputs(config, PATCHES, date, 1)
