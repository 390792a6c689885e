from concurrent.futures import ThreadPoolExecutor

import dask.array as da
import numpy as np
import pyproj
import pytest
import xarray as xr

from parlearn.geometry import regrid as module
from parlearn.geometry.grids import (
    EASE_CORNER,
    EASE_SIZES,
    MODIS_CORNER,
    MODIS_RADIUS,
    MODIS_TILE,
    WGS84_A,
    EaseGrid,
    GridError,
    LatLonGrid,
    SinusoidalGrid,
)
from parlearn.geometry.regrid import Regridder, combine, regrid, regrid_in_turn, weights

# Four tiles of MOD16 meet at 40 N, 104.4 W: windows of 1 degree from that corner. The other grids
# have windows of about the same region, so that every target holds edges of every source.
PIXEL = MODIS_TILE / 2400
TILES = [
    SinusoidalGrid.tile(h, v).cut(
        slice(2160, 2400) if v == 4 else slice(0, 240),
        slice(2160, 2400) if h == 9 else slice(0, 240),
    )
    for v in (4, 5)
    for h in (9, 10)
]
SOURCES = {
    "sinusoidal 463 m": TILES,
    "EASE 9 km": [EaseGrid("9km", 280, 796, 24, 30)],
    "EASE 36 km": [EaseGrid("36km", 70, 199, 6, 8)],
    "0.1": [LatLonGrid(39.05, -105.95, 0.1, 0.1, 20, 28)],
    "0.125": [LatLonGrid(40.9375, 254.0625, -0.125, 0.125, 16, 23)],
    "0.25": [LatLonGrid(39.125, -105.875, 0.25, 0.25, 8, 11)],
}
TARGETS = {
    "0.125": LatLonGrid(38.8125, -106.1875, 0.125, 0.125, 20, 28),
    "0.25": LatLonGrid(41.125, -106.125, -0.25, 0.25, 10, 14),
    "odd": LatLonGrid(38.83, -106.11, 0.17, 0.23, 14, 15),
}
EASE = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:6933", always_xy=True)
SINUSOIDAL = pyproj.Proj(f"+proj=sinu +R={MODIS_RADIUS}")

every_pair = pytest.mark.parametrize(
    ("parts", "target"),
    [pytest.param(s, t, id=f"{a} to {b}") for a, s in SOURCES.items() for b, t in TARGETS.items()],
)


def place(grid, lon, lat):
    """Row, column of points in a grid by the projections of pyproj, NaN outside."""
    if isinstance(grid, EaseGrid):
        x, y = EASE.transform(lon, lat)
        size = EASE_SIZES[grid.name][0]
        row, col = (
            (EASE_CORNER[1] - y) / size - grid.row0,
            (x - EASE_CORNER[0]) / size - grid.col0,
        )
    elif isinstance(grid, SinusoidalGrid):
        x, y = SINUSOIDAL(lon, lat)
        row, col = (grid.y0 - y) / grid.size, (x - grid.x0) / grid.size
    else:
        row = (lat - grid.lat0) / grid.dlat + 0.5
        col = (lon - grid.lon0) % 360 / grid.dlon + 0.5
        col = np.where(col >= grid.cols, col - 360 / grid.dlon, col)
    row, col = np.floor(row), np.floor(col)
    outside = (row < 0) | (row >= grid.rows) | (col < 0) | (col >= grid.cols)
    return np.where(outside, np.nan, row), np.where(outside, np.nan, col)


def centres(grid):
    """lon, lat (row, col) of cells, by pyproj."""
    row, col = np.meshgrid(np.arange(grid.rows), np.arange(grid.cols), indexing="ij")
    if isinstance(grid, EaseGrid):
        size = EASE_SIZES[grid.name][0]
        x = EASE_CORNER[0] + size * (grid.col0 + col + 0.5)
        return EASE.transform(
            x, EASE_CORNER[1] - size * (grid.row0 + row + 0.5), direction="INVERSE"
        )
    if isinstance(grid, SinusoidalGrid):
        x, y = grid.x0 + grid.size * (col + 0.5), grid.y0 - grid.size * (row + 0.5)
        return SINUSOIDAL(x, y, inverse=True)
    return grid.lon[col], grid.lat[row]


