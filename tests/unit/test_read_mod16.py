"""MOD16 granules, written here with pyhdf to the structure of the product."""

import numpy as np
import pytest
from pyhdf.SD import SD, SDC

from parlearn.geometry.grids import Box, GridError, SinusoidalGrid
from parlearn.sources import mod16
from parlearn.sources.granules import GranuleError, UnreadableGranule
from parlearn.sources.twin.granules import mod16 as writer

#: rows 600..607, columns 1200..1209 of tile h10v05
TILE, ROW, COL, ROWS, COLS = "h10v05", 600, 1200, 8, 10
RADIUS, WIDTH = 6371007.181, 1111950.5197
SIZE = WIDTH / 2400
X0, Y0 = -20015109.354 + 10 * WIDTH + COL * SIZE, 10007554.677 - 5 * WIDTH - ROW * SIZE
STRUCT = """GROUP=GridStructure
\tGROUP=GRID_1
\t\tGridName="MOD_Grid_MOD16A2"
\t\tXDim={cols}
\t\tYDim={rows}
\t\tUpperLeftPointMtrs=({left:.6f},{top:.6f})
\t\tLowerRightMtrs=({right:.6f},{bottom:.6f})
\t\tProjection={projection}
\t\tProjParams=({radius},0,0,0,0,0,0,0,0,0,0,0,0)
\t\tSphereCode=-1
\t\tGridOrigin=HDFE_GD_UL
\t\tGROUP=Dimension
\t\tEND_GROUP=Dimension
\tEND_GROUP=GRID_1
END_GROUP=GridStructure
END
"""
ATTRIBUTES = {
    "units": (SDC.CHAR, "kg/m^2/8day"),
    "valid_range": (SDC.INT16, [-32767, 32700]),
    "_FillValue": (SDC.INT16, 32767),
    "scale_factor": (SDC.FLOAT64, 0.1),
    "add_offset": (SDC.FLOAT64, 0.0),
}


