import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from parlearn.study.splits import (
    TEST,
    TRAIN,
    UNUSED,
    VALIDATE,
    grid_splits,
    keep_used,
    nearest,
    on_sphere,
    random_splits,
    regions,
    scattered_splits,
)

SHARES = {"d16": 1 / 16, "d4": 1 / 4, "all": 1.0}
PATCHES = {"s16": 16, "s8": 8, "s4": 4}


def scattered(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(25, 50, n), rng.uniform(-124, -68, n)


def grid(rows, cols, north_first=False):
    row, col = (v.ravel() for v in np.indices((rows, cols)))
    lat = 30 + 0.125 * (rows - 1 - row if north_first else row)
    return lat, -100 + 0.125 * col, row, col


def haversine(lat1, lon1, lat2, lon2):
    p1, l1, p2, l2 = np.deg2rad([lat1, lon1, lat2, lon2])
    half = np.sin((p2 - p1) / 2) ** 2 + np.cos(p1) * np.cos(p2) * np.sin((l2 - l1) / 2) ** 2
    return 2 * np.arcsin(np.sqrt(half))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(-89, 89), st.floats(-180, 180)), min_size=2, max_size=30),
    st.randoms(use_true_random=False),
)
def test_nearest_is_the_nearest_by_great_circle(places, random):
    lat, lon = np.array(places).T
    among = sorted(random.sample(range(lat.size), random.randint(1, lat.size)))
    chosen = nearest(lat, lon, among)
    assert set(chosen) <= set(among)
    for k, donor in enumerate(chosen):
        best = min(haversine(lat[k], lon[k], lat[j], lon[j]) for j in among)
        assert haversine(lat[k], lon[k], lat[donor], lon[donor]) <= best + 1e-7


def test_nearest_crosses_the_date_line():
    assert nearest([0, 0, 0], [179.5, -179.5, 170], [1, 2])[0] == 1


def test_nobody_to_take_parameters_from():
    with pytest.raises(ValueError, match="no trained cell"):
        nearest([0.0], [0.0], [])


@settings(deadline=None)
@given(st.integers(60, 500), st.integers(0, 5))
def test_random_samplings_are_nested_and_the_held_out_fifth_is_fixed(n, seed):
    lat, lon = scattered(n)
    splits = random_splits(lat, lon, SHARES, seed)
    role = {str(name): splits.role.sel(sampling=name).values for name in splits.sampling.values}
    held = role["all"] == TEST
    assert held.sum() == round(0.2 * n)
    assert not (role["all"] == UNUSED).any()
    for name, share in SHARES.items():
        np.testing.assert_array_equal(role[name] == TEST, held)
        sampled = np.isin(role[name], (TRAIN, VALIDATE))
        assert sampled.sum() == round(share * (n - held.sum()))
        assert (role[name] == VALIDATE).sum() == np.ceil((sampled.sum() - 1) / 10)
        # whoever trains or validates keeps doing so in the denser sampling
        np.testing.assert_array_equal(role["all"][sampled], role[name][sampled])
    for name in SHARES:
        donor = splits.donor.sel(sampling=name).values
        assert (role[name][donor] == TRAIN).all()
        trained = np.flatnonzero(role[name] == TRAIN)
        np.testing.assert_array_equal(donor[trained], trained)


def test_splits_depend_on_the_seed_alone():
    lat, lon = scattered(100)
    one, same, other = (random_splits(lat, lon, SHARES, seed) for seed in (1, 1, 2))
    assert one.identical(same)
    assert not one.role.equals(other.role)


@pytest.mark.parametrize(
    ("shares", "test_share", "message"),
    [
        ({"all": 0.0}, 0.2, "must lie above 0"),
        ({"all": 1.5}, 0.2, "must lie above 0"),
        ({"all": 1.0}, 1.0, "share of test cells"),
        ({"d16": 1 / 16}, 0.2, "sampling d16 has 1 of 20 cells"),
    ],
)
def test_unusable_shares_are_refused(shares, test_share, message):
    lat, lon = scattered(20)
    with pytest.raises(ValueError, match=message):
        random_splits(lat, lon, shares, 0, test_share)


