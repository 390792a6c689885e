"""A study from small regridded files: cells, weather, observations, truth."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from parlearn.sources import build as gridded
from parlearn.sources.build import (
    GriddedError,
    build_domain,
    build_forcing,
    build_observations,
    coverage,
    cut_truth,
)
from parlearn.storage import contracts

LAT, LON = 38.0625 + 0.125 * np.arange(4), -98.9375 + 0.125 * np.arange(5)
RECORD = ("2016-04-01", "2018-03-31")
TRAINING = ("2016-04-01", "2017-03-31")
SAMPLINGS, SEED = {"all": 1}, 1
BASE = {
    "prec": 2.0, "tair": 10.0, "swdown": 180.0, "lwdown": 300.0, "vp": 0.9, "pressure": 96.0,
    "wind": 3.0,
}  # fmt: skip


def maps(**other):
    """Loam under grass everywhere."""
    values = {"sand": 40, "clay": 20, "silt": 40, "ndvi": 0.5, "elevation": 300, "igbp": 10}
    units = {"sand": "%", "clay": "%", "silt": "%", "elevation": "m", "Dsmax": "mm day-1"}
    ds = xr.Dataset(coords={"lat": LAT, "lon": LON})
    for name, value in {**values, **other}.items():
        field = np.broadcast_to(np.asarray(value, np.float32), (4, 5)).copy()
        ds[name] = ("lat", "lon"), field, {"units": units.get(name, "1")}
    return ds


def weather(folder, change=None):
    """Files of weather in which a cell's rain tells its row and column and the day its day."""
    days = pd.date_range("2015-04-01", "2018-03-31", unit="ns")
    size = len(days), 4, 5
    ds = xr.Dataset(coords={"time": days, "lat": LAT, "lon": LON})
    for name, value in BASE.items():
        ds[name] = ("time", "lat", "lon"), np.full(size, value, np.float32)
    place = np.arange(20).reshape(4, 5)
    ds["prec"] += xr.DataArray(place, dims=("lat", "lon"))
    ds["tair"] += 10 * np.sin(
        2 * np.pi * xr.DataArray(np.asarray(days.day_of_year), dims="time") / 365
    )
    steps = np.zeros((len(days), 8, 4, 5), np.float32)
    dims = ("time", "step", "lat", "lon")
    ds["tair_3h"] = dims, steps + ds["tair"].values[:, None]
    ds["swdown_3h"] = dims, steps + np.array([0, 0, 100, 400, 500, 400, 40, 0])[:, None, None]
    if change:
        change(ds)
    paths = []
    for year, part in ds.groupby("time.year"):
        paths.append(folder / f"{year}.nc")
        contracts.write(part, paths[-1], "weather")
    return paths


def moisture(folder, change=None, first="2016-04-01", last="2018-03-31"):
    days = pd.date_range(first, last, unit="ns")
    field = np.full((len(days), 4, 5), 0.25, np.float32)
    ds = xr.Dataset({"soil_moisture": (("time", "lat", "lon"), field)}, {"time": days})
    ds = ds.assign_coords(lat=LAT, lon=LON)
    if change:
        change(ds)
    paths = []
    for year, part in ds.groupby("time.year"):
        paths.append(folder / f"sm-{year}.nc")
        contracts.write(part, paths[-1], "retrieved")
    return paths


def composites(folder, starts, lengths, values):
    """A file of composites, with so much the same in all cells."""
    field = np.broadcast_to(np.asarray(values, np.float32)[:, None, None], (len(starts), 4, 5))
    ds = xr.Dataset(
        {"evapotranspiration": (("time", "lat", "lon"), field.copy(), {"units": "mm day-1"})},
        coords={"time": pd.DatetimeIndex(starts), "lat": LAT, "lon": LON},
    ).assign_coords(days=("time", np.array(lengths), {"units": "days"}))
    path = folder / f"et-{starts[0]}.nc"
    contracts.write(ds, path, "composites")
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return weather(tmp_path_factory.mktemp("weather"))


def domain_of(files, **other):
    statics = maps(**other)
    table = coverage(statics, files, [], "soil_moisture", TRAINING)
    return build_domain(statics, table, files, TRAINING, SAMPLINGS, SEED), table


# cells


