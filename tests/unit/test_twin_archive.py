"""Granules of a twin, read and regridded again, are the twin; same seed, same bytes."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from parlearn.geometry.grids import MODIS_RADIUS
from parlearn.land.subdaily import vic_forcing
from parlearn.plan.archives import TWIN_PRODUCTS
from parlearn.plan.places import PLACES, box
from parlearn.sources import mod16, smap
from parlearn.sources.fields import regrid_chunk
from parlearn.sources.statics import read_statics
from parlearn.sources.twin import TwinConfig
from parlearn.sources.twin.archive import (
    _tenth_degree,
    composites,
    grid_of,
    seal,
    tiles,
    write_granules,
    write_statics,
)
from parlearn.sources.twin.observe import estimates, retrievals
from parlearn.sources.twin.region import climate_of, draw_region
from parlearn.sources.twin.weather import draw_weather

# a few weeks around the new year in which the record begins
START, FIRST, LAST = "2016-01-01", "2015-12-10", "2016-01-25"
CONFIGS = {
    place: TwinConfig(rows=4, cols=5, years=2, seed=7, start=START, place=place) for place in PLACES
}


class Twin:
    """A twin of few cells and days, its truth made up, and its granules."""

    def __init__(self, place, folder):
        self.config, self.place, self.folder = CONFIGS[place], place, folder
        self.grid, self.edges = grid_of(self.config)
        generators = self.config.generators()
        region = draw_region(self.config, generators)
        days = pd.date_range(FIRST, LAST)
        weather = draw_weather(climate_of(region), days, self.config.shape, generators)
        self.forcing = vic_forcing(days, region["lat"].values, **weather)
        self.domain = region[["row", "col", "lat", "lon"]]
        rng = np.random.default_rng(0)
        series = (self.config.rows * self.config.cols, len(days))
        truth = {
            "soil_moisture": rng.uniform(0.05, 0.45, series),
            # dew, which MOD16 does not have, in some
            "evapotranspiration": rng.uniform(-0.5, 4, series),
            # snow on the ground in the first days of the record, in the southern half
            "swe": np.where((days < "2016-01-05") & (region["row"].values < 2)[:, None], 5.0, 0.0),
        }
        self.truth = xr.Dataset(
            {name: (("cell", "time"), v.astype(np.float32)) for name, v in truth.items()},
            coords={"time": self.forcing["time"]},
        )
        where = PLACES[place]
        self.products = [where.weather, *where.observations.values()]
        self.folders = {name: folder / name for name in self.products}
        self.written = write_granules(
            self.config, self.domain, self.forcing, self.truth, self.folders
        )
        for name, paths in self.written.items():
            seal(paths, self.folders[name])

    def regridded(self, product, first, last):
        return regrid_chunk(
            product,
            self.written[product],
            (first, last),
            box=box(self.place, *self.config.shape),
            resolution=PLACES[self.place].resolution,
            day="solar",
            minimum_share=0.5,
            settings=TWIN_PRODUCTS[product],
        )

    def field(self, values):
        """(cell, day) as (day, row, col)."""
        return np.asarray(values).T.reshape(-1, *self.config.shape)


@pytest.fixture(scope="module", params=PLACES)
def twin(request, tmp_path_factory):
    return Twin(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def plains(tmp_path_factory):
    return Twin("plains", tmp_path_factory.mktemp("again"))


# half a step of packing: of 24 hours of rain (8 of 3 hours of CMFD), of what is averaged over a day
TOLERANCE = {
    "prec": 0.0305, "tair": 0.01, "swdown": 0.07, "lwdown": 0.07, "vp": 0.001, "pressure": 0.003,
    "wind": 0.01,
}  # fmt: skip


def mixed(field, target, fine):
    """What a field (..., row, col) becomes on cells of a tenth of a degree and back: each of those
    has what lies at its centre, to the south-west on an edge."""

    def shares(edges, fine_edges, centres, area):
        own = np.clip(np.ceil(np.round((centres - edges[0]) / 0.25, 6)).astype(int) - 1, 0, None)
        own = np.minimum(own, len(edges) - 2)
        low = np.maximum(edges[:-1, None], fine_edges[None, :-1])
        high = np.minimum(edges[1:, None], fine_edges[None, 1:])
        part = np.where(high > low, area(high) - area(low), 0)
        weights = np.zeros((len(edges) - 1,) * 2)
        for k, cell in enumerate(own):
            weights[:, cell] += part[:, k]
        return weights / weights.sum(axis=1, keepdims=True)

    sine = np.vectorize(lambda degrees: np.sin(np.deg2rad(degrees)))
    rows = shares(target.lat_edges, fine.lat_edges, fine.lat, sine)
    cols = shares(target.lon_edges, fine.lon_edges, fine.lon, lambda degrees: degrees)
    return np.einsum("ij,tjk,lk->til", rows, field, cols)


def test_weather_comes_back_by_the_day(twin):
    first, last = "2015-12-11", "2016-01-24"
    fields, coverage = twin.regridded(PLACES[twin.place].weather, first, last)
    assert coverage.empty
    expected = twin.forcing.sel(time=slice(first, last))
    for name, tolerance in TOLERANCE.items():
        true = twin.field(expected[name].values)
        if twin.place == "huaihe":
            true = mixed(true, twin.grid, _tenth_degree(twin.config))
        assert fields[name].values == pytest.approx(true, abs=tolerance), name
    assert fields["tair_3h"].mean("step").values == pytest.approx(fields["tair"].values, abs=1e-4)


def test_retrievals_have_the_errors_and_the_flags_of_the_twin(plains):
    noise = plains.config.generators()["soil_moisture"]
    seen = retrievals(plains.config, plains.domain, plains.forcing, plains.truth, noise)
    hidden = (seen["frost"] | seen["snow"]).values
    assert 0.1 < hidden.mean() < 0.9
    days = slice(START, LAST)
    granules = {
        quality: smap.read(plains.written["smap"], plains.edges, quality=quality)
        for quality in ("successful", "recommended")
    }
    grid = granules["successful"].grid
    row = np.clip((grid.lat - plains.edges.south) // 0.125, 0, 3).astype(int)
    col = np.clip((grid.lon - plains.edges.west) // 0.125, 0, 4).astype(int)
    pick = np.s_[:, row[:, None], col]
    every = plains.field(seen["soil_moisture"].sel(time=days).values)[pick]
    got = granules["successful"].fields["soil_moisture_am"].values
    np.testing.assert_array_equal(got, every)
    shown = seen["soil_moisture"].where(~seen["frost"] & ~seen["snow"]).sel(time=days)
    got = granules["recommended"].fields["soil_moisture_am"].values
    np.testing.assert_array_equal(got, plains.field(shown.values)[pick])
    # noise of the size asked for, around the line through the mean of two ends of days
    truth = plains.truth["soil_moisture"].values
    line = 0.9 * 0.5 * (truth[:, :-1] + truth[:, 1:]) + 0.02
    error = (seen["soil_moisture"].values[:, 1:] - line)[(line > 0.12) & (line < 0.4)]
    assert np.nanstd(error) == pytest.approx(0.03, rel=0.15)
    fields, coverage = plains.regridded("smap", START, LAST)
    assert fields.sizes["time"] == 25
    assert coverage.empty
    assert fields["soil_moisture"].attrs["local_time"] == "am"


def estimated(twin):
    return estimates(
        twin.config, twin.domain, twin.truth, twin.config.generators()["evapotranspiration"]
    )


def test_composites_are_sums_of_whole_eight_days(plains):
    daily = estimated(plains)
    starts, sums = composites(daily)
    # three of eight days fit between the 1st and the 25th; none that began before the record
    assert [str(day) for day in starts] == ["2016-01-01", "2016-01-09", "2016-01-17"]
    eight = daily.sel(time=slice("2016-01-09", "2016-01-16")).values
    assert eight.shape[1] == 8
    assert sums[1] == pytest.approx(eight.sum(axis=1), rel=1e-5)
    # the region lies across two tiles, which meet at 40 N
    assert [name for name, _ in tiles(plains.edges)] == ["h10v04", "h10v05"]
    seen = 0
    for tile in ("h10v04", "h10v05"):
        paths = [path for path in plains.written["mod16"] if tile in path.name]
        granules = mod16.read(paths, plains.edges)
        lat = np.rad2deg(granules.grid.y_edges / MODIS_RADIUS)
        lat = (lat[:-1] + lat[1:]) / 2
        x = (granules.grid.x_edges[:-1] + granules.grid.x_edges[1:]) / 2
        lon = np.rad2deg(x / (MODIS_RADIUS * np.cos(np.deg2rad(lat)))[:, None])
        row = np.floor((lat - plains.edges.south) / 0.125).astype(int)
        col = np.floor((lon - plains.edges.west) / 0.125).astype(int)
        inside = (col >= 0) & (col < 5) & ((row >= 0) & (row < 4))[:, None]
        total = 8 * granules.fields["evapotranspiration"].values[1]
        cell = np.clip(row, 0, 3)[:, None] * 5 + np.clip(col, 0, 4)
        there = np.isfinite(total)
        assert not there[~inside].any()
        assert there[inside].mean() == pytest.approx(0.97, abs=0.03)  # lakes and towns
        assert total[there] == pytest.approx(np.maximum(sums[1], 0)[cell][there], abs=0.0501)
        seen += there.sum()
    assert seen > 10_000
    fields, coverage = plains.regridded("mod16", START, "2016-01-24")
    assert fields["days"].values.tolist() == [8, 8, 8]
    rate = np.maximum(sums, 0).reshape(3, 4, 5) / 8
    # pixels at the edge of a cell lie partly in the next
    error = fields["evapotranspiration"].values - rate
    assert np.abs(error).max() < 0.05
    assert error.mean() == pytest.approx(0, abs=0.002)
    assert {what.split()[0] for what in coverage["what"]} == {"class"}


def test_composites_end_with_the_year():
    days = pd.date_range("2014-12-10", "2015-01-08")
    starts, sums = composites(
        xr.DataArray(np.ones((1, len(days))), dims=("cell", "time"), coords={"time": days})
    )
    # that of 3 December has lost its first days
    assert [str(day) for day in starts] == ["2014-12-11", "2014-12-19", "2014-12-27", "2015-01-01"]
    assert sums.ravel().tolist() == [8, 8, 5, 8]


def test_daily_fluxes_come_back(tmp_path):
    twin = Twin("huaihe", tmp_path)
    fields, coverage = twin.regridded("gleam", START, LAST)
    true = twin.field(estimated(twin).sel(time=slice(START, LAST)).values)
    assert fields["evapotranspiration"].values == pytest.approx(true, abs=1e-5)
    assert coverage.empty


def test_checksums_name_every_granule_and_nothing_else(twin):
    for product, folder in twin.folders.items():
        lines = dict(
            reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines()
        )
        there = {
            str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()
        }
        del there["SHA256SUMS"]
        assert lines == {
            name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in there.items()
        }
        assert set(there.values()) == set(twin.written[product])
        assert not any(path.stat().st_mode & 0o222 for path in there.values())


def test_the_same_seed_gives_the_same_bytes(twin, tmp_path):
    again = Twin(twin.place, tmp_path)
    for product in twin.products:
        sums = [(one.folders[product] / "SHA256SUMS").read_text() for one in (twin, again)]
        assert sums[0] == sums[1] != ""


def test_maps_come_back(twin, tmp_path):
    write_statics(twin.config, tmp_path)
    maps = read_statics(tmp_path, twin.grid, 0.5)
    region = draw_region(twin.config, twin.config.generators())
    assert {"sand", "clay", "silt", "igbp", "ndvi", "elevation", "slope"} == set(maps.data_vars)
    for name in maps.data_vars:
        true = region[name].values.reshape(twin.config.shape)
        assert maps[name].values == pytest.approx(true, rel=1e-5, abs=1e-5), name
