"""SMAP granules, written here with h5py to the structure of the product."""

import tracemalloc

import h5py
import numpy as np
import pytest

from parlearn.geometry.grids import Box, EaseGrid, GridError
from parlearn.sources import smap
from parlearn.sources.granules import GranuleError, UnreadableGranule
from parlearn.sources.twin.granules import smap as writer

#: a window of the 9 km grid: rows 400..405, columns 800..804
CROP = EaseGrid("9km", 400, 800, 6, 5)
#: touches rows 402..403 and column 802; read with one pixel more all round
BOX = Box(CROP.lat[3] - 0.01, CROP.lat[2] + 0.01, CROP.lon[2] - 0.01, CROP.lon[2] + 0.01)
INNER = np.s_[1:5, 1:4]
FLAG_FILL = 65534
#: of the cylindrical projection, true at 30 degrees
TRUE_SCALE = np.cos(np.pi / 6) / np.sqrt(1 - 0.00669437999014 / 4)


def granule(folder, day="20150401", crop=CROP, enhanced=True, release="R19240_001", **passes):
    """`passes`: group -> (suffix of the names, moisture, quality, surface)."""
    folder.mkdir(exist_ok=True)
    path = folder / f"SMAP_L3_SM_P_{'E_' if enhanced else ''}{day}_{release}.h5"
    rows, cols = np.mgrid[crop.row0 : crop.row0 + crop.rows, crop.col0 : crop.col0 + crop.cols]
    with h5py.File(path, "w") as file:
        for group, (suffix, moisture, quality, surface) in passes.items():
            shape = (crop.rows, crop.cols)
            moisture, quality, surface = (
                np.broadcast_to(a, shape) for a in (moisture, quality, surface)
            )
            swath = quality != FLAG_FILL
            for name, values, kind, fill in (
                ("soil_moisture", moisture, "f4", -9999),
                ("retrieval_qual_flag", quality, "u2", FLAG_FILL),
                ("surface_flag", surface, "u2", FLAG_FILL),
                ("EASE_row_index", np.where(swath, rows, FLAG_FILL), "u2", FLAG_FILL),
                (
                    "EASE_column_index",
                    np.where(swath, cols, FLAG_FILL),
                    "u2",
                    FLAG_FILL,
                ),
            ):
                where = f"Soil_Moisture_Retrieval_Data{group}/{name}{suffix}"
                data = file.create_dataset(where, data=values.astype(kind))
                data.attrs["_FillValue"] = np.array(fill, dtype=kind)
                if name == "soil_moisture":
                    data.attrs["units"] = np.bytes_("cm**3/cm**3")
                    data.attrs["valid_min"], data.attrs["valid_max"] = np.float32([0.02, 0.5])
    return path


def field(values=0.2):
    return np.full(CROP.shape, values, dtype=float)


def test_only_recommended_retrievals_by_default(tmp_path):
    moisture, quality = field(), np.zeros(CROP.shape, int)
    # every value of the flag seen in real granules, the fill, and a retrieval without a value
    for place, flag in zip([(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)], (0, 1, 5, 9, 13)):
        quality[place] = flag
    quality[2, 3], moisture[2, 3] = 15, -9999
    quality[3, 1] = FLAG_FILL
    path = granule(tmp_path, _AM=("", moisture, quality, 0))
    found = smap.read([path], BOX)
    assert found.grid == EaseGrid("9km", 401, 801, 4, 3)
    nan = np.nan
    np.testing.assert_allclose(
        found.fields.soil_moisture_am[0],
        [[0.2, nan, nan], [nan, nan, nan], [nan, 0.2, 0.2], [0.2, 0.2, 0.2]],
    )
    assert found.fields.soil_moisture_am.attrs["units"] == "m3 m-3"
    assert str(found.fields.time.values[0])[:10] == "2015-04-01"
    assert set(found.fields) == {"soil_moisture_am"}
    every = smap.read([path], BOX, quality="successful")
    np.testing.assert_allclose(
        every.fields.soil_moisture_am[0],
        [[0.2, 0.2, 0.2], [0.2, 0.2, nan], [0.2, 0.2, 0.2], [0.2, 0.2, 0.2]],
    )


