"""Reading, daily aggregation and regridding against their budgets and naive peers, in one run.

    python benchmarks/bench_regrid.py [--json FILE]

NLDAS: one day over CONUS (464 x 224, 11 variables, a file an hour, and those beyond the day that
its ends need), as the workflow reads it, makes it daily and puts it on a 0.125 degree grid, in one
thread; the peer is xarray's resample and interp on the same files. MOD16: one tile of 2400 x 2400
on the same grid, after its weights; the peer puts each pixel wholly into the cell of its centre.
Memory: records far larger than that, made up in pieces of a day, to files of the target; each in a
process of its own. Seconds are of the clock, the least of a few repeats; where the machine is busy,
processor seconds say more.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import dask
import dask.array as da
import netCDF4
import numpy as np
import pandas as pd
import xarray as xr

from parlearn.geometry.grids import MODIS_RADIUS, LatLonGrid, SinusoidalGrid
from parlearn.geometry.regrid import Regridder, regrid
from parlearn.land.days import UNITS, daily_forcing, stamps
from parlearn.sources.fields import regrid_chunk

THREADS, REPEATS = 2, 3
NLDAS = LatLonGrid(25.0625, -124.9375, 0.125, 0.125, 224, 464)
TARGET = LatLonGrid(25.0625, -124.9375, 0.125, 0.125, 224, 464)
BOX = {"south": 25.0, "north": 53.0, "west": -125.0, "east": -67.0}
#: name in the file -> (ours, unit in the file, middle, spread)
VARIABLES = {
    "Tair": ("tair", "K", 285, 8),
    "Qair": ("qair", "kg kg-1", 0.008, 0.001),
    "PSurf": ("pressure", "Pa", 95000, 3000),
    "Wind_E": ("u", "m s-1", 1, 3),
    "Wind_N": ("v", "m s-1", -1, 3),
    "LWdown": ("lwdown", "W m-2", 300, 30),
    "SWdown": ("swdown", "W m-2", 200, 20),
    "Rainf": ("prec", "kg m-2", 0.5, 0.1),
    "PotEvap": (None, "kg m-2", 0.2, 0.1),
    "CRainf_frac": (None, "1", 0.5, 0.1),
    "CAPE": (None, "J kg-1", 100, 20),
}
DAY = "2015-07-01"
#: seconds, seconds, GB
BUDGET = {"nldas": 2.0, "mod16": 0.5, "memory": 2.0}


def write_hours(folder: Path, times) -> list[str]:
    """Files of the product's layout; values in steps of a thousandth of their spread, as packed."""
    generator = np.random.default_rng(0)
    water = generator.random(NLDAS.shape) < 0.2
    smooth = np.add.outer(np.sin(np.arange(NLDAS.rows) / 30), np.cos(np.arange(NLDAS.cols) / 40))
    paths = []
    for when in times:
        paths.append(str(folder / f"NLDAS_FORA0125_H.A{when:%Y%m%d.%H}00.020.nc"))
        with netCDF4.Dataset(paths[-1], "w") as file:
            for name, values in (("time", [0]), ("lat", NLDAS.lat), ("lon", NLDAS.lon)):
                file.createDimension(name, len(values))
                file.createVariable(name, "f8", (name,))[:] = values
            file["time"].units = f"hours since {when:%Y-%m-%d %H:%M}"
            for name, (_, unit, middle, spread) in VARIABLES.items():
                noise = generator.normal(0, 0.1, NLDAS.shape)
                field = middle + spread * np.round(smooth + noise, 2)
                variable = file.createVariable(
                    name, "f4", ("time", "lat", "lon"), zlib=True, complevel=2, fill_value=-9999.0
                )
                variable.units = unit
                variable[0] = np.where(water, -9999.0, field)
    return paths


def opened(paths) -> xr.Dataset:
    ds = xr.open_mfdataset(
        paths,
        combine="nested",
        concat_dim="time",
        coords="minimal",
        compat="override",
        join="override",
        drop_variables=[name for name, row in VARIABLES.items() if not row[0]],
        chunks={},
        engine="netcdf4",
    )
    ours = {name: row[0] for name, row in VARIABLES.items() if row[0]}
    ds = ds[list(ours)].rename(ours).rename(lat="y", lon="x").drop_vars(["y", "x"])
    for name in ds.data_vars:
        ds[name].attrs["units"] = UNITS[name]
    return ds


def nldas_day(paths, folder, day):
    grid = {"box": BOX, "resolution": 0.125, "day": day, "minimum_share": 0.5}
    fields, missing = regrid_chunk("nldas", paths, (DAY, DAY), settings={}, weights=folder, **grid)
    assert missing.empty
    return fields


def nldas_peer(paths):
    """What comes to mind first: means of whatever hours bear the date, then interpolation."""
    with opened(paths) as fields:
        means = fields.resample(time="1D").mean()
        three = fields[["tair", "swdown"]].resample(time="3h").mean()
        lat, lon = xr.DataArray(TARGET.lat, dims="lat"), xr.DataArray(TARGET.lon, dims="lon")
        at = {"y": NLDAS.lat}, {"x": NLDAS.lon}
        return [
            ds.load().assign_coords(at[0] | at[1]).interp(y=lat, x=lon) for ds in (means, three)
        ]