def sample(target, n):
    """Points (lat, n, lon, n) evenly spread over each target cell, and their weights."""
    at = (np.arange(n) + 0.5) / n - 0.5
    lat = target.lat[:, None] + target.dlat * at
    lon = target.lon[:, None] + target.dlon * at
    lat, lon = lat[:, :, None, None], lon[None, None]
    lat, lon = np.broadcast_arrays(lat, lon)
    return lon, lat, np.cos(np.deg2rad(lat))


@every_pair
def test_a_constant_stays_constant(parts, target):
    generator = np.random.default_rng(1)
    fields = [np.full(grid.shape, 287.3, np.float32) for grid in parts]
    whole = combine([Regridder(g, target, 0.01) for g in parts], fields)
    for field in fields:
        field[generator.random(field.shape) < 0.3] = np.nan
    holes = combine([Regridder(g, target, 0.01) for g in parts], fields)
    assert whole.dtype == np.float32
    for result in (whole, holes):
        assert np.isfinite(result).sum() > 50
        assert np.isnan(result).any()  # the targets reach beyond the sources
        np.testing.assert_allclose(result[np.isfinite(result)], np.float32(287.3), rtol=1e-6)


@every_pair
def test_agrees_with_dense_points_in_the_cells_of_the_source(parts, target):
    """Smooth waves of 6 degrees; points find their source cell through pyproj."""

    def wave(lon, lat):
        return np.sin(np.deg2rad(60 * (lat - 39))) * np.cos(np.deg2rad(60 * (lon % 360 + 106)))

    fields = [wave(*centres(grid)).astype(np.float32) for grid in parts]
    values, share = combine([Regridder(g, target, 0.02) for g in parts], fields, share=True)
    lon, lat, weight = sample(target, 50)
    total, area = np.zeros(lon.shape), np.zeros(lon.shape)
    for grid, field in zip(parts, fields):
        row, col = place(grid, lon, lat)
        inside = np.isfinite(row) & np.isfinite(col)
        total[inside] += field[row[inside].astype(int), col[inside].astype(int)] * weight[inside]
        area[inside] += weight[inside]
    total, area, whole = (v.sum(axis=(1, 3)) for v in (total, area, weight))
    # a boundary is placed to a fiftieth of a cell
    np.testing.assert_allclose(share, area / whole, atol=0.02)
    there = np.isfinite(values) & (area / whole > 0.05)
    assert there.sum() > 50
    assert (share < 0.95).any()  # the domain has an edge
    error = np.abs(values - total / np.where(area > 0, area, 1))
    assert error[there & (share > 0.5)].max() < 0.002 * 2
    # nearly empty cells hold few points
    assert error[there].max() < 0.01 * 2


@every_pair
def test_a_smooth_field_agrees_with_itself(parts, target):
    """To 0.2 % of its range over the globe, which has room for the half width of a 36 km cell."""

    def field(lon, lat):
        lon, lat = np.deg2rad(lon), np.deg2rad(lat)
        return np.cos(lat) * np.cos(lon) + 0.3 * np.sin(lat)

    values, share = combine(
        [Regridder(g, target, 0.5) for g in parts],
        [field(*centres(g)).astype(np.float32) for g in parts],
        share=True,
    )
    lon, lat, weight = sample(target, 20)
    dense = (field(lon, lat) * weight).sum(axis=(1, 3)) / weight.sum(axis=(1, 3))
    globe = 2 * np.hypot(1, 0.3)
    assert np.abs(values - dense)[share > 0.999].max() < 0.002 * globe


def test_seams_between_tiles_leave_no_trace():
    """Four windows that meet give what one window over their corner gives."""
    target = TARGETS["0.125"]
    x0 = MODIS_CORNER[0] + 10 * MODIS_TILE - 240 * PIXEL
    y0 = MODIS_CORNER[1] - 5 * MODIS_TILE + 240 * PIXEL
    one = SinusoidalGrid(x0, y0, PIXEL, 480, 480)
    field = np.random.default_rng(3).normal(5, 2, one.shape).astype(np.float32)
    quarters = [
        field[r, c] for r in (slice(240), slice(240, None)) for c in (slice(240), slice(240, None))
    ]
    whole, share = Regridder(one, target).apply(field, share=True)
    joined, joined_share = combine([Regridder(g, target) for g in TILES], quarters, share=True)
    assert (share > 0.999).sum() > 80
    np.testing.assert_allclose(joined_share, share, atol=1e-6)
    np.testing.assert_allclose(joined, whole, rtol=1e-6)
    assert np.isfinite(joined)[(share > 0.999)].all()


