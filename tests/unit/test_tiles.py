"""Two tiles of a catchment: shares, leaf area and cover, and that VIC takes them."""

import numpy as np
import pytest

from parlearn.land.tiles import forest_and_rest
from parlearn.land.vegetation import read_library

FOREST = np.array([0.9, 0.3, 0.0, 1.0])
COVER = np.array([4, 12, 10, 1])  # deciduous forest, cropland, grassland, evergreen forest
GREEN = np.array([0.85, 0.7, 0.3, 0.8])
MOST, LEAST = np.array([5.0, 3.0, 1.0, 2.5]), np.array([0.6, 0.4, 0.2, 2.0])


def tiles(**changed):
    given = {"forest": FOREST, "igbp": COVER, "green": GREEN, "lai_max": MOST, "lai_min": LEAST}
    return forest_and_rest(**(given | changed))


def test_forest_and_rest_have_their_shares_and_classes():
    ds = tiles()
    np.testing.assert_allclose(ds.Cv.sum("veg_class"), 1)
    trees = (ds.Cv * (ds.overstory == 1)).sum("veg_class")
    np.testing.assert_allclose(trees, FOREST)
    # the dominant cover names one tile, mixed forest (4) and grassland (9) the other
    assert [list(np.flatnonzero(row)) for row in ds.Cv.values] == [[3, 9], [4, 10], [9], [0]]


def test_leaf_area_runs_between_its_least_and_greatest():
    ds = tiles()
    for cell in range(4):
        for tile in np.flatnonzero(ds.Cv.values[cell]):
            lai = ds.LAI.values[cell, tile]
            assert lai.max() == pytest.approx(MOST[cell])
            assert lai.min() == pytest.approx(LEAST[cell])
    # as the library has the season of the class
    library = read_library().LAI.values
    assert ds.LAI.values[0, 3].argmax() == library[3].argmax()


def test_trees_cover_their_tile_and_the_rest_is_as_green_as_the_catchment():
    ds = tiles()
    np.testing.assert_allclose(ds.fcanopy.values[[0, 1, 3], [3, 4, 0]], 1)
    np.testing.assert_allclose(ds.fcanopy.values[[0, 1, 2], [9, 10, 9]], GREEN[:3])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"forest": FOREST + 0.2}, "forest share is missing or beyond 0..1 in 2 catchments"),
        ({"green": np.array([np.nan, 1, 1, 1])}, "green vegetation fraction is missing"),
        ({"lai_min": MOST + 1}, "leaf area"),
        ({"igbp": np.array([4, 17, 10, 1])}, r"land cover \[17\] has no vegetation class"),
    ],
)
def test_what_cannot_be_is_refused(changed, words):
    with pytest.raises(ValueError, match=words):
        tiles(**changed)
