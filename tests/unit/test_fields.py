"""From a few granules of each product to days of the target grid, against values by hand."""

import numpy as np
import pandas as pd
import pytest

from parlearn.geometry.grids import Box, EaseGrid, GridError, LatLonGrid
from parlearn.plan.archives import closes
from parlearn.sources.fields import KIND_OF, regrid_chunk, target_grid
from parlearn.sources.granules import GranuleError, UnreadableGranule
from parlearn.sources.twin.archive import tiles
from parlearn.sources.twin.granules import cmfd, gleam, mod16, nldas, smap
from parlearn.storage import contracts

# two columns on both sides of the middle between two hours: 97.5 W is 6.5 hours behind
PLAINS = {"south": 39.875, "north": 40.125, "west": -97.625, "east": -97.375}
CHINA = {"south": 32.0, "north": 32.5, "west": 115.0, "east": 115.5}


def chunk(product, paths, first, last, **settings):
    box = settings.pop("box", CHINA if product in ("cmfd", "gleam") else PLAINS)
    known = {"resolution": 0.125 if box["north"] > 36 else 0.25, "day": "solar"}
    known |= {key: settings.pop(key) for key in ("resolution", "day", "closes") if key in settings}
    fields, coverage = regrid_chunk(
        product, paths, (first, last), box=box, minimum_share=0.5, settings=settings, **known
    )
    contracts.check(fields.copy(), "chunk.nc", KIND_OF[product])
    contracts.check_table(coverage, "coverage.csv", "coverage")
    return fields, coverage


def rows(coverage):
    return [tuple(row) for row in coverage.itertuples(index=False)]


def test_the_target_begins_in_the_south_west():
    grid = target_grid(PLAINS, 0.125)
    assert grid == LatLonGrid(39.9375, -97.5625, 0.125, 0.125, 2, 2)


# weather by the hour


def hours(folder, stamps, group="hour"):
    """k hours after the last new year's eve: k / 64 mm, 280 + k / 8 K; less to the north."""
    grid = target_grid(PLAINS, 0.125)
    k = (stamps - np.datetime64("2015-12-31T00")).astype(int)[:, None, None]
    row = np.arange(2)[None, :, None]
    one = np.ones((len(stamps), 2, 2), np.float32)
    fields = {
        "Rainf": (k / 64 + 0.5 * row) * one,
        "Tair": (280 + k / 8) * one,
        "Qair": 2.0**-7 * one,
        "PSurf": 96000 * one,
        "Wind_E": 3 * one,
        "Wind_N": -4 * one,
        "LWdown": 300 * one,
        "SWdown": 100 * one,
    }
    return nldas.write(folder, stamps, grid, fields, group)


def test_hours_become_solar_days_over_the_end_of_a_year(tmp_path):
    stamps = np.arange("2015-12-31T00", "2016-01-03T00", dtype="datetime64[h]")
    paths = hours(tmp_path, stamps, group="month")
    assert len(paths) == 2
    for first, west, east in (
        # 7 hours behind: the hours that end from 08:00 to 07:00; 6 hours behind: one earlier
        ("2015-12-31", range(8, 32), range(7, 31)),
        ("2016-01-01", range(32, 56), range(31, 55)),
    ):
        fields, coverage = chunk("nldas", paths, first, first)
        assert coverage.empty
        expected = np.array([sum(west), sum(east)]) / 64
        assert fields["prec"].values[0, 0] == pytest.approx(expected, abs=1e-4)
        assert fields["prec"].values[0, 1] == pytest.approx(expected + 12, abs=1e-4)
        # on a straight line the mean of a day is its noon, of a step its middle
        noon = np.array([west[0] - 1 + 12, east[0] - 1 + 12])
        assert fields["tair"].values[0, 0] == pytest.approx(280 + noon / 8 - 273.15, abs=1e-3)
        steps = 280 + (noon - 12 + 1.5) / 8 - 273.15
        assert fields["tair_3h"].values[0, 0, 0] == pytest.approx(steps, abs=1e-3)
        assert fields["wind"].values == pytest.approx(5)
        assert fields["pressure"].values == pytest.approx(96)
    fields, _ = chunk("nldas", paths, "2016-01-01", "2016-01-01", day="utc")
    assert fields["prec"].values[0, 0] == pytest.approx(sum(range(25, 49)) / 64, abs=1e-4)