@pytest.mark.parametrize(
    ("source", "area"),
    [
        (EaseGrid("36km"), "equal"),
        (LatLonGrid(89.875, 0.125, -0.25, 0.25, 720, 1440), "sphere"),
    ],
    ids=["EASE 36 km", "0.25 from 0 to 360"],
)
@pytest.mark.parametrize(
    "target",
    [
        LatLonGrid(-89.875, -179.875, 0.25, 0.25, 720, 1440),
        LatLonGrid(89.4, -179.4, -1.2, 1.2, 150, 300),
    ],
    ids=["0.25", "odd"],
)
def test_the_integral_over_the_globe_is_conserved(source, area, target):
    field = np.random.default_rng(2).gamma(2, 3, source.shape).astype(np.float32)
    if area == "equal":  # cells in m2 over the square of the authalic radius of WGS84
        radius = WGS84_A * 0.998882  # 6371007.2 / 6378137
        sizes = np.full(source.shape, (EASE_SIZES["36km"][0] / radius) ** 2)
        field[:2] = field[-2:] = 0  # the target's outermost rows reach beyond: nothing to lose
    else:
        edges = np.deg2rad(np.linspace(90, -90, 721))
        sizes = np.broadcast_to(-np.diff(np.sin(edges))[:, None] * np.deg2rad(0.25), source.shape)
    regridder = Regridder(source, target, 1e-4)
    values, share = regridder.apply(field, share=True)
    filled = np.nan_to_num(values.astype(np.float64))
    result = (filled * share * regridder.cell_areas).sum()
    assert result == pytest.approx((field * sizes).sum(), rel=1e-6)


def test_missing_by_valid_area_by_hand():
    """Four cells of one target, all but equal in area at the equator."""
    source = LatLonGrid(-0.25, 10.25, 0.5, 0.5, 2, 4)
    target = LatLonGrid(0.0, 10.5, 1.0, 1.0, 1, 3)  # the third lies beside the source
    nan = np.nan
    field = np.array([[1, nan, nan, nan], [2, nan, 4, nan]], np.float32)
    half, share = Regridder(source, target, 0.5).apply(field, share=True)
    np.testing.assert_allclose(half, [[1.5, nan, nan]])
    np.testing.assert_allclose(share, [[0.5, 0.25, 0]], rtol=1e-6)
    np.testing.assert_allclose(Regridder(source, target, 0.25).apply(field), [[1.5, 4, nan]])
    np.testing.assert_allclose(Regridder(source, target, 0.51).apply(field), [[nan, nan, nan]])
    everything = np.arange(8, dtype=np.float32).reshape(2, 4)
    np.testing.assert_allclose(Regridder(source, target, 1.0).apply(everything), [[2.5, 4.5, nan]])


def test_gaps_of_one_field_do_not_reach_the_next():
    source = LatLonGrid(0.5, 0.5, 1, 1, 4, 6)
    regridder = Regridder(source, LatLonGrid(1, 1, 2, 2, 2, 3), 0.6)
    fields = np.random.default_rng(0).random((3, 2, 4, 6)).astype(np.float32)
    fields[1, 0, :2, :2] = np.nan
    fields[2, 1, 2:, 2:4] = np.nan
    together = regridder.apply(fields)
    assert together.shape == (3, 2, 2, 3)
    for k in np.ndindex(3, 2):
        np.testing.assert_array_equal(together[k], regridder.apply(fields[k]))
    assert np.isnan(together).sum() == 2


def test_dask_arrays_stay_lazy_and_give_the_same():
    regridder = Regridder(*(SOURCES["EASE 9 km"]), TARGETS["odd"])
    fields = np.random.default_rng(0).random((5, *regridder.source.shape)).astype(np.float32)
    loaded = []

    def load(block):
        loaded.append(block.shape)
        return block

    lazy = da.from_array(fields, chunks=(2, 10, 15)).map_blocks(load, meta=fields[:0])
    values, share = regridder.apply(lazy, share=True)
    assert isinstance(values, da.Array)
    assert values.dtype == np.float32
    assert values.chunks[0] == (2, 2, 1)
    assert not loaded
    expected, expected_share = regridder.apply(fields, share=True)
    np.testing.assert_array_equal(values.compute(), expected)
    np.testing.assert_array_equal(share.compute(), expected_share)