@pytest.mark.parametrize("suffix", ["_pm", ""])
def test_passes_with_and_without_pm_in_their_names(tmp_path, suffix):
    path = granule(tmp_path, _AM=("", 0.1, 0, 0), _PM=(suffix, 0.3, 0, 0))
    both = smap.read([path], BOX, passes=["am", "pm"]).fields.compute()
    np.testing.assert_allclose(both.soil_moisture_am, 0.1)
    np.testing.assert_allclose(both.soil_moisture_pm, 0.3)
    evening = smap.read([path], BOX, passes=["pm"]).fields
    assert set(evening) == {"soil_moisture_pm"}
    np.testing.assert_allclose(evening.soil_moisture_pm, 0.3)


def test_the_single_group_of_old_releases_is_the_morning(tmp_path):
    path = granule(tmp_path, release="R13080_001", **{"": ("", 0.1, 0, 0)})
    np.testing.assert_allclose(smap.read([path], BOX).fields.soil_moisture_am, 0.1)
    with pytest.raises(GranuleError, match="has no pm pass, but am"):
        smap.read([path], BOX, passes=["am", "pm"]).fields.compute()


def test_polar_groups_are_left_alone(tmp_path):
    path = granule(tmp_path, _AM=("", 0.1, 0, 0))
    with h5py.File(path, "a") as file:
        file["Soil_Moisture_Retrieval_Data_Polar_AM/soil_moisture"] = np.zeros((20, 20), "f4")
    np.testing.assert_allclose(smap.read([path], BOX).fields.soil_moisture_am, 0.1)


def test_surface_flags_by_name(tmp_path):
    surface = np.zeros(CROP.shape, int)
    surface[1, 1:4] = 32, 128, 1
    surface[2, 1:4] = 32 + 512, 512, FLAG_FILL
    path = granule(tmp_path, _AM=("", 0.2, 0, surface))
    assert np.isfinite(smap.read([path], BOX).fields.soil_moisture_am).all()
    found = smap.read([path], BOX, surface=["snow_or_ice", "static_water"])
    np.testing.assert_array_equal(
        np.isfinite(found.fields.soil_moisture_am[0, :2]),
        [[False, True, False], [False, True, False]],
    )
    with h5py.File(path, "a") as file:
        flag = file["Soil_Moisture_Retrieval_Data_AM/surface_flag"]
        flag.attrs["flag_meanings"] = np.bytes_("36_km_static_water_body 36_km_snow_or_ice")
    with pytest.raises(GranuleError, match="bit 1 of .*surface_flag is '36_km_snow_or_ice'"):
        smap.read([path], BOX, surface=["static_water"]).fields.compute()


def test_values_outside_the_files_own_range_are_counted(tmp_path):
    moisture = field()
    moisture[1, 1], moisture[1, 2], moisture[2, 2] = 0.019, 0.6, 0.5
    path = granule(tmp_path, _AM=("", moisture, 0, 0))
    found = smap.read([path], BOX)
    values = found.fields.soil_moisture_am.compute()
    assert np.isnan(values[0, 0, :2]).all()
    assert values[0, 1, 1] == 0.5
    assert found.coverage.values.tolist() == [
        ["smap", path.name, "2015-04-01", "soil_moisture_am outside the file's valid range", 2]
    ]