@pytest.mark.parametrize("north_first", [False, True])
@pytest.mark.parametrize("shape", [(32, 48), (40, 37)])
def test_one_cell_a_patch_and_its_neighbour_north_east(shape, north_first):
    lat, lon, row, col = grid(*shape, north_first)
    splits = grid_splits(lat, lon, row, col, PATCHES, seed=3)
    place = {(round(a / 0.125), round(o / 0.125)): k for k, (a, o) in enumerate(zip(lat, lon))}
    sampled_before = set()
    for name, size in PATCHES.items():
        role = splits.role.sel(sampling=name).values
        sampled = set(np.flatnonzero(np.isin(role, (TRAIN, VALIDATE))))
        assert len(sampled) == -(-shape[0] // size) * -(-shape[1] // size)
        assert sampled_before <= sampled
        sampled_before = sampled
        neighbours = {
            place.get((round(lat[k] / 0.125) + 3, round(lon[k] / 0.125) + 3)) for k in sampled
        }
        assert set(np.flatnonzero(role == TEST)) == neighbours - {None}
        assert (role == VALIDATE).sum() == np.ceil((len(sampled) - 1) / 10)
    # no cell trains in one sampling and tests in another
    roles = splits.role.values
    assert not ((roles == TEST).any(0) & np.isin(roles, (TRAIN, VALIDATE)).any(0)).any()
    dense = splits.role.sel(sampling="s4").values
    for name in ("s16", "s8"):
        role = splits.role.sel(sampling=name).values
        sampled = np.isin(role, (TRAIN, VALIDATE))
        np.testing.assert_array_equal(dense[sampled], role[sampled])


def test_a_patch_without_its_corner_is_left_out():
    lat, lon, row, col = grid(32, 32)
    keep = ~((row == 16) & (col == 16)) & ~((row == 3) & (col == 3))
    splits = grid_splits(lat[keep], lon[keep], row[keep], col[keep], {"s16": 16}, seed=0)
    role = splits.role.values[0]
    assert np.isin(role, (TRAIN, VALIDATE)).sum() == 3
    assert (role == TEST).sum() == 2


@pytest.mark.parametrize("patches", [{"a": 3}, {"a": 12, "b": 8}])
def test_patches_that_would_overlap_are_refused(patches):
    with pytest.raises(ValueError, match="must divide"):
        grid_splits(*grid(24, 24), patches, seed=0)


def test_a_grid_too_small_for_a_sampling_says_what_to_do():
    with pytest.raises(ValueError, match="sampling s16 has 1 of 144 cells"):
        grid_splits(*grid(12, 12), PATCHES, seed=0)


def test_keep_used_drops_cells_and_renumbers_donors():
    row, col = (v.ravel() for v in np.indices((16, 16)))
    lat, lon = 30 + row / 8, -100 + col / 8
    whole = grid_splits(lat, lon, row, col, {"s8": 8, "s4": 4}, seed=1).assign(
        lat=("cell", lat), lon=("cell", lon)
    )
    other = xr.Dataset({"x": ("cell", np.arange(256.0))})
    kept, thinned = keep_used(whole, other)
    used = (whole["role"].values != 0).any(axis=0)
    assert kept.sizes["cell"] == thinned.sizes["cell"] == used.sum()
    assert np.array_equal(thinned["x"].values, np.flatnonzero(used))
    for name in ("lat", "lon"):
        assert np.array_equal(
            kept[name].values[kept["donor"].values],
            whole[name].values[whole["donor"].values][:, used],
        )


def test_regions_are_compact_and_part_the_cells():
    """A cell's own centre is the nearest one; four tight clusters are found as they are."""
    lat, lon = scattered(200)
    found = regions(lat, lon, 5, seed=1)
    assert set(found) == set(range(5))
    points = on_sphere(lat, lon)
    centres = np.stack([points[found == k].mean(0) for k in range(5)])
    nearest_centre = np.linalg.norm(points[:, None] - centres, axis=-1).argmin(1)
    assert (nearest_centre == found).mean() > 0.98
    longitudes = [np.median(lon[found == k]) for k in range(5)]
    assert longitudes == sorted(longitudes)
    rng = np.random.default_rng(2)
    truth = np.repeat([2, 0, 3, 1], 10)
    lon4 = np.array([-80.0, -120.0, -75.0, -100.0]).repeat(10) + rng.uniform(-0.5, 0.5, 40)
    assert (regions(40 + rng.uniform(-0.5, 0.5, 40), lon4, 4, seed=0) == truth).all()


def test_regional_folds_leave_out_each_cell_once():
    lat, lon = scattered(200)
    folds = {f"region{k}": {"region": k, "of": 5} for k in range(1, 6)}
    ds = scattered_splits(lat, lon, {"all": 1.0, **folds}, seed=1)
    assert list(ds["sampling"].values) == ["all", *folds]
    tested = (ds["role"].sel(sampling=list(folds)).values == TEST).sum(0)
    assert (tested == 1).all()
    for name in folds:
        role = ds["role"].sel(sampling=name).values
        assert (role != UNUSED).all()
        assert (role[ds["donor"].sel(sampling=name).values] == TRAIN).all()
        assert 0.08 < (role == VALIDATE).sum() / (role != TEST).sum() < 0.12
    same = random_splits(lat, lon, {"all": 1.0}, 1)
    assert (ds["role"].sel(sampling=["all"]).values == same["role"].values).all()


def test_more_regions_than_cells():
    with pytest.raises(ValueError, match="3 cells cannot be parted into 5 regions"):
        regions([1, 2, 3], [1, 2, 3], 5, seed=0)
