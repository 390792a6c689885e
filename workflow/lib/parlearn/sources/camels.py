"""Native files of CAMELS-US: weather, streamflow and attributes of basins.

Newman et al. (2015, doi:10.5194/hess-19-209-2015; data doi:10.5065/D6MW2F4D). In the folder of the
data, as published::

    basin_mean_forcing/{daymet,maurer,maurer_extended,nldas}/HUC/GAUGE_lump_*_forcing_leap.txt
    usgs_streamflow/HUC/GAUGE_streamflow_qc.txt
    camels_attributes_v2.0/camels_{topo,soil,vege,geol,name}.txt
    benchmarks/*.csv, published scores that may lie beside them (:mod:`parlearn.sources.published`)

What is to be known of them, and what is done about it:

- ``srad`` is the mean over daylight: times dayl / 86400 it is that of the day;
- nldas and maurer give the daily mean as both tmin and tmax; daymet and maurer_extended the range;
- the header's elevation is that of the gauge or wrong, its area wrong in some basins: both are
  taken from ``camels_topo`` (elev_mean, area_gages2), and what differs much is noted;
- streamflow is in ft3 s-1, -999 (letter M) is missing, letters A and A:e (estimated) are kept;
- the precipitation of a day of Maurer is in places that of Daymet's next day: it is taken as dated;
- basins with more runoff than precipitation are kept, and noted.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.sources import camels_tables, published, records
from parlearn.sources.records import FLOW, RecordsError, Unusable

#: forcing product -> end of its files' names, whether tmin and tmax are the range of the day
PRODUCTS = {
    "daymet": ("_lump_cida_forcing_leap.txt", True),
    "maurer": ("_lump_maurer_forcing_leap.txt", False),
    "maurer_extended": ("_lump_maurer_forcing_leap.txt", True),
    "nldas": ("_lump_nldas_forcing_leap.txt", False),
}
FLOW_END = "_streamflow_qc.txt"
HEADER = 4  # lines: latitude, elevation, area, names of the columns
#: column -> its unit, as products write it in small or large letters
COLUMNS = {"dayl": "s", "prcp": "mm/day", "srad": "w/m2", "tmax": "c", "tmin": "c", "vp": "pa"}
DATE = ("year", "mnth", "day")
SECONDS_A_DAY = 86400.0
CUBIC_METRES = 0.0283168466  # in a cubic foot
MISSING = -999.0
LETTERS = ("A", "A:e", "M", "P", "P:e", "A:<", "A:>")
#: above these a header's area and elevation (m) are noted to differ
AREA_DIFFERS, ELEVATION_DIFFERS = 0.1, 200.0
#: tmin equal to tmax on more than this share of days: they are the daily mean
SHARE_EQUAL = 0.5


class Header(NamedTuple):
    """Latitude (degrees north), elevation (m) and area (km2) as a forcing file has them."""

    lat: float
    elev: float
    area: float


def file_names(names: Iterable[str], source) -> list[str]:
    """Those of a folder's or a list's files (paths relative to the data) that are read."""
    end, _ = PRODUCTS[source["forcing"]]
    series = (f"basin_mean_forcing/{source['forcing']}/", end), ("usgs_streamflow/", FLOW_END)
    names = list(names)
    tables, comparisons = camels_tables.file_names(), published.file_names(names)
    wanted = records.wanted(source)
    return sorted(
        name
        for name in names
        if name in tables
        or name in comparisons
        or (
            any(name.startswith(a) and name.endswith(b) for a, b in series)
            and (wanted is None or _gauge(name) in wanted)
        )
    )


def read_basins(
    folder, names: Sequence[str], source, record: Sequence[str], with_flow=True
) -> xr.Dataset:
    """Records of the basins of a folder, see :func:`parlearn.sources.records.gather`.

    Parameters
    ----------
    folder : of the data
    names : its files that are read, of :func:`file_names`
    source : ``forcing``, a product; ``basins``, a list of gauges, or None for all that are there
    record : first and last day of the record; weather begins a year earlier
    with_flow : whether streamflow is read as well
    """
    folder, days = Path(folder), records.days_of(record)
    known = camels_tables.read_known(folder)
    weather, flow = defaultdict(list), defaultdict(list)
    for name in names:
        if not name.startswith((camels_tables.FOLDER, published.FOLDER)):
            chosen = flow if name.endswith(FLOW_END) else weather
            chosen[_gauge(name)].append(name)
    gauges = records.wanted(source) or sorted({*weather, *flow})
    if not gauges:
        raise RecordsError(f"{folder}: has no files of basins with {source['forcing']} forcing")
    whole_range = PRODUCTS[source["forcing"]][1]
    noted = defaultdict(list)

    def read(gauge):
        path = folder / _only(weather[gauge], "forcing")
        header, table = read_forcing(path)
        series = daily_weather(table, days, whole_range)
        records.check_weather(series, days)
        area = known.loc[gauge, "area"]
        noted[gauge] += _differences(header, known.loc[gauge])
        if with_flow:
            series[FLOW] = read_streamflow(folder / _only(flow[gauge], FLOW), gauge, area, days)
            records.check_flow(series[FLOW], days)
        return series

    return records.gather(gauges, days, read, known, camels_tables.UNITS, noted)


def read_forcing(path) -> tuple[Header, pd.DataFrame]:
    """Header and table of a forcing file: ``date`` and the columns :data:`COLUMNS`, in their units.

    Raises
    ------
    Unusable
        where it is not such a file, is in other units, or its dates do not rise.
    """
    text = Path(path).read_text(encoding="ascii", errors="replace")
    lines = text.split("\n", HEADER)
    try:
        lat, elev, area = (float(line) for line in lines[:3])
        found = lines[3].lower().split()
    except (ValueError, IndexError):
        raise Unusable(f"{Path(path).name}: its first lines are no header of CAMELS") from None
    names = [column.partition("(")[0] for column in found]
    units = {column.partition("(")[0]: column.partition("(")[2].rstrip(")") for column in found}
    for name, unit in (dict.fromkeys(DATE, "") | COLUMNS).items():
        if units.get(name) != unit:
            raise Unusable(f"{Path(path).name}: has no column {name} in {unit or 'numbers'}")
    try:
        table = pd.read_csv(io.StringIO(lines[4]), sep=r"\s+", header=None, names=names)
        values = table[[*DATE, *COLUMNS]].astype(np.float64)
    except (ValueError, IndexError, pd.errors.ParserError, pd.errors.EmptyDataError):
        raise Unusable(f"{Path(path).name}: is no table of numbers") from None
    if values.empty or values[list(DATE)].isna().any(axis=None):
        raise Unusable(f"{Path(path).name}: has lines without a date")
    date = records.dates(*(values[name] for name in DATE))
    return Header(lat, elev, area / 1e6), values[list(COLUMNS)].assign(date=date)


def daily_weather(table: pd.DataFrame, days: np.ndarray, whole_range: bool) -> dict:
    """Weather (day,) on a time axis in the units of :data:`parlearn.sources.records.WEATHER`.

    ``whole_range``: whether the product gives the range of the day's temperature.
    """
    tmin, tmax = table["tmin"], table["tmax"]
    series = {
        "prec": table["prcp"],
        "tair": (tmin + tmax) / 2,
        "swdown": table["srad"] * table["dayl"] / SECONDS_A_DAY,
        "vp": table["vp"] / 1000,
    }
    if whole_range:
        if (tmin == tmax).mean() > SHARE_EQUAL:
            raise Unusable("tmin and tmax are both the daily mean: the file is of another product")
        series |= {"tmin": tmin, "tmax": tmax}
    date = table["date"].to_numpy().astype("datetime64[D]")
    return {name: records.on_days(days, date, v.to_numpy()) for name, v in series.items()}


def read_streamflow(path, gauge: str, area: float, days: np.ndarray) -> np.ndarray:
    """Streamflow (day,) in mm day-1 over an area in km2, NaN where it is missing.

    Raises
    ------
    Unusable
        where the file is of another gauge, no table, out of order, or has unknown letters.
    """
    name = Path(path).name
    columns = ["gauge", "year", "month", "day", "flow", "letter"]
    try:
        table = pd.read_csv(
            path, sep=r"\s+", header=None, names=columns, dtype={"gauge": str, "letter": str}
        )
        numbers = table[columns[1:5]].astype(np.float64)
    except (ValueError, pd.errors.ParserError, pd.errors.EmptyDataError):
        raise Unusable(f"{name}: is no table of gauge, date, flow and letter") from None
    if numbers.empty:
        raise Unusable(f"{name}: is empty")
    if numbers.isna().any(axis=None):
        raise Unusable(f"{name}: has lines that end early")
    if (others := table["gauge"][table["gauge"] != gauge]).size:
        raise Unusable(f"{name}: has lines of the gauge {others.iloc[0]}")
    letters = table["letter"].fillna("none")
    if (unknown := letters[~letters.isin(LETTERS)]).size:
        raise Unusable(f"{name}: the letter {unknown.iloc[0]} of {len(unknown)} days is unknown")
    date = records.dates(*(numbers[part] for part in ("year", "month", "day")))
    flow = numbers["flow"].to_numpy()
    flow = np.where((flow == MISSING) | (letters == "M").to_numpy(), np.nan, flow)
    depth = flow * CUBIC_METRES * SECONDS_A_DAY / (area * 1e6) * 1000
    return records.on_days(days, date, depth)


def _gauge(name) -> str:
    return Path(name).name.split("_")[0]


def _only(names, what) -> str:
    """The file of a gauge; Unusable where there is none or more than one."""
    if not names:
        raise Unusable(f"no {what} file")
    if len(names) > 1:
        folders = ", ".join(Path(name).parent.name for name in names)
        raise Unusable(f"its {what} is in {len(names)} folders: {folders}")
    return names[0]


def _differences(header: Header, known) -> list[str]:
    """What a header says otherwise than the table of topography, which is taken."""
    found = []
    if abs(header.area / known["area"] - 1) > AREA_DIFFERS:
        found.append(f"area {known['area']:.4g} km2, in the header {header.area:.4g}")
    if abs(header.elev - known["elev"]) > ELEVATION_DIFFERS:
        found.append(f"elevation {known['elev']:.0f} m, in the header {header.elev:.0f}")
    return found
