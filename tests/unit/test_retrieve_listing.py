"""What is listed, what is left aside, what is missing, and that lists stay as they are."""

from datetime import datetime

import pytest

from parlearn.retrieve import listing
from parlearn.retrieve.listing import (
    Listed,
    ListingError,
    freeze,
    gaps,
    of_chunk,
    read_list,
    select,
)

TIMES = datetime(2015, 4, 1), datetime(2015, 4, 10, 23, 59, 59)


def smap(day, release="R18290", rerun=1):
    name = f"SMAP_L3_SM_P_E_201504{day:02d}_{release}_{rerun:03d}.h5"
    return Listed(name, f"https://archive/{name}", 100 + day, "md5", f"{day:032x}")


def mod16(day, tile, made="2022015012345"):
    name = f"MOD16A2GF.A2015{day:03d}.{tile}.061.{made}.hdf"
    return Listed(name, name)


def test_the_highest_rerun_and_the_latest_release_win():
    found = [smap(1), smap(2, rerun=2), smap(2), smap(3, "R16510", 9), smap(3), smap(31), smap(4)]
    granules, notes = select("smap", reversed(found), {}, TIMES)
    assert granules == [smap(1), smap(2, rerun=2), smap(3), smap(4)]
    aside = [tuple(note.values()) for note in notes]
    assert sorted(aside) == [
        ("smap", smap(2).name, "2015-04-02", "duplicate left aside", 1),
        ("smap", smap(3, "R16510", 9).name, "2015-04-03", "duplicate left aside", 1),
    ]


def test_the_newest_production_of_a_tile_wins():
    old, new = mod16(97, "h08v05", "2021015012345"), mod16(97, "h08v05")
    granules, notes = select("mod16", [new, old, mod16(97, "h09v05")], {}, TIMES)
    assert granules == [new, mod16(97, "h09v05")]
    assert [note["granule"] for note in notes] == [old.name]


def test_several_releases_are_noted():
    granules, notes = select("smap", [smap(1, "R16510"), smap(2), smap(3)], {}, TIMES)
    assert len(granules) == 3
    assert [tuple(note.values())[1:] for note in notes] == [
        ("R16510", "2015-04-01", "one of several releases", 1),
        ("R18290", "2015-04-02", "one of several releases", 2),
    ]


def test_tiles_and_variables_wanted():
    found = [mod16(97, "h08v05"), mod16(97, "h20v05"), mod16(89, "h08v05"), mod16(105, "h08v05")]
    granules, _ = select("mod16", found, {}, TIMES, {"h08v05"})
    # the composite of day 89 ends on 6 April, that of day 105 starts on the 15th
    assert [one.name[10:18] for one in granules] == ["A2015089", "A2015097"]
    found = [Listed(f"{name}_2015_GLEAM_v3.7a.nc", name) for name in ("E", "Et", "S")]
    assert [one.url for one in select("gleam", found, {}, TIMES)[0]] == ["E"]
    assert [one.url for one in select("gleam", found, {"variables": ["S", "E"]}, TIMES)[0]] == [
        *("E", "S")
    ]


def test_nothing_says_what_there_is():
    name = "NLDAS_FORA0125_H.A20150401.0100.002.nc"
    with pytest.raises(ListingError, match=r"nldas: no granule of version 2.0 .* version 002"):
        select("nldas", [Listed(name, name)], {"version": "2.0"}, TIMES)
    with pytest.raises(ListingError, match=r"mod16: .*there is MOD16A2GF version 061"):
        select("mod16", [mod16(97, "h08v05")], {"short_name": "MOD16A2"}, TIMES)


def test_a_months_file_and_an_hour_of_it():
    month, hour = (
        Listed(f"NLDAS_FORA0125_H.A{when}.020.nc", when) for when in ("201504", "20150405.0300")
    )
    granules, notes = select("nldas", [hour, month], {}, TIMES)
    assert granules == [month]
    assert notes[0]["granule"] == hour.name


def test_gaps_are_runs_of_missing_days():
    granules = [smap(day) for day in (2, 3, 7, 8, 9, 10)]
    found = [tuple(note.values()) for note in gaps("smap", granules, {}, TIMES)]
    assert found == [
        ("smap", "", "2015-04-01", "missing days", 1),
        ("smap", "", "2015-04-04", "missing days", 3),
    ]


