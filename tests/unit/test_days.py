import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from parlearn.land import days as module
from parlearn.land.days import UNITS, daily_forcing, solar_shift, stamps


def weather(times, nx=1, ny=1, components=True, **given):
    """Every variable the readers give, constant but for those given as (time,) or (time, y, x)."""
    values = {
        "prec": 0.0,
        "tair": 283.15,
        "qair": 0.008,
        "pressure": 90000.0,
        "lwdown": 300.0,
        "swdown": 200.0,
    }
    values |= {"u": 3.0, "v": 4.0} if components else {"wind": 2.5}
    fields = {}
    for name, value in (values | given).items():
        value = np.asarray(value, dtype=np.float32)
        value = value[:, None, None] if value.ndim == 1 else value
        value = np.broadcast_to(value, (len(times), ny, nx)).copy()
        fields[name] = ("time", "y", "x"), value, {"units": UNITS[name]}
    return xr.Dataset(fields, coords={"time": pd.DatetimeIndex(times)})


def hourly(first, last, hours=1):
    return pd.date_range(first, last, freq=f"{hours}h")


def one_day(hours=1, **given):
    times = hourly("2015-07-01", "2015-07-02", hours)
    fields = weather(times, components=hours == 1, **given)
    ds, missing = daily_forcing(fields, [0.0], "2015-07-01", "2015-07-01", hours, "utc")
    assert missing.empty
    assert {v.dtype for v in ds.data_vars.values()} == {np.dtype("float32")}
    return ds.isel(time=0, y=0, x=0)


def test_an_hourly_day_by_hand():
    hour = np.arange(25)
    prec = np.where(hour == 0, 100, np.where(hour == 24, 7, 1.0))
    ds = one_day(prec=prec, tair=273.15 + hour)
    # the hour that ends at the day's first stamp is yesterday's, the one that ends at its last ours
    assert ds["prec"] == 23 + 7
    assert ds["tair"] == pytest.approx(12, abs=1e-4)
    np.testing.assert_allclose(ds["tair_3h"], np.arange(1.5, 24, 3), atol=1e-4)
    assert ds["pressure"] == pytest.approx(90)
    assert ds["vp"] == pytest.approx(0.008 * 90 / (0.622 + 0.378 * 0.008))
    assert ds["lwdown"] == pytest.approx(300)
    assert ds["wind"] == pytest.approx(5)
    units = {name: v.attrs["units"] for name, v in ds.data_vars.items()}
    assert units == {
        "prec": "mm day-1",
        "tair": "degC",
        "tair_3h": "degC",
        "swdown": "W m-2",
        "swdown_3h": "W m-2",
        "lwdown": "W m-2",
        "vp": "kPa",
        "pressure": "kPa",
        "wind": "m s-1",
    }


def test_states_are_joined_by_straight_lines():
    values = np.random.default_rng(0).uniform(0, 800, 25)
    ds = one_day(swdown=values)
    assert ds["swdown"] == pytest.approx(np.trapezoid(values, dx=1 / 24), rel=1e-6)
    for step in range(8):
        part = np.trapezoid(values[3 * step : 3 * step + 4], dx=1 / 3)
        assert ds["swdown_3h"][step] == pytest.approx(part, rel=1e-6)


def test_vapour_pressure_and_wind_before_the_average():
    hour = np.arange(25)
    turning = np.where(hour % 2, 3.0, -3.0)
    humid = np.where(hour < 13, 0.0, 0.02)
    ds = one_day(u=turning, v=0.0, qair=humid, pressure=np.where(hour < 13, 1e5, 5e4))
    assert ds["wind"] == pytest.approx(3)
    # 11.5 hours of 50 kPa moist air: half of hour 12 to 13, then 13 to 24
    assert ds["vp"] == pytest.approx(11.5 / 24 * 0.02 * 50 / (0.622 + 0.378 * 0.02), rel=1e-5)
    calm = one_day(u=0.0, v=0.0)
    assert calm["wind"] == 0.5  # the least VIC is given


def test_a_three_hourly_day_by_hand():
    """CMFD: radiation centred at the stamp, amounts of the 3 hours before it, the wind's speed."""
    sun = [20, 0, 100, 400, 600, 300, 50, 0, 10]
    ds = one_day(3, swdown=sun, prec=[50, 1, 2, 3, 4, 5, 6, 7, 8], tair=273.15 + np.arange(9))
    # 1.5 of 24 hours have 20, then seven times 3 hours, and 1.5 hours 10
    assert ds["swdown"] == pytest.approx((1.5 * 20 + 3 * 1450 + 1.5 * 10) / 24)
    np.testing.assert_allclose(ds["swdown_3h"], [10, 50, 250, 500, 450, 175, 25, 5])
    assert ds["prec"] == 36
    assert ds["tair"] == pytest.approx(4, abs=1e-4)
    np.testing.assert_allclose(ds["tair_3h"], np.arange(0.5, 8), atol=1e-4)
    assert ds["wind"] == 2.5


