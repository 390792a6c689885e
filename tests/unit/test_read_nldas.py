"""NLDAS-2 granules, written here with netCDF4 to the structure of the product."""

from datetime import date, datetime

import dask
import netCDF4
import numpy as np
import pytest
import xarray as xr

from parlearn.geometry.grids import Box, GridError, LatLonGrid
from parlearn.sources import assemble, nldas
from parlearn.sources.granules import GranuleError, UnreadableGranule
from parlearn.sources.twin.granules import nldas as writer

LAT, LON = 40.0625 + 0.125 * np.arange(6), -100.0625 + 0.125 * np.arange(5)
#: cells 2..3 of the latitudes, 1..3 of the longitudes
BOX = Box(40.26, 40.49, -99.99, -99.63)
UNITS = {
    "Tair": "K",
    "Qair": "kg kg-1",
    "PSurf": "Pa",
    "Wind_E": "m s-1",
    "Wind_N": "m s-1",
    "LWdown": "W m-2",
    "SWdown": "W m-2",
    "Rainf": "kg m-2",
}
PLAIN = {
    "Tair": 280,
    "Qair": 0.01,
    "PSurf": 9e4,
    "Wind_E": 3,
    "Wind_N": -2,
    "LWdown": 300,
    "SWdown": 0,
    "Rainf": 0,
}


def hour(folder, stamp, lat=LAT, lon=LON, units=(), fill=-9999.0, dims=None, shift=0, **values):
    """One granule; `values` (lat, lon) or numbers."""
    day, time = stamp.split("T")
    path = folder / f"NLDAS_FORA0125_H.A{day.replace('-', '')}.{time}00.020.nc"
    folder.mkdir(exist_ok=True)
    with netCDF4.Dataset(path, "w") as ds:
        for name, axis in (("time", [shift]), ("lat", lat), ("lon", lon)):
            ds.createDimension(name, len(axis))
            ds.createVariable(name, "f8", (name,))[:] = axis
        ds["time"].units = f"minutes since {day} {time}:00"
        for name, value in {**PLAIN, **values}.items():
            order = dims or ("time", "lat", "lon")
            variable = ds.createVariable(name, "f4", order, fill_value=fill)
            unit = dict(UNITS, **dict(units))[name]
            if unit is not None:
                variable.units = unit
            field = np.broadcast_to(np.asarray(value, dtype="f4"), (1, len(lat), len(lon)))
            variable[:] = np.transpose(field, [("time", "lat", "lon").index(d) for d in order])
    return path


def test_hours_become_fields_of_the_region(tmp_path):
    rain = np.arange(30.0).reshape(6, 5)
    paths = [
        hour(tmp_path, f"2015-04-01T{h:02d}", Rainf=rain + h, Tair=270 + rain) for h in (2, 0, 1)
    ]
    found = nldas.read(paths, BOX)
    assert found.grid == LatLonGrid(40.3125, -99.9375, 0.125, 0.125, 2, 3)
    fields = found.fields.compute()
    assert list(fields.time.values) == list(
        np.arange("2015-04-01T00", "2015-04-01T03", dtype="datetime64[h]").astype("M8[ns]")
    )
    # rows 2 and 3, columns 1 to 3 of 0..29 in rows of five
    expected = np.array([[11, 12, 13], [16, 17, 18]])
    for h in range(3):
        np.testing.assert_array_equal(fields.prec[h], expected + h)
        np.testing.assert_array_equal(fields.tair[h], expected + 270)
    assert {n: v.attrs["units"] for n, v in fields.items()} == {
        "prec": "mm",
        "tair": "K",
        "qair": "kg kg-1",
        "pressure": "Pa",
        "u": "m s-1",
        "v": "m s-1",
        "lwdown": "W m-2",
        "swdown": "W m-2",
    }
    assert fields.u[0, 0, 0] == 3
    assert fields.v[0, 0, 0] == -2
    assert all(v.dtype == np.float32 for v in fields.values())
    assert found.coverage.empty


