"""Spatial scores against independent implementations, brute force and cases done by hand."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scores.spatial import fss_2d_binary
from skimage.metrics import structural_similarity

from parlearn.metrics.spatial import eof_similarity, fss, ssim

FULL = np.ones((17, 24), bool)


def fields(days=6, shape=(17, 24), seed=0):
    """Smooth reference maps, and simulated ones that resemble them."""
    rng = np.random.default_rng(seed)
    reference = gaussian_filter(rng.normal(size=(days, *shape)), (0, 2, 2)) * 4 + 3
    return reference + 0.3 * gaussian_filter(rng.normal(size=reference.shape), (0, 1, 1)), reference


def with_holes(shape=(17, 24), seed=1):
    mask = np.random.default_rng(seed).random(shape) > 0.3
    mask[4:9, 5:12] = False
    return mask


SCORES = {
    "eof": eof_similarity,
    "fss": lambda s, r, m: fss(s, r, m, percentile=80, neighbourhood=3),
    "ssim": ssim,
}


# -- independent implementations, whole maps


@pytest.mark.parametrize("neighbourhood", [1, 3, 7])
@pytest.mark.parametrize("percentile", [5, 80, 95])
def test_fss_is_that_of_scores(percentile, neighbourhood):
    simulated, reference = fields()
    ours = fss(simulated, reference, FULL, percentile, neighbourhood)
    for day, score in enumerate(ours):
        maps = [
            (x < np.percentile(x, percentile))
            if percentile < 50
            else (x > np.percentile(x, percentile))
            for x in (simulated[day], reference[day])
        ]
        theirs = fss_2d_binary(
            *(xr.DataArray(x, dims=("y", "x")) for x in maps),
            window_size=(neighbourhood, neighbourhood),
            spatial_dims=("y", "x"),
        )
        assert score == pytest.approx(float(theirs), abs=1e-6)


def test_ssim_is_that_of_scikit_image():
    simulated, reference = fields()
    data_range = reference.max() - reference.min()
    expected = [
        structural_similarity(
            x, y, data_range=data_range, gaussian_weights=True, use_sample_covariance=False
        )
        for x, y in zip(simulated, reference)
    ]
    np.testing.assert_allclose(ssim(simulated, reference, FULL), expected, atol=1e-6)


# -- brute force, maps with holes


def test_eof_similarity_sees_only_units():
    simulated, reference = fields()
    mask = with_holes()
    both = np.concatenate([simulated[:, mask], reference[:, mask]])
    both = both - both.mean(1, keepdims=True)
    values, vectors = np.linalg.eigh(both @ both.T)
    expected = np.abs(vectors[:6] - vectors[6:]) @ (values / values.sum())
    np.testing.assert_allclose(eof_similarity(simulated, reference, mask), expected, atol=1e-9)


def test_fss_with_holes_is_that_counted_cell_by_cell():
    simulated, reference = fields(days=2)
    mask = with_holes()
    rows, columns = mask.shape
    for percentile in (20, 90):
        shares = []
        for maps in (simulated, reference):
            of_days = []
            for day in maps:
                limit = np.percentile(day[mask], percentile)
                share = []
                for i, j in np.argwhere(mask):
                    if not (2 <= i < rows - 2 and 2 <= j < columns - 2):
                        continue
                    count, units = 0, 0
                    for k in range(i - 2, i + 3):
                        for m in range(j - 2, j + 3):
                            units += bool(mask[k, m])
                            beyond = day[k, m] < limit if percentile < 50 else day[k, m] > limit
                            count += bool(mask[k, m] and beyond)
                    share.append(count / units)
                of_days.append(share)
            shares.append(np.array(of_days))
        expected = 1 - ((shares[0] - shares[1]) ** 2).sum(1) / (
            (shares[0] ** 2).sum(1) + (shares[1] ** 2).sum(1)
        )
        np.testing.assert_allclose(fss(simulated, reference, mask, percentile, 5), expected)


def test_ssim_with_holes_is_that_of_each_window():
    simulated, reference = fields(days=2)
    mask = with_holes()
    offset = np.arange(-5, 6)
    gauss = np.exp(-(offset**2) / (2 * 1.5**2))
    gauss = np.outer(gauss, gauss)
    span = np.ptp(reference[:, mask])
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    expected = []
    for x, y in zip(simulated, reference):
        scores = []
        for i, j in np.argwhere(mask):
            if not (5 <= i < 17 - 5 and 5 <= j < 24 - 5):
                continue
            window = np.s_[i - 5 : i + 6, j - 5 : j + 6]
            weight = gauss * mask[window]
            weight = weight / weight.sum()
            mx, my = (weight * x[window]).sum(), (weight * y[window]).sum()
            vx = (weight * (x[window] - mx) ** 2).sum()
            vy = (weight * (y[window] - my) ** 2).sum()
            cov = (weight * (x[window] - mx) * (y[window] - my)).sum()
            score = (2 * mx * my + c1) * (2 * cov + c2)
            scores.append(score / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
        expected.append(np.mean(scores))
    np.testing.assert_allclose(ssim(simulated, reference, mask), expected, atol=1e-9)


# -- by hand


def test_eof_similarity_by_hand():
    # anomalies (1, -1) and (2, -2) share one mode, with loadings 1 / sqrt(5) and 2 / sqrt(5)
    score = eof_similarity([[[3.0, 1.0]]], [[[2.0, -2.0]]], [[True, True]])
    assert score == pytest.approx(1 / np.sqrt(5))


def test_fss_by_hand():
    # of nine cells the highest is the first in one map and the last in the other
    simulated, reference = np.zeros((2, 1, 3, 3))
    simulated[0, 0, 0] = reference[0, 2, 2] = 1.0
    mask = np.ones((3, 3), bool)
    assert fss(simulated, reference, mask, 90, 1) == pytest.approx(0.0)
    assert fss(simulated, reference, mask, 90, 3) == pytest.approx(1.0)
    # three squares: the event of one map lies in the first of them, that of the other in all
    simulated, reference = np.zeros((2, 1, 5, 3))
    simulated[0, 0, 1] = reference[0, 2, 1] = 1.0
    mask = np.ones((5, 3), bool)
    mask[4, 2] = False
    # the squares around rows 1, 2, 3 have 9, 9 and 8 units
    expected = 1 - ((1 / 9) ** 2 + (1 / 8) ** 2) / (2 * (1 / 9) ** 2 + (1 / 9) ** 2 + (1 / 8) ** 2)
    assert fss(simulated, reference, mask, 92, 3) == pytest.approx(expected)


def test_ssim_by_hand():
    # two constant maps: only their means differ
    x, y = np.full((1, 11, 11), 2.0), np.full((1, 11, 11), 3.0)
    c1 = 0.01**2
    expected = (2 * 2 * 3 + c1) / (4 + 9 + c1)
    assert ssim(x, y, np.ones((11, 11), bool)) == pytest.approx(expected)


# -- properties


@pytest.mark.parametrize("name", SCORES)
def test_what_lies_outside_the_mask_is_never_read(name):
    simulated, reference = fields()
    mask = with_holes()
    before = SCORES[name](simulated, reference, mask)
    simulated[:, ~mask], reference[:, ~mask] = np.nan, 1e6
    np.testing.assert_array_equal(SCORES[name](simulated, reference, mask), before)


@pytest.mark.parametrize("name", SCORES)
@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), offset=st.floats(-3, 3))
def test_equal_patterns_are_perfect(name, seed, offset):
    _, reference = fields(seed=seed)
    mask = with_holes(seed=seed)
    perfect = 0.0 if name == "eof" else 1.0
    np.testing.assert_allclose(SCORES[name](reference, reference, mask), perfect, atol=1e-9)
    if name != "ssim":  # blind to a bias
        score = SCORES[name](reference + offset, reference, mask)
        np.testing.assert_allclose(score, perfect, atol=1e-6)


@pytest.mark.parametrize("name", SCORES)
def test_a_day_with_a_gap_has_no_score_and_changes_no_other_day(name):
    simulated, reference = fields()
    without = SCORES[name](simulated[1:], reference[1:], FULL)
    gap = reference.copy()
    gap[0, 3, 3] = np.nan
    if name == "ssim":  # its data range must be that of the same days
        gap[0, :, :] = np.nan
    score = SCORES[name](simulated, gap, FULL)
    assert np.isnan(score[0])
    np.testing.assert_allclose(score[1:], without)


def test_constant_maps_have_scores():
    constant, (varied, _) = np.ones((6, 17, 24)), fields()
    assert (fss(constant, constant, FULL, 95, 3) == 1).all()
    assert (fss(constant, varied, FULL, 95, 3) == 0).all()
    assert (eof_similarity(constant, constant, FULL) == 0).all()
    assert np.isfinite(eof_similarity(constant, varied, FULL)).all()
    assert ssim(constant, constant, FULL) == pytest.approx(1.0)
    assert np.isfinite(ssim(constant, varied, FULL)).all()


def test_no_known_day_and_no_window_give_no_score():
    simulated, reference = fields()
    for score in SCORES.values():
        assert np.isnan(score(simulated, np.full_like(reference, np.nan), FULL)).all()
    narrow = simulated[:, :9], reference[:, :9], FULL[:9]
    assert np.isnan(ssim(*narrow)).all()
    assert np.isnan(fss(*narrow, 95, 11)).all()


@pytest.mark.parametrize("name", SCORES)
def test_bad_maps_are_refused(name):
    simulated, reference = fields()
    with pytest.raises(ValueError, match="do not belong together"):
        SCORES[name](simulated, reference, FULL.T)
    with pytest.raises(ValueError, match="no unit"):
        SCORES[name](simulated, reference, ~FULL)
    simulated[2, 0, 0] = np.nan
    with pytest.raises(ValueError, match="not finite on 1 of 6 days"):
        SCORES[name](simulated, reference, FULL)


def test_bad_settings_are_refused():
    simulated, reference = fields()
    with pytest.raises(ValueError, match="between 0 and 100"):
        fss(simulated, reference, FULL, 100, 3)
    with pytest.raises(ValueError, match="odd number"):
        fss(simulated, reference, FULL, 95, 4)
    with pytest.raises(ValueError, match="above 0"):
        ssim(simulated, reference, FULL, data_range=0)