# degrees east, hours ahead of UTC to the nearest hour, and to the nearest 3 hours
CLOCKS = [
    (-120.0, -8, -9),
    (-97.4375, -6, -6),
    (-0.1, 0, 0),
    (7.6, 1, 0),
    (116.0, 8, 9),
    (240.0, -8, -9),
    (359.0, 0, 0),
    (179.9, 12, 12),
    (180.1, -12, -12),
]


@pytest.mark.parametrize("hours", [1, 3])
def test_each_column_has_its_own_midnight(hours):
    longitude = [c[0] for c in CLOCKS]
    ahead = np.array([c[1 if hours == 1 else 2] for c in CLOCKS])
    np.testing.assert_array_equal(solar_shift(longitude, hours) * hours, ahead)
    # the year's last days, across its boundary
    first, last = pd.Timestamp("2015-12-30"), pd.Timestamp("2016-01-02")
    times = stamps(first, last, longitude, hours, "solar")
    assert times[0] == pd.Timestamp("2015-12-29 12:00")
    assert times[-1] == pd.Timestamp("2016-01-03 12:00")
    values = np.random.default_rng(1).random((2, len(times)))
    fields = weather(
        times, len(CLOCKS), components=hours == 1, prec=values[0], tair=273.15 + values[1]
    )
    ds, missing = daily_forcing(fields, longitude, first, last, hours)
    assert missing.empty
    np.testing.assert_array_equal(ds["time"], pd.date_range(first, last).to_numpy())
    series = pd.DataFrame(values.T, index=times)
    for k, day in enumerate(pd.date_range(first, last)):
        for x, hour in enumerate(ahead):
            midnight = day - pd.Timedelta(hours=hour)
            window = series[midnight : midnight + pd.Timedelta(days=1)]
            assert ds["prec"][k, 0, x] == pytest.approx(window[0].iloc[1:].sum(), rel=1e-5)
            mean = np.trapezoid(window[1], dx=hours / 24)
            assert ds["tair"][k, 0, x] == pytest.approx(mean, abs=1e-4)
            evening = np.trapezoid(window[1].iloc[-1 - 3 // hours :], dx=hours / 3)
            assert ds["tair_3h"][k, 7, 0, x] == pytest.approx(evening, abs=1e-4)


def test_noon_is_in_the_middle_of_a_solar_day():
    longitude = np.array([-150.0, -75.0, 0.0, 45.0, 135.0])
    times = stamps("2015-03-20", "2015-03-21", longitude, 1, "solar")
    hour = (times.hour.to_numpy()[:, None] + longitude / 15) % 24
    sun = np.maximum(np.cos((hour - 12) * np.pi / 12), 0)[:, None]
    fields = weather(times, len(longitude), swdown=1000 * sun)
    solar, _ = daily_forcing(fields, longitude, "2015-03-20", "2015-03-21", 1)
    steps = solar["swdown_3h"].values
    np.testing.assert_allclose(steps, steps[:, ::-1], rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(steps, steps[..., :1] * np.ones(5), rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(solar["swdown"], 1000 / np.pi, rtol=0.01)
    np.testing.assert_allclose(steps.mean(axis=1), solar["swdown"], rtol=1e-5)
    assert solar.attrs["day"] == "local solar time"


def test_a_missing_hour_is_a_gap_and_counted():
    times = hourly("2016-02-27", "2016-03-02")
    gone = pd.DatetimeIndex(["2016-02-28 13:00", "2016-02-28 14:00", "2016-03-01 00:00"])
    fields = weather(times.difference(gone), prec=1.0)
    ds, missing = daily_forcing(fields, [0.0], "2016-02-27", "2016-03-01", 1, "utc")
    gaps = {name: np.isnan(ds[name].values.reshape(4, -1)).all(axis=1) for name in ds.data_vars}
    # midnight ends the leap day and begins March; an amount belongs to the day that it ends
    np.testing.assert_array_equal(gaps.pop("prec"), [False, True, True, False])
    for name, gap in gaps.items():
        np.testing.assert_array_equal(gap, [False, True, True, True], err_msg=name)
    some = np.isnan(ds["tair_3h"].values.reshape(4, -1)).any(axis=1)
    np.testing.assert_array_equal(some, [False, True, True, True])
    np.testing.assert_allclose(ds["prec"].values.ravel()[[0, 3]], 24)
    assert missing.to_dict("list") == {
        "date": ["2016-02-28", "2016-02-29", "2016-03-01"],
        "what": ["stamps missing"] * 3,
        "count": [2, 1, 1],
    }


def test_a_missing_hour_meets_only_the_columns_that_need_it():
    longitude = [-105.0, 0.0, 105.0]  # 7 hours behind, with, and ahead of UTC
    times = stamps("2015-05-10", "2015-05-12", longitude, 1, "solar")
    gone = pd.DatetimeIndex(["2015-05-11 20:00"])  # 13 h, 20 h, and 3 h of the next day
    fields = weather(times.difference(gone), 3)
    ds, missing = daily_forcing(fields, longitude, "2015-05-10", "2015-05-12", 1)
    gaps = np.isnan(ds["lwdown"].values[:, 0])
    np.testing.assert_array_equal(
        gaps, [[False, False, False], [True, True, False], [False, False, True]]
    )
    assert dict(zip(missing["date"], missing["count"])) == {"2015-05-11": 1, "2015-05-12": 1}


def test_days_without_any_stamp_are_gaps():
    fields = weather(hourly("2015-01-01", "2015-01-02"))
    ds, missing = daily_forcing(fields, [0.0], "2015-01-01", "2015-01-04", 1, "utc")
    np.testing.assert_array_equal(np.isnan(ds["tair"].values.ravel()), [False, True, True, True])
    assert missing["count"].tolist() == [24, 25, 25]


def test_a_missing_value_stays_in_its_cell_and_variable():
    times = hourly("2015-01-01", "2015-01-03")
    tair = np.full((len(times), 2, 3), 280.0)
    tair[30, 1, 2] = np.nan
    ds, _ = daily_forcing(
        weather(times, 3, 2, tair=tair), [0, 1, 2], "2015-01-01", "2015-01-02", 1, "utc"
    )
    for name in ("tair", "tair_3h"):
        gaps = np.isnan(ds[name].values)
        assert gaps[1, ..., 1, 2].all()
        assert gaps.sum() == gaps[1, ..., 1, 2].size
    assert not np.isnan(ds["vp"]).any()


def test_lazily_in_pieces(monkeypatch):
    longitude = [-110.0, -95.0]
    times = stamps("2015-04-01", "2015-04-10", longitude, 1, "solar")
    generator = np.random.default_rng(4)
    fields = weather(
        times,
        2,
        3,
        tair=generator.normal(290, 5, (len(times), 3, 2)),
        prec=generator.random(len(times)),
    )
    span = (longitude, "2015-04-01", "2015-04-10", 1)
    whole, _ = daily_forcing(fields, *span)
    loaded = []

    def load(block):
        loaded.append(block.shape[0])
        return block

    def lazily(variable):
        chunked = da.from_array(variable.values, chunks=(1, 2, 1))
        return variable.copy(data=chunked.map_blocks(load, meta=variable.values[:0]))

    monkeypatch.setattr(module, "BLOCK_BYTES", 3 * 24 * 6 * 4 * 8)  # three days at once
    pieces, _ = daily_forcing(fields.map(lazily, keep_attrs=True), *span)
    assert not loaded
    assert pieces["tair"].data.chunks[0] == (3, 3, 3, 1)
    pieces["tair"][9].compute(scheduler="synchronous")
    assert (
        sum(loaded) == (25 + 1) * 4 * 8
    )  # two clocks an hour apart, four chunks in space, eight variables
    xr.testing.assert_allclose(pieces.compute(), whole.compute(), rtol=1e-6)


def test_bad_input_is_refused():
    times = hourly("2015-01-01", "2015-01-02")
    good = weather(times)
    span = ([0.0], "2015-01-01", "2015-01-01", 1, "utc")
    for fields, message in [
        (good.drop_vars("qair"), "lacks qair"),
        (good.drop_vars(["u"]), "lacks u"),
        (good.assign(tair=good["tair"].assign_attrs(units="degC")), "tair is in 'degC'"),
        (good.isel(time=[0, 2, 1]), "do not rise"),
        (good.isel(time=[0, 1, 1]), "do not rise"),
        (good.assign_coords(time=times + pd.Timedelta(minutes=30)), "is none of every 1 hours"),
        (good.transpose("time", "x", "y"), "must be time, y, x"),
    ]:
        with pytest.raises(ValueError, match=message):
            daily_forcing(fields, *span)
    with pytest.raises(ValueError, match="is none of every 3 hours"):
        daily_forcing(good, [0.0], "2015-01-01", "2015-01-01", 3)
    with pytest.raises(ValueError, match="must be 1 or 3"):
        daily_forcing(good, [0.0], "2015-01-01", "2015-01-01", 6)
    with pytest.raises(ValueError, match="'solar' or 'utc'"):
        daily_forcing(good, [0.0], "2015-01-01", "2015-01-01", 1, "local")
    with pytest.raises(ValueError, match="longitude has shape"):
        daily_forcing(good, [0.0, 1.0], "2015-01-01", "2015-01-01", 1)
    with pytest.raises(ValueError, match="must not come after"):
        daily_forcing(good, [0.0], "2015-01-02", "2015-01-01", 1)
