"""A small folder of CAMELS-US files, written line by line as the products are published."""

import numpy as np
import pandas as pd

FORCING = {
    # product: end of the names, columns, between the date's parts, number format
    "daymet": ("_lump_cida_forcing_leap.txt", "dayl(s) prcp(mm/day) srad(W/m2) swe(mm) tmax(C)"
               " tmin(C) vp(Pa)", " ", "%.2f"),
    "maurer": ("_lump_maurer_forcing_leap.txt", "Dayl(s)\tPRCP(mm/day)\tSRAD(W/m2)\tSWE(mm)\t"
               "Tmax(C)\tTmin(C)\tVp(Pa)", " ", "%.2f"),
    "maurer_extended": ("_lump_maurer_forcing_leap.txt", "dayl(s)\tprcp(mm/day)\tsrad(W/m2)\t"
                        "swe(mm)\ttmax(C)\ttmin(C)\tvp(Pa)", "\t", "%.4g"),
    "nldas": ("_lump_nldas_forcing_leap.txt", "Dayl(s)\tPRCP(mm/day)\tSRAD(W/m2)\tSWE(mm)\t"
              "Tmax(C)\tTmin(C)\tVp(Pa)", " ", "%.2f"),
}  # fmt: skip
DAYS = pd.date_range("1998-10-01", "2001-09-30", freq="D")
RECORD = ("1999-10-01", "2001-09-30")
TRAINING = ("2000-10-01", "2001-09-30")
GAUGES = {"01010000": "01", "01020000": "01", "02030000": "02", "03040000": "03", "03050000": "03"}
SOURCE = {"name": "camels", "forcing": "maurer_extended", "basins": None}
AREA = 500.0  # km2


def weather(seed=0, days=DAYS, whole_range=True):
    """Columns of a forcing file."""
    rng = np.random.default_rng(seed)
    n, season = len(days), np.cos(2 * np.pi * (days.day_of_year.to_numpy() - 200) / 365)
    mean = 8 + 12 * season + rng.normal(0, 2, n)
    half = rng.uniform(2, 8, n) if whole_range else np.zeros(n)
    return pd.DataFrame(
        {
            "dayl": 43200 + 9000 * season,
            "prcp": np.where(rng.random(n) < 0.4, rng.gamma(0.6, 10, n), 0),
            "srad": 330 + 120 * season + rng.uniform(-60, 60, n),
            "swe": np.zeros(n),
            "tmax": mean + half,
            "tmin": mean - half,
            "vp": 900 + 500 * season,
        },
        index=days,
    )


def write_forcing(folder, gauge, region, table, product="maurer_extended", header=None):
    end, columns, gap, number = FORCING[product]
    lat, elev, area = header or (44.0, 300.0, AREA * 1e6)
    path = folder / "basin_mean_forcing" / product / region / f"{gauge}{end}"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"  {lat:.2f}", f" {elev:.2f}", f" {area:.0f}"]
    lines.append(gap.join(["Year", "Mnth", "Day", "Hr"]) + ("\t" if gap == "\t" else " ") + columns)
    for day, row in zip(table.index, table.to_numpy()):
        date = gap.join(
            [str(day.year), f"{day.month:02d}", f"{day.day:02d}", "12"]
            if gap == " "
            else [str(day.year), str(day.month), str(day.day), "12"]
        )
        lines.append(date + "\t" + "\t".join(number % value for value in row))
    path.write_text("\n".join(lines) + "\n")
    return path


def write_flow(folder, gauge, region, flow, letters=None, days=DAYS):
    path = folder / "usgs_streamflow" / region / f"{gauge}_streamflow_qc.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    letters = ["A"] * len(days) if letters is None else letters
    path.write_text(
        "".join(
            f"{gauge} {day:%Y %m %d} {value:8.2f} {letter}\n"
            for day, value, letter in zip(days, flow, letters)
        )
    )
    return path


def tables(gauges=GAUGES):
    """Attribute tables, theme -> text columns by gauge."""
    n = len(gauges)
    spread = np.linspace(0, 1, n)
    cover = ["    Mixed Forests", "Croplands", "    cropland/natural vegetation mosaic"]
    columns = {
        "name": {"huc_02": list(gauges.values()), "gauge_name": [f"River {g}" for g in gauges]},
        "topo": {
            "gauge_lat": 40 + 4 * spread,
            "gauge_lon": -90 + 10 * spread,
            "elev_mean": 300 + 400 * spread,
            "slope_mean": 5 + 20 * spread,
            "area_gages2": np.full(n, AREA),
            "area_geospa_fabric": np.full(n, AREA + 5),
        },
        "vege": {
            "frac_forest": 0.9 - 0.6 * spread,
            "lai_max": 5 - 2 * spread,
            "lai_diff": 3 - spread,
            "gvf_max": 0.8 - 0.2 * spread,
            "gvf_diff": np.full(n, 0.3),
            "dom_land_cover": [cover[k % 3] for k in range(n)],
            "root_depth_50": ["NA"] * n,
        },
        "soil": {
            "soil_depth_pelletier": 2 + spread,
            "soil_depth_statsgo": 1.1 + 0.4 * spread,
            "soil_porosity": 0.42 + 0.05 * spread,
            "soil_conductivity": 1 + spread,
            "max_water_content": 0.5 + 0.1 * spread,
            "sand_frac": 30 + 30 * spread,
            "silt_frac": 45 - 20 * spread,
            "clay_frac": 25 - 10 * spread,
            "water_frac": np.zeros(n),
        },
        "geol": {"carbonate_rocks_frac": spread, "geol_permeability": -14 + spread},
    }
    return {theme: pd.DataFrame(c, index=list(gauges)) for theme, c in columns.items()}


def write_tables(folder, made):
    place = folder / "camels_attributes_v2.0"
    place.mkdir(parents=True, exist_ok=True)
    for theme, table in made.items():
        table.to_csv(place / f"camels_{theme}.txt", sep=";", index_label="gauge_id", na_rep="NA")


def write_all(folder):
    """Five basins with maurer_extended forcing; rain of which a third runs off."""
    write_tables(folder, tables())
    for k, (gauge, region) in enumerate(GAUGES.items()):
        table = weather(k)
        write_forcing(folder, gauge, region, table)
        depth = table["prcp"].rolling(10, min_periods=1).mean() / 3
        write_flow(folder, gauge, region, depth * AREA * 1e3 / 86400 / 0.0283168466)
    return folder
