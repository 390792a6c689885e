"""Hourly weather of a twin, in the form that a reanalysis reports.

Days of a twin are local solar ones: the local hour of a column of the grid is UTC plus its
longitude / 15, rounded to whole steps. Temperature follows the cosine of
:mod:`parlearn.land.subdaily` through the day, shortwave the sun; the rest is constant in a day. At
midnight all are in between, which the other hours of a day make up for: its mean
(:mod:`parlearn.land.days`) is kept.
"""

import numpy as np
import pandas as pd
import xarray as xr

PEAK = 15.0  # hour of the warmest time of the day
#: the fifth 3-hour step is centred at 13:30
AFTERNOON, AFTERNOON_HOUR = 4, 13.5
STATES = ("tair", "lwdown", "vp", "pressure", "wind")
#: what cannot be negative keeps this share of a day's mean, whatever its neighbours have
LEAST = 0.2


class Hours:
    """Weather of a grid at stamps of UTC.

    Parameters
    ----------
    forcing : as forcing.nc, of all cells of a grid row by row
    shape : rows and columns
    lat, lon : (row,), (col,) degrees
    step : hours between stamps
    """

    def __init__(self, forcing: xr.Dataset, shape, lat, lon, step: int = 1):
        self.shape, self.step = shape, step
        self.first = forcing["time"].values[0].astype("datetime64[h]").astype(np.int64) // 24
        self.days = forcing.sizes["time"]
        self.shift = np.round(np.asarray(lon) / 15 / step).astype(np.int64) * step
        grid = (self.days, *shape)
        self.daily = {
            name: np.ascontiguousarray(forcing[name].values.T).reshape(grid)
            for name in ("prec", "tair", "swdown", "lwdown", "vp", "pressure", "wind")
        }
        wave = np.cos(2 * np.pi * (AFTERNOON_HOUR - PEAK) / 24)
        swing = (forcing["tair_3h"].values[..., AFTERNOON] - forcing["tair"].values) / wave
        self.daily["swing"] = np.ascontiguousarray(swing.T.astype(np.float32)).reshape(grid)
        self.within = {name: self._within(name) for name in STATES}
        days_of_year = pd.DatetimeIndex(forcing["time"].values).day_of_year.to_numpy()
        self.sun = sunshine(np.asarray(lat), step)[days_of_year - 1]

    def at(self, stamps) -> dict[str, np.ndarray]:
        """Fields (stamp, row, col) float32 at datetime64 stamps.

        prec (mm, of the step that ends at the stamp); tair (degC), swdown, lwdown (W m-2), vp,
        pressure (kPa), wind (m s-1) at the stamp, shortwave the mean of the step around it. Stamps
        before the first or after the last day get the weather of these.
        """
        stamps = np.asarray(stamps).astype("datetime64[h]").astype(np.int64)
        fields = {
            name: np.empty((len(stamps), *self.shape), np.float32)
            for name in ("prec", "tair", "swdown", "lwdown", "vp", "pressure", "wind")
        }
        for shift in np.unique(self.shift):
            cols = np.flatnonzero(self.shift == shift)
            cols = slice(cols[0], cols[-1] + 1)  # shifts grow eastward
            day, hour = np.divmod(stamps + shift, 24)
            self._fill(fields, cols, day - self.first, hour)
        return fields

    def _within(self, name):
        """A state between midnights (day, row, col), so that the mean of the day is what it is.

        The mean of a day of n steps has half the midnights at both ends, each the mean of two days'
        own: n mean = 0.5 (M0 + Mn) + (n - 1) within, and the cosine's n - 1 values but midnight's
        add up to minus that of midnight.
        """
        mean, midnight = self.daily[name], self.daily[name]
        if name == "tair":
            midnight = midnight + self.daily["swing"] * _wave(0)
        around = np.concatenate([midnight[:1], midnight, midnight[-1:]])
        bend = 2 * midnight - around[:-2] - around[2:]
        within = mean + bend / np.float32(4 * (24 // self.step - 1))
        return within if name == "tair" else np.maximum(within, np.float32(LEAST) * mean)

    def _fill(self, fields, cols, day, hour):
        today = np.clip(day, 0, self.days - 1)
        # at midnight: the end of the day before
        before = np.clip(np.where(hour == 0, day - 1, day), 0, self.days - 1)

        midnight = (hour == 0)[:, None, None]

        def between(name):
            values = self.daily[name][:, :, cols]
            return 0.5 * (values[today] + values[before])

        for name in STATES:
            within = self.within[name][:, :, cols][today]
            fields[name][:, :, cols] = np.where(midnight, between(name), within)
        fields["tair"][:, :, cols] += between("swing") * _wave(hour)[:, None, None]
        amount = self.daily["prec"][:, :, cols][before]
        fields["prec"][:, :, cols] = amount * np.float32(self.step / 24)
        sun = self.sun[today, :, hour // self.step][:, :, None]
        fields["swdown"][:, :, cols] = self.daily["swdown"][:, :, cols][today] * sun


def _wave(hour):
    return np.cos(2 * np.pi * (np.asarray(hour) - PEAK) / 24).astype(np.float32)


def sunshine(lat, step: int) -> np.ndarray:
    """Shortwave at stamps of the local day over its daily mean: (day of year, row, stamp) float32.

    The mean of the cosine of the zenith angle over the ``step`` hours around a stamp, the night
    counted as zero (declination: FAO Irrigation and Drainage Paper 56, eq. 24). Where the sun does
    not rise it is spread evenly.
    """
    parts = 12  # of the step around a stamp
    hours = np.arange(0, 24, step)[:, None] + step * ((np.arange(parts) + 0.5) / parts - 0.5)
    declination = 0.409 * np.sin(2 * np.pi * np.arange(1, 367) / 365 - 1.39)[:, None]
    phi = np.deg2rad(lat)
    constant, amplitude = np.sin(phi) * np.sin(declination), np.cos(phi) * np.cos(declination)
    angle = np.cos(2 * np.pi * (hours - 12) / 24)
    cosine = np.zeros((*constant.shape, len(hours)))
    for part in angle.T:  # few passes, so that the table stays small
        cosine += np.maximum(constant[..., None] + amplitude[..., None] * part, 0) / parts
    mean = cosine.mean(axis=-1, keepdims=True)
    return np.where(mean > 0, cosine / np.where(mean > 0, mean, 1), 1).astype(np.float32)
