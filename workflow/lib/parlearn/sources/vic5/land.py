"""Soil and vegetation of a user's parameter file in the form of domain.nc, and back.

VIC here has one soil for its three layers, an exponent of 2 in its baseflow, one snow band, no
lake, no frozen soil, and a canopy whose cover does not change with the months. A file that has more
is refused, naming what and where, or what is named beforehand is left out and counted.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.models.vic.defaults import BARE
from parlearn.models.vic5.format import OF_CLASSES, VARIABLES
from parlearn.sources.vic5.files import Grid, VicFileError, numbers

LAYERS, ZONES = 3, 3
#: what may be left out, and what is then done
LEFT_OUT = {
    "layers": "soils that differ among the layers: that of layer 1 is taken for all",
    "baseflow": "exponents c of the baseflow other than 2: 2 is taken",
    "snow_bands": "several snow bands: the cell is one band at its mean elevation",
    "lakes": "lakes: their tile is taken for land",
    "frozen_soil": "soils that may freeze (fs_active): they do not",
    "canopy_months": "covers of the canopy that change with the months: their mean is taken",
}
_ALIKE = (
    *("expt", "Ksat", "quartz", "bulk_density", "soil_density"),
    *("Wcr_FRACT", "Wpwp_FRACT", "resid_moist"),
)
#: constants of an unused tile
_UNUSED = {"rarc": 100.0, "rmin": 100.0, "wind_h": 10.0, "root_depth": 1.0}
#: what is stamped on a domain as published: parameter -> variable of the file
_PRIORS = {"infilt": "infilt", "Ds": "Ds", "Dsmax": "Dsmax", "Ws": "Ws", "expt": "expt"}


def beyond(path, table: xr.Dataset, grid: Grid, leave_out: Iterable[str] = ()) -> pd.DataFrame:
    """What of a parameter file VIC here does not simulate.

    Returns
    -------
    what (of :data:`LEFT_OUT`), cells, first (row and column): only what is left out

    Raises
    ------
    VicFileError
        The file has something that ``leave_out`` does not name, or that is wrong altogether: other
        layers or root zones, snow bands that do not add up.
    """
    cells = grid.cells

    def read(name):
        return numbers(table, name)[..., *cells]

    for name, wanted, what in (
        ("depth", LAYERS, "soil layers"),
        ("root_depth", ZONES, "root zones"),
    ):
        number = table[name].shape[-3]
        if number != wanted and (name == "depth" or number > wanted):
            raise VicFileError(f"{path} has {number} {what}, VIC here {wanted}: no cell can be run")
    found = {
        "layers": np.any(
            [np.ptp(read(name), axis=0) > 1e-6 * np.abs(read(name)[0]) for name in _ALIKE], axis=0
        ),
        "baseflow": read("c") != 2,
    }
    if "AreaFract" in table:
        share = np.nan_to_num(read("AreaFract"))
        wrong = np.abs(share.sum(0) - 1) > 1e-3
        if wrong.any():
            k = int(wrong.argmax())
            raise VicFileError(
                f"{path}: AreaFract of the snow bands adds up to {share.sum(0)[k]:g} at row "
                f"{cells[0][k]}, column {cells[1][k]} ({int(wrong.sum())} such cells), not to 1: "
                "correct the bands"
            )
        found["snow_bands"] = (share > 0).sum(0) > 1
    if "lake_idx" in table:
        found["lakes"] = read("lake_idx") >= 0
    if "fs_active" in table:
        found["frozen_soil"] = read("fs_active") == 1
    if "fcanopy" in table:
        grown = np.nan_to_num(read("Cv")) > 0
        grown[-1] = False
        swing = np.where(grown, np.nan_to_num(np.ptp(read("fcanopy"), axis=1)), 0)
        found["canopy_months"] = (swing > 1e-6).any(0)
    rows, leave_out = [], set(leave_out)
    for what, where in found.items():
        if not where.any():
            continue
        k = int(where.argmax())
        first = f"row {cells[0][k]}, column {cells[1][k]}"
        if what not in leave_out:
            raise VicFileError(
                f"{path} has {LEFT_OUT[what].split(':')[0]} in {int(where.sum())} of {where.size} "
                f"cells, the first at {first}; VIC here has none of it. To go on without "
                f"({LEFT_OUT[what].split(': ')[1]}) name {what} under source.leave_out"
            )
        rows.append({"what": what, "cells": int(where.sum()), "first": first})
    return pd.DataFrame(rows, columns=["what", "cells", "first"])


def soil(table: xr.Dataset, grid: Grid) -> dict[str, tuple[np.ndarray, str]]:
    """Soil of domain.nc, name -> (values of the cells, unit); priors are the file's own values.

    A cold start begins with the file's own moisture of layer 1, of which VIC here keeps the share
    of the porosity in every layer.
    """
    cells = grid.cells
    of = {name: numbers(table, name)[..., *cells] for name in VARIABLES if name not in OF_CLASSES}
    top = {name: of[name][0] for name in (*_ALIKE, "depth", "init_moist")}
    porosity = 1 - top["bulk_density"] / top["soil_density"]
    out = {
        "porosity": (porosity, "m3 m-3"),
        "Ksat": (top["Ksat"], "mm day-1"),
        "b_clapp": ((top["expt"] - 3) / 2, "1"),
        "theta_fc": (np.minimum(top["init_moist"] / top["depth"] / 1000, porosity), "m3 m-3"),
        "theta_wp": (top["Wpwp_FRACT"] * porosity, "m3 m-3"),
        "soil_density": (top["soil_density"], "kg m-3"),
        "bulk_density": (top["bulk_density"], "kg m-3"),
        "Wcr_FRACT": (top["Wcr_FRACT"], "1"),
        "Wpwp_FRACT": (top["Wpwp_FRACT"], "1"),
        "resid_moist": (top["resid_moist"], "m3 m-3"),
        "quartz": (top["quartz"], "1"),
        "depth1": (top["depth"], "m"),
        "c": (np.full(len(porosity), 2.0), "1"),
        "elev": (of["elev"], "m"),
        "avg_T": (of["avg_T"], "degC"),
        **{name: (of[name], "m") for name in ("dp", "rough", "snow_rough")},
    }
    for name, variable in _PRIORS.items():
        values = of[variable]
        unit = "mm day-1" if name == "Dsmax" else "1"
        out[f"prior_{name}"] = (values[0] if values.ndim > 1 else values, unit)
    for layer in (2, 3):
        out[f"prior_depth{layer}"] = (of["depth"][layer - 1], "m")
    return out


def vegetation(path, table: xr.Dataset, grid: Grid, closed: bool = False) -> xr.Dataset:
    """Vegetation of domain.nc: tiles of each cell, the largest first, bare soil last.

    Parameters
    ----------
    closed : canopies cover their tiles (FCAN_SRC FROM_DEFAULT of VIC), also where the file has
        ``fcanopy``

    Returns
    -------
    The class variables of domain.nc, all with the dim cell, and ``tile_class`` (cell, veg_class),
    the class in the file, from 0, -1 where a tile is not used.

    Raises
    ------
    VicFileError
        Areas or shares of roots that do not add up; more tiles in a cell than VIC here has.
    """
    cells = grid.cells
    area = np.nan_to_num(numbers(table, "Cv")[:, *cells]).T  # (cell, class)
    total = area.sum(1)
    _refuse(path, "Cv of the classes adds up to", total, np.abs(total - 1) > 0.01, cells)
    area = area / total[:, None]
    grown = area[:, :-1]
    tiles = (grown > 0).sum(1)
    _refuse(path, "the number of tiles with plants is", tiles, tiles > BARE, cells)
    n, number = len(area), grown.shape[1]
    order = np.argsort(-grown, axis=1, kind="stable")[:, :BARE]
    order = np.pad(order, ((0, 0), (0, BARE - order.shape[1])), constant_values=number)
    rows = np.arange(n)[:, None]
    padded = np.pad(grown, ((0, 0), (0, 1)))
    used = padded[rows, order] > 0
    out, month, zone = {}, ("month",), ("root_zone",)
    ends = {"root_depth": zone, "root_fract": zone}
    ends |= dict.fromkeys(("LAI", "albedo", "veg_rough", "displacement"), month)
    for name in OF_CLASSES:
        if name == "fcanopy":
            continue
        values = np.moveaxis(numbers(table, name)[..., *cells], -1, 0)  # (cell, class, ...)
        fill = _UNUSED.get(name, 0.0)
        made = np.full((n, BARE + 1, *values.shape[2:]), fill)
        chosen = values[rows, np.minimum(order, number - 1)]
        made[:, :BARE] = np.where(used.reshape(*used.shape, *[1] * (chosen.ndim - 2)), chosen, fill)
        if name.startswith("root") and made.shape[-1] < ZONES:
            made = np.pad(made, ((0, 0), (0, 0), (0, ZONES - made.shape[-1])))
        out[name] = made
    total = np.where(used, out["root_fract"][:, :BARE].sum(-1), 1)
    off = np.abs(total - 1).max(1)
    _refuse(path, "root_fract misses 1 by", off, off > 0.01, cells)
    cover = np.zeros((n, BARE + 1))
    cover[:, :BARE] = used
    if "fcanopy" in table and not closed:
        mean = numbers(table, "fcanopy")[..., *cells].mean(1).T  # (cell, class)
        cover[:, :BARE] = np.where(used, mean[rows, np.minimum(order, number - 1)], 0)
    out["fcanopy"], out["Cv"] = cover, np.zeros((n, BARE + 1))
    out["Cv"][:, :BARE] = np.where(used, padded[rows, order], 0)
    out["Cv"][:, BARE] = area[:, -1]
    dims = ("cell", "veg_class")
    made = xr.Dataset({name: ((*dims, *ends.get(name, ())), value) for name, value in out.items()})
    made["tile_class"] = dims, np.full((n, BARE + 1), -1)
    made["tile_class"][:, :BARE] = np.where(used, order, -1)
    made["tile_class"][:, BARE] = np.where(area[:, -1] > 0, number, -1)
    return made


def _refuse(path, what, values, wrong, cells):
    if wrong.any():
        k = int(wrong.argmax())
        most = f", at most {BARE} can be run" if "tiles" in what else ", not to 1"
        raise VicFileError(
            f"{path}: {what} {values[k]:g} at row {cells[0][k]}, column {cells[1][k]} "
            f"({int(wrong.sum())} such cells){most if 'by' not in what else ''}: correct it, or "
            "mask the cell"
        )
