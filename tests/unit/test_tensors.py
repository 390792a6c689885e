"""A study shows a learner its training cells and period, and refuses what it must not see."""

import numpy as np
import pytest
import torch
import xarray as xr

from parlearn.networks.scalers import OLDEST_OBSERVATION, Scaler, encode_gaps
from parlearn.study.tensors import FORCING, load_study, read_inputs

SPAN = ("2015-04-01", "2015-05-10")


@pytest.fixture
def files():
    """Six cells, 60 days from 2015-03-22; two train, two validate, one test, one unused."""
    rng = np.random.default_rng(0)
    time = np.arange("2015-03-22", "2015-05-21", dtype="datetime64[D]").astype("datetime64[ns]")
    cells, days = 6, len(time)
    domain = xr.Dataset(
        {
            "attributes": (("cell", "attribute"), rng.normal(size=(cells, 3)).astype("f4")),
            "attribute_units": ("attribute", ["percent", "percent", "1"]),
            "lat": ("cell", np.linspace(30, 40, cells)),
            "lon": ("cell", np.linspace(-100, -90, cells)),
            "role": (
                ("sampling", "cell"),
                np.array([[1, 1, 2, 2, 3, 0], [1, 0, 2, 0, 3, 0]], "i1"),
            ),
        },
        coords={"attribute": ["sand", "clay", "ndvi"], "sampling": ["all", "d4"]},
    )
    forcing = xr.Dataset(
        {
            name: (("cell", "time"), rng.gamma(1.0, 3.0, (cells, days)), {"units": "u"})
            for name in FORCING
        },
        coords={"time": time},
    )
    observed = rng.uniform(0.1, 0.4, (1, cells, days))
    observed[rng.random(observed.shape) < 0.5] = np.nan
    observed[..., :10] = np.nan
    observed[..., 50:] = np.nan
    training = xr.Dataset(
        {"soil_moisture": (("period", "cell", "time"), observed, {"units": "m3 m-3"})},
        coords={"time": time, "period": ["one_year"]},
    )
    return domain, forcing, training


def load(files, **changes):
    choice = {"sampling": "all", "period": "one_year", "span": SPAN}
    choice |= {"targets": ("soil_moisture",)} | changes
    return load_study(*files, **choice)


def test_period_and_roles(files):
    study = load(files)
    assert study.training == slice(10, 50)
    assert study.training_days == 40
    assert str(study.dates[study.training][0]) == SPAN[0]
    assert str(study.dates[study.training][-1]) == SPAN[1]
    assert study.cells("train").tolist() == [0, 1]
    assert study.cells("train", "validate").tolist() == [0, 1, 2, 3]
    assert load(files, sampling="d4").cells("train").tolist() == [0]
    with pytest.raises(ValueError, match="unknown role 'testing'"):
        study.cells("testing")


def test_scalers_know_training_cells_and_period_only(files):
    domain, forcing, training = files
    study = load(files)
    assert study.attributes[:2].mean(0).abs().max() < 1e-6
    assert study.inputs.series[:2, :, : len(FORCING)].mean((0, 1)).abs().max() < 1e-5
    changed = (domain.copy(deep=True), forcing.copy(deep=True), training.copy(deep=True))
    changed[0]["attributes"][2:] += 7
    changed[1]["tair"][2:] += 7
    changed[1]["tair"][:, 50:] -= 9
    changed[2]["soil_moisture"][:, 2:] *= 0.5
    assert load(changed).scalers == study.scalers


def test_scaler_of_a_constant_and_of_skewed_precipitation():
    values = torch.tensor([[1.0, 0.0], [1.0, 3.0], [1.0, torch.nan]])
    scaler = Scaler.fit(values, ("flag", "prec"), ("1", "mm day-1"), (False, True))
    there = scaler.apply(torch.tensor([[1.0, 0.0], [5.0, 3.0]]))
    assert there[:, 0].tolist() == [0, 0]
    assert torch.allclose(there[:, 1], torch.tensor([-1.0, 1.0]))
    assert Scaler.from_dict(scaler.to_dict()) == scaler
    with pytest.raises(ValueError, match="prec has no value"):
        Scaler.fit(torch.tensor([[1.0, torch.nan]]), ("flag", "prec"), ("1", "1"))


def test_gaps_are_encoded_not_filled():
    nan = torch.nan
    series = torch.tensor([[nan, 2.0, nan, nan, -1.0, *[nan] * 40]])
    value, age, flag = encode_gaps(series)[0].unbind(-1)
    assert value[:6].tolist() == [0, 2, 2, 2, -1, -1]
    assert torch.allclose(age[:6] * OLDEST_OBSERVATION, torch.tensor([30.0, 0, 1, 2, 0, 1]))
    assert age[-1] == 1
    assert age.max() == 1
    assert flag.nonzero()[:, 0].tolist() == [1, 4]
    assert encode_gaps(torch.full((1, 5), nan))[0].tolist() == [[0, 1, 0]] * 5


