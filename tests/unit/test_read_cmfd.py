"""CMFD granules, written here with netCDF4 to the structure of the product."""

import gzip
import tempfile
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from parlearn.geometry.grids import Box, GridError, LatLonGrid
from parlearn.sources import cmfd
from parlearn.sources.granules import GranuleError, UnreadableGranule
from parlearn.sources.twin.granules import cmfd as writer

LAT, LON = 32.05 + 0.1 * np.arange(5), 114.05 + 0.1 * np.arange(4)
#: cells 1..2 of the latitudes, 2..3 of the longitudes
BOX = Box(32.12, 32.28, 114.22, 114.38)
FILL = -32767
UNITS = {"prec": "mm hr-1", "temp": "K", "srad": "W m-2", "wind": "m s-1"}
PACKING = {"scale_factor": 0.01, "add_offset": 250.0}
#: 1 January 2015 in hours since 1900-01-01
START = 1008072


def granule(folder, name="temp", month="201501", raw=4000, style="CMFD", packing=PACKING, steps=248,
            start=START, kind="i2", units=None, packed=False, lat=LAT, fill=FILL):  # fmt: skip
    """One month of packed values (time, lat, lon)."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}_{style}_V0106_B-01_03hr_010deg_{month}.nc"
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_OFFSET") as ds:
        times = start + 3 * np.arange(steps)
        for axis, numbers in (("time", times), ("lat", lat), ("lon", LON)):
            ds.createDimension(axis, len(numbers))
            ds.createVariable(axis, "i4" if axis == "time" else "f4", (axis,))[:] = numbers
        ds["time"].units = "hours since 1900-01-01 00:00:0.0"
        data = ds.createVariable(name, kind, ("time", "lat", "lon"), fill_value=fill)
        data.set_auto_maskandscale(False)
        data.units = units or UNITS[name]
        data.setncatts(packing)
        data[:] = np.broadcast_to(raw, (steps, len(lat), len(LON)))
    if not packed:
        return path
    target = path.with_suffix(".nc.gz")
    target.write_bytes(gzip.compress(path.read_bytes(), 1))
    path.unlink()
    return target


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("style", ["CMFD", "ITPCAS-CMFD"])
def test_values_are_decoded_by_the_attributes(tmp_path, packed, style):
    raw = np.arange(20).reshape(5, 4) * 100 + np.arange(248)[:, None, None]
    raw[3, 1, 2] = FILL
    path = granule(tmp_path, raw=raw, packed=packed, style=style)
    found = cmfd.read([path], BOX, variables=["tair"])
    assert found.grid == LatLonGrid(32.15, 114.25, 0.1, 0.1, 2, 2)
    field = found.fields.tair.compute()
    assert field.shape == (248, 2, 2)
    # places 6 and 7, 10 and 11 of 0..19 in rows of four
    np.testing.assert_allclose(field[0], [[256, 257], [260, 261]], rtol=1e-6)
    np.testing.assert_allclose(field[200], [[258, 259], [262, 263]], rtol=1e-6)
    assert np.isnan(field[3, 0, 0])
    assert np.isnan(field).sum() == 1
    assert str(field.time.values[0])[:16] == "2015-01-01T00:00"
    assert str(field.time.values[-1])[:16] == "2015-01-31T21:00"
    assert found.coverage.empty


def test_rates_become_amounts_of_three_hours(tmp_path):
    path = granule(tmp_path, "prec", raw=150, packing={"scale_factor": 0.01, "add_offset": 0.0})
    field = cmfd.read([path], BOX, variables=["prec"]).fields.prec
    assert field.attrs["units"] == "mm"
    # 1.5 mm an hour over 3 hours
    np.testing.assert_allclose(field, 4.5, rtol=1e-6)


def test_variables_months_and_a_missing_month(tmp_path):
    paths = [
        granule(tmp_path, "temp", "201501"),
        granule(tmp_path, "temp", "201503", start=START + 59 * 24),
        granule(tmp_path, "wind", "201501", raw=300, packing={"scale_factor": 0.01}, packed=True),
        granule(tmp_path, "wind", "201502", raw=400, packing={"scale_factor": 0.01}, steps=224,
                start=START + 31 * 24),
    ]  # fmt: skip
    found = cmfd.read(paths, BOX, variables=["tair", "wind"])
    fields = found.fields.compute()
    assert fields.sizes["time"] == 8 * (31 + 28 + 31)
    assert np.isnan(fields.tair.sel(time="2015-02")).all()
    np.testing.assert_allclose(fields.tair.sel(time="2015-03"), 290, rtol=1e-6)
    np.testing.assert_allclose(fields.wind.sel(time="2015-02"), 4, rtol=1e-6)
    assert np.isnan(fields.wind.sel(time="2015-03")).all()
    counts = found.coverage.groupby("what")["count"].sum()
    assert counts.to_dict() == {"missing tair": 8 * 28, "missing wind": 8 * 31}
    part = cmfd.read(paths, BOX, variables=["wind"], period=("2015-01-31", "2015-02-01"))
    assert part.fields.sizes["time"] == 17
    np.testing.assert_allclose(part.fields.wind[:, 0, 0], [3] * 8 + [4] * 9, rtol=1e-6)


def test_stamps_that_begin_three_hours_into_the_month(tmp_path):
    path = granule(tmp_path, start=START + 3)
    times = cmfd.read([path], BOX, variables=["tair"]).fields.compute().time.values
    assert str(times[0])[:16] == "2015-01-01T03:00"
    assert str(times[-1])[:16] == "2015-02-01T00:00"


def test_nothing_is_left_of_what_was_decompressed(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    seen = []
    window = cmfd.Window

    def spy(*arguments):
        seen.extend(path.name for path in scratch.rglob("*.nc"))
        return window(*arguments)

    monkeypatch.setattr(cmfd, "Window", spy)
    path = granule(tmp_path / "a", packed=True)
    found = cmfd.read([path], BOX, variables=["tair"])
    assert seen == ["temp_CMFD_V0106_B-01_03hr_010deg_201501.nc"]
    assert not list(scratch.iterdir())
    found.fields.compute()
    assert not list(scratch.iterdir())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UnreadableGranule, match="end-of-stream marker.*retrieve it again"):
        found.fields.compute()
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"packing": {"add_offset": 250.0}}, "packed as int16 without the attribute scale_factor"),
        ({"units": "degC"}, "temp is in 'degC', not in 'K'"),
        ({"packing": {"scale_factor": 0.1, "add_offset": 250.0}}, "outside 190..340 K"),
        ({"start": START + 1}, "begins at 2015-01-01T01:00:00, not at 00:00 or 03:00"),
        ({"start": START + 24}, "begins at 2015-01-02"),
        ({"steps": 240}, "are not those its name promises"),
        ({"lat": LAT + 0.05}, "wrong grid"),
    ],
)
def test_granules_that_are_not_as_they_should_be(tmp_path, change, message):
    path = granule(tmp_path, **change)
    box = Box(32.2, 32.28, 114.22, 114.38)
    with pytest.raises(GranuleError, match=message) as caught:
        cmfd.read([path], box, variables=["tair"]).fields.compute()
    assert str(path) in str(caught.value)


def test_what_is_refused(tmp_path):
    path = granule(tmp_path)
    with pytest.raises(ValueError, match="no variable 'temp'; there are prec, tair"):
        cmfd.read([path], BOX, variables=["temp"])
    with pytest.raises(GranuleError, match=r"none of the 1 granules given holds prec"):
        cmfd.read([path], BOX)
    with pytest.raises(GranuleError, match="record, which is 1979-01-01 .. 2018-12-31"):
        cmfd.read([path], BOX, variables=["tair"], period=("2018-01-01", "2019-01-02"))
    with pytest.raises(GridError, match="latitudes 20 to 32.2 leave the grid"):
        cmfd.read([path], Box(20, 32.2, 114.2, 114.3), variables=["tair"])
    daily = tmp_path / "temp_CMFD_V0106_B-01_01dy_010deg_201501-201512.nc"
    with pytest.raises(GranuleError, match="the name is not that of a granule of cmfd"):
        cmfd.read([daily], BOX)


def test_what_is_written_is_read(tmp_path):
    grid = LatLonGrid(32.05, 114.05, 0.1, 0.1, 5, 4)
    times = np.arange("2015-01-01T00", "2015-03-01T00", 3, dtype="datetime64[h]")
    rng = np.random.default_rng(1)
    limits = {
        "prec": (0, 20), "temp": (240, 310), "pres": (5e4, 1.02e5), "shum": (0, 0.03),
        "wind": (0, 30), "srad": (0, 1000), "lrad": (100, 500),
    }  # fmt: skip
    fields = {
        name: rng.uniform(*ends, (times.size, 5, 4)).astype("f4") for name, ends in limits.items()
    }
    fields["prec"][10] = 0
    fields["temp"][5, 1, 2] = np.nan
    plain = writer.write(tmp_path / "a", times, grid, fields)
    packed = writer.write(tmp_path / "b", times, grid, fields, compressed=True)
    assert [p.name + ".gz" for p in plain] == [p.name for p in packed]
    assert plain[2].relative_to(tmp_path / "a").parts == (
        "Data_forcing_03hr_010deg", "Temp", "temp_CMFD_V0106_B-01_03hr_010deg_201501.nc",
    )  # fmt: skip
    read = [cmfd.read(paths, BOX).fields.compute() for paths in (plain, packed)]
    assert read[0].identical(read[1])
    inner = (slice(None), slice(1, 3), slice(2, 4))
    theirs = {v[0]: name for name, v in cmfd.VARIABLES.items()}
    for name, values in fields.items():
        factor, step = (3 if name == "prec" else 1), writer.VARIABLES[name][3]
        np.testing.assert_allclose(
            read[0][theirs[name]], factor * values[inner], rtol=1e-6, atol=factor * 0.51 * step
        )
    assert (read[0].prec[10] == 0).all()
    again = writer.write(tmp_path / "c", times, grid, fields, compressed=True)
    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in packed]
    both = cmfd.read([*plain, *packed], BOX)
    assert set(both.coverage.granule) == {Path(p).name for p in packed}
    with pytest.raises(ValueError, match="temp: values from 500 to 500 K do not fit into 16 bits"):
        writer.write(tmp_path / "d", times, grid, {"temp": np.full(fields["temp"].shape, 500.0)})
