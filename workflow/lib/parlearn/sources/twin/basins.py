"""Made-up basins whose true parameters are known: the source ``twin_basins``.

Land and weather are those of a made-up region (:mod:`parlearn.sources.twin.region`), of which some
scattered cells are taken for basins. They are published as files of CAMELS, and read back from
there as real ones are; the process model runs with true parameters on what was read, and its
streamflow, with an error and gaps, is published as well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import xarray as xr

from parlearn.land.subdaily import temperature_amplitude, vic_forcing
from parlearn.models.base import ProcessModel
from parlearn.plan.basins import TWIN
from parlearn.sources import basins as study
from parlearn.sources import camels
from parlearn.sources.camels import CUBIC_METRES, MISSING, SECONDS_A_DAY
from parlearn.sources.records import FLOW, names_in
from parlearn.sources.twin.config import TwinConfig
from parlearn.sources.twin.granules.camels import write_forcing, write_streamflow, write_tables
from parlearn.sources.twin.parameters import draw_parameters
from parlearn.sources.twin.region import climate_of, draw_region, region_domain
from parlearn.sources.twin.weather import draw_weather

#: cells of the region for each basin
CELLS = 6
#: shares of the days whose streamflow is missing, and estimated
GAPS, ESTIMATED = 0.02, 0.05
#: IGBP class -> dominant land cover as CAMELS writes it
COVER = {
    1: "Evergreen Needleleaf Forest",
    4: "Deciduous Broadleaf Forest",
    5: "Mixed Forests",
    7: "Open Shrublands",
    8: "Woody Savannas",
    10: "Grasslands",
    12: "Croplands",
    14: "cropland/natural vegetation mosaic",
    16: "Barren or Sparsely Vegetated",
}


@dataclass(frozen=True)
class BasinTwin:
    """What a twin of basins is made from.

    Attributes
    ----------
    basins : their number
    years, start : of the record; one more year of weather lies before it
    seed : all follows from it
    hidden_share : share of the variance of the true parameters that attributes do not tell
    flow_noise : coefficient of variation of the error of a day's streamflow
    """

    basins: int
    years: int
    start: str
    seed: int
    hidden_share: float = 0.25
    flow_noise: float = 0.1

    @classmethod
    def from_mapping(cls, source: Mapping) -> "BasinTwin":
        """From the ``source`` part of a configuration (its key ``name`` is left aside)."""
        return cls(**{key: value for key, value in source.items() if key != "name"})

    @property
    def region(self) -> TwinConfig:
        """The region that the basins are cells of."""
        side = max(8, int(np.ceil(np.sqrt(CELLS * self.basins))))
        return TwinConfig(rows=side, cols=side, years=self.years, seed=self.seed, start=self.start)

    def generator(self, purpose: int) -> np.random.Generator:
        """A stream of its own for places (0), areas and rocks (1), parameters (2), errors (3)."""
        return np.random.default_rng([self.seed, purpose])


def invent(twin: BasinTwin, folder) -> tuple[xr.Dataset, list[Path]]:
    """Land and weather of the basins, written to a folder of CAMELS files.

    Returns
    -------
    land : (cell) what the law of the true parameters reads, as ``region_domain`` gives it, and
        ``gauge``, ``region``, ``area`` (km2); and the files
    """
    config = twin.region
    generators, time = config.generators(), config.time
    whole = draw_region(config, generators)
    weather = draw_weather(climate_of(whole), time, config.shape, generators)
    chosen = twin.generator(0).choice(whole.sizes["cell"], twin.basins, replace=False)
    cells = whole.isel(cell=np.sort(chosen))
    weather = {name: values[np.sort(chosen)] for name, values in weather.items()}
    lat, day = cells["lat"].values, time.day_of_year.to_numpy()
    forcing = vic_forcing(time, lat, **weather)
    recorded = slice(int((time < pd.Timestamp(twin.start)).sum()), len(time))
    land = region_domain(cells, forcing, recorded)
    rocks = twin.generator(1)
    land["area"] = "cell", np.exp(rocks.normal(5.5, 0.8, twin.basins)).round(2)
    land["gauge"] = "cell", np.array([f"{k + 1:08d}" for k in range(twin.basins)])
    # regions of a few columns each, named as hydrologic units are
    quarter = 4 * cells["col"].values // config.cols
    land["region"] = "cell", np.array([f"{k + 1:02d}" for k in quarter])

    half = temperature_amplitude(weather["swdown"], lat, day)
    length = _day_length(lat, day)
    written = []
    for k, gauge in enumerate(land["gauge"].values):
        table = {
            "dayl": length[k],
            "prcp": weather["prec"][k],
            "srad": weather["swdown"][k] * SECONDS_A_DAY / length[k],
            "swe": np.zeros(len(time)),
            "tmax": weather["tair"][k] + half[k],
            "tmin": weather["tair"][k] - half[k],
            "vp": 1000 * weather["vp"][k],
        }
        header = lat[k], cells["elevation"].values[k], 1e6 * land["area"].values[k]
        region = str(land["region"].values[k])
        written.append(write_forcing(folder, region, str(gauge), header, time, table))
    return land, written + write_tables(folder, _tables(land, cells, rocks))


def true_run(
    twin: BasinTwin,
    land: xr.Dataset,
    folder,
    record,
    open_model: Callable[[xr.Dataset, xr.Dataset, tuple], ProcessModel],
) -> xr.Dataset:
    """Truth: parameters (parameter, cell) and streamflow (cell, time) by a run of the model.

    Parameters
    ----------
    land, folder : of :func:`invent`
    record : first and last day
    open_model : of a domain, its forcing and outputs the process model bound to them

    Raises
    ------
    ValueError
        where the model gives no streamflow, or one that cannot be.
    """
    names = camels.file_names(names_in(folder), TWIN)
    # what is read of streamflow is not there yet: without it every basin is set up
    read = camels.read_basins(folder, names, TWIN, record, with_flow=False)
    read[FLOW] = xr.zeros_like(read["prec"])
    table = study.coverage(read, record)
    domain = study.build_domain(read, table, record, {"all": {}}, twin.seed)
    forcing = study.build_forcing(read, domain, record)
    model = open_model(domain, forcing, (FLOW,))
    law = land.sel(cell=[land["gauge"].values.tolist().index(g) for g in domain["gauge"].values])
    parameters = draw_parameters(
        law, model.space, twin.region.shape, twin.hidden_share, twin.generator(2)
    )
    with torch.inference_mode():
        run = model.simulate(torch.from_numpy(np.ascontiguousarray(parameters.values.T)))
    flow = run[..., model.outputs.index(FLOW)].cpu().numpy()
    if not np.isfinite(flow).all() or (flow < 0).any():
        raise ValueError("the model of the truth gave streamflow that cannot be")
    kept = ("gauge", "region", "area", "lat", "lon")
    return xr.Dataset(
        {
            "parameters": parameters,
            FLOW: (("cell", "time"), flow, {"units": "mm day-1"}),
            **{name: domain[name] for name in kept},
        },
        coords={"time": forcing["time"]},
        attrs={"record_start": str(record[0])},
    )


def publish(twin: BasinTwin, truth: xr.Dataset, folder) -> list[Path]:
    """Streamflow as a gauge reports it: with an error in proportion, gaps, and letters."""
    rng = twin.generator(3)
    shape = truth[FLOW].shape
    spread = np.sqrt(np.log1p(twin.flow_noise**2))
    depth = truth[FLOW].values * np.exp(spread * rng.standard_normal(shape) - spread**2 / 2)
    volume = depth / 1000 * truth["area"].values[:, None] * 1e6 / SECONDS_A_DAY / CUBIC_METRES
    draw = rng.random(shape)
    missing, estimated = draw < GAPS, draw > 1 - ESTIMATED
    volume = np.where(missing, MISSING, volume)
    letters = np.where(missing, "M", np.where(estimated, "A:e", "A"))
    return [
        write_streamflow(folder, str(region), str(gauge), truth["time"].values, flow, letter)
        for region, gauge, flow, letter in zip(
            truth["region"].values, truth["gauge"].values, volume, letters, strict=True
        )
    ]


def _day_length(lat, day_of_year):
    """Seconds from sunrise to sunset (cell, day), FAO-56, equations 24, 25 and 34."""
    declination = 0.409 * np.sin(2 * np.pi * np.asarray(day_of_year) / 365 - 1.39)
    cosine = -np.tan(np.deg2rad(lat))[:, None] * np.tan(declination)
    return SECONDS_A_DAY / np.pi * np.arccos(np.clip(cosine, -1, 1))


def _tables(land, cells, rng) -> dict[str, pd.DataFrame]:
    """The tables of attributes, in the terms of CAMELS."""
    told = dict(zip(land["attribute"].values.tolist(), land["attributes"].values.T, strict=True))
    leaves = (land["Cv"] * land["LAI"]).sum("veg_class").values
    green = np.clip((land["Cv"] * land["fcanopy"]).sum("veg_class").values, 0.05, 1)
    depth = rng.uniform(0.8, 1.5, len(leaves))
    columns = {
        "name": {"huc_02": land["region"].values, "gauge_name": "made up"},
        "topo": {
            "gauge_lat": land["lat"].values,
            "gauge_lon": land["lon"].values,
            "elev_mean": told["elevation"],
            "slope_mean": told["slope"],
            "area_gages2": land["area"].values,
            "area_geospa_fabric": land["area"].values,
        },
        "vege": {
            "frac_forest": told["tree_fraction"],
            "lai_max": leaves.max(axis=1),
            "lai_diff": leaves.max(axis=1) - leaves.min(axis=1),
            "gvf_max": green,
            "gvf_diff": 0.4 * green,
            "dom_land_cover": [f"    {COVER[int(value)]}" for value in cells["igbp"].values],
        },
        "soil": {
            "soil_depth_pelletier": depth + rng.exponential(3.0, len(depth)),
            "soil_depth_statsgo": depth,
            "soil_porosity": land["porosity"].values,
            "soil_conductivity": land["Ksat"].values / 240,
            "max_water_content": depth * land["porosity"].values,
            "sand_frac": cells["sand"].values,
            "silt_frac": cells["silt"].values,
            "clay_frac": cells["clay"].values,
            "water_frac": 0.0,
        },
        "geol": {
            "carbonate_rocks_frac": rng.beta(0.3, 1.0, len(depth)),
            "geol_permeability": rng.normal(-13.5, 0.8, len(depth)),
        },
    }
    return {theme: pd.DataFrame(c, index=land["gauge"].values) for theme, c in columns.items()}
