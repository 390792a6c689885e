"""A user's own files of VIC 5 and VIC 4: read, held to their format, run, and written again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from parlearn.__main__ import main
from parlearn.models.vic.defaults import SPACE
from parlearn.models.vic.model import VIC
from parlearn.models.vic5.export import parameter_file
from parlearn.runs import outputs
from parlearn.sources.vic5 import build, soil_table
from parlearn.sources.vic5.files import VicFileError, open_raw, read_grid, write_raw
from parlearn.sources.vic5.land import LEFT_OUT
from parlearn.storage import contracts

FIXTURE = Path(__file__).parents[1] / "data" / "vic5-synthetic"
NAMES = ("infilt", "Ds", "Dsmax", "Ws", "expt", "depth2", "depth3")
RECORD = ("2001-01-01", "2001-12-31")
#: rows and columns of the user's grid, and the cells of it that are run
SHAPE, ROWS, COLUMNS = (3, 4), (0, 0, 0, 1, 1, 2, 2, 2), (0, 1, 3, 0, 2, 1, 2, 3)


@pytest.fixture(scope="module")
def inputs():
    return xr.load_dataset(FIXTURE / "inputs.nc").sel(time=slice(*RECORD))


@pytest.fixture(scope="module")
def on_grid():
    """Puts values of the eight cells on the user's grid (..., y, x), NaN elsewhere."""

    def put(values):
        values = np.asarray(values)
        out = np.full((*values.shape[:-1], *SHAPE), np.nan)
        out[..., ROWS, COLUMNS] = values
        return out

    return put


LAT, LON = np.array([32.0, 31.5, 31.0]), np.array([-110.0, -109.5, -109.0, -108.5])
FORCING = {
    "temp": ("tair_3h", "C"),
    "prec": ("prec", "mm timestep-1"),
    "air_pressure": ("pressure", "kPa"),
    "shortwave": ("swdown_3h", "W/m2"),
    "longwave": ("lwdown", "W m-2"),
    "vapor_pressure": ("vp", "kPa"),
    "wind": ("wind", "m/s"),
}


