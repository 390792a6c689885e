"""Writes files of CAMELS-US in their native form (see :mod:`parlearn.sources.camels`)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from parlearn.storage.files import write_text

FORCING = "Year Mnth Day Hr\tdayl(s)\tprcp(mm/day)\tsrad(W/m2)\tswe(mm)\ttmax(C)\ttmin(C)\tvp(Pa)"
COLUMNS = ("dayl", "prcp", "srad", "swe", "tmax", "tmin", "vp")


def write_forcing(folder, region: str, gauge: str, header, days, table: Mapping) -> Path:
    """A forcing file of the product daymet.

    header : latitude (degrees north), elevation (m), area (m2); days : (day,) datetime64[D];
    table : :data:`COLUMNS` (day,) in the units of the product
    """
    place = Path(folder) / "basin_mean_forcing/daymet" / region
    path = place / f"{gauge}_lump_cida_forcing_leap.txt"
    lat, elev, area = header
    lines = [f"{lat:7.2f}", f"{elev:7.2f}", f"{area:11.0f}", FORCING]
    dates = pd.DatetimeIndex(days).strftime("%Y %m %d 12")
    values = np.stack([table[name] for name in COLUMNS], axis=-1)
    lines += [
        f"{date}\t" + "\t".join(f"{value:.2f}" for value in row)
        for date, row in zip(dates, values.tolist(), strict=True)
    ]
    return _write(path, lines)


def write_streamflow(folder, region: str, gauge: str, days, flow, letters) -> Path:
    """A streamflow file: flow (day,) in ft3 s-1, -999 where missing, and its letters."""
    path = Path(folder) / "usgs_streamflow" / region / f"{gauge}_streamflow_qc.txt"
    dates = pd.DatetimeIndex(days).strftime("%Y %m %d")
    lines = [
        f"{gauge} {date} {value:8.2f} {letter}"
        for date, value, letter in zip(dates, flow.tolist(), letters, strict=True)
    ]
    return _write(path, lines)


def write_tables(folder, tables: Mapping[str, pd.DataFrame]) -> list[Path]:
    """Tables of attributes, theme -> columns by gauge."""
    written = []
    for theme, table in tables.items():
        path = Path(folder) / "camels_attributes_v2.0" / f"camels_{theme}.txt"
        text = table.to_csv(sep=";", index_label="gauge_id", na_rep="NA", float_format="%.6g")
        write_text(text, path)
        written.append(path)
    return written


def _write(path, lines) -> Path:
    write_text("\n".join(lines) + "\n", path)
    return path
