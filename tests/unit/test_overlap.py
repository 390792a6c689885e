import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parlearn.geometry.grids import (
    MODIS_RADIUS,
    MODIS_TILE,
    EaseGrid,
    GridError,
    LatLonGrid,
    SinusoidalGrid,
)
from parlearn.geometry.overlap import authalic_sine, cell_areas, overlap

GLOBE = LatLonGrid(-85.0, -175.0, 10.0, 10.0, 18, 36)


def totals(areas, axis):
    return np.asarray(areas.sum(axis=axis)).ravel()


def test_authalic_latitude_is_that_of_the_ease_projection():
    transform = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:6933", always_xy=True)
    latitude = np.array([-89.0, -60.0, -12.3, 0.0, 0.001, 30.0, 45.0, 71.7, 85.0])
    _, y = transform.transform(np.zeros(9), latitude)
    _, pole = transform.transform(0.0, 90.0)
    np.testing.assert_allclose(authalic_sine(latitude), np.array(y) / pole, atol=1e-12)
    assert authalic_sine(90.0) == 1
    # at 45 degrees the sphere's latitude would be 0.128 degree off
    assert np.rad2deg(np.arcsin(authalic_sine(45.0))) == pytest.approx(45 - 0.1283, abs=1e-4)


def test_lat_lon_by_hand():
    source = LatLonGrid(5.0, 5.0, 10.0, 10.0, 1, 2)  # 0..10 N, 0..10 and 10..20 E
    target = LatLonGrid(10.0, 7.5, -10.0, 15.0, 2, 1)  # 5..15 and -5..5 N, 0..15 E
    sine = np.sin(np.deg2rad([0, 5, 10]))
    ten, five = np.deg2rad(10), np.deg2rad(5)
    by_hand = [
        [(sine[2] - sine[1]) * ten, (sine[2] - sine[1]) * five],
        [(sine[1] - sine[0]) * ten, (sine[1] - sine[0]) * five],
    ]
    np.testing.assert_allclose(overlap(source, target).toarray(), by_hand, rtol=1e-14)


def test_equal_grids_share_nothing_with_their_neighbours():
    grid = LatLonGrid(25.0625, -124.9375, 0.125, 0.125, 12, 16)
    same = LatLonGrid(25.0625, -124.9375000001, 0.12500000001, 0.125, 12, 16)
    areas = overlap(grid, same)
    assert areas.nnz == 12 * 16
    np.testing.assert_allclose(areas.diagonal(), cell_areas(grid, grid).ravel(), rtol=1e-6)


@pytest.mark.parametrize("kind", ["lat-lon", "ease", "sinusoidal"])
def test_longitudes_may_wrap(kind):
    """A region around the date line, written in three ways."""
    size = 2e5
    source = {
        "lat-lon": LatLonGrid(10.5, -179.5, 1.0, 1.0, 20, 360),
        "ease": EaseGrid("36km", 120, 0, 60, 964),
        "sinusoidal": SinusoidalGrid(-101 * size, 3e6, size, 10, 202),
    }[kind]
    targets = [LatLonGrid(12.5, west, 1.0, 1.5, 10, 8) for west in (174.0, -186.0)]
    shared = [overlap(source, target) for target in targets]
    assert abs(shared[0] - shared[1]).max() < 1e-9 * shared[0].max()
    np.testing.assert_allclose(
        totals(shared[0], 1), cell_areas(targets[0], source).ravel(), rtol=1e-7
    )
    assert shared[0].nnz > 0


def test_sources_from_0_to_360_and_from_180_west_agree():
    target = LatLonGrid(42.5, -120.0, 1.0, 4.0, 3, 50)
    east = overlap(LatLonGrid(45.0, 1.0, -2.0, 2.0, 4, 180), target).toarray()
    west = overlap(LatLonGrid(45.0, -179.0, -2.0, 2.0, 4, 180), target).toarray()
    moved = np.roll(east.reshape(-1, 4, 180), 90, axis=2)
    np.testing.assert_allclose(moved, west.reshape(-1, 4, 180), atol=1e-15)
    np.testing.assert_allclose(east.sum(axis=1), cell_areas(target, target).ravel(), rtol=1e-9)


def test_impossible_grids_are_refused():
    round_and_more = LatLonGrid(0.0, 0.0, 1.0, 1.0, 4, 362)
    with pytest.raises(GridError, match="more than 360"):
        overlap(round_and_more, GLOBE)
    with pytest.raises(GridError, match="more than 360"):
        overlap(EaseGrid("36km"), round_and_more)
    with pytest.raises(GridError, match="beyond a pole"):
        overlap(LatLonGrid(88.5, 0.0, 1.0, 1.0, 4, 4), GLOBE)


