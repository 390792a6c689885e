"""Splits of basins: folds, regions left out, shares, and donors near and alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parlearn.study.folds import basin_splits, most_alike
from parlearn.study.splits import TEST, TRAIN, UNUSED, VALIDATE, nearest

N = 60


def basins(n=N, seed=0):
    rng = np.random.default_rng(seed)
    lat, lon = rng.uniform(30, 48, n), rng.uniform(-120, -70, n)
    region = np.array([f"{int(k):02d}" for k in 1 + 5 * (lon + 120) // 51])
    return lat, lon, region, rng.normal(size=(n, 4)) * [1, 10, 100, 1e-3]


def split(samplings, n=N, seed=1):
    return basin_splits(*basins(n), samplings, seed)


@settings(deadline=None, max_examples=20)
@given(st.integers(30, 90), st.integers(2, 10), st.integers(0, 3))
def test_folds_part_the_basins_and_hold_out_each_once(n, of, seed):
    ds = split({f"f{k}": {"fold": k, "of": of} for k in range(1, of + 1)}, n, seed)
    held = (ds["role"] == TEST).values
    np.testing.assert_array_equal(held.sum(axis=0), 1)
    assert np.ptp(held.sum(axis=1)) <= 1
    assert not (ds["role"] == UNUSED).any()


def test_every_basin_can_be_trained_on():
    role = split({"all": {}})["role"].values[0]
    assert not (role == TEST).any()
    assert (role == VALIDATE).sum() == 6
    assert (role == TRAIN).sum() == N - 6


def test_without_validation_every_sampled_basin_trains():
    ds = split({"some": {"fold": 1, "of": 4}, "all": {"fold": 1, "of": 4, "validate": False}})
    some, whole = ds["role"].values
    np.testing.assert_array_equal(some == TEST, whole == TEST)
    assert (some == VALIDATE).any()
    np.testing.assert_array_equal(whole == TRAIN, some != TEST)
    # a single one may train where none validates
    one = basin_splits([40.0], [-90.0], ["01"], [[1.0]], {"all": {"validate": False}}, 1)
    assert one["role"].values.tolist() == [[TRAIN]]
    with pytest.raises(ValueError, match="needs two at least"):
        basin_splits([40.0], [-90.0], ["01"], [[1.0]], {"all": {}}, 1)


def test_shares_of_a_fold_are_nested_and_hold_out_the_same():
    shares = {f"s{k}": {"fold": 2, "of": 5, "share": s} for k, s in enumerate((1.0, 0.5, 0.125))}
    role = split(shares)["role"].values
    for dense, sparse in zip(role, role[1:]):
        np.testing.assert_array_equal(dense == TEST, sparse == TEST)
        sampled = sparse != UNUSED
        np.testing.assert_array_equal(dense[sampled], sparse[sampled])
    assert [(r != UNUSED).sum() - 12 for r in role] == [48, 24, 6]


def test_regions_are_left_out_by_name_and_by_place():
    _, lon, region, _ = basins()
    ds = split({"east": {"without": ["05"]}, "west": {"without": ["01", "02"]}})
    np.testing.assert_array_equal(ds["role"].values[0] == TEST, region == "05")
    np.testing.assert_array_equal(ds["role"].values[1] == TEST, np.isin(region, ["01", "02"]))
    ds = split({f"r{k}": {"region": k, "of": 4} for k in range(1, 5)})
    held = (ds["role"] == TEST).values
    np.testing.assert_array_equal(held.sum(axis=0), 1)
    # counted from the west
    assert (np.diff([np.median(lon[h]) for h in held]) > 0).all()


def test_donors_are_trained_basins_near_and_alike():
    lat, lon, _, attributes = basins()
    ds = split({"f": {"fold": 1, "of": 4}})
    role, near, alike = (ds[v].values[0] for v in ("role", "donor", "donor_alike"))
    trained = np.flatnonzero(role == TRAIN)
    np.testing.assert_array_equal(near, nearest(lat, lon, trained))
    assert {*alike} <= {*trained}
    np.testing.assert_array_equal(alike[trained], trained)
    # against every distance, one by one
    mean, spread = attributes[trained].mean(0), attributes[trained].std(0)
    z = (attributes - mean) / spread
    for k in np.flatnonzero(role == TEST):
        distance = np.linalg.norm(z[trained] - z[k], axis=1)
        assert alike[k] == trained[distance.argmin()]


def test_an_attribute_that_never_changes_does_not_count():
    attributes = np.array([[1.0, 5.0], [2.0, 5.0], [9.0, 5.0], [1.9, 700.0]])
    assert most_alike(attributes, [0, 1, 2])[3] == 1
    same = np.ones((3, 2))
    assert set(most_alike(same, [0, 2])) <= {0, 2}
    assert most_alike(same, [0, 2])[2] == 2
    with pytest.raises(ValueError, match="no trained basin"):
        most_alike(same, [])


@pytest.mark.parametrize(
    ("samplings", "n", "words"),
    [
        ({"f": {"fold": 1, "of": 31}}, 30, "sampling f: 30 basins cannot be parted into 31 folds"),
        ({"f": {"fold": 1, "of": 2}}, 3, "sampling f has 1 of 3 cells; it needs two at least"),
        ({"f": {"fold": 1, "of": 5, "share": 0.02}}, 40, "sampling f has 1 of 40 cells"),
        ({"r": {"without": ["77"]}}, 30, "there is no basin in the region 77; there are 01"),
        ({"r": {"without": ["01", "02", "03", "04", "05"]}}, 30, "sampling r has 0 of 30 cells"),
        ({"r": {"region": 1, "of": 31}}, 30, "cannot be parted into 31 regions"),
    ],
)
def test_too_few_basins(samplings, n, words):
    with pytest.raises(ValueError, match=words):
        split(samplings, n)