def test_lazy_work_comes_in_small_pieces(monkeypatch):
    source, target = SOURCES["EASE 36 km"][0], TARGETS["0.125"]
    regridder = Regridder(source, target)
    fields = np.random.default_rng(0).random((7, 2, *source.shape)).astype(np.float32)
    monkeypatch.setattr(module, "BLOCK_BYTES", 2 * 2 * 16 * 20 * 28)  # sums of two times at once
    lazy = regridder.apply(da.from_array(fields, chunks=(5, 2, 3, 4)))
    assert lazy.chunks == ((2, 2, 1, 2), (2,), (20,), (28,))
    np.testing.assert_array_equal(lazy.compute(), regridder.apply(fields))
    one = regridder.apply(da.from_array(fields[0, 0], chunks=(3, 4)))
    np.testing.assert_array_equal(one.compute(), regridder.apply(fields[0, 0]))


def test_a_data_set_of_tiles_with_different_dates():
    target = LatLonGrid(39.99, -104.44, 0.1, 0.1, 2, 2)
    days = np.array(["2016-12-18", "2016-12-26"], "datetime64[ns]")
    parts = []
    for k, grid in enumerate(TILES):
        here = days[:1] if k == 3 else days
        rates = da.full((len(here), *grid.shape), 1.5, chunks=(1, -1, -1), dtype=np.float32)
        et = xr.Variable(("time", "y", "x"), rates, {"units": "mm day-1"})
        ds = xr.Dataset({"evapotranspiration": et}, coords={"time": here})
        parts.append((ds.assign_coords(days=("time", [8, 6][: len(here)])), grid))
    result = regrid(parts, target, minimum_share=0.999, share=True)
    et = result["evapotranspiration"]
    assert et.dims == ("time", "lat", "lon")
    assert et.attrs["units"] == "mm day-1"
    assert isinstance(et.data, da.Array)
    np.testing.assert_array_equal(result["time"], days)
    np.testing.assert_array_equal(result["days"], [8, 6])
    np.testing.assert_allclose(et[0], 1.5)
    np.testing.assert_allclose(result["evapotranspiration_share"][0], 1)
    # the last tile lacks the second date: the cells it touches are missing, north-west is not
    assert np.isnan(et[1].sel(lat=39.99, lon=-104.34, method="nearest"))
    np.testing.assert_allclose(result["lat"], target.lat)
    with pytest.raises(GridError, match="lies outside"):
        regrid(parts[:1], LatLonGrid(0, 0, 1, 1, 2, 2))


def test_a_data_set_without_dates_and_with_steps():
    source, target = LatLonGrid(0.5, 0.5, 1, 1, 2, 4), LatLonGrid(1.0, 1.0, 2, 2, 1, 2)
    elevation = np.array([[1, 3, 10, 10], [1, 3, 10, 10]], np.float32)
    static = xr.Dataset({"elevation": (("y", "x"), elevation)}, coords={"x": [0, 1, 2, 3]})
    np.testing.assert_allclose(regrid([(static, source)], target)["elevation"], [[2, 10]])
    steps = np.broadcast_to(elevation, (3, 8, 2, 4)) * np.arange(8)[:, None, None]
    ds = xr.Dataset({"tair_3h": (("time", "step", "y", "x"), steps)}, {"time": [1, 2, 3]})
    result = regrid([(ds, source)], target)["tair_3h"]
    assert result.dims == ("time", "step", "lat", "lon")
    np.testing.assert_allclose(result[1, :, 0, 0], 2 * np.arange(8))


