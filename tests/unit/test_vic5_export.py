"""Parameters written for the original VIC: its names, dims, and what it checks on reading."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest
import torch
import xarray as xr

from parlearn.__main__ import main
from parlearn.models.vic.defaults import SPACE
from parlearn.models.vic.model import CALIBRATED, VIC, default_parameters
from parlearn.models.vic.parameters import BEYOND_VIC5, PARAMETERS
from parlearn.models.vic.reference import OUTPUTS
from parlearn.models.vic5 import export
from parlearn.models.vic5.export import parameter_file
from parlearn.storage import contracts
from parlearn.storage.kinds import KINDS

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


def test_each_member_of_an_ensemble_has_its_file(domain, learned, tmp_path):
    other = learned.assign(parameters=1.01 * learned["parameters"])
    ensemble = xr.concat([learned, other], "member")
    names = [path.name for path in export.write(domain, ensemble, tmp_path)]
    assert names == ["parameters-0.nc", "parameters-1.nc", "domain.nc"]
    for name, one in zip(names, (learned, other), strict=False):
        assert xr.load_dataset(tmp_path / name)["infilt"].equals(
            parameter_file(domain, one)["infilt"]
        )


#: all that the image driver reads without snow bands, lakes, frozen soil and carbon: dims before
#: (y, x); from the manual of VIC 5, "Parameter File, Image Driver"
LAYERED = "expt Ksat phi_s init_moist depth bubble quartz bulk_density soil_density Wcr_FRACT"
DEMANDED = {
    (): "lat lon mask run_cell gridcell lats lons infilt Ds Dsmax Ws c elev avg_T dp off_gmt rough "
    "snow_rough annual_prec fs_active Nveg",
    ("nlayer",): f"{LAYERED} Wpwp_FRACT resid_moist",
    ("veg_class",): "Cv overstory rarc rmin wind_h RGL rad_atten wind_atten trunk_ratio",
    ("veg_class", "root_zone"): "root_depth root_fract",
    ("veg_class", "month"): "LAI albedo veg_rough displacement fcanopy",
}


def test_every_variable_that_vic_reads_is_there_without_a_gap(domain, learned, tmp_path):
    export.write(domain, learned, tmp_path)
    with xr.open_dataset(tmp_path / "parameters.nc") as written:
        for dims, names in DEMANDED.items():
            for name in names.split():
                assert written[name].dims == (*dims, "y", "x"), name
                assert written[name].notnull().all(), name


def test_fractions_sum_to_one_as_vic_adds_them_up(domain, learned):
    """VIC adds doubles in the order of the file and warns at every cell that misses 1.0."""
    three = np.float32([0.33, 0.56, 0.11])
    single = domain.assign(Cv=domain["Cv"].astype("f4"))
    single["Cv"][0, :3], single["Cv"][0, 3:] = three, 0
    single["root_fract"][:] = three
    out = parameter_file(single, learned)
    for cell in range(8):
        assert sum(out["Cv"].values[:, 0, cell].tolist()) == 1.0
    for zones in out["root_fract"].values[:11, :, 0, 0]:
        assert sum(zones.tolist()) == 1.0
    assert np.allclose(out["Cv"][:3, 0, 0], three, rtol=0, atol=1e-7)
    assert np.allclose(out["root_fract"][0, :, 0, 0], three, rtol=0, atol=1e-7)


def test_files_that_vic_would_refuse_are_refused_here(domain, learned):
    dry = domain.assign(resid_moist=domain["resid_moist"] * 0 + 0.3)
    with pytest.raises(ValueError, match="wilting point of a cell lies below its residual"):
        parameter_file(dry, learned)
    with pytest.raises(ValueError, match="7 cells"):
        parameter_file(domain, learned.isel(cell=slice(0, 7)))
    with pytest.raises(ValueError, match="no parameter 'humus'"):
        parameter_file(domain, learned.assign_coords(parameter=[*CALIBRATED[:-1], "humus"]))


def test_layer_two_is_as_thick_as_layer_one_at_least(domain, learned):
    """VIC refuses a thinner one, and so the model here has none."""
    depth = parameter_file(domain.assign(depth1=domain["depth1"] * 0 + 0.6), learned)["depth"]
    assert np.allclose(depth[:2], 0.6)


def every_parameter(domain, **changes):
    """All that VIC 5 has, learned: somewhere between the default and the middle of the bounds."""
    names = [name for name in PARAMETERS if name not in BEYOND_VIC5]
    space = SPACE.subset(names)
    unit = space.to_unit(default_parameters(domain, names))
    values = space.to_physical(unit + 0.4 * (0.55 - unit)).double().T.numpy().copy()
    for name, value in changes.items():
        values[names.index(name)] = value
    return xr.Dataset({"parameters": (("parameter", "cell"), values)}, coords={"parameter": names})


def as_domain(domain, written, cell):
    """The domain of one cell as VIC reads it in the file."""
    at = written.isel(y=0, x=cell)
    one = domain.isel(cell=[cell])
    soil = ("Ksat", "bulk_density", "Wcr_FRACT", "Wpwp_FRACT", "resid_moist")
    one = one.assign({name: ("cell", [float(at[name][0])]) for name in soil})
    one = one.assign(depth1=("cell", [float(at["depth"][0])]))
    by_class = {name: at[name].values for name in ("rmin", "albedo", "root_depth", "root_fract")}
    one = one.assign({name: (domain[name].dims, value) for name, value in by_class.items()})
    one = one.assign(LAI=(("cell", "veg_class", "month"), at["LAI"].values[None]))
    return one.assign(fcanopy=(("cell", "veg_class"), at["fcanopy"].values[None, :, 0]))


@pytest.mark.parametrize("cell", [0, 1, 3, 5])
def test_vic_reads_in_the_file_what_the_model_ran_with(domain, cell):
    """The file taken for the inputs of a run gives the same as the parameters did."""
    learned = every_parameter(domain, soil_rarc=100.0)
    names = tuple(learned["parameter"].values)
    written = parameter_file(domain, learned)
    options = {"outputs": OUTPUTS, "dtype": torch.float64}
    given = torch.as_tensor(learned["parameters"].values.T)[[cell]]
    days = slice(0, 200)
    expected, _ = VIC(domain, domain, names=names, **options).run(given, [cell], days)

    one = as_domain(domain, written, cell)
    factor = float(written["aero_factor"][0, cell])
    one = one.assign(wind=one["wind"].astype("f8") / factor)
    # field capacity keeps its share of porosity at a cold start
    porosity = 1 - float(one["bulk_density"][0] / one["soil_density"][0])
    start = float(written["init_moist"][0, 0, cell] / written["depth"][0, 0, cell] / 1000)
    assert start <= porosity
    one = one.assign(theta_fc=("cell", [start]))
    plain = ("infilt", "Ds", "Dsmax", "Ws", "expt", "depth2", "depth3")
    values = [float(written[name][0, cell]) for name in plain[:4]]
    values += [float(written["expt"][0, 0, cell]), *written["depth"][1:, 0, cell].values]
    found, _ = VIC(one, one, names=plain, **options).run(torch.tensor([values]).double(), days=days)
    # the weather is read in single precision
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_what_vic5_cannot_be_given_is_refused(domain, tmp_path):
    more = every_parameter(domain, soil_rarc=100.0)
    diff = more.isel(parameter=[0]).assign_coords(parameter=["diff"])
    with pytest.raises(ValueError, match="diff: it is not in VIC 5"):
        export.write(domain, xr.concat([more, diff], "parameter"), tmp_path / "none")
    with pytest.raises(ValueError, match="soil_rarc: VIC 5 has one value for all cells, compiled"):
        export.write(domain, every_parameter(domain, soil_rarc=35.0), tmp_path / "none")
    assert not (tmp_path / "none").exists()
    parameter_file(domain, xr.concat([more, 0 * diff], "parameter"))  # off: as VIC 5


@pytest.fixture
def result(learned, tmp_path, monkeypatch):
    """Arguments for a study's domain.nc, of which the kind is that of the fixture, and a run's."""
    monkeypatch.setitem(KINDS, "domain", {"elev": ("cell", "m", -500, 9000)})
    bounds = {"lower": np.full(len(CALIBRATED), -1e6), "upper": np.full(len(CALIBRATED), 1e6)}
    learned["parameters"].attrs = bounds
    inputs = xr.load_dataset(FIXTURE / "inputs.nc")
    contracts.write(inputs, tmp_path / "study.nc", "domain")
    contracts.write(learned, tmp_path / "run.nc", "parameters")
    return [str(tmp_path / name) for name in ("study.nc", "run.nc", "vic5")]


def test_the_command_writes_both_files(result, tmp_path, capsys):
    assert main(["export-vic5", *result]) == 0
    assert {p.name for p in (tmp_path / "vic5").iterdir()} == {"parameters.nc", "domain.nc"}
    assert "parameters.nc" in capsys.readouterr().out
    with xr.open_dataset(tmp_path / "vic5" / "domain.nc") as written:
        assert (written["mask"].values == 1).all()


@pytest.mark.parametrize(("number", "name"), [(0, "elev"), (1, "parameters")])
def test_the_command_takes_no_changed_results(result, tmp_path, capsys, number, name):
    with netCDF4.Dataset(result[number], "a") as ds:
        ds[name][:] = 0.9 * ds[name][:]
    assert main(["export-vic5", *result]) == 2
    assert f"{result[number]} is not what was written" in capsys.readouterr().err
    assert not (tmp_path / "vic5").exists()