def granule(folder, date, raw, row=ROW, col=COL, attributes=(), production="2020001000000",
            product="MOD16A2GF", version="061", **struct):  # fmt: skip
    """One granule of packed values (row, column) whose first pixel is (row, col) of the tile."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{product}.A{date}.{TILE}.{version}.{production}.hdf"
    raw = np.asarray(raw, dtype=np.int16)
    left, top = X0 + (col - COL) * SIZE, Y0 - (row - ROW) * SIZE
    text = {
        "rows": raw.shape[0],
        "cols": raw.shape[1],
        "left": left,
        "top": top,
        "right": left + raw.shape[1] * SIZE,
        "bottom": top - raw.shape[0] * SIZE,
        "projection": "GCTP_SNSOID",
        "radius": f"{RADIUS:.6f}",
    } | struct
    file = SD(str(path), SDC.WRITE | SDC.CREATE)
    layer = file.create("ET_500m", SDC.INT16, raw.shape)
    for name, kind_value in {**ATTRIBUTES, **dict(attributes)}.items():
        if kind_value:
            layer.attr(name).set(*kind_value)
    layer[:] = raw
    layer.endaccess()
    file.attr("StructMetadata.0").set(SDC.CHAR, STRUCT.format(**text))
    file.end()
    return path


def place(row, col):
    """Latitude and longitude of the centre of pixel (row, col) of the granule."""
    lat = (Y0 - (row + 0.5) * SIZE) / RADIUS
    lon = (X0 + (col + 0.5) * SIZE) / (RADIUS * np.cos(lat))
    return np.degrees(lat), np.degrees(lon)


def box_of(row, last_row, col, last_col):
    """A small region around the centres of some pixels."""
    corners = [place(r, c) for r in (row, last_row) for c in (col, last_col)]
    lat, lon = zip(*corners)
    return Box(min(lat) - 1e-4, max(lat) + 1e-4, min(lon) - 1e-4, max(lon) + 1e-4)


EVERYWHERE = Box(30, 40, -100, -80)


def test_sums_become_rates_on_the_grid_of_the_file(tmp_path):
    raw = 8 * np.arange(80).reshape(8, 10)
    path = granule(tmp_path, "2015145", raw)
    found = mod16.read([path], EVERYWHERE)
    assert found.grid == SinusoidalGrid.tile(10, 5).cut(slice(600, 608), slice(1200, 1210))
    fields = found.fields.compute()
    # 8 x 0.1 kg m-2 in 8 days is 0.1 mm a day
    np.testing.assert_allclose(
        fields.evapotranspiration[0], 0.1 * np.arange(80).reshape(8, 10), rtol=1e-6
    )
    assert fields.evapotranspiration.attrs["units"] == "mm day-1"
    assert str(fields.time.values[0])[:10] == "2015-05-25"
    assert fields.days.values.tolist() == [8]
    assert found.coverage.empty


@pytest.mark.parametrize(
    ("date", "day", "length"),
    [
        ("2015001", "2015-01-01", 8),
        ("2015353", "2015-12-19", 8),
        ("2015361", "2015-12-27", 5),
        ("2016353", "2016-12-18", 8),
        ("2016361", "2016-12-26", 6),
    ],
)
def test_true_length_of_composites(tmp_path, date, day, length):
    path = granule(tmp_path, date, np.full((8, 10), 120))
    fields = mod16.read([path], EVERYWHERE).fields.compute()
    assert str(fields.time.values[0])[:10] == day
    assert fields.days.values.tolist() == [length]
    np.testing.assert_allclose(fields.evapotranspiration, 12 / length, rtol=1e-6)


def test_all_classes_are_masked_and_counted(tmp_path):
    raw = np.full((8, 10), 80)
    raw[0, :7] = range(32761, 32768)
    raw[1, :3] = 32766
    raw[2, 0] = 32701
    raw[2, 1] = 0
    path = granule(tmp_path, "2015001", raw)
    found = mod16.read([path], EVERYWHERE, water=True)
    fields = found.fields.compute()
    missing = np.isnan(fields.evapotranspiration[0])
    assert missing.values.sum() == 7 + 3 + 1
    assert missing[0, :7].all()
    assert fields.evapotranspiration[0, 2, 1] == 0
    assert dict(found.coverage[["what", "count"]].values.tolist()) == {
        "class unclassified": 1,
        "class urban": 1,
        "class wetland": 1,
        "class snow or ice": 1,
        "class barren": 1,
        "class water": 4,
        "class fill": 1,
        "class unknown (32701)": 1,
    }
    assert np.isnan(fields.water[0, 0, 6])
    assert np.nansum(fields.water) == 4
    assert fields.water[0, 0, 5] == fields.water[0, 1, 0] == 1
    assert fields.water[0, 5, 5] == 0
    assert "water" not in mod16.read([path], EVERYWHERE).fields


def test_the_window_holds_all_pixels_that_touch_a_sheared_region(tmp_path):
    tile = SinusoidalGrid.tile(10, 5)
    box = Box(35.0, 36.0, -91.0, -90.0)
    rows, cols = tile.window(box)
    # densely sampled, every point of the region must fall into the window, which it fills
    lat, lon = np.meshgrid(np.linspace(35, 36, 400), np.linspace(-91, -90, 400), indexing="ij")
    x = RADIUS * np.radians(lon) * np.cos(np.radians(lat))
    col = (x + 20015109.354 - 10 * WIDTH) / SIZE
    row = (10007554.677 - 5 * WIDTH - RADIUS * np.radians(lat)) / SIZE
    assert rows.start <= row.min() < rows.start + 1.01
    assert rows.stop - 1.01 < row.max() <= rows.stop
    assert cols.start <= col.min() < cols.start + 1.01
    assert cols.stop - 1.01 < col.max() <= cols.stop
    # across the equator the longest parallel is the equator itself
    equator = SinusoidalGrid(-111195.05, 111195.05, SIZE, 480, 480)
    rows, cols = equator.window(Box(-0.5, 0.9, -0.501, 0.501))
    half = np.radians(0.501) * RADIUS / SIZE
    assert cols == slice(int(np.floor(240 - half)), int(np.ceil(240 + half)))


def test_whole_and_cropped_files_agree(tmp_path):
    rng = np.random.default_rng(2)
    whole = rng.integers(0, 400, (2400, 2400))
    box = box_of(2, 4, 3, 6)
    one = mod16.read([granule(tmp_path / "whole", "2015001", whole, row=0, col=0)], box)
    crop = whole[ROW : ROW + ROWS, COL : COL + COLS]
    other = mod16.read([granule(tmp_path / "crop", "2015001", crop)], box)
    assert one.grid == other.grid
    assert one.grid.rows == 3
    np.testing.assert_array_equal(one.fields.evapotranspiration, other.fields.evapotranspiration)
    row = round((Y0 - one.grid.y0) / SIZE)
    col = round((one.grid.x0 - X0) / SIZE)
    np.testing.assert_allclose(
        one.fields.evapotranspiration[0],
        crop[row : row + one.grid.rows, col : col + one.grid.cols] / 80,
        rtol=1e-6,
    )


def test_missing_composites_and_duplicates(tmp_path):
    paths = [granule(tmp_path, d, np.full((8, 10), 80)) for d in ("2015353", "2016009")]
    newer = granule(tmp_path, "2016009", np.full((8, 10), 160), production="2021001000000")
    found = mod16.read([newer, *paths], EVERYWHERE)
    assert [str(t)[:10] for t in found.fields.time.values] == [
        "2015-12-19", "2015-12-27", "2016-01-01", "2016-01-09",
    ]  # fmt: skip
    assert found.fields.days.values.tolist() == [8, 5, 8, 8]
    np.testing.assert_allclose(
        found.fields.evapotranspiration[:, 0, 0], [1, np.nan, np.nan, 2], rtol=1e-6
    )
    assert found.coverage[["date", "what"]].values.tolist() == [
        ["2015-12-27", "missing"],
        ["2016-01-01", "missing"],
        ["2016009", "duplicate left aside"],
    ]
    year = mod16.read(paths, EVERYWHERE, period=("2016-01-01", "2016-12-31"))
    assert year.fields.sizes["time"] == 46


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"projection": "GCTP_GEO"}, "wrong grid: GCTP_GEO"),
        ({"radius": "6371000.000000"}, "needed is sinusoidal on a sphere of 6371007.181 m"),
        ({"cols": 11}, "are no window of tile h10v05 at 463.3127 m"),
        ({"left": X0 + 200}, "are no window of tile h10v05"),
        ({"attributes": {"scale_factor": None}}, "ET_500m has no attribute scale_factor"),
        ({"attributes": {"valid_range": None}}, "ET_500m has no attribute valid_range"),
        ({"attributes": {"units": (SDC.CHAR, "mm/day")}}, "units 'mm/day'; known are"),
        ({"attributes": {"add_offset": (SDC.FLOAT64, 3.0)}}, "has add_offset 3.0"),
        (
            {"attributes": {"scale_factor": (SDC.FLOAT64, 10.0)}},
            "80 of 80 values are outside",
        ),
    ],
)
def test_granules_that_are_not_as_they_should_be(tmp_path, change, message):
    path = granule(tmp_path, "2015001", np.full((8, 10), 80), **change)
    with pytest.raises(GranuleError, match=message) as caught:
        mod16.read([path], EVERYWHERE).fields.compute()
    assert str(path) in str(caught.value)


def test_what_is_refused(tmp_path):
    raw = np.full((8, 10), 80)
    path = granule(tmp_path, "2015001", raw)
    with pytest.raises(GridError, match="tile h10v05: the region 10 to 11 N.* has no pixel"):
        mod16.read([path], Box(10, 11, -90, -89))
    with pytest.raises(GridError, match="has no pixel"):
        mod16.read([path], Box(37, 38, 20, 21))
    other = tmp_path / path.name.replace("h10v05", "h11v05")
    with pytest.raises(GranuleError, match=r"of 2 tiles \(h10v05, h11v05\): one tile"):
        mod16.read([path, other], EVERYWHERE)
    old = granule(tmp_path, "2015009", raw, version="006")
    with pytest.raises(GranuleError, match="versions are mixed: MOD16A2GF 006 .*MOD16A2GF 061"):
        mod16.read([path, old], EVERYWHERE)
    forward = granule(tmp_path, "2015009", raw, product="MOD16A2")
    with pytest.raises(GranuleError, match="versions are mixed: MOD16A2 061 .*MOD16A2GF 061"):
        mod16.read([path, forward], EVERYWHERE)
    with pytest.raises(GranuleError, match="no composite begins on day 4 of a year"):
        mod16.read([granule(tmp_path / "d", "2015004", raw)], EVERYWHERE)
    with pytest.raises(GranuleError, match="leaves its record, which is 2000-01-01 .. today"):
        mod16.read([path], EVERYWHERE, period=("1999-01-01", "2015-12-31"))
    shifted = granule(tmp_path, "2015009", raw, row=ROW + 1)
    with pytest.raises(GranuleError, match="2015009.*wrong grid"):
        mod16.read([path, shifted], EVERYWHERE).fields.compute()


@pytest.mark.parametrize("size", [0, 200, 1000])
def test_damaged_granules(tmp_path, size):
    raw = np.full((8, 10), 80)
    paths = [granule(tmp_path, date, raw) for date in ("2015001", "2015009", "2015017")]
    paths[1].write_bytes(paths[1].read_bytes()[:size])
    with pytest.raises(UnreadableGranule, match="2015009.*Remove it and retrieve it again"):
        mod16.read(paths, EVERYWHERE).fields.compute()
    found = mod16.read(paths, EVERYWHERE, unreadable="gap")
    np.testing.assert_allclose(found.fields.evapotranspiration[:, 0, 0], [1, np.nan, 1], rtol=1e-6)
    assert found.coverage.what.tolist() == ["unreadable"]


def test_what_is_written_is_read(tmp_path):
    from pyhdf.HDF import HDF
    from pyhdf.V import V  # noqa: F401

    grid = SinusoidalGrid.tile(10, 5).cut(slice(600, 640), slice(1200, 1250))
    raw = np.random.default_rng(5).integers(0, 500, (2, 40, 50)).astype(np.int16)
    raw[:, :3] = 32766
    starts = np.array(["2015-12-27", "2016-01-01"], dtype="datetime64[D]")
    paths = writer.write(tmp_path, starts, TILE, grid, {"ET_500m": raw})
    assert paths[0].relative_to(tmp_path).parts == (
        "2015.12.27", "MOD16A2GF.A2015361.h10v05.061.2016032120000.hdf",
    )  # fmt: skip
    found = mod16.read(paths, EVERYWHERE)
    assert found.grid == grid
    expected = np.where(raw > 32700, np.nan, raw * 0.1) / np.array([5, 8])[:, None, None]
    np.testing.assert_allclose(found.fields.evapotranspiration, expected, rtol=1e-6)
    file = SD(str(paths[0]))
    assert set(file.datasets()) == {"ET_500m", "LE_500m", "PET_500m", "PLE_500m", "ET_QC_500m"}
    assert file.select("LE_500m").attributes()["scale_factor"] == 10000
    assert file.select("ET_500m").info()[2] == [40, 50]
    assert file.datasets()["ET_500m"][0] == ("YDim:MOD_Grid_MOD16A2", "XDim:MOD_Grid_MOD16A2")
    file.end()
    # HDF-EOS2 finds the layers as members of a Vgroup in one of class GRID
    structure = HDF(str(paths[0]))
    groups = structure.vgstart()
    top = groups.attach(groups.find("MOD_Grid_MOD16A2"))
    assert top._class == "GRID"
    inner = groups.attach(groups.find("Data Fields"))
    assert len(inner.tagrefs()) == 5
    for group in (top, inner):
        group.detach()
    groups.end()
    structure.close()
    again = writer.write(tmp_path / "again", starts, TILE, grid, {"ET_500m": raw})
    assert again[0].read_bytes() == paths[0].read_bytes()
