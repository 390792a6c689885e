"""What is seen of the truth: swaths, snow, frost, cloud, and errors of the size asked for."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from parlearn.land.radiation import clear_sky_radiation
from parlearn.sources.twin import TwinConfig
from parlearn.sources.twin.observe import observe, overpasses

CONFIG = TwinConfig(rows=16, cols=16, years=2, seed=5)


def world(config=CONFIG, moisture=0.25, tair=15.0, swe=0.0, clearness=0.9):
    """A region in which nothing changes: domain, forcing, truth."""
    cells, time = config.rows * config.cols, config.time
    rng = np.random.default_rng(0)
    row, col = (v.ravel() for v in np.indices(config.shape))
    domain = xr.Dataset(
        {
            "lat": ("cell", 38 + 0.125 * row),
            "lon": ("cell", -99 + 0.125 * col),
            "elev": ("cell", np.full(cells, 500.0)),
            "row": ("cell", row),
            "col": ("cell", col),
        }
    )
    series = (cells, len(time))
    sun = clear_sky_radiation(domain["lat"].values, domain["elev"].values, time.day_of_year)
    forcing = xr.Dataset(
        {
            "tair_3h": (("cell", "time", "step"), np.full((*series, 8), tair, np.float32)),
            "swdown": (("cell", "time"), (clearness * sun).astype(np.float32)),
        },
        coords={"time": time},
    )
    walk = moisture + 0.05 * rng.standard_normal(series, dtype=np.float32)
    truth = xr.Dataset(
        {
            "soil_moisture": (("cell", "time"), walk.astype(np.float32)),
            "evapotranspiration": (("cell", "time"), np.full(series, 2.0, np.float32)),
            "swe": (("cell", "time"), np.full(series, swe, np.float32)),
        },
        coords={"time": time},
    )
    return domain, forcing, truth


def seen(config=CONFIG, **settings):
    domain, forcing, truth = world(config, **settings)
    return truth, observe(config, domain, forcing, truth, config.generators())


def test_swath_revisits_after_one_to_three_days_in_an_eight_day_cycle():
    rng = np.random.default_rng(1)
    lat, lon = rng.uniform(25, 50, 300), rng.uniform(-125, -67, 300)
    covered = overpasses(lat, lon, np.arange(160))
    gaps = np.concatenate([np.diff(np.flatnonzero(c)) for c in covered])
    share = np.bincount(gaps, minlength=4) / gaps.size
    assert gaps.max() == 3
    # SMAP over the United States, summer 2015: 26, 50 and 23 % of the gaps are 1, 2 and 3 days
    assert share[1:] == pytest.approx([0.26, 0.50, 0.24], abs=0.08)
    assert (covered[:, 8:] == covered[:, :-8]).all()
    north, south = covered[lat > 45].mean(), covered[lat < 30].mean()
    assert south < 0.45 < 0.52 < north < 0.6


def test_neighbours_are_mostly_seen_on_the_same_days():
    covered = overpasses([40.0, 40.125, 40.0], [-98.0, -98.0, -90.0], np.arange(80))
    assert (covered[0] == covered[1]).mean() > 0.9
    assert (covered[0] == covered[2]).mean() < 0.9


def test_soil_moisture_is_the_mornings_with_line_and_noise():
    truth, got = seen()
    values = truth["soil_moisture"].values
    expected = 0.9 * 0.5 * (values[:, :-1] + values[:, 1:]) + 0.02
    error = got["soil_moisture"].values[:, 1:] - expected
    there = np.isfinite(error)
    assert np.nanmean(error) == pytest.approx(0, abs=1e-3)
    assert np.nanstd(error) == pytest.approx(0.03, rel=0.02)
    recorded = np.asarray(CONFIG.time >= pd.Timestamp(CONFIG.start))
    assert not there[:, ~recorded[1:]].any()  # the satellite was not up in the spin-up
    assert 0.42 < there[:, recorded[1:]].mean() < 0.52


def test_retrievals_stay_within_the_limits_of_the_product():
    for moisture, limit in ((0.01, 0.02), (0.55, 0.50)):
        got = seen(moisture=moisture)[1]["soil_moisture"].values
        assert np.nanmin(got) >= np.float32(0.02)
        assert np.nanmax(got) <= 0.50
        assert (got == np.float32(limit)).any()


def test_nothing_is_seen_under_snow_or_in_frost():
    assert not np.isfinite(seen(tair=-1.0)[1]["soil_moisture"]).any()
    assert not np.isfinite(seen(swe=5.0)[1]["soil_moisture"]).any()


def test_snow_at_either_end_of_the_night_hides_the_morning():
    domain, forcing, truth = world()
    truth["swe"][:, 500] = 5.0
    got = observe(CONFIG, domain, forcing, truth, CONFIG.generators())["soil_moisture"].values
    assert not np.isfinite(got[:, 500:502]).any()
    assert np.isfinite(got[:, [498, 499, 502, 503]]).any(axis=1).all()


def test_frost_is_that_of_six_in_the_morning():
    domain, forcing, truth = world()
    forcing["tair_3h"][..., 1:3] = -2.0
    got = observe(CONFIG, domain, forcing, truth, CONFIG.generators())
    assert not np.isfinite(got["soil_moisture"]).any()
    forcing["tair_3h"][...] = -2.0
    forcing["tair_3h"][..., 1:3] = 2.0
    got = observe(CONFIG, domain, forcing, truth, CONFIG.generators())
    assert np.isfinite(got["soil_moisture"]).any()


def test_evapotranspiration_is_unbiased_and_needs_a_clear_sky():
    got = seen()[1]["evapotranspiration"].values
    assert np.nanmean(got) == pytest.approx(2.0, rel=0.01)
    assert np.nanstd(got) / 2 == pytest.approx(0.25, rel=0.03)
    assert not np.isfinite(seen(clearness=0.5)[1]["evapotranspiration"]).any()


def test_without_errors_the_observation_is_the_truth():
    exact = TwinConfig(
        rows=16, cols=16, years=2, sm_noise=0.0, sm_slope=1.0, sm_offset=0.0, et_noise=0.0
    )
    truth, got = seen(exact)
    values = truth["soil_moisture"].values
    error = got["soil_moisture"].values[:, 1:] - 0.5 * (values[:, :-1] + values[:, 1:])
    assert np.nanmax(np.abs(error)) < 1e-6
    assert np.nanmax(np.abs(got["evapotranspiration"].values - 2)) < 1e-6