def test_gaps_of_hours_and_of_series():
    hours = [f"NLDAS_FORA0125_H.A20150401.{hour:02d}00.020.nc" for hour in range(5, 24)]
    hours.append("NLDAS_FORA0125_H.A20150402.0000.020.nc")
    times = datetime(2015, 4, 1, 4), datetime(2015, 4, 2, 2)
    found = list(gaps("nldas", [Listed(name, name) for name in hours], {}, times))
    assert [(note["date"], note["what"], note["count"]) for note in found] == [
        ("2015-04-01", "missing hours", 1),
        ("2015-04-02", "missing hours", 2),
    ]
    composites = [mod16(89, "h08v05"), mod16(97, "h08v05"), mod16(97, "h09v05")]
    found = list(gaps("mod16", composites, {}, TIMES))
    assert [(note["granule"], note["date"], note["count"]) for note in found] == [
        ("h09v05", "2015-04-01", 6)
    ]
    year = [Listed("E_2015_GLEAM_v3.7a.nc", "")]
    assert list(gaps("gleam", year, {}, TIMES)) == []
    found = list(gaps("gleam", year, {"variables": ["E", "S"]}, TIMES))
    assert [(note["granule"], note["count"]) for note in found] == [("S", 10)]


def test_chunks_have_the_hours_of_their_neighbours():
    names = [
        f"NLDAS_FORA0125_H.A2015{day}.{hour:02d}00.020.nc"
        for day in ("0430", "0501", "0502")
        for hour in range(24)
    ]
    source = {
        "record": ["2015-04-01", "2015-12-31"],
        "box": {"south": 25, "north": 53, "west": -125, "east": -67},
        "products": {"nldas": {}},
    }
    listed = [Listed(name, name) for name in names]
    april = of_chunk("nldas", listed, "2015-04", source | {"day": "utc"})
    assert [one.name for one in april] == names[:25]
    assert len(of_chunk("nldas", listed, "2015-04", source | {"day": "solar"})) == 24 + 9
    may = of_chunk("nldas", listed, "2015-05", source | {"day": "solar"})
    assert may[0].name == "NLDAS_FORA0125_H.A20150501.0400.020.nc"


def test_dates_before_the_record():
    with pytest.raises(ListingError, match=r"smap: the record of SPL3SMP_E 006 begins 2015-03-31"):
        listing.check_record("smap", {}, (datetime(2014, 1, 1).date(), datetime(2015, 1, 1).date()))


def test_a_list_is_written_once_and_never_lost(tmp_path, caplog):
    path = tmp_path / "smap.csv"
    first, second = [smap(1), smap(2)], [smap(2), smap(3), Listed(smap(4).name, "b")]
    assert freeze("smap", first, path, same=False)
    text = path.read_text()
    assert text.splitlines()[1] == (f"{smap(1).name},2015-04-01,{smap(1).url},101,md5,{1:032x}")
    assert read_list(path, "smap") == first
    assert not freeze("smap", first, path, same=True)
    assert freeze("smap", second, path, same=True)
    assert read_list(path, "smap") == second
    (aside,) = tmp_path.glob("smap.2*.csv")
    assert aside.read_text() == text
    assert "the archive has changed; 2 granules are new, 1 are gone" in caplog.text


def test_a_list_that_is_none(tmp_path):
    path = tmp_path / "smap.csv"
    path.write_text("name,url\na,b\n")
    with pytest.raises(ListingError, match="is no list with the columns name, date"):
        read_list(path, "smap")


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("name", "../../etc/passwd", "'../../etc/passwd' is no name of a file of smap"),
        ("name", "../" + smap(1).name, "is no name of a file of smap"),
        ("name", "", "'' is no name of a file of smap"),
        ("url", "2015/../../../etc/passwd", "2015/../../../etc/passwd leads out of its folder"),
        ("url", "2015/%2e%2e/secret.h5", "leads out of its folder"),
        ("url", "/etc/passwd", "/etc/passwd leads out of its folder"),
        ("size", "-1", "the size '-1' is no number of bytes"),
        ("size", "many", "the size 'many' is no number of bytes"),
        ("algorithm", "md4", "'md4 0+1' is no checksum that we know"),
        ("checksum", "../x", "'md5 ../x' is no checksum that we know"),
    ],
)
def test_a_line_that_was_tampered_with(tmp_path, column, value, words):
    path = tmp_path / "smap.csv"
    freeze("smap", [smap(2), smap(1)], path, same=False)
    rows = listing.read_rows(path, listing.COLUMNS)
    rows[1][column] = value
    listing.write_rows(path, listing.COLUMNS, rows)
    with pytest.raises(ListingError, match=f"smap.csv, line 3: .*{words}.*: put the line back"):
        read_list(path, "smap")