def test_a_whole_grid_is_placed_by_its_shape_and_read_by_its_window(tmp_path):
    path = tmp_path / "SMAP_L3_SM_P_20150401_R19240_001.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("Soil_Moisture_Retrieval_Data_AM")
        for name, kind, fill in (
            ("soil_moisture", "f4", -9999),
            ("retrieval_qual_flag", "u2", FLAG_FILL),
        ):
            data = group.create_dataset(name, (406, 964), kind, chunks=(58, 138), fillvalue=0)
            data.attrs["_FillValue"] = np.array(fill, dtype=kind)
        data = group["soil_moisture"]
        data.attrs["units"] = np.bytes_("cm**3/cm**3")
        data.attrs["valid_min"], data.attrs["valid_max"] = np.float32([0.02, 0.5])
        data[70, 200] = 0.25
    # row 70, column 200 of 36 km: by the projection's own formulas
    x, y = -17367530.445 + 200.5 * 36032.22084, 7314540.8306 - 70.5 * 36032.22084
    lon, lat = np.degrees(x / (6378137.0 * TRUE_SCALE)), latitude_of_strip(y)
    found = smap.read([path], Box(lat - 0.01, lat + 0.01, lon - 0.01, lon + 0.01))
    assert found.grid == EaseGrid("36km", 69, 199, 3, 3)
    values = found.fields.soil_moisture_am.compute().values[0]
    assert values[1, 1] == 0.25
    assert np.isfinite(values).sum() == 1
    assert found.grid.lat[1] == pytest.approx(lat, abs=1e-6)
    assert found.grid.lon[1] == pytest.approx(lon, abs=1e-6)


def latitude_of_strip(y):
    """Where the ellipsoid has as much area from the equator on as the map has up to y."""
    a, e2 = 6378137.0, 0.00669437999014
    lat = np.linspace(0, np.pi / 2, 200001)
    strip = a * (1 - e2) * np.cos(lat) / (1 - e2 * np.sin(lat) ** 2) ** 2
    area = np.r_[0, np.cumsum((strip[1:] + strip[:-1]) / 2 * np.diff(lat))]
    return np.degrees(np.interp(y, area / TRUE_SCALE, lat))


def test_only_the_window_is_read(tmp_path):
    """Three fields of 25 MB lie in the file; the peak of what is allocated stays far below one."""
    path = tmp_path / "SMAP_L3_SM_P_E_20150401_R19240_001.h5"
    with h5py.File(path, "w") as file:
        for name in ("soil_moisture", "retrieval_qual_flag"):
            data = file.create_dataset(
                f"Soil_Moisture_Retrieval_Data_AM/{name}",
                data=np.full((1624, 3856), 0.3 if name[0] == "s" else 0, dtype="f4"),
            )
            data.attrs["_FillValue"] = np.float32(-9999)
        data = file["Soil_Moisture_Retrieval_Data_AM/soil_moisture"]
        data.attrs["units"] = "cm**3/cm**3"
        data.attrs["valid_min"], data.attrs["valid_max"] = np.float32([0.02, 0.5])
    smap.read([path], BOX).fields.compute()  # imports and caches
    tracemalloc.start()
    found = smap.read([path], BOX)
    before, _ = tracemalloc.get_traced_memory()
    values = found.fields.soil_moisture_am.compute()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_allclose(values, 0.3)
    assert before < 1e6
    assert peak < 2e6


def test_nothing_is_loaded_before_it_is_asked_for(tmp_path):
    paths = [granule(tmp_path, f"2015040{d}", _AM=("", 0.2, 0, 0)) for d in (1, 2, 3)]
    found = smap.read(paths, BOX)
    # a granule spoilt after the call is only found out when its day is computed
    paths[2].write_bytes(b"")
    np.testing.assert_allclose(found.fields.soil_moisture_am[:2], 0.2)
    with pytest.raises(UnreadableGranule, match="20150403.*it is empty"):
        found.fields.soil_moisture_am.compute()


def test_missing_days_duplicates_and_reruns(tmp_path):
    days = ("20150401", "20150403")
    paths = [granule(tmp_path / "a", day, _AM=("", 0.1, 0, 0)) for day in days]
    rerun = granule(tmp_path / "b", days[1], release="R19240_010", _AM=("", 0.3, 0, 0))
    older = granule(tmp_path / "b", days[1], release="R19239_011", _AM=("", 0.4, 0, 0))
    found = smap.read([rerun, *paths, older], BOX)
    np.testing.assert_allclose(found.fields.soil_moisture_am[:, 0, 0], [0.1, np.nan, 0.3])
    assert found.coverage[["granule", "date", "what", "count"]].values.tolist() == [
        ["", "2015-04-02", "missing", 1],
        [older.name, days[1], "duplicate left aside", 1],
        [paths[1].name, days[1], "duplicate left aside", 1],
    ]
    longer = smap.read(paths, BOX, period=("2015-03-31", "2015-04-04"))
    assert longer.fields.sizes["time"] == 5
    assert (longer.coverage.what == "missing").sum() == 3


