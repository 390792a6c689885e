"""What is missing in granules, in one table."""

import pandas as pd

from parlearn.sources.coverage import MANY, gather
from parlearn.storage import contracts

COLUMNS = ["product", "granule", "date", "what", "count"]


def table(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


def test_what_is_missing_is_told_once_and_what_is_frequent_by_year():
    listed = table(
        ("smap", "", "2015-04-03", "missing days", 1),
        ("smap", "b_001.h5", "2015-04-05", "duplicate left aside", 1),
    )
    often = [("mod16", f"m{k}", f"2016-01-{k % 28 + 1:02d}", "class water", 10) for k in range(40)]
    once = ("mod16", "m1", "2016-02-02", "unreadable", 1)
    found = gather(
        [listed, table()], [table(("smap", "", "2015-04-03", "missing", 1)), table(*often, once)]
    )
    contracts.check_table(found, "coverage.csv", "coverage")
    assert [tuple(row) for row in found.itertuples(index=False)] == [
        ("mod16", "", "2016", "class water", 400),
        ("mod16", "m1", "2016-02-02", "unreadable", 1),
        ("smap", "", "2015-04-03", "missing", 1),
        ("smap", "b_001.h5", "2015-04-05", "duplicate left aside", 1),
    ]
    assert len(often) > MANY


def test_hours_that_two_chunks_read_are_told_once():
    """Hours at the edge of two months: both read a part of that day, one reads it whole."""
    january = table(
        ("nldas", "", "2016-01-31", "missing", 24), ("nldas", "", "2016-02-01", "missing", 3)
    )
    february = table(
        ("nldas", "", "2016-01-31", "missing", 4),
        ("nldas", "", "2016-02-01", "missing", 5),
        ("nldas", "a.nc", "2016-02-01", "implausible", 1),
        ("nldas", "a.nc", "2016-02-01", "implausible", 2),
    )
    found = gather([table()], [january, february])
    assert [tuple(row) for row in found.itertuples(index=False)] == [
        ("nldas", "", "2016-01-31", "missing", 24),
        ("nldas", "a.nc", "2016-02-01", "implausible", 3),
        ("nldas", "", "2016-02-01", "missing", 5),
    ]


def test_nothing_missing_is_a_table_without_rows(tmp_path):
    contracts.write_table(gather([table()], [table()]), tmp_path / "c.csv", "coverage")
    assert contracts.read_table(tmp_path / "c.csv", "coverage").empty


def test_what_no_chunk_speaks_of_stays(tmp_path):
    listed = table(
        # a tile without a granule in a whole year, and a day that was counted again
        ("mod16", "h10v04", "2016-01-01", "missing days", 366),
        ("mod16", "h10v05", "2016-03-05", "missing days", 8),
        ("nldas", "", "2016-01-01", "missing hours", 30),
        ("nldas", "", "2016-05-01", "missing hours", 2),
    )
    contracts.write_table(listed, tmp_path / "listed.csv", "coverage")
    listed = contracts.read_table(tmp_path / "listed.csv", "coverage")
    read = table(
        ("mod16", "h10v05", "2016-03-05", "missing", 1),
        ("nldas", "", "2016-01-01", "missing", 24),
        ("nldas", "", "2016-01-02", "missing", 6),
    )
    found = gather([listed], [read])
    assert [tuple(row) for row in found.itertuples(index=False)] == [
        ("mod16", "h10v04", "2016-01-01", "missing days", 366),
        ("mod16", "h10v05", "2016-03-05", "missing", 1),
        ("nldas", "", "2016-01-01", "missing", 24),
        ("nldas", "", "2016-01-02", "missing", 6),
        ("nldas", "", "2016-05-01", "missing hours", 2),
    ]
