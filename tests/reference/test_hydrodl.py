"""Soil, vegetation library, disaggregation and units against the inputs given to the real VIC 5.

The data are not part of the project. PARLEARN_REFERENCE names the folder with ``vic5`` and
``vic5-synthetic`` (``../shared/reference`` beside the checkout if unset), PARLEARN_HYDRODL the one
with ``crd.csv`` (``../shared/data/hydrodl/CONUSv4f1``).
"""

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from parlearn.land.soil import soil_statics
from parlearn.land.subdaily import temperature_amplitude, three_hourly
from parlearn.land.vegetation import read_library
from parlearn.plan.source import SCATTERED
from parlearn.sources import hydrodl
from parlearn.storage import contracts

SHARED = Path(__file__).resolve().parents[3] / "shared"
REFERENCE = Path(os.environ.get("PARLEARN_REFERENCE", SHARED / "reference"))
DATABASE = Path(os.environ.get("PARLEARN_HYDRODL", SHARED / "data" / "hydrodl" / "CONUSv4f1"))
YEARS, TRAINING = [2015, 2016], ("2015-04-01", "2016-03-31")
SHARES = {"d16": 1 / 16, "d4": 1 / 4, "all": 1.0}


@pytest.fixture(scope="module", params=["vic5", "vic5-synthetic"])
def inputs(request):
    path = REFERENCE / request.param / "inputs.nc"
    if not path.is_file():
        pytest.skip(f"no reference data at {path}: set PARLEARN_REFERENCE")
    with xr.open_dataset(path) as ds:
        return ds.load()


@pytest.fixture(scope="module")
def study():
    if not (DATABASE / "crd.csv").is_file():
        pytest.skip(f"no hydroDL database at {DATABASE}: set PARLEARN_HYDRODL")
    domain = hydrodl.build_domain(DATABASE, YEARS, TRAINING, SHARES, seed=1)
    forcing = hydrodl.build_forcing(DATABASE, YEARS, domain)
    return domain, forcing, hydrodl.build_observations(DATABASE, YEARS, domain)


def test_soil_constants_agree_to_rounding(inputs):
    soil = soil_statics(inputs.sand, inputs.clay, 100 - inputs.sand - inputs.clay)
    for name, values in soil.items():
        np.testing.assert_allclose(values, inputs[name], rtol=1e-12, err_msg=name)
        assert values.attrs["units"] == inputs[name].attrs["units"]


def test_library_agrees(inputs):
    library = read_library()
    assert list(library.veg_name.values) == list(inputs.veg_name.values)
    for name in set(library) - {"LAI", "veg_name"}:
        np.testing.assert_array_equal(library[name], inputs[name], err_msg=name)
        assert library[name].attrs["units"] == inputs[name].attrs["units"]
    scale = np.ones((inputs.sizes["cell"], 12, 1))
    scale[:, 6:11] = inputs.lai_factor.values[:, None, None]
    np.testing.assert_allclose(library.LAI.values * scale, inputs.LAI, rtol=1e-12)


def test_three_hour_steps_agree_to_rounding(inputs):
    day = inputs.time.dt.dayofyear.values
    tair, swdown = three_hourly(inputs.tair, inputs.swdown, inputs.lat, day)
    np.testing.assert_allclose(tair, inputs.tair_3h, atol=5e-5)
    # the reference samples the sun each minute, we integrate: up to 3 mW m-2 at sunrise
    np.testing.assert_allclose(swdown, inputs.swdown_3h, atol=5e-3)
    amplitude = temperature_amplitude(inputs.swdown.values, inputs.lat.values, day)
    np.testing.assert_allclose(amplitude, inputs.t_amplitude, atol=5e-5)


def test_real_database_has_the_cells_and_observations_its_readme_counts(study):
    domain, forcing, observations = study
    contracts.check(domain, "domain.nc", "domain")
    contracts.check(forcing, "forcing.nc", "forcing")
    contracts.check(observations, "observations.nc", "observations")
    assert domain.attrs["cells_in_source"] == SCATTERED["hydrodl"] == 412
    assert domain.sizes["cell"] == 411
    assert "no soil data" in domain.attrs["excluded"]
    assert forcing.sizes["time"] == 365 + 366 + 365
    # its readme counts 63,443 and 36,048 in all 412 cells
    table = hydrodl.coverage(DATABASE, YEARS, TRAINING)
    assert table.observations_training.sum() == 63443
    summer = observations.soil_moisture.sel(time=slice("2016-04-01", "2016-09-30"))
    left_out = table.observations_later[~table.kept].sum()
    assert int(summer.notnull().sum()) in range(36048 - left_out, 36049)


def test_real_forcing_is_what_vic_was_given(study):
    path = REFERENCE / "vic5" / "inputs.nc"
    if not path.is_file():
        pytest.skip(f"no reference data at {path}: set PARLEARN_REFERENCE")
    domain, forcing, _ = study
    with xr.open_dataset(path) as reference:
        cells = [list(domain.source_row.values).index(row) for row in reference.source_row.values]
        days = reference.time[:731]
        ours = forcing.isel(cell=cells).sel(time=days)
        for name in ("prec", "tair", "swdown", "lwdown", "wind"):
            np.testing.assert_allclose(ours[name], reference[name][:, :731], atol=2e-5)
        for name in ("porosity", "Ksat", "b_clapp", "theta_fc", "Wcr_FRACT"):
            np.testing.assert_allclose(domain[name][cells], reference[name], rtol=1e-6)
        # elevation is a choice: ETOPO5 here, estimates by hand there
        difference = domain.elev.values[cells] - reference.elev.values
        assert np.sqrt((difference**2).mean()) < 130
        assert np.abs(ours.pressure.values - reference.pressure.values[:, :731]).max() < 6