def test_mixed_releases_and_products_are_refused(tmp_path):
    one = granule(tmp_path, _AM=("", 0.1, 0, 0))
    other = granule(tmp_path, "20150402", release="R18290_001", _AM=("", 0.1, 0, 0))
    with pytest.raises(GranuleError, match="mixed: SPL3SMP_E R18 .*SPL3SMP_E R19"):
        smap.read([one, other], BOX)
    coarse = granule(tmp_path, "20150402", enhanced=False, _AM=("", 0.1, 0, 0))
    with pytest.raises(GranuleError, match="mixed: SPL3SMP R19 .*SPL3SMP_E R19"):
        smap.read([one, coarse], BOX)


def test_crops_that_do_not_lie_on_the_grid(tmp_path):
    path = granule(tmp_path, _AM=("", 0.1, 0, 0))
    with h5py.File(path, "a") as file:
        file["Soil_Moisture_Retrieval_Data_AM/EASE_row_index"][3, 2] = 999
    with pytest.raises(GranuleError, match=r"do not lie side by side.*rows \[400, 996\]"):
        smap.read([path], BOX)
    shifted = EaseGrid("9km", 401, 800, 6, 5)
    paths = [
        granule(tmp_path, "20150401", _AM=("", 0.1, 0, 0)),
        granule(tmp_path, "20150402", shifted, _AM=("", 0.1, 0, 0)),
    ]
    with pytest.raises(GranuleError, match="20150402.*wrong grid"):
        smap.read(paths, BOX).fields.compute()


def test_grids_of_the_other_product(tmp_path):
    path = tmp_path / "SMAP_L3_SM_P_E_20150401_R19240_001.h5"
    for shape in ((406, 964), (1625, 10)):
        with h5py.File(path, "w") as file:
            file.create_dataset("Soil_Moisture_Retrieval_Data_AM/soil_moisture", shape, "f4")
        with pytest.raises(GranuleError, match=r"wrong grid: .* at 9km has \(1624, 3856\)"):
            smap.read([path], BOX)
    with h5py.File(path, "w") as file:
        file.create_group("Metadata")
    with pytest.raises(GranuleError, match="has no group .*; there are Metadata"):
        smap.read([path], BOX)


def test_damaged_granules(tmp_path):
    paths = [granule(tmp_path, f"2015040{d}", _AM=("", 0.2, 0, 0)) for d in (1, 2)]
    paths[0].write_bytes(paths[0].read_bytes()[:3000])
    with pytest.raises(UnreadableGranule, match="20150401.*Remove it and retrieve it again"):
        smap.read(paths, BOX)
    found = smap.read(paths, BOX, unreadable="gap")
    np.testing.assert_allclose(found.fields.soil_moisture_am[:, 0, 0], [np.nan, 0.2])
    assert found.coverage.what.tolist() == ["unreadable"]
    with pytest.raises(ValueError, match="unreadable: 'skip' is neither 'error' nor 'gap'"):
        smap.read(paths, BOX, unreadable="skip")
    with pytest.raises(FileNotFoundError, match="there is no .*20150402.*: retrieve it again"):
        smap.read([tmp_path / "x" / paths[1].name], BOX)


def test_crops_without_any_retrieval_are_missing(tmp_path):
    empty = granule(tmp_path, "20150401", _AM=("", -9999, FLAG_FILL, FLAG_FILL))
    full = granule(tmp_path, "20150402", _AM=("", 0.2, 0, 0))
    found = smap.read([empty, full], BOX)
    assert found.grid == EaseGrid("9km", 401, 801, 4, 3)
    assert np.isnan(found.fields.soil_moisture_am[0]).all()
    np.testing.assert_allclose(found.fields.soil_moisture_am[1], 0.2)
    alone = smap.read([empty], BOX)
    assert alone.grid == EaseGrid("9km", 401, 801, 4, 3)
    assert np.isnan(alone.fields.soil_moisture_am).all()