def test_weights_are_kept_and_mended(tmp_path, monkeypatch):
    source, target = SOURCES["0.25"][0], TARGETS["odd"]
    made = []

    def counted(*grids):
        made.append(grids)
        return overlap(*grids)

    overlap = module.overlap
    monkeypatch.setattr(module, "overlap", counted)
    first = weights(source, target, tmp_path / "weights")
    again = weights(source, target, tmp_path / "weights")
    assert len(made) == 1
    assert (first != again).nnz == 0
    (path,) = (tmp_path / "weights").iterdir()
    # another pair, another file
    weights(source, TARGETS["0.25"], tmp_path / "weights")
    assert len(list((tmp_path / "weights").iterdir())) == 2
    whole = path.read_bytes()
    turned = bytearray(whole)
    turned[len(whole) // 2] ^= 0xFF
    for damage in (whole[: len(whole) // 2], b"", bytes(turned), b"<html>login</html>"):
        path.write_bytes(damage)
        with pytest.warns(UserWarning, match="made anew"):
            mended = weights(source, target, tmp_path / "weights")
        assert (first != mended).nnz == 0
        assert (weights(source, target, tmp_path / "weights") != first).nnz == 0
    assert len(made) == 6
    # weights of other grids under this name
    other = next(p for p in (tmp_path / "weights").iterdir() if p != path)
    path.write_bytes(other.read_bytes())
    with pytest.warns(UserWarning, match="it is another's"):
        mended = weights(source, target, tmp_path / "weights")
    assert (first != mended).nnz == 0


def test_kept_weights_that_somebody_scaled_are_not_used(tmp_path):
    source, target = SOURCES["0.25"][0], TARGETS["odd"]
    first = weights(source, target, tmp_path)
    (path,) = tmp_path.iterdir()
    with np.load(path) as stored:
        parts = dict(stored)
    parts["data"] = parts["data"] * 1.5
    np.savez_compressed(path, **parts)
    with pytest.warns(UserWarning, match=f"{path.name} is not used and made anew"):
        again = weights(source, target, tmp_path)
    assert (first != again).nnz == 0
    # the seal of before does not hold for other numbers
    seal = path.read_bytes()[:-1].rpartition(b"\n")[2]
    np.savez_compressed(path, **parts)
    path.write_bytes(path.read_bytes() + b"\n" + seal + b"\n")
    with pytest.warns(UserWarning, match="was changed"):
        again = weights(source, target, tmp_path)
    assert (first != again).nnz == 0


def test_jobs_may_make_the_same_weights_at_once(tmp_path):
    source, target = SOURCES["EASE 9 km"][0], TARGETS["odd"]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: weights(source, target, tmp_path), range(8)))
    assert all((areas != made[0]).nnz == 0 for areas in made)
    assert len(list(tmp_path.iterdir())) == 1


def test_misuse_is_refused():
    source, target = SOURCES["0.25"][0], TARGETS["odd"]
    for share in (0, -0.1, 1.2):
        with pytest.raises(ValueError, match="minimum_share"):
            Regridder(source, target, share)
    with pytest.raises(GridError, match="do not end in"):
        Regridder(source, target).apply(np.zeros((11, 8)))
    with pytest.raises(GridError, match="differ"):
        combine(
            [Regridder(source, target), Regridder(source, TARGETS["0.25"])],
            [np.zeros(source.shape)] * 2,
        )


def test_sources_in_turn_give_what_they_give_together(tmp_path):
    rng = np.random.default_rng(3)
    times = np.array(["2015-12-27", "2016-01-01"], dtype="datetime64[ns]")
    parts = []
    for grid in TILES:
        values = rng.random((2, *grid.shape), dtype=np.float32)
        values[rng.random(values.shape) < 0.4] = np.nan
        ds = xr.Dataset(
            {"et": (("time", "y", "x"), da.from_array(values, chunks=(1, -1, -1)), {"units": "1"})},
            coords={"time": times, "days": ("time", [5, 8])},
        )
        parts.append((ds, grid))
    together = regrid(parts, TARGETS["0.125"], 0.5, tmp_path).compute()
    in_turn = regrid_in_turn(iter(parts), TARGETS["0.125"], 0.5, tmp_path)
    assert in_turn["et"].notnull().any()
    assert in_turn["et"].isnull().any()
    xr.testing.assert_allclose(in_turn, together, rtol=1e-6)
    assert in_turn["et"].attrs == {"units": "1"}
    assert in_turn["days"].values.tolist() == [5, 8]
    other = parts[1][0].assign_coords(time=times[::-1])
    with pytest.raises(GridError, match="differ in kind of grid or in times"):
        regrid_in_turn([parts[0], (other, TILES[1])], TARGETS["0.125"])
