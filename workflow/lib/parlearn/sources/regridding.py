"""A chunk of a product, from granules to daily fields on the target grid, gaps counted."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.daily import daily_forcing, stamps
from parlearn.grids import Box, LatLonGrid
from parlearn.regrid import regrid
from parlearn.sources import cmfd, gleam, mod16, nldas, smap
from parlearn.sources.granules import COLUMNS
from parlearn.sources.products import parse

#: hours from one stamp of the weather to the next
HOURS = {"nldas": 1, "cmfd": 3}
COMPOSITE = 8
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
    record: Sequence[str],
    day: str,
    minimum_share: float,
    settings: Mapping,
    weights=None,
) -> tuple[xr.Dataset, pd.DataFrame]:
    """Fields of the days of a chunk on the target grid, and what is missing of them.

    Parameters
    ----------
    product : nldas, cmfd, smap, mod16 or gleam
    paths : of its granules, with the hours around the days where it is sub-daily
    days : first and last day, ISO, inclusive
    box, resolution, record, day, minimum_share : of the source, see config/README.md
    settings : of the product in the configuration
    weights : folder that keeps the weights of regridding

    Returns
    -------
    fields : (time, lat, lon): weather in VIC's units with tair_3h, swdown_3h (time, step, lat,
        lon); or soil_moisture; or evapotranspiration, where of composites with ``days`` (time)
    coverage : a row each thing left out: product, granule, date, what, count
    """
    target = target_grid(box, resolution)
    wanted = Box(**box)
    options = {k: v for k, v in settings.items() if k in OPTIONS.get(product, ())}
    readers = {"nldas": nldas, "cmfd": cmfd, "smap": smap, "mod16": mod16, "gleam": gleam}
    read = readers[product].read
    lacking = pd.DataFrame()
    if product in HOURS:
        hours = HOURS[product]
        # stamps reach as far as the box does, which the columns of granules may leave by one
        needed = stamps(*days, [wanted.west, wanted.east], hours, day)
        granules = [read(paths, wanted, period=(_text(needed[0]), _text(needed[-1])))]
        grid = granules[0].grid
        daily, lacking = daily_forcing(granules[0].fields, grid.lon, *days, hours, day)
        parts = [(daily, grid)]
    elif product == "mod16":
        period = days[0], _last_composite(days[1], record[1])
        granules = [read(group, wanted, period=period) for group in _by_tile(paths)]
        parts = [(g.fields, g.grid) for g in granules]
    else:
        granules = [read(paths, wanted, period=days, **options)]
        parts = [(g.fields, g.grid) for g in granules]
    fields = regrid(parts, target, minimum_share, weights).compute()
    if product == "smap":
        fields = _one_a_day(fields, options.get("passes", ["am"]))
    notes = [g.coverage for g in granules]
    if len(lacking):
        notes.append(lacking.assign(product=product, granule=""))
    return fields, pd.concat(notes, ignore_index=True).reindex(columns=list(COLUMNS))


def _by_tile(paths):
    tiles: dict[str, list] = {}
    for path in paths:
        tiles.setdefault(parse("mod16", Path(path).name).series, []).append(path)
    return [tiles[tile] for tile in sorted(tiles)]


def _text(stamp):
    return f"{stamp:%Y-%m-%dT%H}"


def _last_composite(last, end):
    """The last day a composite may begin on to end within the record."""
    if last != end or last.endswith("12-31"):
        return last
    return str(np.datetime64(last) - np.timedelta64(COMPOSITE - 1, "D"))


def _one_a_day(fields, passes):
    """Soil moisture of the pass, or the mean of the passes there are."""
    both = [fields[f"soil_moisture_{name}"] for name in passes]
    values = both[0] if len(both) == 1 else xr.concat(both, "pass").mean("pass", skipna=True)
    values.attrs = {**both[0].attrs, "local_time": ", ".join(passes)}
    return values.rename("soil_moisture").to_dataset()
