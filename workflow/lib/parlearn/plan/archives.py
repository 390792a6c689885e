"""What is retrieved and regridded for an instance: its grid, its products, their chunks.

A twin and the archives have the same chain of rules; this is where the one is put in the terms of
the other. Imports nothing heavy, since the workflow reads it each time it is planned.
"""

from collections.abc import Mapping
from pathlib import Path

from parlearn.plan.periods import record_of
from parlearn.plan.places import PLACES, box
from parlearn.plan.products import chunk_days, chunks, short_name, span, version

#: files of a folder of maps, see :mod:`parlearn.sources.statics`, and that of published parameters
STATIC_FILES = ("soil.nc", "landcover.nc", "ndvi.nc", "elevation.nc")
PRIORS = "parameters.nc"
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


def archives_of(config: Mapping) -> dict:
    """Grid, record and products of a configuration, in the terms of ``source: archives``.

    Empty for a source that has none of these (hydrodl).
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
        "raw": f"{twin}/raw",
        "products": {
            name: {**TWIN_PRODUCTS[name], "mirror": f"{twin}/archive/{name}"} for name in names
        },
    }


def of_product(grid: Mapping, product: str) -> dict:
    """What decides which granules of a product are wanted, and nothing else."""
    known = {key: grid[key] for key in ("record", "box", "day")}
    return known | {"products": {product: grid["products"][product]}}


def raw_folder(grid: Mapping, product: str) -> str:
    """Where a product's granules lie: with the results of a twin, else shared by all instances."""
    if "raw" in grid:
        return f"{grid['raw']}/{product}"
    settings = grid["products"][product]
    name = "-".join(filter(None, [short_name(product, settings), version(product, settings)]))
    return f"resources/raw/{product}/{name}"


def chunk_span(grid: Mapping, product: str, chunk: str) -> tuple[str, str]:
    """First and last day of a chunk that are wanted, ISO."""
    first, last = chunk_days(chunk, span(product, grid))
    return first.isoformat(), last.isoformat()


def closes(grid: Mapping, product: str, chunk: str) -> bool:
    """Whether the record of the study ends with a chunk."""
    return chunk_span(grid, product, chunk)[1] == str(grid["record"][1])


def arrived(grid: Mapping, product: str) -> list[str]:
    """Paths of the lists of what has arrived of a product."""
    return [f"<study>/granules/{product}/{chunk}.csv" for chunk in chunks(product, grid)]


def regridded(grid: Mapping, product: str, within=None) -> list[str]:
    """Paths of the regridded files of a product, in order of time.

    ``within``: first and last day, ISO; only files with a day of these.
    """
    paths = []
    for chunk in chunks(product, grid):
        first, last = chunk_span(grid, product, chunk)
        # ISO dates sort as text
        if not within or (first <= within[1] and within[0] <= last):
            paths.append(f"<study>/regridded/{product}/{chunk}.nc")
    return paths


def read_as(grid: Mapping, product: str) -> dict:
    """The settings of a product that decide what its fields are, not whence they come."""
    return {
        key: value
        for key, value in grid["products"][product].items()
        if key not in ("mirror", "url", "chunk")
    }


def static_files(folder: str, source: Mapping) -> list[str]:
    """The maps of a study. A twin makes all that are needed; a user's folder is taken as it is, so
    that what it lacks is told by the rule that reads it."""
    names = [*STATIC_FILES, PRIORS] if source.get("priors") else STATIC_FILES
    paths = [f"{folder}/{name}" for name in names]
    if source["name"] == "twin":
        return paths
    return [path for path in paths if Path(path).is_file()]
