"""Where twins lie, which products see them there, and what a source has observations of.

Imports nothing heavy, since the workflow reads it each time it is planned.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from parlearn.plan.surrogates import surrogates_of


class Place(NamedTuple):
    """A region a twin is laid over, so that maps and the sun's path are real.

    ``resolution`` of its cells (degree), ``centre`` (degrees north, east), product of its
    ``weather``, and product of each target of its ``observations``.
    """

    resolution: float
    centre: tuple[float, float]
    weather: str
    observations: dict[str, str]


#: sources of basins, which have streamflow
OF_BASINS = ("camels", "caravan", "twin_basins")
#: sources that are a user's own files, cell by cell
OF_USERS = ("vic5",)

PLACES = {
    "plains": Place(
        0.125, (40.0, -98.5), "nldas", {"soil_moisture": "smap", "evapotranspiration": "mod16"}
    ),
    "huaihe": Place(0.25, (32.875, 115.0), "cmfd", {"evapotranspiration": "gleam"}),
}


def corner(place: str, rows: int, cols: int) -> tuple[float, float]:
    """South-western corner (degrees north, east), on a multiple of the resolution."""
    where = PLACES[place]
    return tuple(
        math.floor((centre - n * where.resolution / 2) / where.resolution) * where.resolution
        for centre, n in zip(where.centre, (rows, cols), strict=True)
    )


def box(place: str, rows: int, cols: int) -> dict[str, float]:
    """South, north, west and east edge (degrees) of a twin of so many cells."""
    south, west = corner(place, rows, cols)
    step = PLACES[place].resolution
    return {"south": south, "north": south + rows * step, "west": west, "east": west + cols * step}


def offered(config: Mapping) -> list[str]:
    """What a figure may need: observed targets, the truth of a twin, surrogates, further sets of
    parameters, and parameters that are learned."""
    models = surrogates_of(config)
    models += ["parameter_sets"] if "parameter_sets" in config["model"] else []
    truth = ["truth"] if is_twin(config["source"]) else []
    return [*observed(config), *truth, *models, *config["model"]["parameters"]]


def observed(config: Mapping) -> list[str]:
    """Targets that a source has observations of."""
    source = config["source"]
    if source["name"] == "twin":
        return list(PLACES[source.get("place", "plains")].observations)
    if source["name"] in OF_BASINS:
        return ["streamflow"]
    return list(source.get("observations", ["soil_moisture"]))


def is_twin(source: Mapping) -> bool:
    """Whether the truth of a source is known, since it was made up."""
    return source["name"].startswith("twin")


def kind_of_data(source: Mapping) -> str:
    """What answers to claims say of the data of a source: ``twin`` or ``real``."""
    return "twin" if is_twin(source) else "real"
