"""Maps on the target grid: means and largest classes by hand; what is not right is refused."""

import numpy as np
import pytest
import xarray as xr

from parlearn.geometry.grids import LatLonGrid
from parlearn.sources.statics import PRIORS, StaticsError, missing, read_statics
from parlearn.storage import contracts

#: one row of two cells; its maps have four by eight cells, and one more all round
TARGET = LatLonGrid(38.125, -98.875, 0.25, 0.25, 1, 2)
STEP = 0.0625
LAT = 38 + STEP * (np.arange(-1, 5) + 0.5)
LON = -99 + STEP * (np.arange(-1, 9) + 0.5)
SHAPE = len(LAT), len(LON)
FILES = {
    "soil.nc": {"sand": 40, "clay": 20, "silt": 40},
    "landcover.nc": {"igbp": 10},
    "ndvi.nc": {"ndvi": 0.5},
    "elevation.nc": {"elevation": 300},
}
PUBLISHED = {"infilt": 0.2, "Ds": 0.02, "Dsmax": 10, "Ws": 0.9, "expt": 9}
UNITS = {
    "sand": "%", "clay": "%", "silt": "%", "elevation": "m", "slope": "m km-1",
    "Dsmax": "mm day-1", "depth2": "m",
}  # fmt: skip


def write(folder, file, values, lat=LAT, lon=LON, units=None, dims=("lat", "lon")):
    ds = xr.Dataset(coords={"lat": lat, "lon": lon})
    for name, value in values.items():
        field = np.broadcast_to(np.asarray(value, np.float32), (len(lat), len(lon)))
        unit = (units or UNITS).get(name, "1")
        ds[name] = dims, field if dims[0] == "lat" else field.T, {"units": unit}
    ds.to_netcdf(folder / file)


@pytest.fixture
def folder(tmp_path):
    for file, values in FILES.items():
        write(tmp_path, file, values)
    return tmp_path


def read(folder, minimum=0.5, **options):
    found = read_statics(folder, TARGET, minimum, **options)
    contracts.check(found, "statics.nc", "statics")
    return found


def test_a_map_becomes_the_mean_over_the_area_of_each_cell(folder):
    # rows of 10, 20, 30, 40 from the south, and 100 where no cell of the target is
    rows = np.array([100, 10, 20, 30, 40, 100.0])[:, None] * np.ones(SHAPE)
    rows[:, [0, -1]] = 100
    write(folder, "soil.nc", {"sand": rows, "clay": 20, "silt": 40})
    area = np.diff(np.sin(np.deg2rad(38 + STEP * np.arange(5))))
    mean = (area * [10, 20, 30, 40]).sum() / area.sum()
    found = read(folder)
    assert found["sand"].values == pytest.approx(np.full((1, 2), mean), rel=1e-5)
    assert found["sand"].attrs["units"] == "%"
    assert found["lat"].values.tolist() == [38.125]
    # the same with rows from the north, columns first
    write(folder, "soil.nc", {"sand": rows[::-1], "clay": 20, "silt": 40}, lat=LAT[::-1])
    assert read(folder)["sand"].values == pytest.approx(found["sand"].values, rel=1e-6)
    write(folder, "soil.nc", {"sand": rows, "clay": 20, "silt": 40}, dims=("lon", "lat"))
    assert read(folder)["sand"].values == pytest.approx(found["sand"].values, rel=1e-6)


def test_a_cell_covered_too_little_is_missing(folder):
    sand = np.full(SHAPE, 40.0)
    sand[1:5, 1:4] = np.nan  # three quarters of the first cell
    write(folder, "soil.nc", {"sand": sand, "clay": 20, "silt": 40})
    found = read(folder)["sand"].values
    assert np.isnan(found).tolist() == [[True, False]]
    assert read(folder, minimum=0.2)["sand"].values == pytest.approx(40)


def test_the_class_of_the_largest_area_of_those_that_can_be_modelled(folder):
    cover = np.full(SHAPE, 10.0)
    # first cell: 7 of grass, 5 of crops, 4 of forest; second: 8 of water, 5 of forest, 3 of crops
    cover[1:5, 1:5] = np.array([10] * 7 + [12] * 5 + [4] * 4).reshape(4, 4)
    cover[1:5, 5:9] = np.array([17] * 8 + [4] * 5 + [12] * 3).reshape(4, 4)
    write(folder, "landcover.nc", {"igbp": cover})
    assert read(folder, minimum=0.49)["igbp"].values.tolist() == [[10, 4]]
    # of the second less than 51 % is land
    found = read(folder, minimum=0.51)["igbp"].values
    assert found[0, 0] == 10
    assert np.isnan(found[0, 1])
    write(folder, "landcover.nc", {"igbp": np.full(SHAPE, 17.0)})
    assert np.isnan(read(folder)["igbp"].values).all()


