"""The five products as archives keep them: names of files, versions, records, logins.

Names and first days are those of each product's own documentation; only the standard library is
needed here, since the plan of the workflow asks as well.
"""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: degrees by which the centre of a cell of weather may lie outside of a box that it touches
REACH = 0.0625


class ProductError(ValueError):
    """A product, a version or a period that there is not."""


@dataclass(frozen=True)
class Granule:
    """What a file's name says.

    Attributes
    ----------
    name : of the file
    series : what there is one of for each time: a tile, a variable; empty where all is in a file
    start, end : time covered, `end` excluded; of hourly files the stamps covered
    version : as in the name; of SMAP the release
    rank : of files of one series and time the one with the highest wins
    """

    name: str
    series: str
    start: datetime
    end: datetime
    version: str
    rank: tuple


@dataclass(frozen=True)
class Product:
    """A product: see :data:`PRODUCTS`.

    Attributes
    ----------
    title : as people know it
    pattern : of the names of its files
    login : kind of login, as in config/datasets.csv
    first : first day of the record
    short_name, version : usual ones
    archive : base address where there is no search: ``{version}`` is put in
    step : of its times
    chunk : of a job: year or month
    approve : what to do where a login is good and not enough
    series : what must be there for each time
    weather : whether it drives the model, and so begins a year before the record
    """

    title: str
    pattern: re.Pattern
    login: str
    first: date
    short_name: str = ""
    version: str = ""
    archive: str = ""
    step: timedelta = DAY
    chunk: str = "year"
    approve: str = ""
    series: tuple[str, ...] = ()
    weather: bool = False


_APPROVE = (
    "log in at https://urs.earthdata.nasa.gov, accept the agreements (EULAs) asked for, and under "
    "Applications > Authorized Apps approve "
)
PRODUCTS = {
    "nldas": Product(
        "NLDAS-2 primary forcing",
        # whole hours as archived; whole days and months as subsets grouped in time
        re.compile(
            r"NLDAS_FORA0125_H\.A(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)?"
            r"(?:\.(?P<hour>\d\d)00)?\.(?P<version>\d{3})\.nc4?(?:\.SUB\.nc4?)?"
        ),
        "earthdata",
        date(1979, 1, 1),
        "NLDAS_FORA0125_H",
        "2.0",
        step=HOUR,
        chunk="month",
        approve=_APPROVE + "'NASA GESDISC DATA ARCHIVE'",
        weather=True,
    ),
    "smap": Product(
        "SMAP soil moisture",
        re.compile(
            r"SMAP_L3_SM_P(?P<enhanced>_E)?_(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)_"
            r"R(?P<version>\d{5})_(?P<rank>\d{3})\.h5"
        ),
        "earthdata",
        date(2015, 3, 31),
        "SPL3SMP_E",
        "006",
        approve=_APPROVE + "the application of NSIDC",
    ),
    "mod16": Product(
        "MODIS evapotranspiration",
        re.compile(
            r"(?P<short_name>MOD16A2(?:GF)?)\.A(?P<year>\d{4})(?P<doy>\d{3})\."
            r"(?P<series>h\d\dv\d\d)\.(?P<version>\d{3})\.(?P<rank>\d+)\.hdf"
        ),
        "earthdata",
        date(2000, 1, 1),
        "MOD16A2GF",
        "061",
        approve=_APPROVE + "the application of LP DAAC",
    ),
    "cmfd": Product(
        "China Meteorological Forcing Dataset",
        re.compile(
            r"(?P<series>temp|pres|shum|wind|srad|lrad|prec)_(?:ITPCAS-)?CMFD_V(?P<version>\d{4})_"
            r"B-\d\d_03hr_010deg_(?P<year>\d{4})(?P<month>\d\d)\.nc(?P<packed>\.gz)?"
        ),
        "tpdc",
        date(1979, 1, 1),
        version="0106",
        series=("temp", "pres", "shum", "wind", "srad", "lrad", "prec"),
        weather=True,
    ),
    "gleam": Product(
        "GLEAM evaporation",
        re.compile(r"(?P<series>[A-Za-z]+)_(?P<year>\d{4})_GLEAM_v(?P<version>\d+\.\d+[a-z]?)\.nc"),
        "gleam",
        date(1980, 1, 1),
        version="3.7a",
        archive="sftp://hydras.ugent.be:2225/data/v{version}/daily",
        approve="the account of GLEAM comes by mail after registering at https://www.gleam.eu",
        series=("E",),
    ),
}


def product(name: str) -> Product:
    if name not in PRODUCTS:
        raise ProductError(f"no product named {name!r}; there are {', '.join(PRODUCTS)}")
    return PRODUCTS[name]


