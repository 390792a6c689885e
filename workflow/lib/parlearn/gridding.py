"""What is retrieved and regridded for an instance: its grid, its products, their chunks.

A twin and the archives have the same chain of rules; this is where the one is put in the terms of
the other. Imports nothing heavy, since the workflow reads it each time it is planned.
"""

import datetime
from collections.abc import Mapping
from pathlib import Path

from parlearn.config import record_of
from parlearn.sources.places import PLACES, box

#: files of a folder of maps, see :mod:`parlearn.sources.statics`; the last is not needed
STATIC_FILES = ("soil.nc", "landcover.nc", "ndvi.nc", "elevation.nc", "parameters.nc")
#: how a twin's granules are to be read; its files are grouped and cropped as archives do on request
TWIN_PRODUCTS = {
    "nldas": {"version": "2.0", "chunk": "year"},
    "smap": {
        "short_name": "SPL3SMP_E",
        "version": "006",
        "chunk": "year",
        "passes": ["am"],
        "quality": "recommended",
    },
    "mod16": {"short_name": "MOD16A2GF", "version": "061", "chunk": "year"},
    "cmfd": {"version": "V0106", "chunk": "year"},
    "gleam": {"version": "v3.7a", "chunk": "year"},
}


def gridding(config: Mapping) -> dict:
    """Grid, record and products of a configuration, in the terms of ``source: archives``.

    Empty for a source that has none of these (hydrodl). ``archive`` of a twin is where its granules
    lie.
    """
    source = config["source"]
    if source["name"] == "archives":
        return {key: value for key, value in source.items() if key != "name"}
    if source["name"] != "twin":
        return {}
    place = source.get("place", "plains")
    where = PLACES[place]
    twin = f"{config['results']}/{config['study']}/twin"
    names = [where.weather, *where.observations.values()]
    return {
        "box": box(place, source["rows"], source["cols"]),
        "resolution": where.resolution,
        "record": [day.isoformat() for day in record_of(source)],
        "day": "solar",
        "minimum_share": 0.5,
        "weather": where.weather,
        "observations": dict(where.observations),
        "statics": f"{twin}/statics",
        "products": {
            name: {**TWIN_PRODUCTS[name], "mirror": f"{twin}/archive/{name}"} for name in names
        },
    }


def span(grid: Mapping, product: str) -> tuple[datetime.date, datetime.date]:
    """First and last day wanted of a product: weather begins a year before the record."""
    first, last = (datetime.date.fromisoformat(day) for day in grid["record"])
    return (first.replace(year=first.year - 1) if product == grid["weather"] else first), last


def chunks(grid: Mapping, product: str, within=None) -> list[str]:
    """Years or months that a product is retrieved and regridded by, as 2015 or 2015-04.

    ``within``: first and last day, ISO; only chunks with a day of these.
    """
    first, last = span(grid, product)
    if within:
        first, last = (
            max(first, datetime.date.fromisoformat(within[0])),
            min(last, datetime.date.fromisoformat(within[1])),
        )
    if grid["products"][product]["chunk"] == "year":
        return [str(year) for year in range(first.year, last.year + 1)]
    months = range(12 * first.year + first.month - 1, 12 * last.year + last.month)
    return [f"{month // 12}-{month % 12 + 1:02d}" for month in months]


def regridded(grid: Mapping, product: str, within=None) -> list[str]:
    """Paths of the regridded files of a product, in order of time."""
    return [f"<study>/regridded/{product}/{chunk}.nc" for chunk in chunks(grid, product, within)]


def chunk_days(grid: Mapping, product: str, chunk: str) -> tuple[str, str]:
    """First and last day of a chunk that are wanted, ISO."""
    first, last = span(grid, product)
    if len(chunk) == 4:
        start = datetime.date(int(chunk), 1, 1)
        end = datetime.date(int(chunk), 12, 31)
    else:
        year, month = map(int, chunk.split("-"))
        start = datetime.date(year, month, 1)
        end = datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(days=1)
    return max(first, start).isoformat(), min(last, end).isoformat()


def read_as(grid: Mapping, product: str) -> dict:
    """The settings of a product that decide what its fields are, not whence they come."""
    return {
        key: value
        for key, value in grid["products"][product].items()
        if key not in ("mirror", "url", "chunk")
    }


def static_files(folder: str, source: str) -> list[str]:
    """The maps of a study. A twin makes all that are needed; a user's folder is taken as it is, so
    that what it lacks is told by the rule that reads it."""
    paths = [f"{folder}/{name}" for name in STATIC_FILES]
    return paths[:-1] if source == "twin" else [path for path in paths if Path(path).is_file()]
