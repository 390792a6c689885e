"""Tensors of a run become files of their kind, and come back the same."""

import numpy as np
import pytest
import torch

from parlearn.models.base import ParameterSpace
from parlearn.models.parameter import Parameter
from parlearn.runs import outputs
from parlearn.storage import contracts

SPACE = ParameterSpace([Parameter("a", "1", 0.1, 1.0, "log"), Parameter("b", "m", 1.0, 2.0)])
DAYS = np.datetime64("2015-04-01", "ns") + np.arange(4) * np.timedelta64(1, "D")


def values(*shape):
    return SPACE.to_physical(torch.rand(*shape, 2, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("line", [(0.9, 0.02), (torch.ones(3), torch.zeros(3))])
def test_parameters_roundtrip(tmp_path, line):
    parameters = values(3)
    path = tmp_path / "parameters.nc"
    contracts.write(outputs.parameters_dataset(SPACE, parameters, *line), path, "parameters")
    back = contracts.read(path, "parameters")
    assert torch.equal(outputs.parameters_tensor(back, SPACE, path), parameters)
    assert np.allclose(back["slope"].values, np.asarray(line[0]))
    assert back["parameters"].attrs["parameter_units"] == ["1", "m"]


def test_parameters_of_another_model_are_refused():
    ds = outputs.parameters_dataset(SPACE, values(3))
    with pytest.raises(ValueError, match=r"p\.nc has the parameters a, b, the model b"):
        outputs.parameters_tensor(ds, SPACE.subset(["b"]), "p.nc")


@pytest.mark.parametrize("line", [(0.9, 0.02), (torch.ones(3), torch.zeros(3))])
def test_an_ensemble_is_its_members(tmp_path, line):
    members = [values(3), values(3).flip(0)]
    path = tmp_path / "parameters.nc"
    each = [outputs.parameters_dataset(SPACE, member, *line) for member in members]
    contracts.write(outputs.ensemble_dataset(each), path, "parameters")
    back = contracts.read(path, "parameters")
    assert torch.equal(outputs.parameters_tensor(back, SPACE, path), torch.stack(members))
    assert back["slope"].dims[0] == "member"
    assert back["parameters"].attrs["parameter_units"] == ["1", "m"]
    with pytest.raises(ValueError, match="two members or more, not 1"):
        outputs.ensemble_dataset(each[:1])
    other = outputs.parameters_dataset(SPACE.subset(["b"]), members[0][:, 1:])
    with pytest.raises(ValueError, match="not the same parameters and cells"):
        outputs.ensemble_dataset([each[0], other])


@pytest.mark.parametrize("shape", [(2,), (2, 3)])
def test_trajectory(shape):
    ds = outputs.trajectory_dataset(
        SPACE,
        epoch=torch.tensor([0.0, 1.0]),
        seconds=torch.tensor([0.0, 2.0]),
        parameters=values(2, 3),
        slope=torch.ones(shape),
        offset=torch.zeros(shape),
    )
    contracts.check(ds, "t.nc", "trajectory")


def test_simulation_and_samples():
    names = ("soil_moisture", "evapotranspiration")
    run = torch.rand(3, 4, 2)
    simulation = outputs.simulation_dataset({"vic": run, "surrogate": run}, names, DAYS)
    contracts.check(simulation, "s.nc", "simulation")
    assert np.array_equal(simulation["evapotranspiration"].sel(model="vic"), run[..., 1])
    # a surrogate is a regression: on dry soil it may answer a little below zero
    below = run.clone()
    below[0, 0, 0] = -0.002
    contracts.check(
        outputs.simulation_dataset({"surrogate": below}, names, DAYS), "s.nc", "simulation"
    )
    with pytest.raises(contracts.ContractError, match="of vic: values from -0.002"):
        contracts.check(
            outputs.simulation_dataset({"vic": below}, names, DAYS), "s.nc", "simulation"
        )
    below[0, 0, 0] = -0.2
    with pytest.raises(contracts.ContractError, match="values from -0.2"):
        contracts.check(
            outputs.simulation_dataset({"surrogate": below}, names, DAYS), "s.nc", "simulation"
        )
    samples = outputs.samples_dataset(
        SPACE, torch.tensor([4, 7, 9]), values(5, 3), torch.rand(5, 3, 4, 2), names, DAYS
    )
    contracts.check(samples, "b.nc", "samples")
    assert samples["cell"].values.tolist() == [4, 7, 9]