def test_cells_are_left_out_for_the_plainest_reason(files, tmp_path):
    sand, igbp = np.full((4, 5), 40.0), np.full((4, 5), 10.0)
    sand[0, 0], sand[0, 1], igbp[0, 0], igbp[1, 0] = np.nan, 100, np.nan, 11

    def change(ds):
        ds["tair"][100:103, 2, 2] = np.nan
        ds["prec"][500] = np.nan  # nowhere: of no cell
        ds["tair"][500:, 3, 3] = np.nan  # of the year after the training

    def unseen(ds):
        ds["soil_moisture"][:400, 3, 4] = np.nan
        ds["soil_moisture"][400:, 3, 3] = np.nan

    statics = maps(sand=sand, igbp=igbp)
    paths = weather(tmp_path, change)
    seen = moisture(tmp_path, unseen)
    training = ("2015-04-01", "2016-08-01")
    table = coverage(statics, paths, seen, "soil_moisture", training)
    reasons = table.set_index(["row", "col"])["reason"]
    left = {key: reason for key, reason in reasons.items() if reason}
    assert left == {
        (0, 0): "no igbp",
        (0, 1): "soil texture is no whole",
        (1, 0): "no vegetation class for its cover",
        (2, 2): "weather has gaps",
        (3, 4): "no soil_moisture in 2015-04-01..2016-08-01",
    }
    assert table.set_index(["row", "col"])["days_without_weather"][2, 2] == 3
    assert (table["kept"] == (table["reason"] == "")).all()
    assert table.loc[7, ["lat", "lon"]].tolist() == [LAT[1], LON[2]]


def test_observations_count_in_the_training_period_alone(files, tmp_path):
    paths = [
        composites(tmp_path, ["2016-03-30", "2016-04-07"], [8, 8], [1, 2]),
        composites(tmp_path, ["2017-03-22", "2017-03-30", "2017-04-07"], [8, 8, 8], [1, 2, 3]),
    ]
    table = coverage(maps(), [], paths, "evapotranspiration", TRAINING)
    # that of 30 March 2016 began before, that of 2017 goes on into the test
    assert set(table["observations_training"]) == {2}
    late = [composites(tmp_path, ["2017-03-30"], [8], [1])]
    assert not coverage(maps(), [], late, "evapotranspiration", TRAINING)["kept"].any()


def test_a_domain_knows_the_climate_of_the_training_alone(files, tmp_path):
    domain, table = domain_of(files)
    contracts.check(domain, "domain.nc", "domain")
    assert table["kept"].all()
    assert domain["lat"].values == pytest.approx(LAT[domain["row"].values])
    assert domain["lon"].values == pytest.approx(LON[domain["col"].values])
    at = list(domain["attribute"].values).index("climate_precipitation")
    place = 5 * domain["row"].values + domain["col"].values
    assert domain["attributes"].values[:, at] == pytest.approx(2 + place, rel=1e-5)
    assert domain.attrs == {"cells_in_source": 20, "cells_usable": 20}

    def later(ds):
        ds["prec"][731:] = 50.0  # from 1 April 2017 on
        ds["tair"][731:] += 5.0
        ds["prec"][:366] = 0.0  # the spin-up

    other, _ = domain_of(weather(tmp_path, later))
    xr.testing.assert_identical(domain, other)


def test_published_parameters_come_into_the_domain(files):
    infilt = np.full((4, 5), 0.3)
    infilt[1, 1] = np.nan
    domain, _ = domain_of(files, infilt=infilt, Dsmax=12.0)
    contracts.check(domain, "domain.nc", "domain")
    there = (domain["row"].values == 1) & (domain["col"].values == 1)
    assert np.isnan(domain["prior_infilt"].values[there]).all()
    assert domain["prior_infilt"].values[~there] == pytest.approx(0.3)
    assert domain["prior_Dsmax"].values == pytest.approx(12)


def test_no_cell_at_all_is_an_error_with_the_reason(files):
    with pytest.raises(GriddedError, match="none of 20 cells can be used; .* for: no ndvi"):
        domain_of(files, ndvi=np.nan)


# weather


def test_weather_of_the_cells_of_a_domain_in_its_order(files, monkeypatch):
    domain, _ = domain_of(files)
    domain = domain.isel(cell=[7, 3, 12])
    forcing = build_forcing(files, domain, RECORD)
    contracts.check(forcing, "forcing.nc", "forcing")
    assert forcing["prec"].values[:, 5] == pytest.approx([9, 5, 14])
    assert forcing.sizes["time"] == 365 + 365 + 366  # 2016 is a leap year
    assert str(forcing["time"].values[0])[:10] == "2015-04-01"
    assert forcing.attrs["record_start"] == "2016-04-01"
    assert forcing["swdown_3h"].values[1, 77].tolist() == [0, 0, 100, 400, 500, 400, 40, 0]
    day = forcing["tair"].values[0, 100]
    assert forcing["tair_3h"].values[0, 100] == pytest.approx(day)
    assert forcing["tair"].attrs["units"] == "degC"
    # in other pieces it is the same
    monkeypatch.setattr(gridded, "DAYS", 150)
    xr.testing.assert_identical(forcing, build_forcing(files, domain, RECORD))


def test_a_gap_in_the_weather_names_day_and_cell(files, tmp_path):
    domain, _ = domain_of(files)

    def change(ds):
        ds["vp"][41, 2, 3] = np.nan
        ds["vp"][40, 3, 3] = np.nan

    message = "vp is missing on 2 days in 2 cells, the first on 2015-05-12 at 38.312 N, -98.562 E"
    with pytest.raises(GriddedError, match=message):
        build_forcing(weather(tmp_path, change), domain, RECORD)


