"""Vegetation whose constants each cell has for itself, as users' own parameter files have it."""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from parlearn.models.surrogate.features import _tile_means
from parlearn.models.vic.defaults import BARE, cell_values
from parlearn.models.vic.model import VIC, default_parameters
from parlearn.models.vic5.export import parameter_file

FIXTURE = Path(__file__).parents[1] / "data" / "vic5-synthetic"
NAMES = ("infilt", "depth2", "root_fract1", "fcanopy", "rmin_factor")
OUTPUTS = ("moist1", "evapotranspiration", "swe")


@pytest.fixture
def domain():
    return xr.load_dataset(FIXTURE / "inputs.nc").isel(time=slice(0, 40))


@pytest.fixture
def own(domain):
    """The same, every class of vegetation at another place of each cell's list, bare soil last."""
    n = domain.sizes["cell"]
    by_class = [name for name in domain.data_vars if "veg_class" in domain[name].dims]
    out = domain.copy()
    for name in set(by_class) - {"veg_name", "root_layer"}:
        table = domain[name]
        if "cell" not in table.dims:
            table = table.expand_dims(cell=n)
        table = table.transpose("cell", "veg_class", ...)
        moved = table.values.copy()
        for cell in range(n):
            moved[cell, :BARE] = np.roll(moved[cell, :BARE], cell, axis=0)
        out[name] = (table.dims, moved)
    return out


def run(domain):
    model = VIC(domain, domain, names=NAMES, outputs=OUTPUTS)
    given = default_parameters(domain, NAMES) * torch.tensor([1, 1, 1.1, 0.9, 1.2])
    return model.simulate(torch.minimum(given, model.space.upper))


def test_vic_runs_the_same_with_classes_of_each_cell(domain, own):
    assert torch.allclose(cell_values(own), cell_values(domain), rtol=1e-12)
    assert torch.allclose(run(own), run(domain), rtol=1e-5, atol=1e-6)


def test_files_of_the_original_have_the_classes_of_each_cell(domain, own):
    learned = xr.Dataset(
        {"parameters": (("parameter", "cell"), default_parameters(domain, NAMES).numpy().T)},
        coords={"parameter": list(NAMES)},
    )
    plain, moved = parameter_file(domain, learned), parameter_file(own, learned)
    for name in ("Cv", "rmin", "root_fract", "LAI", "albedo", "fcanopy", "overstory"):
        for cell in range(domain.sizes["cell"]):
            of_cell = plain[name].values[..., 0, cell].copy()
            of_cell[:BARE] = np.roll(of_cell[:BARE], cell, axis=0)
            assert np.allclose(moved[name].values[..., 0, cell], of_cell, atol=1e-12), name


def test_the_surrogate_is_told_the_same(domain, own):
    for name, table in _tile_means(domain).items():
        assert np.allclose(_tile_means(own)[name], table, rtol=1e-5, atol=1e-6), name
