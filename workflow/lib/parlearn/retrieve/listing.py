"""The frozen list of granules: which ones are wanted is decided once and written down."""

import csv
import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import unquote

from parlearn.plan import products
from parlearn.retrieve.checks import ALGORITHMS
from parlearn.retrieve.logins import RetrievalError, clean
from parlearn.storage.files import read_json, replacing

log = logging.getLogger(__name__)

COLUMNS = ("name", "date", "url", "size", "algorithm", "checksum")
COVERAGE = ("product", "granule", "date", "what", "count")


class ListingError(RetrievalError):
    """Nothing to list, or a list that is not what it should be."""


@dataclass(frozen=True)
class Listed:
    """A granule as the archive has it; `size` and `checksum` where it tells them."""

    name: str
    url: str
    size: int | None = None
    algorithm: str = ""
    checksum: str = ""


def select(
    product: str, found: Iterable[Listed], settings: Mapping, times, tiles=None
) -> tuple[list[Listed], list[dict]]:
    """Of what an archive has the granules wanted, in order of time, and notes on the others.

    Parameters
    ----------
    times : first and last time wanted
    tiles : names of the tiles wanted, as h08v05; None: all

    Returns
    -------
    granules, notes; a note has the columns of :data:`COVERAGE`.
    """
    wanted, others, notes = defaultdict(list), set(), []
    series = products.series(product, settings)
    for listed in found:
        granule = products.parse(product, listed.name)
        if granule is None or granule.end <= times[0] or granule.start > times[1]:
            continue
        if (tiles is not None and granule.series not in tiles) or (
            series and granule.series not in series
        ):
            continue
        if not products.belongs(product, listed.name, settings):
            others.add(_kind_of(product, granule))
            continue
        wanted[granule.series, granule.start, granule.end].append((granule.rank, listed, granule))
    if not wanted:
        there = f"; there is {', '.join(sorted(others))}" if others else ""
        raise ListingError(
            f"{product}: no granule of version {products.version(product, settings)} from "
            f"{times[0]:%Y-%m-%d} to {times[1]:%Y-%m-%d}{there}: correct version, short_name, box, "
            "record, or the folder or address named for this product"
        )
    chosen = []
    for (_, start, _), several in wanted.items():
        several.sort(key=lambda one: (one[0], one[1].url))
        chosen.append(several[-1][1:])
        for _, listed, _ in several[:-1]:
            notes.append(_note(product, listed.name, start, "duplicate left aside", 1))
    chosen, swallowed = _without_overlap(chosen)
    notes += [
        _note(product, listed.name, granule.start, "duplicate left aside", 1)
        for listed, granule in swallowed
    ]
    chosen.sort(key=lambda pair: (pair[1].start, pair[1].series))
    releases = defaultdict(list)
    for _, granule in chosen:
        releases[granule.version].append(granule.start)
    if len(releases) > 1:
        notes += [
            _note(product, f"R{release}", min(starts), "one of several releases", len(starts))
            for release, starts in sorted(releases.items())
        ]
    return [listed for listed, _ in chosen], notes


def check_record(product: str, settings: Mapping, days: tuple[date, date]) -> None:
    """Raise ListingError where days are asked for that the archive's record does not have."""
    first = products.first_day(product, settings)
    if days[0] < first:
        raise ListingError(
            f"{product}: the record of {products.short_name(product, settings) or product} "
            f"{products.version(product, settings)} begins {first}, and {days[0]} is asked for: "
            "begin later, or take another version"
        )


