"""The reader of CAMELS-US: units, the traps of the files, and what is wrong with single basins."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from parlearn.sources import camels
from parlearn.sources.records import RecordsError, names_in
from parlearn.storage import contracts

_spec = importlib.util.spec_from_file_location(
    "made_up_camels", Path(__file__).with_name("made_up_camels.py")
)
made_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_up)
AREA, DAYS, GAUGES, RECORD, SOURCE = (
    getattr(made_up, name) for name in ("AREA", "DAYS", "GAUGES", "RECORD", "SOURCE")
)
FIRST = "01010000"


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return made_up.write_all(tmp_path_factory.mktemp("template"))


@pytest.fixture
def folder(template, tmp_path):
    return shutil.copytree(template, tmp_path / "camels")


def read(folder, **source):
    source = SOURCE | source
    return camels.read_basins(folder, camels.file_names(names_in(folder), source), source, RECORD)


def reasons(folder, **source):
    basins = read(folder, **source)
    return dict(zip(basins["gauge"].values.tolist(), basins["reason"].values.tolist()))


def of(basins, gauge):
    return basins.isel(basin=basins["gauge"].values.tolist().index(gauge))


def flow_file(folder, gauge=FIRST):
    return folder / "usgs_streamflow" / GAUGES[gauge] / f"{gauge}_streamflow_qc.txt"


def forcing_file(folder, gauge=FIRST):
    place = folder / "basin_mean_forcing/maurer_extended" / GAUGES[gauge]
    return place / f"{gauge}_lump_maurer_forcing_leap.txt"


def test_units_of_weather_and_streamflow(folder):
    basins = read(folder)
    contracts.check(basins, "basins.nc", "basins")
    assert basins["gauge"].values.tolist() == list(GAUGES)
    assert (basins["reason"] == "").all()
    # a year of weather before the record
    assert str(basins["time"].values[0])[:10] == "1998-10-01"
    assert basins.sizes["time"] == len(DAYS) == 1096
    table, one = made_up.weather(0), of(basins, FIRST)
    np.testing.assert_allclose(one["prec"], table["prcp"], rtol=1e-3)
    np.testing.assert_allclose(one["tair"], (table["tmax"] + table["tmin"]) / 2, atol=0.01)
    np.testing.assert_allclose(one["tmax"], table["tmax"], atol=0.01)
    np.testing.assert_allclose(one["vp"], table["vp"] / 1000, rtol=1e-3)
    # a third of the mean rain, written in ft3 s-1, comes back as mm a day
    depth = table["prcp"].rolling(10, min_periods=1).mean() / 3
    np.testing.assert_allclose(one["streamflow"], depth, atol=1e-3)


def test_shortwave_of_daylight_becomes_that_of_the_day(folder):
    table = made_up.weather(0)
    expected = table["srad"] * table["dayl"] / 86400
    np.testing.assert_allclose(of(read(folder), FIRST)["swdown"], expected, rtol=2e-3)


def test_flow_by_hand(folder):
    # 100 ft3 s-1 from 500 km2: 100 * 0.0283168 * 86400 / 5e8 m = 0.48932 mm a day
    made_up.write_flow(folder, FIRST, "01", np.full(len(DAYS), 100.0))
    np.testing.assert_allclose(of(read(folder), FIRST)["streamflow"], 0.48932, atol=1e-5)


@pytest.mark.parametrize(
    ("product", "ranged"),
    [("daymet", True), ("maurer", False), ("maurer_extended", True), ("nldas", False)],
)
def test_every_product_in_its_own_spelling(tmp_path, product, ranged):
    made_up.write_tables(tmp_path, made_up.tables())
    table = made_up.weather(3, whole_range=ranged)
    for gauge, region in GAUGES.items():
        made_up.write_forcing(tmp_path, gauge, region, table, product)
        made_up.write_flow(tmp_path, gauge, region, np.full(len(DAYS), 50.0))
    basins = read(tmp_path, forcing=product)
    assert (basins["reason"] == "").all()
    np.testing.assert_allclose(of(basins, FIRST)["prec"], table["prcp"], rtol=1e-3, atol=0.006)
    # nldas and maurer have the daily mean as tmin and as tmax: nothing tells the range
    assert ("tmax" in basins) == ranged
    assert ("tmin" in basins) == ranged


def test_a_daily_mean_in_a_product_with_a_range_is_refused(folder):
    made_up.write_forcing(folder, FIRST, "01", made_up.weather(0, whole_range=False))
    assert reasons(folder)[FIRST].startswith("tmin and tmax are both the daily mean")


def test_area_and_elevation_are_those_of_the_table_and_differences_are_noted(folder):
    header = (44.0, 1500.0, 2.5 * AREA * 1e6)
    made_up.write_forcing(folder, FIRST, "01", made_up.weather(0), header=header)
    before = of(read(folder), "01020000")
    one = of(read(folder), FIRST)
    assert float(one["area"]) == AREA
    assert float(one["elev"]) == 300
    assert str(one["note"].values) == (
        "area 500 km2, in the header 1250; elevation 300 m, in the header 1500"
    )
    assert str(before["note"].values) == ""
    depth = made_up.weather(0)["prcp"].rolling(10, min_periods=1).mean() / 3
    np.testing.assert_allclose(one["streamflow"], depth, atol=1e-3)


def test_letters_and_missing_flow(folder):
    flow, letters = np.full(len(DAYS), 10.0), ["A"] * len(DAYS)
    flow[[400, 500]] = -999
    letters[400], letters[401], letters[402] = "M", "A:e", "A:<"
    made_up.write_flow(folder, FIRST, "01", flow, letters)
    seen = of(read(folder), FIRST)["streamflow"].values
    assert np.flatnonzero(np.isnan(seen)).tolist() == [400, 500]
    letters[410] = "Z"
    made_up.write_flow(folder, FIRST, "01", flow, letters)
    assert "the letter Z of 1 days is unknown" in reasons(folder)[FIRST]


def test_days_without_a_line_are_gaps_of_the_flow(folder):
    lines = flow_file(folder).read_text().splitlines()
    flow_file(folder).write_text("\n".join(lines[:300] + lines[310:]) + "\n")
    seen = of(read(folder), FIRST)["streamflow"].values
    assert np.flatnonzero(np.isnan(seen)).tolist() == list(range(300, 310))


def change_line(path, number, words):
    lines = path.read_text().splitlines()
    lines[number] = words(lines[number]) if callable(words) else words
    path.write_text("\n".join(lines) + "\n")


def swap(path, one, two):
    lines = path.read_text().splitlines()
    lines[one], lines[two] = lines[two], lines[one]
    path.write_text("\n".join(lines) + "\n")


def drop(path, first, last):
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:first] + lines[last:]) + "\n")


def column(path, number, place, value):
    def put(line):
        parts = line.split("\t")
        parts[place] = value
        return "\t".join(parts)

    change_line(path, number, put)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: forcing_file(f).unlink(), "no forcing file"),
        (lambda f: flow_file(f).unlink(), "no streamflow file"),
        (lambda f: drop(forcing_file(f), 104, 107), "forcing has gaps: no prec on 3 days"),
        (lambda f: drop(forcing_file(f), 1000, 1100), "forcing has gaps"),
        (lambda f: swap(forcing_file(f), 50, 51), "dates are out of order: 1998-11-16 follows"),
        (lambda f: swap(flow_file(f), 50, 51), "dates are out of order"),
        (lambda f: column(forcing_file(f), 60, 9, "40"), "tmax is below tmin on 1 days"),
        (lambda f: column(forcing_file(f), 60, 5, "-3"), "forcing is impossible: prec -3 on"),
        (lambda f: column(forcing_file(f), 60, 1, "14"), "1998-14-26 is no date"),
        (lambda f: column(forcing_file(f), 60, 5, "wet"), "is no table of numbers"),
        (lambda f: change_line(forcing_file(f), 0, "Year"), "its first lines are no header"),
        (
            lambda f: change_line(forcing_file(f), 3, lambda s: s.replace("mm/day", "in/day")),
            "has no column prcp in mm/day",
        ),
        (
            lambda f: change_line(flow_file(f), 80, lambda s: s.replace(FIRST, "01020000")),
            "has lines of the gauge 01020000",
        ),
        (
            lambda f: change_line(flow_file(f), 80, f"{FIRST} 1998 12 20 -5.00 A"),
            "negative streamflow on 1 days, the first 1998-12-20",
        ),
        (lambda f: change_line(flow_file(f), 80, f"{FIRST} 1998 12"), "has lines that end early"),
        (lambda f: flow_file(f).write_text(""), "_streamflow_qc.txt: is empty"),
        (lambda f: drop(forcing_file(f), 4, 9999), "lump_maurer_forcing_leap.txt: "),
    ],
)  # fmt: skip
def test_a_basin_that_cannot_be_used_stays_with_its_reason(folder, damage, words):
    damage(folder)
    found = reasons(folder)
    assert words in found.pop(FIRST)
    assert set(found.values()) == {""}
    one = of(read(folder), FIRST)
    assert one["prec"].isnull().all()
    assert one["streamflow"].isnull().all()


def test_a_basin_in_two_folders_is_told(folder):
    made_up.write_forcing(folder, FIRST, "02", made_up.weather(9))
    assert reasons(folder)[FIRST] == "its forcing is in 2 folders: 01, 02"
    made_up.write_flow(folder, "02030000", "03", np.ones(len(DAYS)))
    assert reasons(folder)["02030000"] == "its streamflow is in 2 folders: 02, 03"


def change_table(folder, theme, change):
    made = made_up.tables()
    made[theme] = change(made[theme])
    made_up.write_tables(folder, made)


@pytest.mark.parametrize(
    ("theme", "change", "words"),
    [
        ("soil", lambda t: t.drop(FIRST), "camels_soil.txt has no line for it"),
        ("geol", lambda t: t.assign(geol_permeability=[np.nan, *"1234"]), "no geol_permeab"),
        ("soil", lambda t: t.assign(sand_frac=[0, 40, 40, 40, 40], silt_frac=2), "is no whole"),
        ("vege", lambda t: t.assign(dom_land_cover=["Lake", *["Croplands"] * 4]), "cover lake"),
        (
            "topo",
            lambda t: t.assign(area_geospa_fabric=[2.1 * AREA, *[AREA] * 4]),
            "its two areas differ by a factor of 2",
        ),
    ],
)  # fmt: skip
def test_a_table_that_lacks_a_basin(folder, theme, change, words):
    change_table(folder, theme, change)
    found = reasons(folder)
    assert words in found[FIRST]
    if theme != "soil" or "no line" in words:
        assert {reason for gauge, reason in found.items() if gauge != FIRST} == {""}


def test_a_table_that_is_not_there_or_has_a_basin_twice(folder):
    place = folder / "camels_attributes_v2.0/camels_vege.txt"
    change_table(folder, "vege", lambda t: pd.concat([t, t.loc[[FIRST]]]))
    with pytest.raises(RecordsError, match=f"the gauge {FIRST} stands twice"):
        read(folder)
    change_table(folder, "vege", lambda t: t.drop(columns="lai_max"))
    with pytest.raises(RecordsError, match=r"camels_vege.txt: has no column lai_max"):
        read(folder)
    place.unlink()
    with pytest.raises(RecordsError, match=r"there is no .*camels_vege.txt: put the attribute"):
        read(folder)


def test_signatures_and_the_climate_of_all_years_are_never_read(folder):
    for theme in ("hydro", "clim"):
        (folder / f"camels_attributes_v2.0/camels_{theme}.txt").write_text("no table")
    names = camels.file_names(names_in(folder), SOURCE)
    assert len(names) == 2 * len(GAUGES) + 5
    assert not [name for name in names if "hydro" in name or "clim" in name]
    read(folder)


def test_a_list_chooses_basins_and_one_without_files_is_told(folder, tmp_path):
    chosen = tmp_path / "mine.txt"
    chosen.write_text("03040000\n01010000\n09990000\n")
    found = reasons(folder, basins=str(chosen))
    assert list(found) == ["03040000", "01010000", "09990000"]
    assert found["09990000"] == "no table of attributes has a line for it"
    chosen.write_text("01010000\n01010000\n")
    with pytest.raises(RecordsError, match="01010000 stands twice"):
        read(folder, basins=str(chosen))


def test_nothing_to_use(folder):
    for gauge in GAUGES:
        flow_file(folder, gauge).unlink()
    with pytest.raises(RecordsError, match="none of 5 basins can be used; most often: no stream"):
        read(folder)
    with pytest.raises(RecordsError, match="has no files of basins with daymet forcing"):
        read(folder, forcing="daymet")