def parse(name: str, file: str) -> Granule | None:
    """What the name of a product's file says; None where it is no file of the product."""
    found = product(name).pattern.fullmatch(file)
    if found is None:
        return None
    part = {key: value for key, value in found.groupdict().items() if value is not None}
    year, month = int(part["year"]), int(part.get("month", 1))
    try:
        start = datetime(year, month, int(part.get("day", 1)), int(part.get("hour", 0)))
    except ValueError:
        return None
    if name == "mod16":
        start += (int(part["doy"]) - 1) * DAY
        # the last composite of a year ends with it
        end = min(start + 8 * DAY, datetime(year + 1, 1, 1))
    elif "hour" in part:
        end = start + HOUR
    elif "day" in part:
        end = start + DAY
    elif "month" in part:
        end = start + calendar.monthrange(year, month)[1] * DAY
    else:
        end = datetime(year + 1, 1, 1)
    # the plain file is read faster than the packed one; longer spans save opening
    rank = (part["version"], int(part.get("rank", 0)), "packed" not in part)
    return Granule(file, part.get("series", ""), start, end, part["version"], rank)


def belongs(name: str, file: str, settings: Mapping) -> bool:
    """Whether a file is of the short name and version that the configuration asks for."""
    found = product(name).pattern.fullmatch(file)
    if found is None:
        return False
    wanted = short_name(name, settings)
    if name == "smap":  # the version is not in the name, the kind of grid is
        return bool(found["enhanced"]) == wanted.endswith("_E")
    if name == "mod16" and found["short_name"] != wanted:
        return False
    return plain_version(found["version"]) == plain_version(version(name, settings))


def plain_version(text: str) -> str:
    """Digits and letter of a version: 2.0 and 020, V0106 and 0106, v3.7a and 3.7a are the same."""
    return text.lower().removeprefix("v").replace(".", "").lstrip("0")


def short_name(name: str, settings: Mapping) -> str:
    return settings.get("short_name") or product(name).short_name


def version(name: str, settings: Mapping) -> str:
    return str(settings.get("version") or product(name).version)


def first_day(name: str, settings: Mapping) -> date:
    """First day of the record, which for some versions is a later one."""
    if name == "mod16" and short_name(name, settings) == "MOD16A2":
        return date(2021, 1, 1)  # of version 061; before it there is MOD16A2GF
    if name == "gleam" and version(name, settings).endswith("b"):
        return date(2003, 1, 1)
    return product(name).first


def series(name: str, settings: Mapping) -> tuple[str, ...]:
    """What must be there for each time, as far as names tell."""
    if name == "gleam" and settings.get("variables"):
        return tuple(settings["variables"])
    return product(name).series


def span(name: str, source: Mapping) -> tuple[date, date]:
    """First and last day of a product for a source: weather a year earlier, for the spin-up."""
    first, last = (date.fromisoformat(str(day)) for day in source["record"])
    if product(name).weather:
        try:
            first = first.replace(year=first.year - 1)
        except ValueError:  # 29 February
            first = date(first.year - 1, 3, 1)
    return first, last


def chunks(name: str, source: Mapping) -> list[str]:
    """Years or months, as 2015 or 2015-04, that a product is fetched by."""
    first, last = span(name, source)
    if (source["products"][name].get("chunk") or product(name).chunk) == "year":
        return [f"{year:04d}" for year in range(first.year, last.year + 1)]
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in months]


def chunk_days(chunk: str, between: tuple[date, date]) -> tuple[date, date]:
    """First and last day of a chunk, as far as it lies within a span."""
    year, _, month = chunk.partition("-")
    try:
        first = date(int(year), int(month or 1), 1)
    except ValueError:
        raise ProductError(f"{chunk!r} is neither a year nor a month: 2015 or 2015-04") from None
    last = date(first.year, 12, 31)
    if month:
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return max(first, between[0]), min(last, between[1])


def times_needed(name: str, days: tuple[date, date], source: Mapping) -> tuple[datetime, datetime]:
    """Stamps, both included, that the days of a chunk are made of.

    A day takes the stamps from its midnight to the next one. Local solar midnight is round(lon/15)
    hours before midnight UTC. Means around a stamp and shifts to the nearest of three-hourly stamps
    take one more at both ends.
    """
    what = product(name)
    first, last = (datetime.combine(day, datetime.min.time()) for day in days)
    if not what.weather:
        return first, last + DAY - timedelta(seconds=1)
    west = east = 0
    if source.get("day") == "solar":
        west = round((source["box"]["west"] - REACH) / 15)
        east = round((source["box"]["east"] + REACH) / 15)
    more = 0 if what.step == HOUR else 3
    return first - (east + more) * HOUR, last + DAY - (west - more) * HOUR
