"""Turns a chunk of a product from granules into daily fields on the target grid, counting gaps."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import dask
import numpy as np
import pandas as pd
import xarray as xr

from parlearn.geometry.grids import Box, LatLonGrid
from parlearn.geometry.regrid import regrid, regrid_in_turn
from parlearn.land.days import daily_forcing, stamps
from parlearn.land.subdaily import STEPS
from parlearn.plan.products import REACH, parse
from parlearn.sources import cmfd, gleam, mod16, nldas, smap
from parlearn.sources.granules import COLUMNS, Coverage
from parlearn.storage.kinds import KINDS

#: hours from one stamp of the weather to the next
HOURS = {"nldas": 1, "cmfd": 3}
#: kind of the file that holds a chunk of a product
KIND_OF = {
    "nldas": "weather",
    "cmfd": "weather",
    "smap": "retrieved",
    "mod16": "composites",
    "gleam": "fluxes",
}
#: options of a product that its reader takes
OPTIONS = {"smap": ("passes", "quality", "surface")}


def target_grid(box: Mapping[str, float], resolution: float) -> LatLonGrid:
    """The grid of a study, row 0 in the south."""
    rows = round((box["north"] - box["south"]) / resolution)
    cols = round((box["east"] - box["west"]) / resolution)
    south, west = box["south"] + resolution / 2, box["west"] + resolution / 2
    return LatLonGrid(south, west, resolution, resolution, rows, cols)


def regrid_chunk(
    product: str,
    paths: Sequence,
    days: tuple[str, str],
    *,
    box: Mapping[str, float],
    resolution: float,
    day: str,
    minimum_share: float,
    settings: Mapping,
    closes: bool = False,
    weights=None,
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Fields of the days of a chunk on the target grid, and what is missing of them.

    Parameters
    ----------
    product : nldas, cmfd, smap, mod16 or gleam
    paths : of its granules, with the hours around the days where it is sub-daily
    days : first and last day, ISO, inclusive
    box, resolution, day, minimum_share : of the source, see config/README.md
    settings : of the product in the configuration
    closes : the record ends with these days: composites that go on beyond it are left out
    weights : folder that keeps the weights of regridding

    Returns
    -------
    fields : (time, lat, lon): weather in VIC's units with tair_3h, swdown_3h (time, step, lat,
        lon); or soil_moisture; or evapotranspiration, where of composites those that begin on the
        days, with their lengths ``days`` (time). Where there is no granule at all, missing (NaN)
    coverage : a row each thing left out: product, granule, date, what, count; of a tile without a
        composite its name stands for the granule

    Raises
    ------
    GranuleError, GridError
        for granules that are not what they should be, see the readers.
    """
    target, wanted = target_grid(box, resolution), Box(**box)
    options = {k: v for k, v in settings.items() if k in OPTIONS.get(product, ())}
    # pieces side by side would each take their memory: a job has one thread, and others run beside
    with dask.config.set(scheduler="synchronous"):
        if product == "mod16":
            fields, notes = _composites(paths, wanted, target, days, closes, minimum_share, weights)
        elif not paths:
            times = np.arange(np.datetime64(days[0]), np.datetime64(days[1]) + 1)
            fields = _nothing(product, target, times)
            notes = [_missing(product, times, 24 // HOURS.get(product, 24))]
        else:
            if product in HOURS:
                part, notes = _weather(product, paths, wanted, days, day)
            else:
                reader = {"smap": smap, "gleam": gleam}[product]
                granules = reader.read(paths, wanted, period=days, **options)
                part, notes = (granules.fields, granules.grid), [granules.noted]
            fields = regrid([part], target, minimum_share, weights).compute()
            if product == "smap":
                fields = _one_a_day(fields, options.get("passes", ["am"]))
    # once all is loaded, since granules are seen from inside only then
    tables = [n.table() if isinstance(n, Coverage) else n for n in notes]
    tables = [table for table in tables if len(table)] or [pd.DataFrame(columns=list(COLUMNS))]
    return fields, pd.concat(tables, ignore_index=True)[list(COLUMNS)]


def _weather(product, paths, wanted, days, day):
    hours, reader = HOURS[product], {"nldas": nldas, "cmfd": cmfd}[product]
    # the cells of granules may leave the box
    ends = [wanted.west - REACH, wanted.east + REACH]
    needed = stamps(*days, ends, hours, day)
    period = tuple(f"{needed[k]:%Y-%m-%dT%H}" for k in (0, -1))
    granules = reader.read(paths, wanted, period=period)
    daily, lacking = daily_forcing(granules.fields, granules.grid.lon, *days, hours, day)
    lacking = lacking.assign(product=product, granule="")
    return (daily, granules.grid), [granules.noted, lacking]


def _composites(paths, wanted, target, days, closes, minimum_share, weights):
    """Fields of the composites that begin on the days, and notes by tile."""
    starts = mod16.composite_starts(*days)
    if closes:
        starts = starts[starts + mod16.composite_days(starts) - 1 <= np.datetime64(days[1])]
    tiles: dict[str, list] = {}
    for path in paths:
        granule = parse("mod16", Path(path).name)
        own = tiles.setdefault(granule.series, [])
        if np.datetime64(granule.start, "D") in starts:
            own.append(path)
    notes = [_missing("mod16", starts, 1, tile) for tile, own in tiles.items() if not own]
    held = {tile: own for tile, own in sorted(tiles.items()) if own}
    if not held or not starts.size:
        return _nothing("mod16", target, starts), notes or [_missing("mod16", starts, 1)]

    def read():
        for tile, own in held.items():
            granules = mod16.read(own, wanted, period=(str(starts[0]), str(starts[-1])))
            yield granules.fields, granules.grid
            table = granules.coverage
            table.loc[table["granule"] == "", "granule"] = tile
            notes.append(table)

    return regrid_in_turn(read(), target, minimum_share, weights), notes


def _nothing(product, target, times) -> xr.Dataset:
    """Fields of a product of which nothing came: missing everywhere."""
    sizes = {"time": len(times), "step": STEPS, "lat": target.rows, "lon": target.cols}
    coords = {"time": times.astype("datetime64[ns]"), "lat": target.lat, "lon": target.lon}
    fields = xr.Dataset(coords=coords)
    for name, (dims, units, *_) in KINDS[KIND_OF[product]].items():
        shape = [sizes[dim] for dim in dims.split()]
        fields[name] = dims.split(), np.full(shape, np.nan, np.float32), {"units": units}
    if "days" in fields:
        fields["days"] = "time", mod16.composite_days(times)
    return fields


def _missing(product, times, count, granule="") -> pd.DataFrame:
    dates = np.datetime_as_string(times.astype("datetime64[D]"))
    return pd.DataFrame(
        {"product": product, "granule": granule, "date": dates, "what": "missing", "count": count}
    )


def _one_a_day(fields, passes):
    """Soil moisture of the pass, or the mean of the passes there are."""
    both = [fields[f"soil_moisture_{name}"] for name in passes]
    values = both[0] if len(both) == 1 else xr.concat(both, "pass").mean("pass", skipna=True)
    values.attrs = {**both[0].attrs, "local_time": ", ".join(passes)}
    return values.rename("soil_moisture").to_dataset()