def test_maps_that_are_not_needed_are_read_where_they_are(folder):
    assert "slope" not in read(folder)
    write(folder, "elevation.nc", {"elevation": 300, "slope": 12})
    assert read(folder)["slope"].values == pytest.approx(12)


def test_published_parameters_are_read_on_request_alone(folder):
    assert missing(folder, priors=True)[0].startswith(f"{PRIORS} with infilt (published infilt, 1)")
    with pytest.raises(StaticsError, match="lacks parameters.nc with infilt .*expt"):
        read(folder, priors=True)
    infilt = np.full(SHAPE, 0.3)
    infilt[1:5, 5:9] = np.nan
    write(folder, PRIORS, PUBLISHED | {"infilt": infilt, "depth2": 0.4})
    assert not {*PUBLISHED} & {*read(folder)}
    found = read(folder, priors=True)
    assert found["infilt"].values[0, 0] == pytest.approx(0.3)
    assert np.isnan(found["infilt"].values[0, 1])
    assert found["depth2"].values == pytest.approx(0.4)
    assert "depth3" not in found
    write(folder, PRIORS, {"infilt": 0.3})
    with pytest.raises(StaticsError, match="parameters.nc has no variable 'Ds'"):
        read(folder, priors=True)


def test_a_map_that_ends_with_the_region_is_enough(tmp_path):
    """Coordinates in single precision are off by a share of a fine cell."""
    lat = (38 + 0.25 / 30 * (np.arange(30) + 0.5)).astype(np.float32)
    lon = (-99 + 0.25 / 30 * (np.arange(60) + 0.5)).astype(np.float32)
    for file, values in FILES.items():
        write(tmp_path, file, values, lat=lat, lon=lon)
    found = read(tmp_path, minimum=0.99)
    assert found["ndvi"].values == pytest.approx(0.5)
    assert found["igbp"].values.tolist() == [[10, 10]]


@pytest.mark.parametrize(
    ("file", "values", "other", "words"),
    [
        (
            "ndvi.nc",
            {"evi": 0.5},
            {},
            r"ndvi.nc has no variable 'ndvi' \(mean NDVI, 1\); it has evi",
        ),
        ("ndvi.nc", {"ndvi": 0.5}, {"units": {"ndvi": "%"}}, "ndvi is in '%', not in '1'"),
        ("ndvi.nc", {"ndvi": 5000}, {}, "values of ndvi are outside -1 to 1, the first is 5000"),
        (
            "landcover.nc",
            {"igbp": 255},
            {},
            "32 values of igbp are outside 0 to 17, the first is 255",
        ),
        ("landcover.nc", {"igbp": 9.5}, {}, "igbp holds numbers that are no classes"),
        ("soil.nc", {"sand": 40, "silt": 40}, {}, "no variable 'clay'"),
        (
            "elevation.nc",
            {"elevation": 300},
            {"lat": LAT + 0.25},
            "elevation.nc: latitudes 38.0 to 38.25 leave the grid, which has 38.1875 to 38.5625",
        ),
        ("elevation.nc", {"elevation": 300}, {"lat": LAT**2 / 38}, "are not evenly spaced"),
    ],
)
def test_maps_that_are_not_what_they_should_be_are_named(folder, file, values, other, words):
    (folder / file).unlink()
    write(folder, file, values, **other)
    with pytest.raises(StaticsError, match=words):
        read(folder)


def test_wrong_dimensions_missing_and_broken_files(folder):
    ds = xr.Dataset({"ndvi": (("y", "x"), np.full((3, 3), 0.5), {"units": "1"})})
    (folder / "ndvi.nc").unlink()
    ds.to_netcdf(folder / "ndvi.nc")
    with pytest.raises(StaticsError, match=r"ndvi has dimensions \('y', 'x'\), not lat, lon"):
        read(folder)
    (folder / "ndvi.nc").unlink()
    assert missing(folder) == ["ndvi.nc with ndvi (mean NDVI, 1)"]
    with pytest.raises(StaticsError, match=r"lacks ndvi.nc with ndvi \(mean NDVI, 1\) \(see conf"):
        read(folder)
    (folder / "ndvi.nc").write_text("no map")
    with pytest.raises(StaticsError, match="ndvi.nc is not a readable netCDF file"):
        read(folder)