def test_rows_from_the_north_and_dimensions_in_another_order(tmp_path):
    rain = np.arange(30.0).reshape(6, 5)
    path = hour(
        tmp_path, "2015-04-01T00", lat=LAT[::-1], Rainf=rain[::-1], dims=("lon", "lat", "time")
    )
    found = nldas.read([path], BOX)
    assert found.grid == LatLonGrid(40.4375, -99.9375, -0.125, 0.125, 2, 3)
    np.testing.assert_array_equal(found.fields.prec[0], [[16, 17, 18], [11, 12, 13]])


@pytest.mark.parametrize("missing", [-9999.0, 9.999e20])
def test_fills_of_netcdf_and_of_grib(tmp_path, missing):
    air = np.full((6, 5), 290.0)
    air[2, 1] = missing
    found = nldas.read([hour(tmp_path, "2015-04-01T00", Tair=air)], BOX)
    np.testing.assert_array_equal(found.fields.tair[0], [[np.nan, 290, 290], [290, 290, 290]])
    assert found.coverage.empty


def test_a_missing_hour_is_a_counted_gap(tmp_path):
    paths = [hour(tmp_path, f"2015-04-0{d}T{h}", Rainf=1) for d, h in ((1, 22), (2, "01"))]
    found = nldas.read(paths, BOX)
    np.testing.assert_array_equal(found.fields.prec[:, 0, 0], [1, np.nan, np.nan, 1])
    assert found.coverage[["date", "what", "count"]].values.tolist() == [
        ["2015-04-01", "missing", 1],
        ["2015-04-02", "missing", 1],
    ]


def test_a_period_ends_with_the_midnight_after_its_last_day(tmp_path):
    stamps = [f"2015-04-01T{h:02d}" for h in range(24)] + ["2015-04-02T00", "2015-04-02T01"]
    paths = [hour(tmp_path, stamp) for stamp in stamps]
    found = nldas.read(paths, BOX, period=("2015-04-01", "2015-04-01"))
    assert found.fields.sizes["time"] == 25
    assert found.coverage.empty
    part = nldas.read(paths, BOX, period=("2015-04-01T03", "2015-04-01T05"))
    assert [str(t)[11:13] for t in part.fields.time.values] == ["03", "04", "05"]


def test_a_file_of_many_hours(tmp_path):
    times = np.arange("2015-04-01T00", "2015-05-01T00", dtype="datetime64[h]")
    grid = LatLonGrid(40.0625, -100.0625, 0.125, 0.125, 6, 5)
    rng = np.random.default_rng(1)
    shape = (times.size, 6, 5)
    fields = {name: np.full(shape, value, dtype="f4") for name, value in PLAIN.items()}
    fields["Rainf"] = rng.uniform(0, 9, shape).astype("f4")
    fields["Tair"] = rng.uniform(260, 310, shape).astype("f4")
    fields["Tair"][5, 3, 2] = np.nan
    paths = writer.write(tmp_path, times, grid, fields)
    assert [str(p.relative_to(tmp_path)) for p in paths] == ["2015/NLDAS_FORA0125_H.A201504.020.nc"]
    read = nldas.read(paths, BOX).fields.compute()
    inner = (slice(None), slice(2, 4), slice(1, 4))
    np.testing.assert_allclose(read.prec, fields["Rainf"][inner], atol=3e-4)
    np.testing.assert_allclose(read.tair, fields["Tair"][inner], atol=0.01)
    assert np.isnan(read.tair[5, 1, 1])
    hourly = writer.write(
        tmp_path, times[:30], grid, {n: v[:30] for n, v in fields.items()}, "hour"
    )
    assert hourly[25].relative_to(tmp_path).parts == (
        "2015", "092", "NLDAS_FORA0125_H.A20150402.0100.020.nc",
    )  # fmt: skip
    again = nldas.read(hourly, BOX).fields.compute()
    np.testing.assert_array_equal(again.prec, read.prec[:30])
    with pytest.raises(GranuleError, match="2015-04-01T00:00:00 stands in both"):
        nldas.read([*paths, hourly[0]], BOX)


