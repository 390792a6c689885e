import numpy as np
import pytest

from parlearn.land.elevation import elevation


def test_known_places():
    # Denver, New Orleans, Death Valley's surroundings, Lake Itasca: means over some 35 km
    heights = elevation([39.74, 29.95, 47.2], [-104.99, -90.07, -95.2])
    np.testing.assert_allclose(heights, [1650, 5, 450], atol=120)


def test_linear_between_grid_points(tmp_path):
    grid = tmp_path / "grid.csv"
    grid.write_text("lat\\lon,-100,-99\n41,300,400\n40,100,200\n")
    np.testing.assert_allclose(elevation([40, 41, 40.5], [-100, -99, -99.5], grid), [100, 400, 250])


def test_places_off_the_grid_are_refused():
    with pytest.raises(ValueError, match="2 places lie off the elevation grid"):
        elevation([40.0, 60.0, 40.0], [-100.0, -100.0, 10.0])
