"""Inputs of the surrogate: series derived from the forcing of a cell, and its constant attributes.

The series are what VIC's fluxes hang on most directly (vapour pressure deficit, an estimate of net
radiation, rain apart from snow, warmth above freezing), so that the network need not find out the
psychrometry by itself. Vegetation enters as means over a cell's tiles, weighted by their cover.
"""

from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from parlearn.land.vegetation import of_each_cell

#: VIC snows below and rains above, and mixes linearly in between [degC]
SNOW_BELOW, RAIN_ABOVE = -0.5, 0.5
STEFAN_BOLTZMANN, EMISSIVITY = 5.67e-8, 0.97
#: W m-2 evaporate so many mm of water a day (latent heat 2.45 MJ kg-1)
EVAPORATED = 0.0864 / 2.45
#: index of bare soil among the vegetation classes
BARE = 11
#: the share of the roots above this depth says how far transpiration dries the surface layer [m]
SURFACE = 0.1

#: soil of domain.nc as it is
SOIL = (
    "elev",
    "avg_T",
    "porosity",
    "b_clapp",
    "Wcr_FRACT",
    "Wpwp_FRACT",
    "resid_moist",
    "quartz",
    "bulk_density",
    "dp",
    "depth1",
)


class Features(NamedTuple):
    """Unscaled: ``series`` (cell, day, len(series_names)), ``static`` (cell, len(static_names))."""

    series_names: tuple[str, ...]
    series_units: tuple[str, ...]
    series: Tensor
    static_names: tuple[str, ...]
    static_units: tuple[str, ...]
    static: Tensor


def build_features(domain: xr.Dataset, forcing: xr.Dataset) -> Features:
    """Features of all cells and days from domain.nc and forcing.nc.

    Raises ValueError where they differ in cells or a feature is not a number.
    """
    if domain.sizes["cell"] != forcing.sizes["cell"]:
        raise ValueError(
            f"the domain has {domain.sizes['cell']} cells, the forcing {forcing.sizes['cell']}"
        )
    tiles = _tile_means(domain)
    return Features(*_stack(_series(forcing, tiles)), *_stack(_static(domain, tiles)))


def _stack(columns: dict[tuple[str, str], np.ndarray]):
    """Names, units and one float32 tensor of columns {(name, unit): values}."""
    for (name, _), values in columns.items():
        if bad := int((~np.isfinite(values)).sum()):
            raise ValueError(
                f"surrogate input {name} is not a number in {bad} places: "
                "look for NaN in domain.nc and forcing.nc"
            )
    names, units = zip(*columns)
    values = np.stack([v.astype(np.float32, copy=False) for v in columns.values()], -1)
    return names, units, torch.from_numpy(values)


def _tile_means(domain: xr.Dataset) -> dict[tuple[str, str], np.ndarray]:
    """Means over a cell's tiles, (cell, month)."""
    cover = domain["Cv"].transpose("cell", "veg_class").values.astype(np.float32)

    def over_tiles(table):
        return np.einsum("cv,cv...->c...", cover, table)

    def mean(name):
        return np.broadcast_to(
            over_tiles(of_each_cell(domain, name)).reshape(len(cover), -1), (len(cover), 12)
        )

    canopy = (cover * domain["fcanopy"].transpose("cell", "veg_class").values).sum(1)
    lai = domain["LAI"].transpose("cell", "veg_class", "month").values
    zones, fract = (of_each_cell(domain, name) for name in ("root_depth", "root_fract"))
    bottom = np.cumsum(zones, -1)
    above = np.clip((SURFACE - (bottom - zones)) / np.maximum(zones, 1e-6), 0, 1)
    constant = {
        ("canopy cover", "1"): canopy,
        ("bare cover", "1"): cover[:, BARE],
        ("tree cover", "1"): over_tiles(of_each_cell(domain, "overstory")),
        ("surface roots", "1"): over_tiles((above * fract).sum(-1)),
        ("root depth", "m"): over_tiles((bottom * fract).sum(-1)),
    }
    return {
        ("leaf area", "m2 m-2"): np.einsum("cv,cvm->cm", cover, lai),
        ("albedo", "1"): mean("albedo"),
        ("roughness length", "m"): mean("veg_rough"),
        ("displacement", "m"): mean("displacement"),
        ("minimum resistance", "s m-1"): mean("rmin"),
        ("radiation limit", "W m-2"): mean("RGL"),
        ("architectural resistance", "s m-1"): mean("rarc"),
    } | {key: np.broadcast_to(v[:, None], (len(v), 12)) for key, v in constant.items()}


def _series(forcing: xr.Dataset, tiles) -> dict[tuple[str, str], np.ndarray]:
    prec, tair, swdown, lwdown, vp, pressure, wind = (
        forcing[name].transpose("cell", "time").values.astype(np.float32, copy=False)
        for name in ("prec", "tair", "swdown", "lwdown", "vp", "pressure", "wind")
    )
    time = forcing["time"].dt
    month = time.month.values - 1
    angle = (2 * np.pi / 365.25 * time.dayofyear.values).astype(np.float32)
    rain = prec * np.clip((tair - SNOW_BELOW) / (RAIN_ABOVE - SNOW_BELOW), 0, 1)
    saturation = 0.61078 * np.exp(17.269 * tair / (tair + 237.3))
    deficit = np.maximum(saturation - vp, 0)
    absorbed = (1 - tiles["albedo", "1"].astype(np.float32))[:, month] * swdown
    radiation = absorbed + lwdown - EMISSIVITY * STEFAN_BOLTZMANN * (tair + 273.15) ** 4
    # The two terms of the Penman equation (Shuttleworth 1993, Handbook of Hydrology, eq. 4.2.30)
    slope = 17.269 * 237.3 / (tair + 237.3) ** 2 * saturation
    weight = slope / (slope + 6.65e-4 * pressure)
    return {
        ("rain", "log mm day-1"): np.log1p(rain),
        ("snowfall", "log mm day-1"): np.log1p(np.maximum(prec - rain, 0)),
        ("air temperature", "degC"): tair,
        ("warmth", "degC"): np.maximum(tair, 0),
        ("shortwave", "W m-2"): swdown,
        ("longwave", "W m-2"): lwdown,
        ("vapour deficit", "kPa"): deficit,
        ("wind", "m s-1"): wind,
        ("net radiation", "W m-2"): radiation,
        ("radiation term", "mm day-1"): weight * EVAPORATED * np.maximum(radiation, 0),
        ("drying term", "mm day-1"): (1 - weight) * 6.43 / 2.45 * (1 + 0.536 * wind) * deficit,
        ("leaf area", "m2 m-2"): tiles["leaf area", "m2 m-2"][:, month],
        ("season, sine", "1"): np.broadcast_to(np.sin(angle), tair.shape),
        ("season, cosine", "1"): np.broadcast_to(np.cos(angle), tair.shape),
    }


def _static(domain: xr.Dataset, tiles) -> dict[tuple[str, str], np.ndarray]:
    attributes = domain["attributes"].transpose("cell", "attribute").values
    units = domain["attribute_units"].values
    leaves = tiles["leaf area", "m2 m-2"]
    return (
        {
            (f"attribute {name}", str(unit)): attributes[:, k]
            for k, (name, unit) in enumerate(zip(domain["attribute"].values, units))
        }
        | {(name, domain[name].attrs.get("units", "")): domain[name].values for name in SOIL}
        | {("conductivity", "log mm day-1"): np.log(domain["Ksat"].values)}
        | {("leaf area range", "m2 m-2"): leaves.max(1) - leaves.min(1)}
        | {key: values.mean(1) for key, values in tiles.items()}
    )