def mod16_peer(tile):
    """Sums and counts by the target cell of each pixel's centre; the cells are found beforehand."""
    y = (tile.y_edges[1:] + tile.y_edges[:-1]) / 2 / MODIS_RADIUS
    x = (tile.x_edges[1:] + tile.x_edges[:-1]) / 2 / MODIS_RADIUS
    lon = np.rad2deg(x[None, :] / np.cos(y)[:, None])
    row = np.floor((np.rad2deg(y) - TARGET.lat_edges[0]) / TARGET.dlat).astype(int)[:, None]
    col = np.floor((lon - TARGET.lon_edges[0]) / TARGET.dlon).astype(int)
    inside = (row >= 0) & (row < TARGET.rows) & (col >= 0) & (col < TARGET.cols)
    cell, size = (row * TARGET.cols + col)[inside], TARGET.rows * TARGET.cols

    def means(field):
        values = field[inside]
        valid = np.isfinite(values)
        total = np.bincount(cell[valid], values[valid], size)
        count = np.bincount(cell[valid], minlength=size)
        with np.errstate(invalid="ignore"):
            return (total / count).astype(np.float32)

    return means


def timed(*actions):
    """Least clock and processor seconds of each action, turn by turn after a first go."""
    results = [[] for _ in actions]
    for _ in range(REPEATS + 1):
        for action, taken in zip(actions, results):
            clock, processor = time.perf_counter(), time.process_time()
            action()
            taken.append((time.perf_counter() - clock, time.process_time() - processor))
    return [tuple(min(column) for column in zip(*taken[1:])) for taken in results]


def time_nldas(day):
    times = stamps(DAY, DAY, NLDAS.lon, 1, day)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_hours(Path(folder), times)
        size = Path(paths[0]).stat().st_size / 1e6
        ours, peer = timed(
            lambda: nldas_day(paths, Path(folder) / "weights", day), lambda: nldas_peer(paths)
        )
    what = f"NLDAS, one {day} day: {len(times)} files of {size:.1f} MB to daily on 0.125"
    return row(what, BUDGET["nldas"], ours, peer)


def time_mod16():
    tile = SinusoidalGrid.tile(10, 5)
    generator = np.random.default_rng(0)
    field = generator.random(tile.shape, dtype=np.float32)
    field[generator.random(tile.shape) < 0.1] = np.nan
    start = time.perf_counter()
    regridder, means = Regridder(tile, TARGET), mod16_peer(tile)
    made = time.perf_counter() - start
    ours, peer = timed(lambda: regridder.apply(field), lambda: means(field))
    result = row("MOD16, one tile of 2400 x 2400 to 0.125", BUDGET["mod16"], ours, peer)
    return result | {"weights_seconds": made}


def row(what, budget, ours, peer):
    return {
        "what": what,
        "budget_seconds": budget,
        "seconds": ours[0],
        "processor_seconds": ours[1],
        "peer_seconds": peer[0],
        "ratio": ours[0] / peer[0],
    }


def made_up_record(first, last, grid, queue):
    """Daily forcing of a made-up hourly record to a file; its peak memory to the queue."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = stamps(first, last, grid.lon, 1, "solar")

    def piece(block_info=None, middle=0.0):
        shape = block_info[None]["chunk-shape"]
        return np.full(shape, middle, np.float32) + np.sin(np.arange(shape[2]), dtype=np.float32)

    chunks = da.core.normalize_chunks((24, -1, -1), (len(times), *grid.shape))
    fields = {}
    for name, _, middle, _ in VARIABLES.values():
        if name:
            values = da.map_blocks(piece, chunks=chunks, dtype=np.float32, middle=middle)
            fields[name] = ("time", "y", "x"), values, {"units": UNITS[name]}
    fields = xr.Dataset(fields, coords={"time": pd.DatetimeIndex(times)})
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, dask.config.set(num_workers=THREADS):
        weather, _ = daily_forcing(fields, grid.lon, first, last, 1)
        regrid([(weather, grid)], grid).to_netcdf(Path(folder) / "daily.nc")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    queue.put((fields.nbytes / 1e9, peak / 1e6, before / 1e6, time.perf_counter() - start))


def measure_memory(what, first, last, grid):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=made_up_record, args=(first, last, grid, queue))
    process.start()
    size, peak, before, seconds = queue.get()
    process.join()
    return {
        "what": f"{what}: {size:.1f} GB in memory as a whole",
        "budget_gb": BUDGET["memory"],
        "peak_gb": peak,
        "before_gb": before,
        "seconds": seconds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    arguments = parser.parse_args()
    with dask.config.set(num_workers=THREADS):
        speed = [time_nldas("utc"), time_nldas("solar"), time_mod16()]
    quarter = NLDAS.cut(slice(60, 172), slice(100, 216))
    memory = [
        measure_memory("a month of hours over CONUS", "2015-07-01", "2015-07-31", NLDAS),
        measure_memory(
            "a year of hours, cropped to 112 x 116", "2015-01-01", "2015-12-31", quarter
        ),
    ]
    print(f"From product to target grid, {THREADS} threads: seconds, least of {REPEATS}")
    print(f"{'':66}{'seconds':>8}{'budget':>8}{'cpu s':>8}{'peer s':>8}{'ratio':>7}")
    for r in speed:
        print(
            f"{r['what']:66}{r['seconds']:8.2f}{r['budget_seconds']:8.1f}"
            f"{r['processor_seconds']:8.2f}{r['peer_seconds']:8.2f}{r['ratio']:7.2f}"
        )
    print(f"weights of the tile, once: {speed[-1]['weights_seconds']:.1f} s")
    print(f"{'':66}{'peak GB':>8}{'budget':>8}{'seconds':>8}")
    for r in memory:
        print(f"{r['what']:66}{r['peak_gb']:8.2f}{r['budget_gb']:8.1f}{r['seconds']:8.1f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"speed": speed, "memory": memory}, indent=1) + "\n")


if __name__ == "__main__":
    main()
