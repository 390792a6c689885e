"""Attribute tables of CAMELS-US v2.0 (Addor et al. 2017, doi:10.5194/hess-21-5293-2017).

One table a theme, a line a gauge, parted by semicolons. Two tables are not read: ``camels_clim``,
whose climate is that of 1989 to 2009 and so of every test period (the indices are worked out again
from the training period, :func:`parlearn.land.climate.catchment_indices`), and ``camels_hydro``,
whose signatures are streamflow itself.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from parlearn.sources.records import RecordsError

FOLDER = "camels_attributes_v2.0"
#: table -> attribute that networks may be told -> unit
ATTRIBUTES = {
    "topo": {"elev_mean": "m", "slope_mean": "m km-1", "area_gages2": "km2"},
    "vege": {
        "frac_forest": "1",
        "lai_max": "m2 m-2",
        "lai_diff": "m2 m-2",
        "gvf_max": "1",
        "gvf_diff": "1",
    },
    "soil": {
        "soil_depth_pelletier": "m",
        "soil_depth_statsgo": "m",
        "soil_porosity": "1",
        "soil_conductivity": "cm h-1",
        "max_water_content": "m",
        "sand_frac": "%",
        "silt_frac": "%",
        "clay_frac": "%",
        "water_frac": "%",
    },
    "geol": {"carbonate_rocks_frac": "1", "geol_permeability": "log10 m2"},
}
UNITS = {name: unit for table in ATTRIBUTES.values() for name, unit in table.items()}
#: what else is read, of which the first four are text
OTHERS = {
    "name": ("huc_02", "gauge_name"),
    "vege": ("dom_land_cover",),
    "topo": ("gauge_lat", "gauge_lon", "area_geospa_fabric"),
}
TEXT = ("gauge_id", "huc_02", "gauge_name", "dom_land_cover")
#: dominant land cover, in small letters -> IGBP class
COVER = {
    "evergreen needleleaf forest": 1,
    "evergreen broadleaf forest": 2,
    "deciduous needleleaf forest": 3,
    "deciduous broadleaf forest": 4,
    "mixed forests": 5,
    "closed shrublands": 6,
    "open shrublands": 7,
    "woody savannas": 8,
    "savannas": 9,
    "grasslands": 10,
    "croplands": 12,
    "urban and built-up": 13,
    "cropland/natural vegetation mosaic": 14,
    "barren or sparsely vegetated": 16,
}
MM_A_DAY = 240.0  # in a centimetre an hour
#: largest factor between the two areas of the tables that is taken for a matter of maps
AREA_FACTOR = 2.0


def file_names() -> list[str]:
    """Files of the tables that are read, relative to the folder of the data."""
    return [f"{FOLDER}/camels_{table}.txt" for table in dict.fromkeys((*ATTRIBUTES, *OTHERS))]


def read_known(folder) -> pd.DataFrame:
    """What the tables tell of each gauge, as :func:`parlearn.sources.records.gather` takes it.

    ``reason`` says which table lacks a gauge, or what in it cannot be used.

    Raises
    ------
    RecordsError
        on a table that is missing, lacks a column or has a gauge twice.
    """
    tables = {}
    for file in file_names():
        name = Path(file).stem.removeprefix("camels_")
        wanted = [*ATTRIBUTES.get(name, {}), *OTHERS.get(name, ())]
        tables[name] = _read(Path(folder) / file, wanted)
    known = pd.concat(tables.values(), axis=1, sort=True)
    reason = pd.Series("", index=known.index)
    # the last reason written is the one that stands: the plainest ones come last
    texture = known[["sand_frac", "silt_frac", "clay_frac"]].sum(axis=1)
    reason[(texture < 30) | (texture > 130)] = "camels_soil.txt: soil texture is no whole"
    apart = np.abs(np.log(known["area_gages2"] / known["area_geospa_fabric"]))
    reason[apart > np.log(AREA_FACTOR)] = "camels_topo.txt: its two areas differ by a factor of 2"
    cover = known["dom_land_cover"].str.strip().str.lower()
    for value in cover[~cover.isin(COVER)].dropna().unique():
        reason[cover == value] = f"no vegetation class for the land cover {value}"
    for name, table in tables.items():
        for column in table:
            reason[known[column].isna()] = f"camels_{name}.txt: no {column}"
        reason[~known.index.isin(table.index)] = f"camels_{name}.txt has no line for it"
    return known.assign(
        reason=reason,
        name=known["gauge_name"],
        region=known["huc_02"].str.zfill(2),
        lat=known["gauge_lat"],
        lon=known["gauge_lon"],
        elev=known["elev_mean"],
        area=known["area_gages2"],
        sand=known["sand_frac"],
        clay=known["clay_frac"],
        silt=known["silt_frac"],
        porosity=known["soil_porosity"],
        conductivity=known["soil_conductivity"] * MM_A_DAY,
        soil_depth=known["soil_depth_statsgo"],
        forest=known["frac_forest"],
        cover=cover.map(COVER),
        green=known["gvf_max"],
        lai_min=known["lai_max"] - known["lai_diff"],
    )


def _read(path, wanted) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, sep=";", dtype=dict.fromkeys(TEXT, str))
    except FileNotFoundError:
        raise RecordsError(
            f"there is no {path}: put the attribute tables of CAMELS v2.0 there, as published"
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise RecordsError(f"{path}: is no table parted by semicolons ({error})") from error
    if missing := [name for name in ("gauge_id", *wanted) if name not in table]:
        raise RecordsError(
            f"{path}: has no column {', '.join(missing)}: it is not the table of CAMELS v2.0"
        )
    table["gauge_id"] = table["gauge_id"].str.zfill(8)
    if table["gauge_id"].duplicated().any():
        twice = table["gauge_id"][table["gauge_id"].duplicated()].iloc[0]
        raise RecordsError(f"{path}: the gauge {twice} stands twice: leave one line")
    return table.set_index("gauge_id")[wanted]
