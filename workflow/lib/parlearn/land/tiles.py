"""Two vegetation tiles of a catchment, forest and the rest, from its land cover and leaf area.

What is known of a catchment as a whole: the share under forest, the dominant IGBP land cover, the
greatest monthly leaf area index and its range over the year, the greatest green vegetation
fraction. The forest tile has the share of forest, the rest the remainder:

- *class*: the dominant cover where it is a forest, mixed forest for the forest of another
  catchment; the rest likewise has the dominant cover where that is none, else grassland;
- *leaf area*: both tiles have that of the catchment; it runs between its least and its greatest
  monthly value as the library's does for the class of the tile;
- *cover*: trees keep ``fcanopy`` = 1 (:mod:`parlearn.land.vegetation` says why), the rest has the
  greatest green vegetation fraction. Leaves come and go with the leaf area, not with the cover.
"""

from pathlib import Path

import numpy as np
import xarray as xr

from parlearn.land.vegetation import BARE_SOIL, GRASSLAND, LIBRARY, read_library

#: IGBP class -> index of the LDAS class of the forest tile where it dominates
FORESTS = {1: 0, 2: 1, 3: 2, 4: 3, 5: 4}
MIXED_FOREST = 4
#: IGBP class -> index of the LDAS class of the rest where it dominates
OPEN = {6: 7, 7: 8, 8: 6, 9: 6, 10: 9, 12: 10, 13: 9, 14: 10, 16: 8}
#: VIC needs some plants in a tile of plants
LEAST_COVER, LEAST_LAI = 0.01, 0.05


def forest_and_rest(forest, igbp, green, lai_max, lai_min, path: Path = LIBRARY) -> xr.Dataset:
    """Everything VIC needs to know of the vegetation of each catchment, in two tiles.

    Parameters
    ----------
    forest : (cell,) share under forest, 0..1
    igbp : (cell,) dominant land cover, a key of :data:`FORESTS` or :data:`OPEN`
    green : (cell,) greatest monthly green vegetation fraction, 0..1
    lai_max, lai_min : (cell,) greatest and least monthly leaf area index (m2 m-2)
    path : the vegetation library

    Returns
    -------
    xarray.Dataset
        As :func:`parlearn.land.vegetation.vegetation_statics`: the class variables, Cv and fcanopy
        (cell, veg_class), LAI (cell, veg_class, month).

    Raises
    ------
    ValueError
        A share beyond 0..1, a leaf area that is none, a land cover without a class.
    """
    forest, green, lai_max, lai_min = (
        np.asarray(v, dtype=np.float64) for v in (forest, green, lai_max, lai_min)
    )
    igbp = np.asarray(igbp)
    _check(forest, igbp, green, lai_max, lai_min)
    library = read_library(path)
    trees = np.array([FORESTS.get(int(value), MIXED_FOREST) for value in igbp])
    rest = np.array([OPEN.get(int(value), GRASSLAND) for value in igbp])

    cells = np.arange(igbp.size)
    area = np.zeros((igbp.size, BARE_SOIL + 1))
    area[cells, trees] = forest
    area[cells, rest] += 1 - forest
    low = library["overstory"].values == 0
    fcanopy = np.where(low, np.maximum(green, LEAST_COVER)[:, None], 1.0)
    fcanopy[:, BARE_SOIL] = 0.0
    leaves = library["LAI"].values
    span = leaves.max(1, keepdims=True) - leaves.min(1, keepdims=True)
    season = (leaves - leaves.min(1, keepdims=True)) / np.where(span > 0, span, 1)
    least = np.maximum(lai_min, LEAST_LAI)[:, None, None]
    lai = least + (np.maximum(lai_max, LEAST_LAI)[:, None, None] - least) * season
    lai[:, BARE_SOIL] = 0.0

    out = library.drop_vars("LAI")
    tile = ("cell", "veg_class")
    out["Cv"] = tile, area, {"units": "1", "long_name": "tile area fraction, bare soil last"}
    out["fcanopy"] = tile, fcanopy, {"units": "1", "long_name": "canopy cover of the tile"}
    about = {"units": "m2 m-2", "long_name": "leaf area index over the whole tile"}
    out["LAI"] = (*tile, "month"), lai, about
    return out


def _check(forest, igbp, green, lai_max, lai_min):
    for name, values in (("forest share", forest), ("green vegetation fraction", green)):
        bad = ~((values >= 0) & (values <= 1))
        if bad.any():
            raise ValueError(f"{name} is missing or beyond 0..1 in {int(bad.sum())} catchments")
    if not ((lai_min >= 0) & (lai_min <= lai_max) & (lai_max <= 12)).all():
        raise ValueError("leaf area: 0 <= lai_min <= lai_max <= 12 m2 m-2 does not hold everywhere")
    unknown = sorted({int(value) for value in igbp} - {*FORESTS, *OPEN})
    if unknown:
        raise ValueError(
            f"land cover {unknown} has no vegetation class of VIC; known are the IGBP classes "
            f"{sorted({*FORESTS, *OPEN})}. Leave such catchments out"
        )