@pytest.mark.parametrize(
    ("name", "attribute", "value", "message"),
    [
        ("soil_moisture", "_FillValue", None, "soil_moisture has no attribute _FillValue"),
        ("soil_moisture", "valid_max", None, "soil_moisture has no attribute valid_max"),
        ("soil_moisture", "units", "percent", "is in 'percent', not in cm"),
        ("retrieval_qual_flag", "_FillValue", None, "qual_flag has no attribute _FillValue"),
    ],
)
def test_attributes_are_not_guessed(tmp_path, name, attribute, value, message):
    path = granule(tmp_path, _AM=("", 0.2, 0, 0))
    with h5py.File(path, "a") as file:
        data = file[f"Soil_Moisture_Retrieval_Data_AM/{name}"]
        del data.attrs[attribute]
        if value:
            data.attrs[attribute] = value
    with pytest.raises(GranuleError, match=message) as caught:
        smap.read([path], BOX).fields.compute()
    assert str(path) in str(caught.value)


def test_regions_periods_and_options_that_cannot_be(tmp_path):
    path = granule(tmp_path, _AM=("", 0.2, 0, 0))
    with pytest.raises(GridError, match=f"{path.name}.*leave the grid"):
        smap.read([path], Box(BOX.south - 1, BOX.north, BOX.west, BOX.east))
    with pytest.raises(GridError, match="smap at 9km.*leave the grid"):
        smap.read([path], Box(80, 89, 0, 10))
    with pytest.raises(GranuleError, match="leaves its record, which is 2015-03-31 .. today"):
        smap.read([path], BOX, period=("2014-04-01", "2015-04-01"))
    with pytest.raises(ValueError, match="surface: no 'snow'; there are static_water, radar_water"):
        smap.read([path], BOX, surface=["snow"])
    with pytest.raises(ValueError, match="quality: no 'good'; there are recommended, successful"):
        smap.read([path], BOX, quality="good")
    with pytest.raises(ValueError, match="passes: no 'noon'"):
        smap.read([path], BOX, passes=["noon"])


def test_what_is_written_is_read(tmp_path):
    rng = np.random.default_rng(3)
    shape = (4, *CROP.shape)
    moisture = rng.uniform(0.05, 0.45, shape).astype("f4")
    quality = rng.choice([0, 1, 5, 15, FLAG_FILL], shape).astype("u2")
    moisture[(quality == 15) | (quality == FLAG_FILL)] = np.nan
    surface = rng.choice([0, 32, 128, 512], shape).astype("u2")
    fields = {
        "soil_moisture": moisture, "retrieval_qual_flag": quality, "surface_flag": surface
    }  # fmt: skip
    days = np.arange("2015-12-30", "2016-01-03", dtype="datetime64[D]")
    paths = writer.write(tmp_path, days, CROP, {"am": fields, "pm": fields})
    assert paths[-1].relative_to(tmp_path).parts == (
        "2016.01.02", "SMAP_L3_SM_P_E_20160102_R19240_001.h5",
    )  # fmt: skip
    read = smap.read(paths, BOX, passes=["am", "pm"], surface=["snow_or_ice"]).fields.compute()
    expected = np.where((quality == 0) & (surface != 32), moisture, np.nan)
    for name in ("soil_moisture_am", "soil_moisture_pm"):
        np.testing.assert_array_equal(read[name], expected[:, *INNER])
    with h5py.File(paths[0]) as file:
        evening = file["Soil_Moisture_Retrieval_Data_PM"]
        assert all(name.endswith("_pm") for name in evening)
        seen = quality[0] != FLAG_FILL
        lat = file["Soil_Moisture_Retrieval_Data_AM/latitude"][:]
        np.testing.assert_allclose(lat[seen], np.repeat(CROP.lat[:, None], 5, 1)[seen], rtol=1e-6)
        assert (lat[~seen] == -9999).all()
    again = writer.write(tmp_path / "again", days[:1], CROP, {"am": fields, "pm": fields})
    assert again[0].read_bytes() == paths[0].read_bytes()
    with pytest.raises(ValueError, match="SPL3SMP is on the grid of 36km, not of 9km"):
        writer.write(tmp_path, days, CROP, {}, short_name="SPL3SMP")