def gaps(product: str, granules: Iterable[Listed], settings: Mapping, times):
    """Notes on the times that no granule covers, one for each run of missing days or hours.

    `times` are the first and last wanted, both included. Of tiles without a single granule nothing
    is said: there is no land.
    """
    step = products.product(product).step
    unit = "hours" if step < products.DAY else "days"
    midnight = times[0].replace(hour=0, minute=0, second=0)
    first = midnight + (times[0] - midnight) // step * step
    number = (times[1] - first) // step + 1
    covered = {series: bytearray(number) for series in products.series(product, settings)}
    for listed in granules:
        granule = products.parse(product, listed.name)
        line = covered.setdefault(granule.series, bytearray(number))
        start = max(0, -((first - granule.start) // step))
        end = min(number, -((first - granule.end) // step))
        line[start:end] = b"\1" * max(0, end - start)
    for series, line in sorted(covered.items()):
        at = line.find(0)
        while at >= 0:
            end = line.find(1, at)
            end = number if end < 0 else end
            yield _note(product, series, first + at * step, f"missing {unit}", end - at)
            at = line.find(0, end)


def of_chunk(product: str, granules: Iterable[Listed], chunk: str, source: Mapping) -> list[Listed]:
    """The granules that the days of a chunk are made of, neighbouring hours included."""
    days = products.chunk_days(chunk, products.span(product, source))
    first, last = products.times_needed(product, days, source)
    parsed = ((listed, products.parse(product, listed.name)) for listed in granules)
    return [listed for listed, one in parsed if one.end > first and one.start <= last]


def freeze(product: str, granules, path, *, same: bool) -> bool:
    """Write the list, or keep the one that is there.

    Parameters
    ----------
    same : whether a list that is there was made for the same settings

    Returns
    -------
    Whether a list was written. One that is there and differs is set aside as ``NAME.DATE.csv``,
    with a warning: it says what earlier results were made from.
    """
    path = Path(path)
    if path.is_file():
        old = read_list(path, product)
        if old == list(granules):
            log.info("%s: the list is the same as before", path)
            return False
        aside = path.with_name(f"{path.stem}.{datetime.now():%Y%m%dT%H%M%S}.csv")
        path.replace(aside)
        log.warning(
            "%s: %s; %d granules are new, %d are gone. The old list is kept as %s",
            path,
            "the archive has changed" if same else "the settings have changed",
            len({*granules} - {*old}),
            len({*old} - {*granules}),
            aside.name,
        )
    write_rows(path, COLUMNS, (_row(product, one) for one in granules))
    return True


def made_for(path, source: Mapping) -> bool:
    """Whether the list at a path was made for these settings, by what is written beside it."""
    beside = Path(f"{path}.json")
    if not (Path(path).is_file() and beside.is_file()):
        return False
    # as JSON has it: tuples are lists there
    return read_json(beside)["config"].get("source") == json.loads(json.dumps(source, default=str))


def read_list(path, product: str) -> list[Listed]:
    """The granules of a product's frozen list."""
    return [
        _granule(row, product, f"{path}, line {line}")
        for line, row in enumerate(read_rows(path, COLUMNS), 2)
    ]


def _granule(row: Mapping[str, str], product: str, where: str) -> Listed:
    """A row of a list, which may have been changed by hand, and decides what is written where."""
    name, size, sum_ = row["name"], row["size"], (row["algorithm"], row["checksum"])
    remedy = "put the line back, or remove the list so that a new one is made"
    if products.parse(product, name) is None:
        raise ListingError(f"{where}: {name!r} is no name of a file of {product}: {remedy}")
    if row["url"].startswith("/") or ".." in unquote(row["url"]).split("/"):
        raise ListingError(f"{where}: {clean(row['url'])} leads out of its folder: {remedy}")
    if size and not re.fullmatch(r"\d+", size, re.ASCII):
        raise ListingError(f"{where}: the size {size!r} is no number of bytes: {remedy}")
    if sum_ != ("", "") and (
        sum_[0] not in ALGORITHMS or not re.fullmatch(r"[0-9A-Fa-f]+", sum_[1])
    ):
        raise ListingError(f"{where}: {' '.join(sum_)!r} is no checksum that we know: {remedy}")
    return Listed(name, row["url"], int(size) if size else None, *sum_)


def write_rows(path, columns, rows) -> None:
    """A table of text, whole or not at all."""
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def read_rows(path, columns) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as stream:
        table = csv.DictReader(stream)
        rows = list(table)
    if tuple(table.fieldnames or ()) != tuple(columns) or any(None in row.values() for row in rows):
        raise ListingError(
            f"{path}: is no list with the columns {', '.join(columns)}: remove it and run again"
        )
    return rows


def _row(product, listed):
    start = products.parse(product, listed.name).start
    return {
        "name": listed.name,
        "date": start.isoformat(timespec="minutes") if start.hour else f"{start:%Y-%m-%d}",
        "url": listed.url,
        "size": "" if listed.size is None else listed.size,
        "algorithm": listed.algorithm,
        "checksum": listed.checksum,
    }


def _note(product, granule, when: date | datetime, what, count):
    return {
        "product": product,
        "granule": granule,
        "date": f"{when:%Y-%m-%d}",
        "what": what,
        "count": count,
    }


def _kind_of(product, granule):
    kind = f"{granule.name.split('.')[0]} " if product == "mod16" else ""
    return f"{kind}version {granule.version}"


def _without_overlap(chosen):
    """Of files that cover the same times (an hour within a month's file) the longer ones stay."""
    kept, swallowed, ends = [], [], defaultdict(lambda: datetime.min)
    chosen = sorted(chosen, key=lambda pair: (pair[1].start, pair[1].start - pair[1].end))
    for listed, granule in chosen:
        if granule.end <= ends[granule.series]:
            swallowed.append((listed, granule))
            continue
        ends[granule.series] = max(ends[granule.series], granule.end)
        kept.append((listed, granule))
    return kept, swallowed
