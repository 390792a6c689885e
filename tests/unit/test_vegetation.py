import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parlearn.land.vegetation import (
    BARE_SOIL,
    GRASSLAND,
    IGBP,
    LIBRARY,
    green_fraction,
    read_library,
    vegetation_statics,
)

cover = st.sampled_from(sorted(IGBP))


def test_green_fraction_is_linear_between_bare_and_dense():
    np.testing.assert_allclose(green_fraction([-0.1, 0.04, 0.28, 0.52, 0.9]), [0, 0, 0.5, 1, 1])


def test_library_has_eleven_classes_and_bare_soil():
    library = read_library()
    assert library.sizes == {"veg_class": 12, "month": 12, "root_zone": 3}
    assert library.veg_name.values[BARE_SOIL] == "Bare Soil"
    np.testing.assert_array_equal(library.overstory, [1] * 6 + [0] * 6)
    # corn: little leaf in winter, most in August
    assert library.LAI.values[10, 0] == 0.5
    assert library.LAI.values[10, 7] == 5.0
    np.testing.assert_allclose(library.root_fract.values[:BARE_SOIL].sum(axis=1), 1)


def test_dry_forest_has_trees_on_part_and_open_grass_on_the_rest():
    # NDVI 0.16 covers a quarter of the ground; a forest has 60 % trees by definition
    veg = vegetation_statics([1], [0.16]).isel(cell=0)
    np.testing.assert_allclose(veg.Cv.values[[0, GRASSLAND]], [0.6, 0.4])
    np.testing.assert_allclose(veg.fcanopy.values[[0, GRASSLAND]], [1.0, 0.25])
    np.testing.assert_allclose(veg.LAI.values[0], read_library().LAI.values[0])


def test_shrubland_stays_within_its_definition():
    veg = vegetation_statics([7, 7, 7], [0.04, 0.28, 0.6])
    np.testing.assert_allclose(veg.fcanopy.values[:, 8], [0.1, 0.5, 0.6])
    np.testing.assert_allclose(veg.Cv.values[:, 8], 1)


@settings(deadline=None)
@given(st.lists(st.tuples(cover, st.floats(-1, 1)), min_size=1, max_size=20))
def test_tiles_fill_every_cell_and_the_canopy_has_the_librarys_leaves(cells):
    igbp, ndvi = (np.array(v) for v in zip(*cells, strict=True))
    veg, library = vegetation_statics(igbp, ndvi), read_library()
    np.testing.assert_allclose(veg.Cv.sum("veg_class"), 1)
    assert (veg.Cv >= 0).all()
    low = library.overstory.values == 0
    low[BARE_SOIL] = False
    fcanopy = veg.fcanopy.values
    assert ((fcanopy[:, low] > 0) & (fcanopy[:, low] <= 1)).all()
    assert (fcanopy[:, ~low & (np.arange(12) < BARE_SOIL)] == 1).all()  # VIC's snow under trees
    assert (fcanopy[:, BARE_SOIL] == 0).all()
    canopy = veg.LAI.values[:, :BARE_SOIL] / fcanopy[:, :BARE_SOIL, None]
    np.testing.assert_allclose(canopy, np.broadcast_to(library.LAI[:BARE_SOIL], canopy.shape))


@settings(deadline=None)
@given(cover, st.floats(-1, 1), st.floats(-1, 1))
def test_more_green_never_means_less_cover(igbp, one, other):
    veg = vegetation_statics([igbp, igbp], sorted([one, other]))
    covered = (veg.Cv * veg.fcanopy).sum("veg_class").values
    assert covered[0] <= covered[1] + 1e-12


def test_water_and_wetland_are_refused():
    with pytest.raises(ValueError, match=r"land cover \[11, 17\] has no vegetation class"):
        vegetation_statics([10, 17, 11], [0.3, 0.3, 0.3])


@pytest.mark.parametrize("ndvi", [np.nan, -9999.0, 3.0])
def test_missing_ndvi_is_refused(ndvi):
    with pytest.raises(ValueError, match="first is cell 1"):
        vegetation_statics([10, 10], [0.3, ndvi])


def test_a_library_without_a_column_or_class_is_refused(tmp_path):
    text = LIBRARY.read_text()
    broken = tmp_path / "library.csv"
    broken.write_text(text.replace("LAI_aug", "LAI_august"))
    with pytest.raises(ValueError, match="lacks the columns LAI_aug"):
        read_library(broken)
    broken.write_text("\n".join(text.splitlines()[:-1]) + "\n")
    with pytest.raises(ValueError, match="12 classes"):
        read_library(broken)
    broken.write_text(text.replace(",3.4,", ",,", 1))
    with pytest.raises(ValueError, match="empty fields"):
        read_library(broken)
