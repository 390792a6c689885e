"""The made-up land: terrain, climate, soils and vegetation, and the attributes networks are given.

It is laid over a real place so that maps and the sun's path are real; the land itself is invented.
Rain grows from west to east and cold from south to north, mountains stand in the north-west, all
relative to the edges: a small region spans the same climates as a large one.
"""

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.land.evaporation import extraterrestrial_radiation
from parlearn.land.soil import soil_statics
from parlearn.land.vegetation import vegetation_statics
from parlearn.plan.places import PLACES, corner
from parlearn.sources.twin.config import TwinConfig
from parlearn.sources.twin.fields import random_fields
from parlearn.sources.twin.weather import (
    DAYS_PER_YEAR,
    Climate,
    potential_evapotranspiration,
    season,
)

DRIEST, WETTEST = 230.0, 1250.0  # mm year-1 at the western and eastern edge
WARMEST, COOLING = 17.0, 8.0  # degC at 300 m in the south; K from the south to the north
LAPSE_RATE = 5.5e-3  # K m-1

#: attribute -> (unit, what it is); the order is that of the file
ATTRIBUTES = {
    "sand": ("%", "sand"),
    "clay": ("%", "clay"),
    "elevation": ("m", "elevation"),
    "slope": ("m km-1", "mean slope of the terrain inside the cell"),
    "ndvi": ("1", "mean NDVI"),
    "tree_fraction": ("1", "share of the cell under trees"),
    "precipitation": ("mm year-1", "mean precipitation"),
    "temperature": ("degC", "mean air temperature"),
    "dryness": ("1", "potential evapotranspiration (Oudin et al. 2005) over precipitation"),
    "snow_fraction": ("1", "share of precipitation on days below 0 degC"),
    "summer_share": ("1", "share of precipitation from May to September"),
}


def draw_region(config: TwinConfig, generators: dict[str, np.random.Generator]) -> xr.Dataset:
    """Terrain, normals, soil texture and land cover of all cells, row-major, row 0 in the south.

    Parameters
    ----------
    generators : random streams ``terrain``, ``climate``, ``soil``, ``cover``.

    Returns
    -------
    xarray.Dataset, dim cell: row, col, lat, lon; elevation (m), slope (m km-1), precipitation
    (mm year-1), temperature, amplitude (K) as normals; sand, silt, clay (%); ndvi; igbp (class).
    """
    shape = config.shape
    row, col = (v.ravel() for v in np.indices(shape))
    north, east = row / (config.rows - 1), col / (config.cols - 1)

    elevation, slope = _terrain(north, east, shape, generators["terrain"])
    precipitation, temperature, amplitude = _normals(
        north, east, elevation, shape, generators["climate"]
    )
    south, west = corner(config.place, *shape)
    step = PLACES[config.place].resolution
    lat = south + (row + 0.5) * step
    days = np.arange(1, 366, 5)
    warmth = temperature[:, None] + amplitude[:, None] * season(days)
    radiation = extraterrestrial_radiation(lat, days)
    demand = potential_evapotranspiration(radiation, warmth).mean(axis=1) * DAYS_PER_YEAR
    wetness = precipitation / demand

    sand, silt, clay = _soils(wetness, elevation, shape, generators["soil"])
    ndvi, igbp = _cover(wetness, temperature, elevation, shape, generators["cover"])
    values = {
        "row": row,
        "col": col,
        "lat": lat,
        "lon": west + (col + 0.5) * step,
        "elevation": elevation,
        "slope": slope,
        "precipitation": precipitation,
        "temperature": temperature,
        "amplitude": amplitude,
        "sand": sand,
        "silt": silt,
        "clay": clay,
        "ndvi": ndvi,
        "igbp": igbp,
    }
    return xr.Dataset({name: ("cell", value) for name, value in values.items()})


def climate_of(region: xr.Dataset) -> Climate:
    """The normals of a region as the weather generator takes them."""
    return Climate(
        latitude=region["lat"].values,
        elevation=region["elevation"].values,
        precipitation=region["precipitation"].values,
        temperature=region["temperature"].values,
        amplitude=region["amplitude"].values,
    )


def region_domain(region: xr.Dataset, forcing: xr.Dataset, learnable: slice) -> xr.Dataset:
    """The ``domain`` file of a region, but for its samplings.

    Parameters
    ----------
    forcing : the weather the region has had.
    learnable : days whose weather may be known to a learner; climate attributes and the deep soil
        temperature of VIC are means over these alone.
    """
    known = forcing.isel(time=learnable)
    soil = soil_statics(*(region[name].values for name in ("sand", "clay", "silt")))
    plants = vegetation_statics(region["igbp"].values, region["ndvi"].values)
    attributes = _attributes(region, known, plants)

    table = np.stack([attributes[name] for name in ATTRIBUTES], axis=1).astype(np.float32)
    out = xr.merge([soil, plants], compat="no_conflicts")
    out = out.assign(
        attributes=(("cell", "attribute"), table),
        attribute_units=("attribute", np.array([unit for unit, _ in ATTRIBUTES.values()])),
        lat=("cell", region["lat"].values, {"units": "degrees_north"}),
        lon=("cell", region["lon"].values, {"units": "degrees_east"}),
        row=("cell", region["row"].values, {"units": "1", "long_name": "row, 0 in the south"}),
        col=("cell", region["col"].values, {"units": "1", "long_name": "column, 0 in the west"}),
        elev=("cell", region["elevation"].values, {"units": "m", "long_name": "elevation"}),
        avg_T=(
            "cell",
            attributes["temperature"],
            {"units": "degC", "long_name": "mean air temperature (deep soil temperature)"},
        ),
        igbp=("cell", region["igbp"].values, {"long_name": "IGBP land-cover class (invented)"}),
    )
    return out.assign_coords(attribute=np.array(list(ATTRIBUTES)))