def test_inputs_keep_every_day(files):
    study = load(files)
    assert study.inputs.series.shape == (6, 40, len(FORCING) + 3)
    assert torch.isfinite(study.inputs.series).all()
    seen = torch.isfinite(study.observations[:, study.training, 0])
    assert torch.equal(study.inputs.series[..., -1].bool(), seen)
    assert study.inputs.select(torch.tensor([3, 1])).attributes.equal(study.attributes[[3, 1]])


def test_a_learner_is_told_the_attributes_that_it_asks_for(files):
    every, study = load(files), load(files, attributes=["ndvi", "sand"])
    assert study.scalers.attributes.names == ("ndvi", "sand")
    assert study.scalers.attributes.units == ("1", "percent")
    assert study.attributes.equal(every.attributes[:, [2, 0]])
    # a network is told the same of another region, wherever they stand there
    turned = files[0].isel(attribute=[2, 1, 0])
    assert read_inputs(turned, study.scalers).attributes.equal(study.attributes)
    with pytest.raises(ValueError, match="has no attribute silt; it has sand, clay, ndvi"):
        load(files, attributes=["sand", "silt"])


def test_another_region_needs_the_same_names_and_units(files):
    study = load(files)
    there = read_inputs(*files[:1], study.scalers, *files[1:], period="one_year", span=SPAN)
    assert there.series.equal(study.inputs.series)
    assert there.attributes.equal(study.inputs.attributes)
    assert read_inputs(files[0], study.scalers).series.shape == (6, 0, 0)
    domain = files[0].copy(deep=True)
    domain["attribute_units"][1] = "1"
    with pytest.raises(ValueError, match="clay is in '1', training had it in 'percent'"):
        read_inputs(domain, study.scalers)
    renamed = files[0].assign_coords(attribute=["sand", "silt", "ndvi"])
    with pytest.raises(ValueError, match="has no attribute clay; it has sand, silt, ndvi"):
        read_inputs(renamed, study.scalers)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampling": "s8"}, "no sampling 's8'; it has all, d4"),
        ({"period": "ten_years"}, "no period 'ten_years'; it has one_year"),
        ({"span": ("2015-04-01", "2016-03-31")}, "not inside the timeline"),
        ({"span": ("2015-05-01", "2015-04-01")}, "not inside the timeline"),
        ({"span": ("2015-04-01", "2015-05-09")}, "outside the training period"),
        ({"targets": ("runoff",)}, "no target 'runoff'; it has soil_moisture"),
        ({"targets": ()}, "no target"),
    ],
)
def test_wrong_choices(files, changes, message):
    training = files[2].copy(deep=True)
    training["soil_moisture"][:, 0, 49] = 0.3
    with pytest.raises(ValueError, match=message):
        load((*files[:2], training), **changes)


def test_bad_data(files):
    domain, forcing, training = files

    def broken(index, change):
        datasets = [d.copy(deep=True) for d in files]
        change(datasets[index])
        return datasets

    def set_nan(data, name, where):
        data[name][where] = np.nan

    with pytest.raises(ValueError, match="vp of cell 3 on 2015-03-27 is not a number"):
        load(broken(1, lambda d: set_nan(d, "vp", (3, 5))))
    with pytest.raises(ValueError, match=r"clay of cell 4 \(lat 38"):
        load(broken(0, lambda d: set_nan(d, "attributes", (4, 1))))
    with pytest.raises(ValueError, match="role 'validate' have no soil_moisture"):
        load(broken(2, lambda d: set_nan(d, "soil_moisture", (slice(None), 2))))
    with pytest.raises(ValueError, match="no cell has the role 'train'"):
        load(broken(0, lambda d: d["role"].__setitem__((0, slice(0, 2)), 0)))
    with pytest.raises(ValueError, match="no variable 'wind'"):
        load((domain, forcing.drop_vars("wind"), training))
    with pytest.raises(ValueError, match="do not have the same days"):
        load((domain, forcing.isel(time=slice(1, None)), training))
    hole = np.delete(np.arange(60), 30)
    with pytest.raises(ValueError, match="not daily: 2015-04-22 follows 2015-04-20"):
        load((domain, forcing.isel(time=hole), training.isel(time=hole)))
    with pytest.raises(ValueError, match="forcing.nc has 5 cells, domain.nc 6"):
        load((domain, forcing.isel(cell=slice(5)), training))
    with pytest.raises(ValueError, match="infinite"):
        load(broken(2, lambda d: d["soil_moisture"].__setitem__((0, 0, 20), np.inf)))


def test_a_test_cell_may_have_no_observation(files):
    training = files[2].copy(deep=True)
    training["soil_moisture"][:, 4] = np.nan
    study = load((*files[:2], training))
    assert study.inputs.series[4, :, -3:].tolist() == [[0, 1, 0]] * 40


def test_moving_keeps_everything(files):
    study = load(files)
    moved = study.to("cpu")
    assert moved.scalers == study.scalers
    assert moved.training == study.training
    assert torch.equal(moved.inputs.series, study.inputs.series)
