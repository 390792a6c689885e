"""The size of a source, and what is wrong with it and with samplings of it.

Imports nothing heavy, since the workflow reads it each time it is planned.
"""

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from parlearn.plan import basins, users
from parlearn.plan.places import OF_BASINS, OF_USERS
from parlearn.plan.schema import listed

#: cells of sources of scattered cells, where their number is known beforehand
SCATTERED = {"hydrodl": 412}
#: share of scattered cells that no sampling by share trains on: parlearn.study.splits
HELD_OUT = 0.2


def shape_of(source: Mapping) -> tuple[int, int] | None:
    """Rows and columns of the grid of a source; None where it has none."""
    if source["name"] == "twin":
        return source["rows"], source["cols"]
    if source["name"] == "archives":
        box, step = source["box"], source["resolution"]
        return round((box["north"] - box["south"]) / step), round(
            (box["east"] - box["west"]) / step
        )
    return None


def cells_of(source: Mapping) -> float:
    """Scattered cells or basins of a source, infinite where they are not known beforehand."""
    basins = source.get("basins")
    known = basins if isinstance(basins, int) else math.inf
    return SCATTERED.get(source["name"], known)


def most_sampled(value, source: Mapping) -> float:
    """Cells that a sampling takes to train on and to validate, at most; infinite where unknown."""
    if shape := shape_of(source):
        return math.prod(math.ceil(length / value) for length in shape)
    cells = cells_of(source)
    if isinstance(value, Mapping) or cells == math.inf:
        return cells
    return round(value * (cells - round(HELD_OUT * cells)))


def most_cells(config: Mapping) -> float:
    """Cells of the study at most: on a grid those that a sampling takes, and as many to test."""
    source, samplings = config["source"], config["samplings"].values()
    shape = shape_of(source)
    if not shape:
        return cells_of(source)
    taken = max(most_sampled(value, source) for value in samplings)
    return taken if min(samplings) == 1 else min(2 * taken, math.prod(shape))


def source_problems(config: Mapping, root) -> Iterator[str]:
    """What is wrong with a source beyond its schema, a sentence each."""
    source = config["source"]
    if source["name"] in OF_BASINS:
        yield from basins.source_problems(source, root)
        return
    if source["name"] in OF_USERS:
        yield from users.source_problems(source, root)
        return
    mirror = source.get("mirror")
    if mirror is not None and not (mirror and (Path(root) / mirror).is_dir()):
        yield (
            f"source.mirror: there is no folder {mirror}: name the folder that holds CONUSv4f1, "
            "or null to download"
        )
    for name, product in source.get("products", {}).items():
        folder = product.get("mirror")
        if folder is not None and not (folder and (Path(root) / folder).is_dir()):
            yield (
                f"source.products.{name}.mirror: there is no folder {folder}: name the folder that "
                "holds the granules, or take the key out to use the archive"
            )
    if source["name"] == "archives":
        yield from _archive_problems(source)


def _archive_problems(source):
    box, step = source["box"], source["resolution"]
    for low, high in (("south", "north"), ("west", "east")):
        if box[low] >= box[high]:
            yield f"source.box: {low} {box[low]} is not below {high} {box[high]}: exchange them"
    off = [f"{key} {value}" for key, value in box.items() if value / step % 1]
    if off:
        yield (
            f"source.box: {listed(off)} is no multiple of the resolution of {step}: move the edges "
            "there"
        )
    used = {"weather": source["weather"]}
    used |= {f"observations.{name}": product for name, product in source["observations"].items()}
    for key, product in used.items():
        if product not in source["products"]:
            yield (
                f"source.{key}: {product!r} does not stand under source.products, which has "
                f"{listed(source['products'])}: add it there"
            )
    for name, product in source["products"].items():
        if name not in used.values():
            yield f"source.products.{name}: nothing uses it: take it out"
        if "mirror" in product and "url" in product:
            yield f"source.products.{name}: has a mirror and a url: leave one out"


def sampling_problems(config: Mapping) -> Iterator[str]:
    """Samplings that the cells of the source do not allow, a sentence each."""
    source, shape = config["source"], shape_of(config["source"])
    if source["name"] in OF_BASINS:
        yield from basins.sampling_problems(config)
        return
    if source["name"] in OF_USERS:
        yield from users.sampling_problems(config)
        return
    bad = False
    for name, value in config["samplings"].items():
        key = f"samplings.{name}"
        problem = _on_grid(key, value, shape) if shape else _scattered(key, value, source)
        if not problem and (most := most_sampled(value, source)) < 2:
            problem = (
                f"{key}: {value} takes {most} of the cells: it needs two at least, one to train "
                "on and one to validate, so make it denser"
            )
        if problem:
            bad = True
            yield problem
    if shape and not bad:
        for small, large in pairwise(sorted({*config["samplings"].values()})):
            if large % small:
                yield (
                    f"samplings: patches of {small} do not fit into those of {large}, so that what "
                    "one sampling holds out another would train on: let each divide the next larger"
                )


def _on_grid(key, value, shape) -> str:
    rows, cols = shape
    if isinstance(value, Mapping):
        return f"{key}: regions are for scattered cells: give the side of a patch"
    if not isinstance(value, int) or value in (2, 3):
        return (
            f"{key}: {value} is not the side of a patch: give a whole number of 4 or more, since "
            "the test cell lies 3 rows and 3 columns away, or 1 for every cell"
        )
    if min(rows, cols) < value:
        return (
            f"{key}: no {value} x {value} patch fits into the {rows} x {cols} cells of the source: "
            "make it larger or drop the sampling"
        )
    return ""


def _scattered(key, value, source) -> str:
    if not isinstance(value, Mapping):
        wrong = f"{key}: {value} is not a share of the training cells: give 0 to 1"
        return wrong if value > 1 else ""
    if {*value} != {"region", "of"}:
        return f"{key}: {dict(value)} is no region of scattered cells: write {{region: k, of: n}}"
    if value["of"] > (cells := cells_of(source)):
        return f"{key}: {cells} cells have no {value['of']} regions: give fewer"
    if value["region"] > value["of"]:
        return (
            f"{key}: there is no region {value['region']} of {value['of']}: give 1 to {value['of']}"
        )
    return ""
