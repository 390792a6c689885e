"""The chain of products of an instance: grid, spans, chunks."""

import pytest

from parlearn.plan.archives import (
    archives_of,
    arrived,
    chunk_span,
    of_product,
    raw_folder,
    read_as,
    regridded,
)

TWIN = {
    "results": "results",
    "study": "smap",
    "source": {
        "name": "twin",
        "rows": 32,
        "cols": 48,
        "years": 2,
        "start": "2015-04-01",
        "seed": 1,
    },
}


def test_a_twin_in_the_terms_of_the_archives():
    grid = archives_of(TWIN)
    assert grid["box"] == {"south": 38.0, "north": 42.0, "west": -101.5, "east": -95.5}
    assert grid["record"] == ["2015-04-01", "2017-03-31"]
    assert list(grid["products"]) == ["nldas", "smap", "mod16"]
    assert grid["products"]["smap"]["mirror"] == "results/smap/twin/archive/smap"
    huaihe = archives_of({**TWIN, "source": {**TWIN["source"], "place": "huaihe"}})
    assert (huaihe["weather"], huaihe["resolution"]) == ("cmfd", 0.25)
    assert archives_of({**TWIN, "source": {"name": "hydrodl"}}) == {}


def test_weather_begins_a_year_before_the_record():
    grid = archives_of(TWIN)
    years = [path.split("/")[-1] for path in regridded(grid, "nldas")]
    assert years == ["2014.nc", "2015.nc", "2016.nc", "2017.nc"]
    within = regridded(grid, "smap", ["2016-01-01", "2016-12-31"])
    assert within == ["<study>/regridded/smap/2016.nc"]


def test_raw_files_of_a_twin_lie_with_it_and_others_are_shared():
    grid = archives_of(TWIN)
    assert raw_folder(grid, "smap") == "results/smap/twin/raw/smap"
    del grid["raw"]
    assert raw_folder(grid, "smap") == "resources/raw/smap/SPL3SMP_E-006"


def test_what_decides_which_granules_are_wanted():
    grid = archives_of(TWIN)
    wanted = of_product(grid, "smap")
    assert set(wanted) == {"record", "box", "day", "products"}
    assert list(wanted["products"]) == ["smap"]
    assert arrived(grid, "mod16")[0] == "<study>/granules/mod16/2015.csv"
    # whence they come does not change what is read of them
    assert read_as(grid, "smap") == {
        "short_name": "SPL3SMP_E",
        "version": "006",
        "passes": ["am"],
        "quality": "recommended",
    }


@pytest.mark.parametrize(
    ("product", "chunk", "days"),
    [
        ("nldas", "2014", ("2014-04-01", "2014-12-31")),
        ("nldas", "2016", ("2016-01-01", "2016-12-31")),
        ("smap", "2017", ("2017-01-01", "2017-03-31")),
        ("smap", "2015-12", ("2015-12-01", "2015-12-31")),
        ("smap", "2016-02", ("2016-02-01", "2016-02-29")),
    ],
)
def test_days_of_a_chunk(product, chunk, days):
    assert chunk_span(archives_of(TWIN), product, chunk) == days