def test_rows_centred_on_the_poles_are_half_rows():
    source = LatLonGrid(90.0, 0.0, -30.0, 30.0, 7, 12)
    shared = overlap(source, GLOBE)
    assert shared.sum() == pytest.approx(4 * np.pi, rel=1e-12)
    np.testing.assert_allclose(totals(shared, 0), cell_areas(source, source).ravel(), rtol=1e-9)


@pytest.mark.parametrize(
    ("x", "y", "size"),
    [
        (-4e5, 2.5e5, 1e5),  # across Greenwich and the equator
        (-1.2e7, 4.6e6, 8e4),  # far west, where meridians lean most
        (9e6, -3.1e6, 9e4),
        (-3e5, 9.9e6, 7e4),  # near the pole, in part beyond the edge of the map
        (1.94e7, 4e5, 1e5),  # the east rim
    ],
)
def test_sinusoidal_against_points(x, y, size):
    """Points spread evenly in pixels, each with the area it stands for."""
    source = SinusoidalGrid(x, y, size, 6, 7)
    target = LatLonGrid(89.3 - 0.7 * 254, -178.35, 0.7, 3.3, 254, 109)
    if y > 9e6:
        target = LatLonGrid(89.55, -179.0, -0.9, 2.0, 199, 180)
    n = 150
    at = (np.arange(n) + 0.5) / n
    row, col = np.meshgrid(np.arange(6), np.arange(7), indexing="ij")
    px = (x + size * (col[..., None, None] + at)) * np.ones((n, 1))
    py = (y - size * (row[..., None, None] + at[:, None])) * np.ones(n)
    inverse = pyproj.Proj(f"+proj=sinu +R={MODIS_RADIUS}")
    latitude = np.rad2deg(py / MODIS_RADIUS)
    with np.errstate(invalid="ignore"):
        longitude = np.rad2deg(px / MODIS_RADIUS / np.cos(py / MODIS_RADIUS))
    on_map = (np.abs(longitude) <= 180) & (np.abs(latitude) <= 90)
    lon, lat = inverse(px[on_map][::997], py[on_map][::997], inverse=True)
    np.testing.assert_allclose(longitude[on_map][::997], lon, atol=1e-6)
    np.testing.assert_allclose(latitude[on_map][::997], lat, atol=1e-6)
    i = np.floor((latitude - target.lat_edges[0]) / target.dlat)
    j = np.floor((longitude - target.lon_edges[0]) / target.dlon)
    inside = on_map & (i >= 0) & (i < target.rows) & (j >= 0) & (j < target.cols)
    cell = (i * target.cols + j)[inside].astype(int)
    pixel = ((row * 7 + col)[..., None, None] * np.ones((n, n), int))[inside]
    sampled = np.zeros((target.rows * target.cols, 42))
    np.add.at(sampled, (cell, pixel), (size / MODIS_RADIUS / n) ** 2)
    shared = overlap(source, target).toarray()
    assert shared.sum() > 0
    # a line across a pixel misplaces at most about one in n points on average
    np.testing.assert_allclose(shared, sampled, atol=1.2 / n * (size / MODIS_RADIUS) ** 2)
    np.testing.assert_allclose(shared.sum(), sampled.sum(), rtol=2e-3)


def test_sinusoidal_by_hand():
    """Pixels of a quarter of the world's width: beyond the map's rim only their inside counts."""
    source = SinusoidalGrid(0.0, MODIS_RADIUS * np.pi / 2, MODIS_RADIUS * np.pi / 2, 1, 2)
    octant = LatLonGrid(45.0, 45.0, 90.0, 90.0, 1, 2)
    shared = overlap(source, octant).toarray()
    # between 0 and 90 east x = longitude cos(latitude) stays below pi / 2: all in the first pixel
    assert shared[0] == pytest.approx([np.pi / 2, 0], abs=1e-12)
    # the second octant is cut where pi cos(latitude) = pi / 2, at 60 degrees
    east = np.pi * np.sin(np.pi / 3) - np.pi / 2 * np.pi / 3
    assert shared[1] == pytest.approx([np.pi / 2 - east, east], abs=1e-12)


