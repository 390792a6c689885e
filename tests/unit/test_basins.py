"""A study of basins from their records: coverage, domain, completed weather, streamflow."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from parlearn.land.climate import priestley_taylor
from parlearn.land.radiation import clear_sky_radiation, longwave_radiation
from parlearn.land.subdaily import pressure_from_elevation
from parlearn.plan.basins import SIGNATURES
from parlearn.sources import basins as study
from parlearn.sources import camels
from parlearn.sources.records import RecordsError, names_in
from parlearn.storage import contracts
from parlearn.study.grid import grid_of

_spec = importlib.util.spec_from_file_location(
    "made_up_camels", Path(__file__).with_name("made_up_camels.py")
)
made_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_up)
RECORD, TRAINING, SOURCE, GAUGES = (
    getattr(made_up, name) for name in ("RECORD", "TRAINING", "SOURCE", "GAUGES")
)
SAMPLINGS = {"all": {}, "without_01": {"without": ["01"]}}


def read(folder, **source):
    source = SOURCE | source
    return camels.read_basins(folder, camels.file_names(names_in(folder), source), source, RECORD)


@pytest.fixture(scope="module")
def basins(tmp_path_factory):
    return read(made_up.write_all(tmp_path_factory.mktemp("native")))


def domain_of(basins, samplings=SAMPLINGS):
    return study.build_domain(basins, study.coverage(basins, TRAINING), TRAINING, samplings, seed=1)


def test_the_three_files_hold_their_contracts_and_have_no_grid(basins):
    domain = domain_of(basins)
    forcing = study.build_forcing(basins, domain, RECORD)
    observations = study.build_observations(basins, domain, RECORD)
    contracts.check(domain, "domain.nc", "domain")
    contracts.check(forcing, "forcing.nc", "forcing")
    contracts.check(observations, "observations.nc", "observations")
    assert grid_of(domain) is None
    assert domain["gauge"].values.tolist() == list(GAUGES)
    assert domain["region"].values.tolist() == list(GAUGES.values())
    xr.testing.assert_equal(forcing["time"], observations["time"])
    # what goes to a file comes back
    assert domain.sizes["attribute"] == 19 + 9


def test_files_come_back_from_disk(basins, tmp_path):
    domain = domain_of(basins)
    for ds, kind in ((basins, "basins"), (domain, "domain")):
        contracts.write(ds, tmp_path / f"{kind}.nc", kind)
        back = contracts.read(tmp_path / f"{kind}.nc", kind)
        assert back["gauge"].values.astype(str).tolist() == list(GAUGES)
    # a study is built from what was written as from what is in memory
    again = study.build_domain(
        contracts.read(tmp_path / "basins.nc", "basins"),
        study.coverage(basins, TRAINING),
        TRAINING,
        SAMPLINGS,
        seed=1,
    )
    np.testing.assert_allclose(again["attributes"], domain["attributes"], rtol=1e-6)


def test_water_of_each_basin_adds_up(basins):
    table = study.coverage(basins, TRAINING)
    assert table["kept"].all()
    days = slice(*TRAINING)
    rain = basins["prec"].sel(time=days).mean("time") * 365.25
    np.testing.assert_allclose(table["precipitation"], rain, rtol=1e-5)
    assert table["runoff_ratio"].between(0.3, 0.37).all()
    assert (table["observations_training"] == 365).all()


def test_more_runoff_than_rain_is_kept_and_noted(basins):
    wet = basins.copy(deep=True)
    wet["streamflow"][1] *= 4
    table = study.coverage(wet, TRAINING)
    assert table["kept"].all()
    assert table["note"][1].startswith("more runoff than precipitation (1.3")
    assert not table["note"].drop(1).str.contains("runoff").any()


def test_a_basin_without_flow_in_training_is_left_out_and_counted(basins):
    dry = basins.copy(deep=True)
    dry["streamflow"][2].loc[{"time": slice(*TRAINING)}] = np.nan
    table = study.coverage(dry, TRAINING)
    assert table["kept"].tolist() == [True, True, False, True, True]
    assert table["reason"][2] == "no streamflow in 2000-10-01..2001-09-30"
    domain = study.build_domain(dry, table, TRAINING, {"all": {}}, seed=1)
    assert list(GAUGES)[2] not in domain["gauge"].values
    assert domain.attrs == {"basins_in_source": 5, "basins_kept": 4}
    forcing = study.build_forcing(dry, domain, RECORD)
    np.testing.assert_array_equal(forcing["prec"][2], dry["prec"][3])
    dry["streamflow"][:] = np.nan
    nothing = study.coverage(dry, TRAINING)
    with pytest.raises(RecordsError, match="none of 5 basins.*no streamflow in"):
        study.build_domain(dry, nothing, TRAINING, {"all": {}}, seed=1)


def test_what_the_weather_lacks_is_completed(basins):
    domain = domain_of(basins)
    forcing = study.build_forcing(basins, domain, RECORD)
    elev, lat = domain["elev"].values, domain["lat"].values
    np.testing.assert_allclose(forcing["pressure"][:, 0], pressure_from_elevation(elev), rtol=1e-5)
    np.testing.assert_allclose(forcing["wind"], 2)
    day = forcing["time"].dt.dayofyear.values
    clearness = forcing["swdown"].values / clear_sky_radiation(lat, elev, day)
    # without the share of daylight the sky would be clearer than clear all winter
    assert np.median(clearness) < 0.8
    expected = longwave_radiation(
        forcing["tair"].values, forcing["vp"].values, np.clip(clearness, 0, 1)
    )
    np.testing.assert_allclose(forcing["lwdown"], expected, rtol=1e-4)
    assert "wind: 2 m s-1" in forcing.attrs["assumed"]
    np.testing.assert_allclose(forcing["tair_3h"].mean("step"), forcing["tair"], atol=1e-3)
    np.testing.assert_allclose(
        forcing["tair_3h"].max("step") - forcing["tair"],
        np.cos(np.pi / 8) * (forcing["tmax"] - forcing["tmin"]) / 2,
        atol=1e-3,
    )


def test_a_product_without_the_range_of_a_day(tmp_path):
    made_up.write_tables(tmp_path, made_up.tables())
    for gauge, region in GAUGES.items():
        table = made_up.weather(1, whole_range=False)
        made_up.write_forcing(tmp_path, gauge, region, table, "nldas")
        made_up.write_flow(tmp_path, gauge, region, np.full(len(made_up.DAYS), 9.0))
    basins = read(tmp_path, forcing="nldas")
    forcing = study.build_forcing(basins, domain_of(basins), RECORD)
    assert "tmin" not in forcing
    swing = forcing["tair_3h"].max("step") - forcing["tair_3h"].min("step")
    assert float(swing.min()) >= 3.5
    assert "from the clearness of the sky" in forcing.attrs["assumed"]


def test_land_of_vic(basins):
    domain, known = domain_of(basins), made_up.tables()
    np.testing.assert_allclose(domain["porosity"], known["soil"]["soil_porosity"])
    # cm an hour to mm a day
    np.testing.assert_allclose(domain["Ksat"], 240 * known["soil"]["soil_conductivity"])
    depth = domain["prior_depth2"] + domain["prior_depth3"] + domain["depth1"]
    np.testing.assert_allclose(depth, known["soil"]["soil_depth_statsgo"])
    trees = (domain["Cv"] * domain["overstory"]).sum("veg_class")
    np.testing.assert_allclose(trees, known["vege"]["frac_forest"])
    tiles = (domain["Cv"] > 0).sum("veg_class").values
    assert tiles.tolist() == [2] * 5
    greatest = (domain["LAI"] * (domain["Cv"] > 0)).max("month").max("veg_class")
    np.testing.assert_allclose(greatest, known["vege"]["lai_max"])


def test_attributes_are_told_of_the_training_period_alone(basins):
    before = domain_of(basins)
    other = basins.copy(deep=True)
    for name in ("prec", "tair", "tmin", "tmax", "swdown", "vp", "streamflow"):
        test = other["time"] < np.datetime64(TRAINING[0])
        other[name] = xr.where(test, other[name] * 0.5 + 1, other[name], keep_attrs=True)
    other = other.transpose("basin", "time", ...)
    np.testing.assert_array_equal(domain_of(other)["attributes"], before["attributes"])
    told = dict(zip(before["attribute"].values.tolist(), before["attributes"].values.T))
    forcing = study.build_forcing(basins, before, RECORD).sel(time=slice(*TRAINING))
    weather = [forcing[name].values for name in ("tair", "swdown", "lwdown", "pressure")]
    demand = priestley_taylor(*weather)
    np.testing.assert_allclose(told["pet_mean"], demand.mean(1), rtol=1e-5)
    assert not {*told} & {*SIGNATURES, "lat", "lon", "gauge_lat"}


def test_streamflow_before_the_record_is_hidden_and_gaps_stay(basins):
    holed = basins.copy(deep=True)
    holed["streamflow"][0, 500] = np.nan
    observations = study.build_observations(holed, domain_of(holed), RECORD)
    seen = observations["streamflow"].notnull()
    assert not seen.sel(time=slice(None, "1999-09-30")).any()
    assert int((~seen.sel(time=slice("1999-10-01", None))).sum()) == 1
    assert observations.attrs["last_streamflow"] == "2001-09-30"


def test_a_training_period_outside_of_the_record(basins):
    with pytest.raises(RecordsError, match="is not in the record"):
        study.coverage(basins, ("2010-10-01", "2011-09-30"))
