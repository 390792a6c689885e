"""The reader of Caravan: its units, csv and netCDF alike, and what is wrong with single basins."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from parlearn.land.subdaily import pressure_from_elevation
from parlearn.sources import basins as study
from parlearn.sources import caravan
from parlearn.sources.records import RecordsError, names_in
from parlearn.storage import contracts

DAYS = pd.date_range("1999-06-01", "2002-09-30", freq="D")
RECORD = ("2000-10-01", "2002-09-30")
TRAINING = ("2001-10-01", "2002-09-30")
GAUGES = ("camelslx_001", "camelslx_002", "camelses_0007", "camelses_0008")
SOURCE = {"name": "caravan", "files": "csv", "basins": None}


def series(seed):
    rng = np.random.default_rng(seed)
    n, season = len(DAYS), np.cos(2 * np.pi * (DAYS.day_of_year.to_numpy() - 200) / 365)
    tair = 9 + 8 * season
    return pd.DataFrame(
        {
            "total_precipitation_sum": np.where(rng.random(n) < 0.5, rng.gamma(0.6, 8, n), 0),
            "temperature_2m_mean": tair,
            "temperature_2m_min": tair - 4,
            "temperature_2m_max": tair + 5,
            "surface_net_solar_radiation_mean": 120 + 90 * season,
            "surface_net_thermal_radiation_mean": -60 + 0 * season,
            "surface_pressure_mean": 97.0 + rng.normal(0, 0.3, n),
            "dewpoint_temperature_2m_mean": tair - 3,
            "u_component_of_wind_10m_mean": np.full(n, 3.0),
            "v_component_of_wind_10m_mean": np.full(n, -4.0),
            "potential_evaporation_sum": np.full(n, 13.0),
            "streamflow": np.where(np.arange(n) % 50 == 7, np.nan, 1.0 + 0.5 * season),
        },
        index=pd.Index(DAYS, name="date"),
    )


def write(folder, gauge, table, form="csv"):
    place = folder / "timeseries" / form / gauge.split("_")[0]
    place.mkdir(parents=True, exist_ok=True)
    if form == "csv":
        table.to_csv(place / f"{gauge}.csv")
    else:
        xr.Dataset.from_dataframe(table).to_netcdf(place / f"{gauge}.nc")


def write_attributes(folder, atlas=False, change=None):
    for name in ("camelslx", "camelses"):
        place = folder / "attributes" / name
        place.mkdir(parents=True, exist_ok=True)
        own = [gauge for gauge in GAUGES if gauge.startswith(name)]
        table = pd.DataFrame(
            {
                "gauge_name": [f"River {gauge}" for gauge in own],
                "country": "Somewhere",
                "gauge_lat": np.linspace(41, 49, len(own)),
                "gauge_lon": np.linspace(-4, 6, len(own)),
                "area": np.linspace(50, 600, len(own)),
            },
            index=pd.Index(own, name="gauge_id"),
        )
        table = change(table) if change else table
        table.to_csv(place / f"attributes_other_{name}.csv")
        (place / f"attributes_caravan_{name}.csv").write_text("gauge_id,pet_mean\nx,13\n")
        if atlas:
            columns = {c: np.linspace(100, 400, len(own)) for c in caravan.HYDROATLAS}
            pd.DataFrame(columns, index=table.index).to_csv(
                place / f"attributes_hydroatlas_{name}.csv"
            )


@pytest.fixture
def folder(tmp_path):
    write_attributes(tmp_path)
    for k, gauge in enumerate(GAUGES):
        write(tmp_path, gauge, series(k))
    return tmp_path


def read(folder, **source):
    source = SOURCE | source
    names = caravan.file_names(names_in(folder), source)
    return caravan.read_basins(folder, names, source, RECORD)


def test_units_and_what_is_made_of_net_radiation(folder):
    basins = read(folder)
    contracts.check(basins, "basins.nc", "basins")
    assert (basins["reason"] == "").all()
    assert basins["gauge"].values.tolist() == sorted(GAUGES)
    one, table = basins.isel(basin=2), series(0).loc["1999-10-01":]
    np.testing.assert_allclose(one["prec"], table["total_precipitation_sum"], rtol=1e-5)
    np.testing.assert_allclose(one["streamflow"], table["streamflow"], rtol=1e-5)
    np.testing.assert_allclose(one["wind"], 5)
    # net shortwave is what an albedo of 0.2 leaves
    np.testing.assert_allclose(0.8 * one["swdown"], table.iloc[:, 4], rtol=1e-5)
    # net longwave: what comes down less what the surface sends up
    kelvin = table["temperature_2m_mean"] + 273.15
    np.testing.assert_allclose(0.97 * (one["lwdown"] - 5.67e-8 * kelvin**4), -60, atol=1e-2)
    # saturated at 9 - 3 = 6 degC: 0.935 kPa
    spring = np.abs(one["tair"].values - 9).argmin()
    assert float(one["vp"][spring]) == pytest.approx(0.935, abs=0.01)


def test_netcdf_is_read_as_csv_is(folder):
    for k, gauge in enumerate(GAUGES):
        write(folder, gauge, series(k), "netcdf")
    xr.testing.assert_allclose(read(folder), read(folder, files="netcdf"))


def test_elevation_follows_from_pressure_where_no_map_tells_it(folder):
    assert caravan.elevation_from_pressure(pressure_from_elevation(730.0)) == pytest.approx(730)
    elev = read(folder)["elev"].values
    np.testing.assert_allclose(pressure_from_elevation(elev), 97.0, atol=0.05)
    write_attributes(folder, atlas=True)
    basins = read(folder)
    np.testing.assert_allclose(sorted(basins["elev"].values), [100, 100, 400, 400])
    assert set(basins["attribute"].values) == {"area", *caravan.HYDROATLAS}


def test_the_evaporation_of_era5_land_is_never_read(folder):
    basins = read(folder)
    names = {str(n) for n in (*basins, *basins["attribute"].values)}
    assert not [name for name in names if "evaporation" in name or "pet" in name]
    assert not [
        n for n in caravan.file_names(names_in(folder), SOURCE) if "attributes_caravan" in n
    ]
    domain, _ = built(basins)
    told = dict(zip(domain["attribute"].values, domain["attributes"].values.T))
    # 13 mm a day in the files, which no sun evaporates
    assert (told["pet_mean"] < 5).all()


def built(basins):
    table = study.coverage(basins, TRAINING)
    domain = study.build_domain(basins, table, TRAINING, {"all": {}}, 1)
    return domain, study.build_forcing(basins, domain, RECORD)


def test_a_study_without_land(folder):
    basins = read(folder)
    domain, forcing = built(basins)
    contracts.check(domain, "domain.nc", "domain")
    contracts.check(forcing, "forcing.nc", "forcing")
    observations = study.build_observations(basins, domain, RECORD)
    contracts.check(observations, "observations.nc", "observations")
    assert "porosity" not in domain
    assert forcing.attrs["assumed"] == "nothing"
    np.testing.assert_allclose(forcing["tmax"] - forcing["tmin"], 9, atol=1e-3)


def test_collections_and_lists_choose(folder, tmp_path):
    assert read(folder, collections=["camelses"])["gauge"].values.tolist() == list(GAUGES[2:])
    chosen = tmp_path / "mine.txt"
    chosen.write_text("camelslx_002\ncamelses_0008\n")
    basins = read(folder, basins=str(chosen))
    assert basins["gauge"].values.tolist() == ["camelslx_002", "camelses_0008"]


def spoil(name, day, value):
    table = series(0)
    table.loc[day, name] = value
    return table


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (series(0).drop(columns="streamflow"), "camelslx_001.csv: has no streamflow"),
        (series(0).drop(pd.Timestamp("2001-01-05")), "no prec on 1 days from 2001-01-05 on"),
        (series(0).iloc[::-1], "dates are out of order"),
        (spoil("streamflow", "2001-02-01", -0.1), "negative streamflow on 1 days, the first 2001"),
        (spoil("temperature_2m_max", "2001-02-01", -40), "tmax is below tmin on 1 days"),
        (spoil("surface_pressure_mean", "2001-02-01", 97000), "impossible: pressure 97000 on 2001"),
        (spoil("total_precipitation_sum", "2001-02-01", np.nan), "no prec on 1 days"),
    ],
)
def test_a_basin_that_cannot_be_used_stays_with_its_reason(folder, table, words):
    write(folder, GAUGES[0], table)
    basins = read(folder)
    found = dict(zip(basins["gauge"].values.tolist(), basins["reason"].values.tolist()))
    assert words in found.pop(GAUGES[0])
    assert set(found.values()) == {""}


def test_tables_that_lack_a_basin_or_are_not_there(folder):
    write_attributes(folder, change=lambda t: t.drop(GAUGES[0], errors="ignore"))
    basins = read(folder)
    assert basins["reason"].values[2] == "no table of attributes has a line for it"
    write_attributes(folder, change=lambda t: t.assign(area=[np.nan, 3.0]))
    assert "attributes_other: no area" in read(folder)["reason"].values
    write_attributes(folder, change=lambda t: t.drop(columns="gauge_lat"))
    with pytest.raises(RecordsError, match="attributes_other has no column gauge_lat"):
        read(folder)
    for path in (folder / "attributes").rglob("attributes_other*"):
        path.unlink()
    with pytest.raises(RecordsError, match="has no attributes/COLLECTION/attributes_other"):
        read(folder)