def test_a_step_that_is_missing_is_a_gap(files, tmp_path):
    domain, _ = domain_of(files)

    def change(ds):
        ds["tair_3h"][9, 4, 0, 0] = np.nan

    with pytest.raises(GriddedError, match="tair_3h is missing on 1 days in 1 cells"):
        build_forcing(weather(tmp_path, change), domain, RECORD)


def test_days_without_a_file_are_named(files):
    domain, _ = domain_of(files)
    with pytest.raises(GriddedError, match="no file for 366 of 1096 days, the first 2016-01-01"):
        build_forcing([files[0], *files[2:]], domain, RECORD)


def test_a_day_without_any_weather_in_the_training_is_told_before_it_enters_the_climate(tmp_path):
    def change(ds):
        for name in BASE:
            ds[name][400] = np.nan

    files = weather(tmp_path, change)
    with pytest.raises(GriddedError, match="prec is missing on 1 days in 20 cells, .* 2016-05-05"):
        domain_of(files)


# observations


def test_observations_stand_on_the_time_axis_of_the_weather(files, tmp_path):
    def change(ds):
        ds["soil_moisture"][3, 1, 2] = 0.4
        ds["soil_moisture"][600:] = np.nan

    domain, _ = domain_of(files)
    found = build_observations({"soil_moisture": moisture(tmp_path, change)}, domain, RECORD)
    contracts.check(found, "observations.nc", "observations")
    assert found.sizes["time"] == 1096
    spin_up = found["soil_moisture"].sel(time=slice("2015-04-01", "2016-03-31"))
    assert np.isnan(spin_up.values).all()
    cell = np.flatnonzero((domain["row"] == 1) & (domain["col"] == 2))[0]
    day = found["soil_moisture"].sel(time="2016-04-04").values
    assert day[cell] == pytest.approx(0.4)
    assert np.delete(day, cell) == pytest.approx(0.25)
    assert found.attrs["last_soil_moisture"] == "2017-11-21"
    assert "soil_moisture_days" not in found


def test_composites_stand_on_their_last_day_with_their_true_length(files, tmp_path):
    domain, _ = domain_of(files)
    paths = [
        composites(tmp_path, ["2016-03-30", "2016-04-07"], [8, 8], [9, 1]),
        composites(tmp_path, ["2016-12-18", "2016-12-26"], [8, 6], [2, 3]),
        composites(tmp_path, ["2017-01-01", "2018-03-22", "2018-03-30"], [8, 8, 8], [4, 5, 6]),
        tmp_path / "none.nc",
    ]
    # a chunk in which none begins
    with xr.open_dataset(paths[0]) as ds:
        contracts.write(ds.isel(time=[]), paths[-1], "composites")
    assert coverage(maps(), [], paths, "evapotranspiration", RECORD)["kept"].all()
    found = build_observations({"evapotranspiration": paths}, domain, RECORD)
    contracts.check(found, "observations.nc", "observations")
    series = found["evapotranspiration"].isel(cell=0).to_series().dropna()
    length = found["evapotranspiration_days"].to_series()[series.index]
    stands = {str(day.date()): (value, length[day]) for day, value in series.items()}
    # that of 30 March 2018 goes on beyond the record
    assert stands == {
        "2016-04-06": (9, 8),
        "2016-04-14": (1, 8),
        "2016-12-25": (2, 8),
        "2016-12-31": (3, 6),
        "2017-01-08": (4, 8),
        "2018-03-29": (5, 8),
    }
    assert found.attrs["last_evapotranspiration"] == "2018-03-29"


def test_no_observation_in_the_record_is_an_error(files, tmp_path):
    domain, _ = domain_of(files)
    paths = moisture(tmp_path, first="2015-01-01", last="2015-12-31")
    with pytest.raises(GriddedError, match="no soil_moisture in the record 2016-04-01 .. 2018"):
        build_observations({"soil_moisture": paths}, domain, RECORD)


# truth


def test_truth_is_cut_to_the_cells_of_the_domain_in_its_order(files):
    domain, _ = domain_of(files)
    row, col = (v.ravel() for v in np.indices((4, 5)))
    truth = xr.Dataset(
        {
            "row": ("cell", row),
            "col": ("cell", col),
            "lat": ("cell", LAT[row]),
            "lon": ("cell", LON[col]),
            "swe": ("cell", 10.0 * row + col),
        }
    )
    some = domain.isel(cell=[13, 2])
    assert cut_truth(truth, some)["swe"].values.tolist() == [23, 2]
    for name in ("lat", "lon"):
        moved = truth.assign({name: truth[name] + 0.125})
        with pytest.raises(GriddedError, match="not of the domain's grid"):
            cut_truth(moved, some)
    with pytest.raises(GriddedError, match="not of the domain's grid"):
        cut_truth(truth.isel(cell=slice(0, 10)), some)
