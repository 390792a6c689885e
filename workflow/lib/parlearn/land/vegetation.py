"""Vegetation tiles, canopy cover and leaf area of VIC from land cover and NDVI.

Land cover (IGBP classes) names the vegetation, NDVI says how much of the ground it covers.

*Cover.* Green vegetation covers the share f = (NDVI - 0.04) / (0.52 - 0.04) of a cell, held within
0 and 1: Gutman, G., Ignatov, A. (1998): The derivation of the green vegetation fraction from
NOAA/AVHRR data for use in numerical weather prediction models. International Journal of Remote
Sensing 19(8), 1533-1543, doi:10.1080/014311698215333, with their two constants (bare ground and
dense vegetation). A mean NDVI is too low where snow lies for months, so f is held within what the
definition of the IGBP class allows: Loveland, T. R., et al. (2000): Development of a global land
cover characteristics database and IGBP DISCover from 1 km AVHRR data. International Journal of
Remote Sensing 21, 1303-1330, doi:10.1080/014311600210191 (forest above 60 % trees, woody savanna
30-60 %, open shrubland 10-60 %, barren below 10 %; all other vegetated land above 10 %).

*Partial cover.* VIC evaporates no soil water where fcanopy = 1, so dry cells need open ground.
Low vegetation gets it by fcanopy = f. Trees keep fcanopy = 1, because VIC loses water under a
partial tree canopy with snow: the tree tile takes the share f of the cell instead, the rest is a
grassland tile, itself with partial cover f.

*Leaf area.* The mosaic of that relation is dense canopy beside bare ground: the leaf area of a
tile of low vegetation is f times the library's. VIC divides it by fcanopy, so the canopy itself
has the library's leaf area. Trees have the library's.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

LIBRARY = Path(__file__).resolve().parents[4] / "resources" / "vegetation" / "ldas_library.csv"
NDVI_BARE, NDVI_DENSE = 0.04, 0.52
BARE_SOIL = 11  # index of the last class
GRASSLAND = 9
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

#: IGBP class -> (index of the LDAS class, least and greatest cover of that vegetation)
IGBP = {
    1: (0, 0.6, 1.0),  # evergreen needleleaf forest
    2: (1, 0.6, 1.0),  # evergreen broadleaf forest
    3: (2, 0.6, 1.0),  # deciduous needleleaf forest
    4: (3, 0.6, 1.0),  # deciduous broadleaf forest
    5: (4, 0.6, 1.0),  # mixed forest
    6: (7, 0.6, 1.0),  # closed shrubland
    7: (8, 0.1, 0.6),  # open shrubland
    8: (5, 0.3, 0.6),  # woody savanna: woodland
    9: (6, 0.1, 1.0),  # savanna: wooded grassland, grass included
    10: (9, 0.1, 1.0),  # grassland
    12: (10, 0.1, 1.0),  # cropland
    13: (9, 0.1, 1.0),  # urban: its green part as grassland
    14: (10, 0.1, 1.0),  # cropland and natural vegetation mosaic
    16: (8, 0.01, 0.1),  # barren or sparsely vegetated: sparse shrubs
}

_CLASS = {
    "overstory": ("1", "1 where the class has trees above the snow"),
    "rarc": ("s m-1", "architectural resistance"),
    "rmin": ("s m-1", "minimum stomatal resistance"),
    "wind_h": ("m", "height of the wind"),
    "RGL": ("W m-2", "shortwave at which transpiration starts"),
    "rad_atten": ("1", "radiation attenuation"),
    "wind_atten": ("1", "wind attenuation"),
    "trunk_ratio": ("1", "trunk height over tree height"),
}
_MONTHLY = {
    "LAI": ("m2 m-2", "leaf area index of the library"),
    "albedo": ("1", "shortwave albedo"),
    "veg_rough": ("m", "roughness length"),
    "displacement": ("m", "displacement height"),
}
_ROOTS = {
    "root_depth": ("m", "thickness of root zones"),
    "root_fract": ("1", "root fraction of zones"),
}


def of_each_cell(domain: xr.Dataset, name: str) -> np.ndarray:
    """A constant of vegetation classes in every cell, (cell, veg_class, ...).

    Domains with a library of classes have it once for all cells; users' own parameters may have it
    for each cell.
    """
    table = domain[name].transpose("cell", "veg_class", ..., missing_dims="ignore").values
    if "cell" in domain[name].dims:
        return table
    return np.broadcast_to(table, (domain.sizes["cell"], *table.shape))


def read_library(path: Path = LIBRARY) -> xr.Dataset:
    """The class variables of VIC: dims veg_class (12, bare soil last), month, root_zone.

    ``LAI`` (veg_class, month) is the library's, before a cell's cover enters.
    """
    table = pd.read_csv(path)
    columns = ["veg_class", "veg_name", *_CLASS]
    columns += [f"{name}_{zone}" for name in _ROOTS for zone in (1, 2, 3)]
    columns += [f"{name}_{month}" for name in _MONTHLY for month in _MONTHS]
    missing = [name for name in columns if name not in table]
    if missing or list(table.get("veg_class", [])) != list(range(1, BARE_SOIL + 2)):
        raise ValueError(
            f"{path} is no vegetation library of {BARE_SOIL + 1} classes in order"
            + (f": it lacks the columns {', '.join(missing)}" if missing else "")
        )
    if table[columns].isna().any(axis=None):
        raise ValueError(f"{path}: the vegetation library has empty fields")
    variables = {"veg_name": ("veg_class", table["veg_name"].to_numpy(dtype=str))}
    for name, (units, long_name) in (_CLASS | _MONTHLY | _ROOTS).items():
        if name in _CLASS:
            dims, values = ("veg_class",), table[name]
        elif name in _MONTHLY:
            dims, values = ("veg_class", "month"), table[[f"{name}_{m}" for m in _MONTHS]]
        else:
            dims, values = ("veg_class", "root_zone"), table[[f"{name}_{z}" for z in (1, 2, 3)]]
        attributes = {"units": units, "long_name": long_name}
        variables[name] = dims, values.to_numpy(dtype=np.float64), attributes
    return xr.Dataset(variables)


def green_fraction(ndvi):
    """Share of the ground covered by green vegetation, 0..1 (Gutman & Ignatov 1998)."""
    ndvi = np.asarray(ndvi, dtype=np.float64)
    return np.clip((ndvi - NDVI_BARE) / (NDVI_DENSE - NDVI_BARE), 0, 1)


def vegetation_statics(igbp, ndvi, path: Path = LIBRARY) -> xr.Dataset:
    """Everything VIC needs to know of the vegetation of each cell.

    Parameters
    ----------
    igbp : (cell,) IGBP land-cover class, a key of :data:`IGBP`
    ndvi : (cell,) mean NDVI, -1..1
    path : the vegetation library

    Returns
    -------
    xarray.Dataset
        The class variables of :func:`read_library`, with Cv, fcanopy (cell, veg_class) and LAI
        (cell, veg_class, month) of the cells in place of the library's LAI.

    Raises
    ------
    ValueError
        on a land cover VIC has no class for (water, wetland, ice), and on NDVI missing or beyond
        -1..1.
    """
    igbp, ndvi = np.asarray(igbp), np.asarray(ndvi, dtype=np.float64)
    if igbp.ndim != 1 or igbp.shape != ndvi.shape:
        raise ValueError(f"land cover {igbp.shape} and NDVI {ndvi.shape} must both be (cell,)")
    unknown = sorted({value.item() for value in igbp} - set(IGBP))
    if unknown:
        raise ValueError(
            f"land cover {unknown} has no vegetation class of VIC; known are the IGBP classes "
            f"{sorted(IGBP)}. Leave such cells out of the domain"
        )
    bad = ~(np.abs(ndvi) <= 1)
    if bad.any():
        raise ValueError(
            f"NDVI is missing or beyond -1..1 in {int(bad.sum())} cells; the first is cell "
            f"{int(np.flatnonzero(bad)[0])} with {ndvi[bad][0]:g}"
        )
    library = read_library(path)
    index, least, greatest = np.array([IGBP[int(value)] for value in igbp]).reshape(-1, 3).T
    index = index.astype(int)
    green = green_fraction(ndvi)
    cover = np.clip(green, least, greatest)
    trees = library["overstory"].values[index] == 1
    cells = np.arange(igbp.size)

    area = np.zeros((igbp.size, BARE_SOIL + 1))
    area[cells, index] = np.where(trees, cover, 1.0)
    area[cells, GRASSLAND] += np.where(trees, 1 - cover, 0.0)
    # every low class of the cell gets the cell's cover: under trees that of the open ground
    low_cover = np.where(trees, np.clip(green, *IGBP[10][1:]), cover)
    low = library["overstory"].values == 0
    fcanopy = np.where(low, low_cover[:, None], 1.0)
    fcanopy[:, BARE_SOIL] = 0.0
    lai = library["LAI"].values * fcanopy[..., None]

    out = library.drop_vars("LAI")
    tile = ("cell", "veg_class")
    out["Cv"] = tile, area, {"units": "1", "long_name": "tile area fraction, bare soil last"}
    out["fcanopy"] = tile, fcanopy, {"units": "1", "long_name": "canopy cover of the tile"}
    out["LAI"] = (
        (*tile, "month"),
        lai,
        {"units": "m2 m-2", "long_name": "leaf area index over the whole tile"},
    )
    return out