def write_forcing(folder, inputs, on_grid, hours=3):
    """Forcing of 2001 in steps of so many hours."""
    steps = 24 // hours
    table = xr.Dataset(coords={"lat": LAT, "lon": LON})
    for name, (source, units) in FORCING.items():
        values = inputs[source].values.astype(float)
        if values.ndim == 2:
            values = np.repeat(values[..., None], 8, -1)
        daily = values.reshape(*values.shape[:2], 8)
        if hours >= 3:
            values = daily.reshape(*daily.shape[:2], steps, -1).mean(-1)
        else:
            values = np.repeat(daily, 3 // hours, -1)
        if name == "prec":
            values = values / steps
        series = values.reshape(len(values), -1).T  # (step, cell)
        table[name] = ("time", "lat", "lon"), on_grid(series), {"units": units}
    stamps = np.arange(len(table["time"])) * hours
    table["time"] = "time", stamps, {"units": "hours since 2001-01-01", "calendar": "standard"}
    table.to_netcdf(folder / "forcing.2001.nc")


@pytest.fixture(scope="module")
def written(inputs, on_grid, tmp_path_factory):
    """Folder with domain.nc, parameters.nc and forcing.2001.nc of a user."""
    folder = tmp_path_factory.mktemp("user")
    values = inputs["params"].values[0]
    learned = xr.Dataset(
        {"parameters": (("parameter", "cell"), values.T)}, coords={"parameter": list(NAMES)}
    )
    made = parameter_file(inputs, learned).isel(y=0)
    table = xr.Dataset(coords={"lat": LAT, "lon": LON})
    for name, variable in made.variables.items():
        if "x" not in variable.dims or name in ("lat", "lon"):
            continue
        grid = on_grid(variable.values)
        whole = variable.dtype.kind == "i"
        attrs = {"_FillValue": np.int32(-9999)} if whole else {"_FillValue": np.nan}
        table[name] = (
            (*variable.dims[:-1], "lat", "lon"),
            np.nan_to_num(grid, nan=-9999).astype("i4") if whole else grid,
            attrs,
        )
    active = on_grid(np.ones(8)) == 1
    table["run_cell"] = ("lat", "lon"), active.astype("i4")
    write_raw(table, folder / "parameters.nc")
    domain = xr.Dataset(coords={"lat": LAT, "lon": LON})
    domain["mask"] = ("lat", "lon"), active.astype("i4")
    domain["frac"] = ("lat", "lon"), on_grid(np.ones(8))
    write_raw(domain, folder / "domain.nc")
    write_forcing(folder, inputs, on_grid)
    return folder


@pytest.fixture
def source(written):
    return {
        "domain": str(written / "domain.nc"),
        "parameters": str(written / "parameters.nc"),
        "forcing": str(written / "forcing."),
        "record": RECORD,
    }


@pytest.fixture
def study(source):
    forcing = build.build_forcing(source)
    # rain is everywhere, in place of observations
    given = source, forcing, forcing[["prec"]], RECORD, {"all": {}}, 1
    domain, left_out = build.build_domain(*given)
    return domain, forcing, left_out


def test_vic_runs_on_a_users_files_as_on_its_own(inputs, study):
    domain, forcing, left_out = study
    contracts.check(domain, "domain.nc", "domain")
    contracts.check(forcing, "forcing.nc", "forcing")
    assert left_out.empty
    assert str(forcing["time"].values[0])[:10] == "2000-01-01"
    days = slice(366, 366 + 365)
    assert np.allclose(forcing["tair_3h"][:, days], inputs["tair_3h"], atol=1e-4)
    assert np.allclose(forcing["prec"][:, days], inputs["prec"], rtol=1e-5, atol=1e-6)
    asked = ("moist1", "moist3", "evapotranspiration", "swe")
    given = torch.as_tensor(inputs["params"].values[0]).float()
    ours = VIC(inputs, inputs, names=NAMES, outputs=asked).simulate(given)
    window = forcing.isel(time=days)
    users = VIC(domain, window, names=NAMES, outputs=asked).simulate(given)
    # latitude, which is another here, decides nothing but the season of melt
    assert torch.allclose(users, ours, rtol=1e-3, atol=2e-3)


def test_cells_without_observations_have_a_donor_and_no_role(source, study):
    domain, forcing, _ = study
    seen = forcing[["prec"]].copy(deep=True)
    seen["prec"][[0, 2, 3, 5, 7]] = np.nan
    samplings = {"all": {"validate": False}}
    built, _ = build.build_domain(source, forcing, seen, RECORD, samplings, 1)
    contracts.check(built, "domain.nc", "domain")
    assert built["role"].values[0].tolist() == [0, 1, 0, 0, 1, 0, 1, 0]
    assert built["donor"].values[0, [1, 4, 6]].tolist() == [1, 4, 6]
    assert set(built["donor"].values[0]) <= {1, 4, 6}
    seen["prec"][:] = np.nan
    with pytest.raises(VicFileError, match="no cell has two observations of prec in 2001-01-01"):
        build.build_domain(source, forcing, seen, RECORD, samplings, 1)


def test_less_than_a_year_tells_no_climate(source, study):
    domain, forcing, _ = study
    span = "2001-01-01", "2001-08-01"
    half, _ = build.build_domain(source, forcing, forcing[["prec"]], span, {"all": {}}, 1)
    names = domain["attribute"].values.astype(str)
    assert [name for name in names if not name.startswith("climate_")] == list(half["attribute"])
    assert len(half["attribute"]) < len(names)


def test_a_users_values_are_what_a_run_starts_from(inputs, study):
    from parlearn.models.vic.defaults import default_parameters

    found = default_parameters(study[0], NAMES)
    assert np.allclose(found, inputs["params"].values[0], rtol=1e-5)


@pytest.mark.parametrize("hours", [1, 6, 24])
def test_steps_of_other_lengths(inputs, on_grid, source, tmp_path, hours):
    write_forcing(tmp_path, inputs, on_grid, hours)
    forcing = build.build_forcing(source | {"forcing": str(tmp_path / "forcing.")})
    days = slice(366, 366 + 365)
    for name, one in (("prec", "prec"), ("vp", "vp"), ("tair", "tair_3h")):
        expected = inputs[one].values
        expected = expected.mean(-1) if expected.ndim == 3 else expected
        assert np.allclose(forcing[name][:, days], expected, rtol=1e-4, atol=1e-4)
    if hours == 1:
        assert np.allclose(forcing["swdown_3h"][:, days], inputs["swdown_3h"], rtol=1e-5, atol=1e-3)
    if hours == 6:
        pairs = inputs["swdown_3h"].values.reshape(8, 365, 4, 2).mean(-1)
        assert np.allclose(forcing["swdown_3h"][:, days, ::2], pairs, rtol=1e-5, atol=1e-3)
    mean = forcing["swdown_3h"][:, days].mean("step")
    assert np.allclose(mean, forcing["swdown"][:, days], rtol=1e-4, atol=1e-2)


def test_read_and_written_again_a_file_is_the_same(written, tmp_path):
    for name in ("parameters.nc", "domain.nc", "forcing.2001.nc"):
        before = open_raw(written / name)
        write_raw(before, tmp_path / name)
        after = open_raw(tmp_path / name)
        assert list(after.variables) == list(before.variables)
        for key, variable in before.variables.items():
            other = after[key].variable
            assert (other.dims, other.dtype) == (variable.dims, variable.dtype)
            assert np.array_equal(other.values, variable.values, equal_nan=other.dtype.kind == "f")
            assert {*other.attrs} == {*variable.attrs}


def test_only_what_was_learned_changes_in_the_users_file(source, study):
    domain = study[0]
    names = ["infilt", "depth2", "LAI_factor", "porosity"]
    values = np.array([[0.1] * 8, np.linspace(0.3, 1, 8), [2.0] * 8, [0.5] * 8])
    learned = xr.Dataset(
        {"parameters": (("parameter", "cell"), values)}, coords={"parameter": names}
    )
    before, after = open_raw(source["parameters"]), build.calibrated(source, domain, learned)
    changed = {
        name
        for name, variable in before.variables.items()
        if not np.array_equal(
            variable.values, after[name].values, equal_nan=variable.dtype.kind == "f"
        )
    }
    assert changed == {"infilt", "depth", "init_moist", "LAI", "bulk_density", "resid_moist"}
    assert np.allclose(after["depth"].values[1][ROWS, COLUMNS], values[1])
    assert np.isnan(after["depth"].values[1][1, 1])
    leaves = before["LAI"].values[:-1][..., ROWS, COLUMNS]
    assert np.allclose(after["LAI"].values[:-1][..., ROWS, COLUMNS], 2 * leaves)
    roots = learned.isel(parameter=[0]).assign_coords(parameter=["root_fract1"])
    with pytest.raises(VicFileError, match="root_fract1 was learned and stands in no variable"):
        build.calibrated(source, domain, roots)


def test_the_command_fills_in_a_copy(source, study, tmp_path, capsys):
    names = ("infilt", "depth3")
    space = SPACE.subset(names)
    values = torch.tensor([0.05, 1.25]).expand(8, 2)
    learned = outputs.parameters_dataset(space, values, 1.0, 0.0)
    contracts.write(study[0], tmp_path / "domain.nc", "domain")
    contracts.write(learned, tmp_path / "learned.nc", "parameters")
    given = ["export-vic5", str(tmp_path / "domain.nc"), str(tmp_path / "learned.nc")]
    users = ["--users-domain", source["domain"], "--users-parameters", source["parameters"]]
    assert main([*given, str(tmp_path / "new"), *users]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "new" / "parameters.nc")
    after = open_raw(tmp_path / "new" / "parameters.nc")
    assert np.allclose(after["infilt"].values[ROWS, COLUMNS], 0.05)
    assert np.allclose(after["depth"].values[2][ROWS, COLUMNS], 1.25)
    assert main([*given, str(Path(source["parameters"]).parent), *users]) == 2
    assert "would be written over: name another folder" in capsys.readouterr().err
    assert main([*given, str(tmp_path / "new"), *users[:2]]) == 2


def changed(source, tmp_path, file, change):
    """The source with one of its files changed by a function of its content."""
    path = tmp_path / Path(source[file] + ("2001.nc" if file == "forcing" else "")).name
    table = open_raw(source[file] + ("2001.nc" if file == "forcing" else ""))
    write_raw(change(table) or table, path)
    return source | {file: str(path)[: -len("2001.nc")] if file == "forcing" else str(path)}


def set_at(name, place, value):
    def change(table):
        table[name].values[place] = value

    return change


CELL = (0, 1)


def bands(shares):
    def change(table):
        share = np.full((len(shares), *SHAPE), np.nan)
        share[:, ROWS, COLUMNS] = np.array(shares)[:, None]
        table["AreaFract"] = ("snow_band", "lat", "lon"), share

    return change


WRONG = {
    "mask": ("domain", set_at("mask", CELL, 0), "run_cell and the mask of .* differ in 1 cells"),
    "frac": ("domain", set_at("frac", CELL, 0.0), r"frac is 0 in 1 cells that mask runs, .* row 0"),
    "no frac": ("domain", lambda t: t.drop_vars("frac"), r"has no frac \(DOMAIN_TYPE FRAC\)"),
    "no cell": ("domain", lambda t: t.assign(mask=0 * t.mask), "mask is 1 nowhere"),
    "grid": (
        "parameters",
        lambda t: t.assign_coords(lon=t.lon + 0.25),
        r"parameters.nc is on another grid than .*domain.nc: lon is of shape \(4,\) from -109.75",
    ),
    "missing": ("parameters", lambda t: t.drop_vars("Ksat"), r"lacks Ksat \(mm day-1\), which VIC"),
    "units": (
        "parameters",
        lambda t: t.assign(depth=t.depth.assign_attrs(units="cm")),
        "depth is in 'cm', VIC 5 takes it for m: convert it",
    ),
    "range": ("parameters", set_at("depth", (1, *CELL), np.nan), "depth is nan at row 0, column 1"),
    "classes": ("parameters", set_at("Cv", (2, *CELL), 0.9), "Cv of the classes adds up to 1.9"),
    "layers": ("parameters", set_at("Ksat", (1, *CELL), 7.0), "name layers under source.leave_out"),
    "baseflow": ("parameters", set_at("c", CELL, 3.0), "name baseflow under source.leave_out"),
    "frozen": ("parameters", set_at("fs_active", CELL, 1), "name frozen_soil under source.leave"),
    "bands": ("parameters", bands([0.7, 0.3]), "several snow bands in 8 of 8 cells, the first at"),
    "bands of 0.9": ("parameters", bands([0.6, 0.3]), "AreaFract of the snow bands adds up to 0.9"),
    "kelvin": (
        "forcing",
        lambda t: t.assign(temp=(t.temp + 273.15).assign_attrs(units="C")),
        "temp is 2.* at 2001-01-01T00:00, row 0, column 0 .* AIR_TEMP in degC lies between",
    ),
    "K": (
        "forcing",
        lambda t: t.assign(temp=t.temp.assign_attrs(units="K")),
        r"temp is in 'K', VIC takes AIR_TEMP for degC: .* source.units: \{AIR_TEMP: degC\}",
    ),
    "rate": (
        "forcing",
        lambda t: t.assign(prec=t.prec.assign_attrs(units="mm day-1")),
        "prec is in 'mm day-1', VIC takes PREC for mm per step",
    ),
    "no wind": (
        "forcing",
        lambda t: t.rename(wind="speed"),
        r"has no WIND \(m s-1\); there are .*speed.*: name it under source.variables",
    ),
    "short": (
        "forcing",
        lambda t: t.isel(time=slice(0, 8 * 300)),
        r"the days 2001-10-28 to 2001-12-31 \(65\) of the record 2001-01-01 \.\. 2001-12-31 are",
    ),
    "hole": (
        "forcing",
        lambda t: t.isel(time=np.delete(np.arange(2920), 100)),
        "after 2001-01-13T09:00:00 a step is missing",
    ),
}


def take(source, file):
    if file == "forcing":
        return build.build_forcing(source)
    grid, table, _ = build.read_land(source)
    return build.land.vegetation(source["parameters"], table, grid)


@pytest.mark.parametrize("what", WRONG)
def test_files_that_are_wrong_are_refused_with_what_and_where(source, tmp_path, what):
    file, change, said = WRONG[what]
    wrong = changed(source, tmp_path, file, change)
    with pytest.raises(VicFileError, match=said) as caught:
        take(wrong, file)
    assert str(tmp_path) in str(caught.value)


def test_what_is_not_simulated_can_be_left_out_with_a_count(source, tmp_path):
    for k, what in enumerate(("layers", "baseflow", "frozen", "bands")):
        folder = tmp_path / str(k)
        folder.mkdir()
        wrong = changed(source, folder, "parameters", WRONG[what][1])
        _, _, left_out = build.read_land(wrong | {"leave_out": list(LEFT_OUT)})
        assert len(left_out) == 1
        assert left_out["cells"].tolist() == [8 if what == "bands" else 1]


def test_wrong_attributes_and_other_names_can_be_told(source, tmp_path, study):
    def change(table):
        table = table.rename(wind="speed")
        return table.assign(speed=table.speed.assign_attrs(units="mm s-1"))

    other = changed(source, tmp_path, "forcing", change)
    told = {"variables": {"WIND": "speed"}, "units": {"WIND": "m s-1"}}
    assert build.build_forcing(other | told)["wind"].equals(study[1]["wind"])


def test_observations_of_places_and_of_the_grid(source, study, tmp_path):
    _, forcing, _ = study
    grid = read_grid(source["domain"])
    table = pd.DataFrame(
        {
            "date": ["2001-03-01", "2001-03-01", "2001-03-02", "2000-05-01"],
            "lat": [32.1, 31.9, 31.0, 32.0],
            "lon": [-109.6, -109.5, -108.4, -109.5],
            "soil_moisture": [0.1, 0.3, 0.25, 0.2],
        }
    )
    path = tmp_path / "sites.csv"
    table.to_csv(path, index=False)

    def read(path):
        return build.build_observations({"soil_moisture": str(path)}, grid, forcing)

    found = read(path)
    contracts.check(found, path, "observations")
    # two places in one cell are averaged; nothing is observed in the year of spin-up
    seen = found["soil_moisture"].to_series().dropna()
    assert seen.index.get_level_values("cell").tolist() == [1, 7]
    assert np.allclose(seen, [0.2, 0.25])
    values = np.full((2, *SHAPE), np.nan)
    values[0, 0, 1], values[1, 2, 3] = 0.2, 0.25
    on_grid = xr.Dataset(
        {"soil_moisture": (("time", "lat", "lon"), values, {"units": "m3 m-3"})},
        coords={"time": pd.to_datetime(["2001-03-01", "2001-03-02"]), "lat": LAT, "lon": LON},
    )
    on_grid.to_netcdf(tmp_path / "grid.nc")
    assert read(tmp_path / "grid.nc").equals(found)
    table.assign(lat=10.0).to_csv(path, index=False)
    with pytest.raises(VicFileError, match=r"10 N, -109.6 E lies in none of the cells"):
        read(path)
    table.assign(soil_moisture=25.0).to_csv(path, index=False)
    with pytest.raises(VicFileError, match=r"soil_moisture is 25 on 2001-03-01 in cell 1"):
        read(path)
    table.rename(columns={"lat": "latitude"}).to_csv(path, index=False)
    with pytest.raises(VicFileError, match="has no column lat; it needs date, lat, lon and soil"):
        read(path)


SOIL = (
    "1 7 48.3125 -120.5625 0.3000 0.1000 10.0000 0.7000 2 12.6760 12.6760 12.6760 1257.0 1257.0 "
    "1257.0 -99 -99 -99 15.442 46.327 154.425 1668.15 0.1 0.3 1.5 0.3025 4.0 14.66 14.66 14.66 "
    "0.693 0.693 0.693 1569.1 1569.1 1569.1 2619.1 2619.1 2619.1 -8 0.312 0.312 0.312 0.184 0.184 "
    "0.184 0.010 0.030 1318.51 0 0 0 0"
)


def test_a_soil_file_of_vic_4_is_read_and_written_again(tmp_path):
    path = tmp_path / "soil.txt"
    path.write_text(f"# soil\n{SOIL} 11.85\n{SOIL.replace(' 7 ', ' 8 ')} 12.00\n")
    soil = soil_table.read_soil(path)
    assert soil.values.loc[2, ["gridcell", "lat", "Ws", "expt3", "elev", "depth3"]].tolist() == [
        *(7, 48.3125, 0.7, 12.676, 1668.15, 1.5)
    ]
    assert soil.values.loc[3, "July_Tavg"] == 12.0
    assert soil.values.loc[2, ["rough", "annual_prec", "fs_active"]].tolist() == [0.01, 1318.51, 0]
    soil_table.write_soil(soil, tmp_path / "again.txt")
    assert (tmp_path / "again.txt").read_text().splitlines() == path.read_text().splitlines()[1:]
    soil.values.loc[3, "infilt"] = 0.123456
    soil_table.write_soil(soil, tmp_path / "again.txt")
    line = (tmp_path / "again.txt").read_text().splitlines()[1]
    assert line == f"{SOIL.replace(' 7 ', ' 8 ').replace('0.3000', '0.123456')} 12.00"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SOIL + " 1 2", "line 1: has 55 columns; a soil file of 3 layers has 53, or 54 with the"),
        (f"{SOIL}\n{SOIL} 3", "line 2: has 54 columns; .*, and 53 as in the lines before: check"),
        (SOIL.replace("0.7000", "n/a"), "line 1: Ws is 'n/a', not a number"),
        (f"{SOIL}\n{SOIL}", "line 2: the cell 7 stands there for the second time"),
        ("# nothing", "holds no cell"),
    ],
)
def test_a_soil_file_that_is_wrong_is_refused(tmp_path, text, said):
    path = tmp_path / "soil.txt"
    path.write_text(text)
    with pytest.raises(VicFileError, match=said):
        soil_table.read_soil(path)
