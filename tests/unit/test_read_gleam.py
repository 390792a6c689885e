"""GLEAM granules, written here with netCDF4 to the structure of the product."""

import netCDF4
import numpy as np
import pytest

from parlearn.geometry.grids import Box, GridError, LatLonGrid
from parlearn.sources import gleam
from parlearn.sources.granules import GranuleError, UnreadableGranule
from parlearn.sources.twin.granules import gleam as writer

#: rows from the north; the region touches rows 1..2 and columns 2..4
LAT, LON = 33.875 - 0.25 * np.arange(4), 113.125 + 0.25 * np.arange(6)
BOX = Box(33.3, 33.7, 113.55, 114.2)
DAYS = {2010: 365, 2012: 366}


def year_of(year):
    """(time, lat, lon): the day of the year + a tenth of the place, below 5 mm a day."""
    place = np.arange(24).reshape(4, 6)
    return np.arange(DAYS[year])[:, None, None] / 100 + place / 10


def granule(folder, year=2010, name="E", version="v3.7a", dims=("time", "lat", "lon"), lat=LAT,
            lon=LON, values=None, fill=-999.0, units="mm/day", time=None):  # fmt: skip
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}_{year}_GLEAM_{version}.nc"
    values = year_of(year) if values is None else values
    with netCDF4.Dataset(path, "w") as ds:
        days = np.arange(len(values)) + 0.5
        for axis, numbers in (("time", days), ("lat", lat), ("lon", lon)):
            ds.createDimension(axis, len(numbers))
            ds.createVariable(axis, "f8", (axis,))[:] = numbers
        ds["time"].units = time or f"days since {year - 1}-12-31 12:00:00"
        if fill is None:
            data = ds.createVariable(name, "f4", dims)
        else:
            data = ds.createVariable(name, "f4", dims, fill_value=fill)
        if units:
            data.units = units
        data[:] = np.transpose(values, [("time", "lat", "lon").index(d) for d in dims])
    return path


@pytest.mark.parametrize(
    ("dims", "version"),
    [(("time", "lat", "lon"), "v3.7a"), (("time", "lon", "lat"), "v3.5b")],
)
def test_dimensions_are_taken_by_name(tmp_path, dims, version):
    found = gleam.read([granule(tmp_path, dims=dims, version=version)], BOX)
    assert found.grid == LatLonGrid(33.625, 113.625, -0.25, 0.25, 2, 3)
    field = found.fields.evapotranspiration.compute()
    assert field.shape == (365, 2, 3)
    assert field.attrs["units"] == "mm day-1"
    # day 100 of the year, row 2, column 4 is place 16
    assert field[99, 1, 2] == pytest.approx(0.99 + 1.6)
    assert str(field.time.values[99])[:10] == "2010-04-10"
    assert found.coverage.empty


@pytest.mark.parametrize("fill", [-999.0, np.nan])
def test_what_is_missing_by_the_attribute(tmp_path, fill):
    values = year_of(2012)
    values[59, 1, 2] = fill
    found = gleam.read([granule(tmp_path, 2012, values=values, fill=fill)], BOX)
    field = found.fields.evapotranspiration.compute()
    assert field.shape[0] == 366
    assert np.isnan(field.sel(time="2012-02-29")[0, 0])
    assert np.isnan(field).sum() == 1
    assert found.coverage.empty


def test_a_year_without_granule_and_several_variables(tmp_path):
    paths = [
        granule(tmp_path, 2010),
        granule(tmp_path, 2012),
        granule(tmp_path, 2010, "SMsurf", values=year_of(2010) / 20, units="m3/m3"),
        granule(tmp_path, 2010, "Ep"),
    ]
    found = gleam.read(paths, BOX, variables=["evapotranspiration", "surface_moisture"])
    assert set(found.fields) == {"evapotranspiration", "surface_moisture"}
    assert found.fields.sizes["time"] == 365 + 365 + 366
    field = found.fields.evapotranspiration.compute()
    assert np.isnan(field.sel(time="2011")).all()
    assert np.isfinite(field.sel(time="2012")).all()
    counts = found.coverage.groupby("what")["count"].sum()
    assert counts.to_dict() == {
        "missing evapotranspiration": 365,
        "missing surface_moisture": 365 + 366,
    }
    np.testing.assert_allclose(
        found.fields.surface_moisture.sel(time="2010-01-02")[0, 0], (0.01 + 0.8) / 20, rtol=1e-6
    )
    part = gleam.read(paths, BOX, period=("2010-12-30", "2010-12-31"))
    assert part.fields.sizes["time"] == 2
    assert part.coverage.empty
    assert part.fields.evapotranspiration[1, 0, 0] == pytest.approx(3.64 + 0.8)