def test_a_large_granule_is_loaded_in_parts(tmp_path, monkeypatch):
    times = np.arange("2015-04-01T00", "2015-04-02T00", dtype="datetime64[h]")
    grid = LatLonGrid(40.0625, -100.0625, 0.125, 0.125, 6, 5)
    fields = {name: np.full((24, 6, 5), value, dtype="f4") for name, value in PLAIN.items()}
    fields["Tair"] += np.arange(24)[:, None, None]
    path = writer.write(tmp_path, times, grid, fields)[0]
    # a day of its own, as a subset grouped by day is named
    path = path.rename(tmp_path / "NLDAS_FORA0125_H.A20150401.020.nc")
    # room for five hours of 8 variables at 2 x 3 cells
    monkeypatch.setattr(assemble, "PART_BYTES", 5 * 8 * 6 * 4)
    loaded, load = [], nldas._load

    def spy(path, times, window):
        loaded.append((str(times[0])[11:13], times.size))
        return load(path, times, window)

    monkeypatch.setattr(nldas, "_load", spy)
    found = nldas.read([path], BOX)
    assert found.fields.prec.chunks[0] == (5, 5, 5, 5, 4)
    assert not loaded
    np.testing.assert_array_equal(found.fields.tair[7:9, 0, 0], [287, 288])
    assert loaded == [("05", 5)]


def test_a_period_may_be_times_as_well_as_dates(tmp_path):
    paths = [hour(tmp_path, f"2015-04-01T{h:02d}") for h in range(6)]
    ends = datetime(2015, 4, 1, 2), datetime(2015, 4, 1, 4)
    assert nldas.read(paths, BOX, period=ends).fields.sizes["time"] == 3
    day = date(2015, 4, 1)
    assert nldas.read(paths, BOX, period=(day, day)).fields.sizes["time"] == 25


def test_written_bytes_are_the_same_each_time(tmp_path):
    times = np.arange("2015-04-01T00", "2015-04-01T03", dtype="datetime64[h]")
    grid = LatLonGrid(40.0625, -100.0625, 0.125, 0.125, 6, 5)
    fields = {name: np.full((3, 6, 5), value, dtype="f4") for name, value in PLAIN.items()}
    one, other = (
        writer.write(tmp_path / name, times, grid, fields)[0].read_bytes() for name in "ab"
    )
    assert one == other


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"units": {"Tair": "degC"}}, "Tair is in 'degC', not in 'K'"),
        ({"units": {"Rainf": "kg m-2 s-1"}}, "Rainf is in 'kg m-2 s-1', not in 'kg m-2'"),
        ({"units": {"PSurf": None}}, "PSurf has no attribute units"),
        ({"shift": 60}, "not those its name promises"),
        ({"Tair": 20.0}, "6 of 6 values are outside 190..340 K .the first is 20"),
    ],
)
def test_granules_that_are_not_as_they_should_be(tmp_path, change, message):
    path = hour(tmp_path, "2015-04-01T00", **change)
    with pytest.raises(GranuleError, match=message) as caught:
        nldas.read([path], BOX).fields.compute()
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("lat", "lon", "message"),
    [
        (LAT + 0.05, LON, "wrong grid.*a centre at 25.0625 N, -124.938 E"),
        (40 + 0.1 * np.arange(6), LON, "wrong grid: cells of 0.1 x 0.125"),
        (LAT, 170.0625 + 0.125 * np.arange(400), "longitudes run from 170.062 to 219.938"),
        (np.r_[LAT[:3], LAT[3:] + 0.125], LON, "not evenly spaced"),
    ],
)
def test_wrong_grids(tmp_path, lat, lon, message):
    path = hour(tmp_path, "2015-04-01T00", lat=lat, lon=lon)
    with pytest.raises(ValueError, match=message) as caught:
        nldas.read([path], BOX)
    assert str(path) in str(caught.value)


def test_longitudes_east_of_180(tmp_path):
    rain = np.arange(30.0).reshape(6, 5)
    path = hour(tmp_path, "2015-04-01T00", lon=LON + 360, Rainf=rain)
    found = nldas.read([path], BOX)
    assert found.grid.lon0 == -99.9375
    np.testing.assert_array_equal(found.fields.prec[0], [[11, 12, 13], [16, 17, 18]])


def test_a_later_granule_on_another_grid(tmp_path):
    paths = [hour(tmp_path, "2015-04-01T00"), hour(tmp_path, "2015-04-01T01", lat=LAT + 0.125)]
    with pytest.raises(GranuleError, match="T?0100.020.nc: wrong grid"):
        nldas.read(paths, BOX).fields.compute()