def test_an_hour_that_is_missing_is_a_gap_and_is_counted(tmp_path):
    stamps = np.arange("2015-12-31T00", "2016-01-03T09", dtype="datetime64[h]")
    # 07:00 of the new year: of the old year's day in the west, of the new one's in the east
    paths = hours(tmp_path, np.delete(stamps, 31), group="month")
    fields, coverage = chunk("nldas", paths, "2015-12-31", "2016-01-01")
    assert np.isnan(fields["prec"].values[:, 0]).tolist() == [[True, False], [False, True]]
    assert rows(coverage) == [("nldas", "", "2016-01-01", "missing", 1)]


def months(folder, first, last):
    """CMFD: one more of 0.0025 mm/h each 3 hours after new year 2009, 0 before; 0.1 K each."""
    grid = LatLonGrid(32.05, 115.05, 0.1, 0.1, 5, 5)
    stamps = np.arange(first, last, np.timedelta64(3, "h"), dtype="datetime64[h]")
    k = ((stamps - np.datetime64("2009-01-01T00")) // np.timedelta64(3, "h")).astype(int)
    k = k[:, None, None] * np.ones((5, 5))
    fields = {
        "temp": 275 + 0.01 * k,
        "pres": 90000.0 + 0 * k,
        "shum": 0.005 + 0 * k,
        "wind": 2.0 + 0 * k,
        "srad": 150.0 + 0 * k,
        "lrad": 300.0 + 0 * k,
        "prec": 0.0025 * np.maximum(k, 0),
    }
    return cmfd.write(folder, stamps, grid, fields)


def test_three_hourly_weather_becomes_solar_days_over_the_end_of_a_year(tmp_path):
    paths = months(tmp_path, "2008-12-01T00", "2009-03-01T00")
    # 115 E is 9 hours ahead, in steps of 3: the day is 18:00 of the eve to 15:00, k = -2 .. 5
    fields, coverage = chunk("cmfd", paths, "2009-01-01", "2009-01-02")
    assert coverage.empty
    new_year = 3 * 0.0025 * sum(range(6))
    assert fields["prec"].values[0] == pytest.approx(new_year, abs=1e-5)
    assert fields["prec"].values[1] == pytest.approx(3 * 0.0025 * sum(range(6, 14)), abs=1e-5)
    # noon is 03:00 UTC, k = 1
    assert fields["tair"].values[0] == pytest.approx(275.01 - 273.15, abs=3e-3)
    fields, _ = chunk("cmfd", paths, "2009-01-01", "2009-01-01", day="utc")
    assert fields["prec"].values[0] == pytest.approx(3 * 0.0025 * sum(range(1, 9)), abs=1e-5)


def test_a_month_of_a_variable_that_is_missing_is_told(tmp_path):
    paths = months(tmp_path, "2009-01-01T00", "2009-03-01T00")
    rest = [path for path in paths if "prec" not in path.name or "200902" in path.name]
    fields, coverage = chunk("cmfd", rest, "2009-01-30", "2009-02-03")
    # a local day needs the hours of its eve: those of January are gone
    assert np.isnan(fields["prec"].values).all(axis=(1, 2)).tolist() == [True] * 3 + [False] * 2
    assert np.isfinite(fields["tair"].values).all()
    missing = coverage[coverage["what"] == "missing prec"]
    assert missing["date"].astype(str).tolist() == ["2009-01-29", "2009-01-30", "2009-01-31"]
    none = [path for path in paths if "prec" not in path.name]
    with pytest.raises(GranuleError, match="none of the 12 granules given holds prec"):
        chunk("cmfd", none, "2009-01-30", "2009-02-03")


# soil moisture


def retrieved(folder, days, moisture, pm=None, flag=0, rerun=1, release="R19240"):
    """Pixels of 9 km around the region, the value of each day everywhere."""
    whole = EaseGrid("9km")
    grid = whole.cut(*whole.window(Box(**PLAINS)))
    shape = len(days), *grid.shape

    def group(values):
        field = np.broadcast_to(np.asarray(values, np.float32)[:, None, None], shape)
        flags = np.full(shape, flag, np.uint16)
        return {
            "soil_moisture": field,
            "retrieval_qual_flag": flags,
            "surface_flag": np.zeros(shape, np.uint16),
        }

    passes = {"am": group(moisture), "pm": group(moisture if pm is None else pm)}
    days = np.array(days, dtype="datetime64[D]")
    return smap.write(folder, days, grid, passes, release=release, rerun=rerun)


def test_soil_moisture_of_the_morning_or_the_mean_of_what_there_is(tmp_path):
    days = ["2015-12-31", "2016-01-01", "2016-01-02"]
    paths = retrieved(tmp_path, days, [0.2, np.nan, 0.3], [0.4, 0.25, np.nan])
    one, coverage = chunk("smap", paths, days[0], days[-1], passes=["am"])
    assert coverage.empty
    assert one["soil_moisture"].values[[0, 2], 0, 0] == pytest.approx([0.2, 0.3])
    assert np.isnan(one["soil_moisture"].values[1]).all()
    both, _ = chunk("smap", paths, days[0], days[-1], passes=["am", "pm"])
    assert both["soil_moisture"].values[:, 1, 1] == pytest.approx([0.3, 0.25, 0.3])
    assert both["soil_moisture"].attrs["local_time"] == "am, pm"
    assert both["soil_moisture"].attrs["units"] == "m3 m-3"


def test_a_missing_day_and_a_rerun_are_counted(tmp_path):
    paths = retrieved(tmp_path, ["2016-02-01", "2016-02-03"], [0.2, 0.3])
    better = retrieved(tmp_path, ["2016-02-03"], [0.35], rerun=2)
    fields, coverage = chunk("smap", paths + better, "2016-02-01", "2016-02-04")
    assert fields["soil_moisture"].values[[0, 2], 0, 0] == pytest.approx([0.2, 0.35])
    assert np.isnan(fields["soil_moisture"].values[[1, 3]]).all()
    assert rows(coverage) == [
        ("smap", "", "2016-02-02", "missing", 1),
        ("smap", "", "2016-02-04", "missing", 1),
        ("smap", paths[1].name, "20160203", "duplicate left aside", 1),
    ]


def test_retrievals_that_are_not_recommended_are_left_out(tmp_path):
    paths = retrieved(tmp_path, ["2016-02-01"], [0.2], flag=1)
    fields, _ = chunk("smap", paths, "2016-02-01", "2016-02-01")
    assert np.isnan(fields["soil_moisture"].values).all()
    fields, _ = chunk("smap", paths, "2016-02-01", "2016-02-01", quality="successful")
    assert fields["soil_moisture"].values == pytest.approx(0.2)


# evapotranspiration


def composed(folder, starts, north=160, south=80, which=("h10v04", "h10v05")):
    """Composites in tenths of a mm on both sides of 40 N, where two tiles meet."""
    paths = []
    for tile, pixels in tiles(Box(**PLAINS)):
        if tile in which:
            value = north if tile == "h10v04" else south
            field = np.full((len(starts), *pixels.shape), value, np.int16)
            days = np.array(starts, dtype="datetime64[D]")
            paths += mod16.write(folder, days, tile, pixels, {"ET_500m": field})
    return paths


def test_sums_of_composites_become_rates_by_their_true_length(tmp_path):
    starts = ["2015-12-19", "2015-12-27", "2016-01-01", "2016-12-26"]
    paths = composed(tmp_path, starts)
    fields, _ = chunk("mod16", paths, "2015-12-01", "2015-12-31")
    assert fields["days"].values.tolist()[-2:] == [8, 5]
    rates = fields["evapotranspiration"].values
    assert rates[-1, :, 0] == pytest.approx([8 / 5, 16 / 5])
    assert rates[-2, :, 0] == pytest.approx([1, 2])
    fields, _ = chunk("mod16", paths, "2016-12-20", "2016-12-31")
    assert fields["days"].values.tolist() == [6]
    assert fields["evapotranspiration"].values[0, :, 1] == pytest.approx([8 / 6, 16 / 6])


def test_a_seam_of_tiles_leaves_no_trace(tmp_path):
    paths = composed(tmp_path, ["2016-01-01"])
    # one cell, half of it in each tile
    fields, _ = chunk("mod16", paths, "2016-01-01", "2016-01-01", resolution=0.25)
    edges = np.sin(np.deg2rad([39.875, 40, 40.125]))
    share = np.diff(edges) / (edges[2] - edges[0])
    assert fields["evapotranspiration"].shape == (1, 1, 1)
    assert float(fields["evapotranspiration"][0, 0, 0]) == pytest.approx(share @ [1, 2], rel=1e-6)
    # without the northern tile the southern half is just enough, and the gap is the tile's
    paths = composed(tmp_path / "more", ["2015-12-27", "2016-01-01"], which=["h10v05"])
    paths += composed(tmp_path / "more", ["2015-12-27"], which=["h10v04"])
    fields, coverage = chunk("mod16", paths, "2016-01-01", "2016-01-01", resolution=0.25)
    assert float(fields["evapotranspiration"][0, 0, 0]) == pytest.approx(1, rel=1e-6)
    assert rows(coverage) == [("mod16", "h10v04", "2016-01-01", "missing", 1)]


def test_each_composite_is_in_the_month_it_begins_in(tmp_path):
    year = np.datetime64("2016-01-01") + 8 * np.arange(12)
    paths = composed(tmp_path, [str(day) for day in year])
    found = []
    for first, last in (("2016-01-01", "2016-01-31"), ("2016-02-01", "2016-02-29")):
        fields, coverage = chunk("mod16", paths, first, last)
        assert coverage.empty
        found += fields["time"].values.astype("datetime64[D]").tolist()
    assert found == year[:8].tolist()
    # that of 5 March ends on the 12th: within the record, or not
    for last, size in (("2016-03-11", 0), ("2016-03-12", 1)):
        fields, _ = chunk("mod16", paths, "2016-03-01", last, closes=True)
        assert fields.sizes["time"] == size


def test_a_chunk_in_which_no_composite_begins_passes_on(tmp_path):
    fields, coverage = chunk("mod16", [], "2016-01-02", "2016-01-08")
    assert fields["evapotranspiration"].shape == (0, 2, 2)
    assert coverage.empty
    contracts.write(fields, tmp_path / "none.nc", "composites")
    again = contracts.read(tmp_path / "none.nc", "composites")
    assert again["time"].dtype.kind == "M"
    assert again.sizes["time"] == 0


def test_the_length_of_composites_is_read_back_as_a_number(tmp_path):
    fields, _ = chunk("mod16", composed(tmp_path, ["2015-12-27"]), "2015-12-20", "2015-12-31")
    contracts.write(fields, tmp_path / "et.nc", "composites")
    assert contracts.read(tmp_path / "et.nc", "composites")["days"].values.tolist() == [5]


def test_the_last_chunk_of_a_record_is_known():
    grid = {"record": ["2015-04-01", "2017-03-31"], "products": {"mod16": {"chunk": "month"}}}
    assert closes(grid, "mod16", "2017-03")
    assert not closes(grid, "mod16", "2017-02")


def test_daily_fluxes_lie_where_they_were_and_a_year_begins_anew(tmp_path):
    grid = LatLonGrid(32.375, 115.125, -0.25, 0.25, 2, 2)  # rows from the north
    days = np.arange("2009-01-01", "2011-01-01", dtype="datetime64[D]")
    field = np.array([[1.0, 2.0], [3.0, 4.0]]) + 0.001 * np.arange(730)[:, None, None]
    paths = gleam.write(tmp_path, days, grid, {"E": field.astype(np.float32)})
    fields, coverage = chunk("gleam", paths, "2009-12-31", "2010-01-01")
    south, north = (
        fields["evapotranspiration"].values[:, 0],
        fields["evapotranspiration"].values[:, 1],
    )
    assert south == pytest.approx(np.array([[3.364, 4.364], [3.365, 4.365]]), rel=1e-5)
    assert north == pytest.approx(np.array([[1.364, 2.364], [1.365, 2.365]]), rel=1e-5)
    assert coverage.empty


# what is not there, and what is wrong


@pytest.mark.parametrize(
    ("product", "days", "count"),
    [
        ("nldas", ("2016-01-01", "2016-01-02"), 24),
        ("cmfd", ("2009-01-01", "2009-01-02"), 8),
        ("smap", ("2016-01-01", "2016-01-02"), 1),
        ("gleam", ("2009-01-01", "2009-01-02"), 1),
        ("mod16", ("2016-01-01", "2016-01-09"), 1),
    ],
)
def test_without_a_granule_all_is_missing_and_counted(product, days, count, tmp_path):
    fields, coverage = chunk(product, [], *days)
    assert all(np.isnan(fields[name].values).all() for name in fields.data_vars if name != "days")
    assert fields.sizes["time"] == 2
    dates = [days[0], days[1]]
    assert rows(coverage) == [(product, "", date, "missing", count) for date in dates]
    contracts.write(fields, tmp_path / "none.nc", KIND_OF[product])
    contracts.read(tmp_path / "none.nc", KIND_OF[product])


FAR = {"south": 54.0, "north": 54.5, "west": -97.625, "east": -97.125}


def test_a_region_outside_the_product_is_refused(tmp_path):
    paths = hours(tmp_path, np.arange("2016-01-01T00", "2016-01-02T12", dtype="datetime64[h]"))
    with pytest.raises(GridError, match=r"A20160101.0000.020.nc: latitudes 54.0 to 54.5 leave"):
        chunk("nldas", paths, "2016-01-01", "2016-01-01", box=FAR)
    paths = composed(tmp_path, ["2016-01-01"])
    with pytest.raises(GridError, match="mod16, tile h10v0[45]: the region 54.0 to 54.5 N"):
        chunk("mod16", paths, "2016-01-01", "2016-01-01", box=FAR)
    paths = retrieved(tmp_path, ["2016-01-01"], [0.2])
    with pytest.raises(GridError, match="_R19240_001.h5: latitudes 54.0 to 54.5 leave"):
        chunk("smap", paths, "2016-01-01", "2016-01-01", box=FAR)


def test_days_outside_the_record_are_refused(tmp_path):
    paths = retrieved(tmp_path, ["2016-01-01"], [0.2])
    with pytest.raises(GranuleError, match="2015-03-01 .. 2015-03-31 leaves its record, which is "):
        chunk("smap", paths, "2015-03-01", "2015-03-31")
    paths = months(tmp_path, "2009-01-01T00", "2009-02-01T00")
    with pytest.raises(GranuleError, match="leaves its record, which is 1979-01-01 .. 2018-12-31"):
        chunk("cmfd", paths, "2019-01-03", "2019-01-04")


def test_mixed_versions_are_refused(tmp_path):
    paths = retrieved(tmp_path, ["2016-01-01"], [0.2])
    paths += retrieved(tmp_path, ["2016-01-02"], [0.2], release="R18290")
    with pytest.raises(GranuleError, match="smap: versions are mixed: SPL3SMP_E R18 .*R19"):
        chunk("smap", paths, "2016-01-01", "2016-01-02")


def test_a_damaged_granule_is_named(tmp_path):
    paths = retrieved(tmp_path, ["2016-01-01", "2016-01-02"], [0.2, 0.2])
    paths[1].write_bytes(paths[1].read_bytes()[:2000])
    with pytest.raises(UnreadableGranule, match=f"{paths[1].name}.*truncated or damaged"):
        chunk("smap", paths, "2016-01-01", "2016-01-02")


def test_what_needs_stamps_of_columns_beyond_the_box(tmp_path):
    """Cells of CMFD leave a box of quarter degrees: beyond 112.5 E the clock is 3 hours ahead."""
    box = {"south": 32.0, "north": 32.5, "west": 112.0, "east": 112.5}
    grid = LatLonGrid(32.05, 112.05, 0.1, 0.1, 5, 5)
    assert grid.lon_edges[-1] == pytest.approx(112.55, abs=0.06)
    stamps = np.arange("2008-12-01T00", "2009-02-01T00", np.timedelta64(3, "h"), dtype="M8[h]")
    one = np.ones((len(stamps), 5, 6))
    wide = LatLonGrid(32.05, 112.05, 0.1, 0.1, 5, 6)
    fields = {
        "temp": 275 * one, "pres": 9e4 * one, "shum": 0.005 * one, "wind": 2 * one,
        "srad": 150 * one, "lrad": 300 * one, "prec": 0.0025 * one,
    }  # fmt: skip
    paths = cmfd.write(tmp_path, stamps, wide, fields)
    found, coverage = chunk("cmfd", paths, "2009-01-01", "2009-01-02", box=box)
    assert np.isfinite(found["prec"].values).all()
    assert coverage.empty
    assert pd.DatetimeIndex(found["time"].values)[0] == pd.Timestamp("2009-01-01")