@pytest.mark.parametrize("step", [0.125, 0.23])
def test_pixels_of_a_whole_tile_keep_their_area(step):
    tile = SinusoidalGrid.tile(9, 4).cut(slice(900, 2400), slice(1200, 2400))
    target = LatLonGrid(25 + step / 2, -125 + step / 2, step, step, int(28 / step), int(58 / step))
    shared = overlap(tile, target)
    pixel = (MODIS_TILE / 2400 / MODIS_RADIUS) ** 2
    pixels = totals(shared, 0)
    assert (shared.data > 0).all()
    np.testing.assert_allclose(pixels, pixel, rtol=1e-7)  # all lie inside of the target
    shares = totals(shared, 1).reshape(target.shape) / cell_areas(target, tile)
    assert shares.max() < 1 + 1e-7
    # cells well inside the tile are wholly covered
    lat, lon = np.meshgrid(target.lat, target.lon, indexing="ij")
    x = np.deg2rad(lon) * np.cos(np.deg2rad(lat)) * MODIS_RADIUS
    y = np.deg2rad(lat) * MODIS_RADIUS
    margin = 1.5 * np.deg2rad(step) * MODIS_RADIUS
    inside = (x > tile.x_edges[0] + margin) & (x < tile.x_edges[-1] - margin)
    inside &= (y < tile.y_edges[0] - margin) & (y > tile.y_edges[-1] + margin)
    assert inside.sum() > 300
    np.testing.assert_allclose(shares[inside], 1, atol=1e-7)


steps = st.floats(0.3, 9)
lat_lon = st.builds(
    lambda lat, lon, dlat, dlon, up, rows, cols: LatLonGrid(
        lat, lon, dlat if up else -dlat, dlon, rows, cols
    ),
    st.floats(-45, 45),
    st.floats(-180, 360),
    steps,
    steps,
    st.booleans(),
    st.integers(1, 4),
    st.integers(1, 12),
)
ease = st.builds(
    lambda row, col, rows, cols: EaseGrid("36km", row, col, rows, cols),
    st.integers(0, 398),
    st.integers(0, 940),
    st.integers(1, 8),
    st.integers(1, 24),
)
sinusoidal = st.builds(
    SinusoidalGrid,
    st.floats(-1.9e7, 1.8e7),
    st.floats(-8e6, 9e6),
    st.floats(5e2, 3e5),
    st.integers(1, 8),
    st.integers(1, 8),
)


@settings(deadline=None, max_examples=60)
@given(st.one_of(lat_lon, ease, sinusoidal), lat_lon)
def test_areas_are_positive_and_never_exceed_a_cell(source, target):
    shared = overlap(source, target)
    assert (shared.data >= 0).all()
    whole = cell_areas(target, source).ravel()
    assert (totals(shared, 1) <= whole * (1 + 1e-7)).all()


@settings(deadline=None, max_examples=40)
@given(st.one_of(lat_lon, ease, sinusoidal), steps, st.floats(-180, 0))
def test_a_target_round_the_globe_takes_all(source, step, west):
    cols = int(np.ceil(360 / step))
    target = LatLonGrid(-90 + 180 / 70, west, 180 / 35, 360 / cols, 35, cols)
    taken = totals(overlap(source, target), 0).reshape(source.shape)
    if isinstance(source, LatLonGrid):
        np.testing.assert_allclose(taken, cell_areas(source, source), rtol=1e-6)
    elif isinstance(source, EaseGrid):
        assert taken.min() == pytest.approx(taken.max(), rel=1e-6)  # the grid has equal areas
    else:
        x, y = source.x_edges / MODIS_RADIUS, source.y_edges / MODIS_RADIUS
        on_map = np.abs(x)[None, :] <= np.pi * np.cos(y)[:, None]
        whole = on_map[1:, 1:] & on_map[1:, :-1] & on_map[:-1, 1:] & on_map[:-1, :-1]
        pixel = (source.size / MODIS_RADIUS) ** 2
        np.testing.assert_allclose(taken[whole], pixel, rtol=1e-6)
        assert taken.max() <= pixel * (1 + 1e-9)


@settings(deadline=None, max_examples=40)
@given(lat_lon)
def test_a_source_round_the_globe_covers_all(target):
    whole = cell_areas(target, GLOBE).ravel()
    np.testing.assert_allclose(totals(overlap(GLOBE, target), 1), whole, rtol=1e-6)
    size = 5e5
    globe = SinusoidalGrid(-41 * size, 21 * size, size, 42, 82)
    np.testing.assert_allclose(totals(overlap(globe, target), 1), whole, rtol=1e-6)