def test_version_4_is_on_a_finer_grid(tmp_path):
    lat, lon = 33.95 - 0.1 * np.arange(4), 113.55 + 0.1 * np.arange(6)
    path = granule(tmp_path, version="v4.2a", lat=lat, lon=lon)
    found = gleam.read([path], Box(33.72, 33.78, 113.62, 113.68))
    assert (found.grid.lat0, found.grid.lon0) == pytest.approx((33.75, 113.65))
    assert found.grid.shape == (1, 1)
    assert found.fields.evapotranspiration[0, 0, 0] == pytest.approx(1.3)
    with pytest.raises(GranuleError, match="wrong grid: cells of 0.25 x 0.25"):
        gleam.read([granule(tmp_path / "b", version="v4.2a")], BOX)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fill": None}, "E has no attribute _FillValue or missing_value"),
        ({"units": "mm/month"}, "E is in 'mm/month', not in 'mm/day'"),
        ({"units": None}, "E has no attribute units"),
        ({"values": year_of(2010)[:100]}, "not those its name promises"),
        ({"time": "days since 2009-01-01 00:00"}, "not those its name promises"),
        ({"time": "months since 2010-01-01"}, "time is in 'months since 2010-01-01', needed is"),
        ({"values": year_of(2010) * 100}, "values are outside -5..25 mm day-1"),
    ],
)
def test_granules_that_are_not_as_they_should_be(tmp_path, change, message):
    path = granule(tmp_path, **change)
    with pytest.raises(GranuleError, match=message) as caught:
        gleam.read([path], BOX).fields.compute()
    assert str(path) in str(caught.value)


def test_what_is_refused(tmp_path):
    path = granule(tmp_path)
    with pytest.raises(ValueError, match="no variable 'E'; there are evapotranspiration, trans"):
        gleam.read([path], BOX, variables=["E"])
    with pytest.raises(GranuleError, match=r"none of the 1 granules given holds Ep"):
        gleam.read([path], BOX, variables=["potential_evaporation"])
    with pytest.raises(GranuleError, match="record, which is 1980-01-01 .. 2022-12-31"):
        gleam.read([path], BOX, period=("2009-01-01", "2023-01-01"))
    b = granule(tmp_path, version="v3.7b", year=2012)
    with pytest.raises(GranuleError, match="record, which is 2003-01-01 .. 2022-12-31"):
        gleam.read([b], BOX, period=("2002-01-01", "2012-01-01"))
    with pytest.raises(GranuleError, match="versions are mixed: v3.7a .*v3.7b"):
        gleam.read([path, b], BOX)
    with pytest.raises(GridError, match="longitudes -100 to -90 leave the grid"):
        gleam.read([path], Box(33.3, 33.7, -100, -90))
    east = granule(tmp_path / "e", lon=0.125 + 0.25 * np.arange(1440), lat=LAT,
                   values=np.zeros((365, 4, 1440)))  # fmt: skip
    with pytest.raises(GranuleError, match="longitudes run from 0.125 to 359.875; needed are -180"):
        gleam.read([east], BOX)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(UnreadableGranule, match="Remove it and retrieve it again"):
        gleam.read([path], BOX)


@pytest.mark.parametrize("version", ["v3.7a", "v3.5a"])
def test_what_is_written_is_read(tmp_path, version):
    grid = LatLonGrid(33.875, 113.125, -0.25, 0.25, 4, 6)
    days = np.arange("2010-01-01", "2013-01-01", dtype="datetime64[D]")
    values = np.random.default_rng(1).uniform(0, 6, (days.size, 4, 6)).astype("f4")
    values[7, 1, 3] = np.nan
    paths = writer.write(tmp_path, days, grid, {"E": values}, version)
    assert [str(p.relative_to(tmp_path)) for p in paths] == [
        f"{version}/daily/{year}/E_{year}_GLEAM_{version}.nc" for year in (2010, 2011, 2012)
    ]
    found = gleam.read(paths, BOX)
    np.testing.assert_array_equal(found.fields.evapotranspiration, values[:, 1:3, 2:5])
    with netCDF4.Dataset(paths[0]) as ds:
        last = "lon" if version == "v3.7a" else "lat"
        assert ds["E"].dimensions[-1] == last
    again = writer.write(tmp_path / "again", days[:365], grid, {"E": values[:365]}, version)
    assert again[0].read_bytes() == paths[0].read_bytes()