def test_region_and_period_outside(tmp_path):
    path = hour(tmp_path, "2015-04-01T00")
    with pytest.raises(GridError, match="latitudes 30 to 40.4 leave the grid.*40 to 40.75"):
        nldas.read([path], Box(30, 40.4, -99.9, -99.7))
    with pytest.raises(GranuleError, match="leaves its record, which is 1979-01-01 .. today"):
        nldas.read([path], BOX, period=("1978-01-01", "1980-01-01"))
    with pytest.raises(GranuleError, match="none of the 1 granules given holds anything of 2016"):
        nldas.read([path], BOX, period=("2016-01-01", "2016-01-02"))


def test_names(tmp_path):
    with pytest.raises(GranuleError, match="GRIB of version 002 is not read: retrieve version 2.0"):
        nldas.read([tmp_path / "NLDAS_FORA0125_H.A20150401.0000.002.grb"], BOX)
    with pytest.raises(GranuleError, match="the name is not that of a granule of nldas"):
        nldas.read([tmp_path / "index.html"], BOX)
    with pytest.raises(GranuleError, match="no granules of nldas: retrieve them first"):
        nldas.read([], BOX)
    names = ["NLDAS_FORA0125_H.A20150401.0000.020.nc", "NLDAS_FORA0125_H.A20150401.0100.021.nc"]
    with pytest.raises(GranuleError, match=r"versions are mixed: 020 \(.*021 \("):
        nldas.read([tmp_path / name for name in names], BOX)


@pytest.mark.parametrize("damage", [b"", b"<html>Login</html>", None])
def test_damaged_granules(tmp_path, damage):
    paths = [hour(tmp_path, f"2015-04-01T{h:02d}", Rainf=1) for h in range(3)]
    bad = paths[1]
    bad.write_bytes(bad.read_bytes()[:4000] if damage is None else damage)
    with pytest.raises(UnreadableGranule, match="Remove it and retrieve it again") as caught:
        nldas.read(paths, BOX).fields.compute()
    assert str(bad) in str(caught.value)
    found = nldas.read(paths, BOX, unreadable="gap")
    np.testing.assert_array_equal(found.fields.prec[:, 0, 0], [1, np.nan, 1])
    assert found.coverage.values.tolist() == [["nldas", bad.name, "20150401.0100", "unreadable", 1]]
    first = nldas.read(paths[1:], BOX, unreadable="gap")
    np.testing.assert_array_equal(first.fields.prec[:, 0, 0], [np.nan, 1])
    with pytest.raises(UnreadableGranule):
        nldas.read([bad], BOX, unreadable="gap")


def test_single_impossible_values_are_blanked_and_counted(tmp_path):
    air = np.full((6, 5), 290.0)
    air[2, 1], air[3, 3] = 100, 400
    path = hour(tmp_path, "2015-04-01T00", Tair=air)
    found = nldas.read([path], BOX)
    for _ in range(2):  # computed twice, counted once
        np.testing.assert_array_equal(
            found.fields.tair[0], [[np.nan, 290, 290], [290, 290, np.nan]]
        )
    assert found.coverage.values.tolist() == [
        ["nldas", path.name, "2015-04-01T00:00", "tair outside physical range", 2]
    ]


def test_a_granule_without_one_of_the_variables(tmp_path):
    path = hour(tmp_path, "2015-04-01T00")
    with netCDF4.Dataset(path, "a") as ds:
        ds.renameVariable("Rainf", "APCP")
    with pytest.raises(GranuleError, match="has no variable Rainf; there are .*APCP"):
        nldas.read([path], BOX).fields.compute()


def test_fields_can_be_written_while_threads_read_them(tmp_path):
    """The libraries bear one thread at a time: readers and xarray's writer take turns."""
    paths = [hour(tmp_path, f"2015-04-01T{h:02d}", Rainf=h) for h in range(24)]
    with dask.config.set(scheduler="threads", num_workers=8):
        for engine in ("netcdf4", "h5netcdf"):
            nldas.read(paths, BOX).fields.to_netcdf(tmp_path / "copy.nc", engine=engine)
            with xr.open_dataset(tmp_path / "copy.nc") as copy:
                np.testing.assert_array_equal(copy.prec[:, 0, 0], np.arange(24))
