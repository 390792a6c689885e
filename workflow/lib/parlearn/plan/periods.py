"""The record of a source, and what is wrong with the periods of a configuration.

Imports nothing heavy, since the workflow reads it each time it is planned.
"""

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence

from parlearn.plan.surrogates import SURROGATES

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
#: years that a record may begin and end in: nothing was observed outside, and files count their
#: time in nanoseconds, which reach from 1678 to 2262
YEARS = range(1900, 2200)
#: names of periods that are no training periods
OTHERS = ("test", "validate")


def day(text: str) -> datetime.date | None:
    """A date written as 2015-04-01, and in no other way that Python takes for one; else None."""
    try:
        return datetime.date.fromisoformat(text) if DATE.fullmatch(text) else None
    except ValueError:
        return None


def days_of(span: Sequence[str]) -> int | None:
    """Days from the first to the last, both counted; None where they are no dates in order."""
    first, last = map(day, span)
    return (last - first).days + 1 if first and last and first <= last else None


def record_of(source: Mapping) -> tuple[datetime.date, datetime.date] | None:
    """First and last day of the record a source offers; None where its start is no usable date."""
    if "start" in source:
        first = day(source["start"])
        if not _begins(first):
            return None
        return first, first.replace(year=first.year + source["years"]) - datetime.timedelta(days=1)
    if "record" in source:
        first, last = map(day, source["record"])
        return (first, last) if _begins(first) and last and first < last else None
    return datetime.date(min(source["years"]), 4, 1), datetime.date(max(source["years"]) + 1, 3, 31)


def _begins(first: datetime.date | None) -> bool:
    """Whether a record may begin so: the year of spin-up begins on the same day."""
    return bool(first) and first.year in YEARS and (first.month, first.day) != (2, 29)


def longest_outside(config: Mapping) -> int:
    """Days of the longest part of record and spin-up before or after the test period."""
    start, end = record_of(config["source"])
    first, last = map(day, config["periods"]["test"])
    return max((first - start.replace(year=start.year - 1)).days, (end - last).days)


def period_problems(config: Mapping) -> Iterator[str]:
    """What is wrong with record and periods, a sentence each."""
    source, spans = config["source"], config["periods"]
    for name in OTHERS:
        if name in spans["train"]:
            yield (
                f"periods.train.{name}: is the name of a period that nothing is trained on: rename "
                "the training period"
            )
    record = record_of(source)
    if record is None:
        yield _no_record(source)
        return
    withheld = [f"periods.{name}" for name in OTHERS if name in spans]
    periods = {f"periods.train.{name}": span for name, span in spans["train"].items()}
    periods |= {key: spans[key.removeprefix("periods.")] for key in withheld}
    bad = False
    for key, (first, last) in periods.items():
        days = [day(first), day(last)]
        wrong = [text for text, found in zip((first, last), days) if found is None]
        if wrong:
            bad = True
            yield f"{key}: {', '.join(wrong)} is not a date: write it as 2015-04-01"
        elif days[0] > days[1]:
            bad = True
            yield f"{key}: {first} is after {last}: exchange them"
        elif not record[0] <= days[0] <= days[1] <= record[1]:
            yield (
                f"{key}: {first} .. {last} is not inside the record of the source, "
                f"{record[0]} .. {record[1]}: change the period or the source's years"
            )
    if bad:
        return
    for name in withheld:
        other = periods.pop(name)
        what = f"{name.removeprefix('periods.').replace('validate', 'validation')} period"
        for key, (first, last) in periods.items():
            # dates of one form sort as text
            if first <= other[1] and other[0] <= last:
                yield (
                    f"{key}: {first} .. {last} overlaps the {what} {other[0]} .. {other[1]}: "
                    "part them"
                )


def _no_record(source) -> str:
    where = f"between {YEARS[0]} and {YEARS[-1]}, and not as 29 February"
    if "start" in source:
        return (
            f"source.start: {source['start']!r} is not a usable date: write it as 2015-04-01, "
            f"{where}"
        )
    return (
        f"source.record: {source['record']} are no two dates in order: write them as 2015-04-01, "
        f"the first {where}"
    )


def window_problems(config: Mapping) -> Iterator[str]:
    """Windows that are longer than what they are to lie in, a sentence each.

    Those of methods depend on the period of their run: :mod:`parlearn.plan.methods`.
    """
    window = config.get("gap_filling", {}).get("window", 0)
    for name, span in config["periods"]["train"].items():
        days = days_of(span)
        if days and window > days:
            yield (
                f"gap_filling.window: {window} days is longer than periods.train.{name} of "
                f"{days} days: shorten it"
            )
    usable = record_of(config["source"]) and days_of(config["periods"]["test"])
    for name, kind in SURROGATES.items():
        if name not in config or not usable:
            continue
        named = isinstance(kind.before, str)
        days = config[name][kind.window] + (config[name][kind.before] if named else kind.before)
        what = f"{name}.{kind.before}" if named else f"the {kind.before} days before it"
        longest = longest_outside(config)
        if days > longest:
            yield (
                f"{name}.{kind.window}: with {what} {days} days, which is longer than the "
                f"{longest} days before or after the test period: shorten "
                f"{'one of them' if named else 'it'}"
            )