def _attributes(region, known, plants):
    """Name -> (cell,) of all attributes, the climatic ones from the ``known`` weather alone."""
    prec, tair = known["prec"].values, known["tair"].values
    dates = pd.DatetimeIndex(known["time"].values)
    radiation = extraterrestrial_radiation(region["lat"].values, dates.day_of_year)
    demand = potential_evapotranspiration(radiation, tair).mean(axis=1)
    total = np.maximum(prec.sum(axis=1), 1.0)  # a desert without a drop has shares of 0
    summer = (dates.month >= 5) & (dates.month <= 9)
    return {
        **{name: region[name].values for name in ("sand", "clay", "elevation", "slope", "ndvi")},
        "tree_fraction": (plants["Cv"] * plants["overstory"]).sum("veg_class").values,
        "precipitation": prec.mean(axis=1) * DAYS_PER_YEAR,
        "temperature": tair.mean(axis=1),
        "dryness": demand * len(dates) / total,
        "snow_fraction": np.where(tair < 0, prec, 0).sum(axis=1) / total,
        "summer_share": prec[:, summer].sum(axis=1) / total,
    }


def _terrain(north, east, shape, rng):
    """Elevation (m) and slope (m km-1): plains rise westwards, mountains in the north-west."""
    broad, rough, steep = (
        random_fields(rng, 1, shape, scales)[0].ravel()
        for scales in ({12.0: 1.0}, {2.5: 1.0}, {6.0: 0.7, 2.5: 0.3})
    )
    highland = (1 - east) * north**2
    elevation = 300 + 800 * (1 - east) + 900 * highland
    elevation = np.maximum(elevation + 90 * broad + (25 + 130 * highland) * rough, 20)
    return elevation, 8 * np.exp(0.7 * steep + 2.0 * highland)


def _normals(north, east, elevation, shape, rng):
    """Precipitation (mm year-1), mean temperature and half its annual range (degC)."""
    bend, spots = (
        random_fields(rng, 1, shape, scales)[0].ravel() for scales in ({14.0: 1.0}, {5.0: 1.0})
    )
    precipitation = DRIEST * (WETTEST / DRIEST) ** np.clip(east + 0.07 * bend, 0, 1.05)
    plains = 300 + 800 * (1 - east)
    lift = np.clip((elevation - plains) / 1000, -0.2, 1.2)
    precipitation *= np.exp(1.0 * lift + 0.05 * spots)  # mountains draw rain from dry air
    temperature = WARMEST - COOLING * north - LAPSE_RATE * (elevation - 300) + 0.3 * bend
    return precipitation, temperature, 12.0 + 2.0 * north + 0.3 * spots


def _soils(wetness, elevation, shape, rng):
    """Sand, silt, clay (%), from two fields; drier and higher land is sandier."""
    sandy, clayey = random_fields(rng, 2, shape, {7.0: 0.7, 2.5: 0.3}).reshape(2, -1)
    parts = np.stack(
        [
            0.75 * sandy + 0.35 - 0.5 * (wetness - 0.7) + 0.2 * (elevation / 1000 - 0.8),
            np.zeros_like(wetness),
            0.6 * clayey - 0.45 + 0.25 * (wetness - 0.7),
        ]
    )
    parts = np.exp(parts)
    return 100 * parts / parts.sum(axis=0)


def _cover(wetness, temperature, elevation, shape, rng):
    """NDVI and IGBP class from how wet and warm a cell is, blurred by two fields."""
    lush, use = random_fields(rng, 2, shape, {6.0: 0.7, 2.0: 0.3}).reshape(2, -1)
    water = wetness + 0.1 * lush
    cold = np.clip((temperature + 8) / 14, 0.5, 1)
    ndvi = (0.06 + 0.52 * (1 - np.exp(-1.1 * np.maximum(water, 0)))) * cold + 0.03 * use
    needles = np.where(temperature < 3, 1, 5)  # evergreen, else mixed forest
    forest = np.where(temperature < 7, needles, 4)
    farmed = (elevation < 900) & (temperature > 5)
    igbp = np.select(
        [
            water < 0.16,
            water < 0.33,
            water < 0.55,
            (water < 0.85) & farmed & (use > -0.6),
            (water < 0.85) & (temperature >= 4),
            farmed & (use > 0.5),
        ],
        [16, 7, 10, 12, 8, 14],  # barren, shrubs, grass, crops, woody savanna, mosaic
        default=forest,
    )
    return np.clip(ndvi, 0.05, 0.75), igbp
