"""Parameters written for the original VIC: its names, dims, and what it checks on reading."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from parlearn.__main__ import main
from parlearn.models.vic import CALIBRATED, default_parameters
from parlearn.models.vic.export import parameter_file

FIXTURE = Path(__file__).parents[1] / "data" / "vic5-synthetic"


@pytest.fixture
def domain():
    return xr.load_dataset(FIXTURE / "inputs.nc")


@pytest.fixture
def learned(domain):
    values = default_parameters(domain, CALIBRATED).numpy().T.copy()
    values[4] = np.linspace(10, 20, domain.sizes["cell"])
    return xr.Dataset(
        {"parameters": (("parameter", "cell"), values)}, coords={"parameter": list(CALIBRATED)}
    )


def test_the_file_passes_the_checks_of_vic(domain, learned):
    out = parameter_file(domain, learned)
    assert out["expt"].dims == ("nlayer", "y", "x")
    assert np.allclose(out["expt"][2, 0], np.linspace(10, 20, 8))
    assert np.allclose(out["depth"][1], 0.4)
    assert np.allclose(out["Cv"].sum("veg_class"), 1)
    rooted = out["root_fract"].isel(veg_class=slice(0, 11)).sum("root_zone")
    assert np.allclose(rooted, 1)
    assert (out["Nveg"].values[0] == [1, 2, 1, 1, 1, 2, 1, 0]).all()
    assert out["LAI"].dims == ("veg_class", "month", "y", "x")
    assert out["fcanopy"].shape == (12, 12, 1, 8)
    assert float(out["fcanopy"][11].max()) == 0
    assert float(out["rarc"][11].min()) == 100


def test_files_that_vic_would_refuse_are_refused_here(domain, learned):
    thin = domain.assign(depth1=domain["depth1"] * 0 + 0.6)
    with pytest.raises(ValueError, match="layer 2 is thinner than layer 1"):
        parameter_file(thin, learned)
    with pytest.raises(ValueError, match="7 cells"):
        parameter_file(domain, learned.isel(cell=slice(0, 7)))
    with pytest.raises(ValueError, match="no parameter 'porosity'"):
        parameter_file(domain, learned.assign_coords(parameter=[*CALIBRATED[:-1], "porosity"]))


def test_the_command_writes_both_files(domain, learned, tmp_path, capsys):
    learned.to_netcdf(tmp_path / "run.nc")
    arguments = [str(FIXTURE / "inputs.nc"), str(tmp_path / "run.nc"), str(tmp_path / "vic5")]
    assert main(["export-vic5", *arguments]) == 0
    assert {p.name for p in (tmp_path / "vic5").iterdir()} == {"parameters.nc", "domain.nc"}
    assert "parameters.nc" in capsys.readouterr().out
    with xr.open_dataset(tmp_path / "vic5" / "domain.nc") as written:
        assert (written["mask"].values == 1).all()
