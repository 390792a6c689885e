"""Reading and checking the configuration before anything runs.

Imports nothing heavy, since the workflow reads it each time it is planned. All problems of a file
are reported at once, each with file, key and remedy.
"""

import csv
import datetime
import difflib
from collections.abc import Mapping
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from parlearn.models.registry import PROCESSES
from parlearn.plan.methods import METHODS, made_by, settings_parts

#: the parser in C where PyYAML was built with it, ten times as fast
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ConfigError(ValueError):
    """One or more problems of a configuration file, a sentence each."""

    def __init__(self, file, problems):
        self.problems = list(problems)
        super().__init__("\n".join(f"{file}: {problem}" for problem in self.problems))


def read_yaml(path):
    """Content of a YAML file; ConfigError where there is none or it cannot be parsed."""
    try:
        with open(path, encoding="utf-8") as stream:
            return plain(yaml.load(stream, LOADER))
    except FileNotFoundError:
        raise ConfigError(path, ["there is no such file: correct the path"]) from None
    except yaml.YAMLError as error:
        raise ConfigError(path, [f"is not valid YAML: {' '.join(str(error).split())}"]) from error


def read_rows(path, delimiter) -> list[dict[str, str]]:
    """Rows of a table with a header line; lines that start with # and empty ones are left out."""
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            lines = [line for line in stream if line.strip() and not line.startswith("#")]
    except FileNotFoundError:
        raise ConfigError(path, ["there is no such file: correct the path"]) from None
    rows = list(csv.DictReader(lines, delimiter=delimiter))
    for row in rows:
        if None in row or None in row.values():
            name = next(iter(row.values()))
            raise ConfigError(
                path, [f"row {name!r} does not have as many columns as the header: compare them"]
            )
    return rows


def plain(value):
    """YAML reads an unquoted 2015-04-01 as a date; here it is text again."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def check_schema(content, schema, file, under: str = "") -> None:
    """Raise ConfigError with every place where content departs from a JSON schema (a YAML file).

    ``under`` is the key that content stands under in the file.
    """
    validator = Draft202012Validator(read_yaml(schema))
    errors = sorted(validator.iter_errors(content), key=lambda e: [str(p) for p in e.absolute_path])
    if errors:
        raise ConfigError(file, [_sentence(error, _key(error, content, under)) for error in errors])


def check_config(config: Mapping, schemas, file, root=".") -> dict:
    """The configuration, checked as far as it can be without the tables.

    Parameters
    ----------
    config : mapping, as Snakemake merged it
    schemas : folder of the schemas
    file : the configuration's name, for messages
    root : folder that relative paths start from
    """
    config = plain(config)
    schemas = Path(schemas)
    check_schema(config, schemas / "config.schema.yaml", file)
    name = config["source"]["name"]
    check_schema(config["source"], schemas / f"source_{name}.schema.yaml", file, under="source")
    config["presets"] = read_presets(schemas.parent / "presets.yaml", schemas)
    problems = [
        *_archive_problems(config),
        *_model_problems(config),
        *_period_problems(config),
        *_size_problems(config),
        *_settings_problems(config, schemas, file),
        *_batches_problems(config),
        *_pilot_problems(config),
        *_dataset_problems(config),
        *_filling_problems(config),
        *_claims_problems(config),
    ]
    mirror = config["source"].get("mirror")
    if mirror and not (Path(root) / mirror).is_dir():
        problems.append(
            f"source.mirror: there is no folder {mirror}: name the folder that holds CONUSv4f1, "
            "or null to download"
        )
    for name, product in config["source"].get("products", {}).items():
        folder = product.get("mirror")
        if folder and not (Path(root) / folder).is_dir():
            problems.append(
                f"source.products.{name}.mirror: there is no folder {folder}: name the folder that "
                "holds the granules, or take the key out to use the archive"
            )
    if problems:
        raise ConfigError(file, problems)
    return config


def read_presets(path, schemas) -> dict:
    """Settings of methods as papers print them: preset -> method -> settings."""
    presets = read_yaml(path)
    known = [name for name, method in METHODS.items() if method.settings]
    for name, methods in presets.items():
        for method, settings in methods.items():
            if method not in known:
                raise ConfigError(path, [_not_among(f"{name}.{method}", method, known)])
            schema = Path(schemas) / f"{METHODS[method].settings}.schema.yaml"
            check_schema(settings, schema, path, f"{name}.{method}")
    return presets


def _settings_problems(config, schemas, file):
    """What is wrong with the settings of methods: parts, names, presets that they ask for."""
    parts, presets = settings_parts(), config["presets"]
    for part, named in config["settings"].items():
        if part not in parts:
            yield _unknown_key("settings", part, parts)
            continue
        for name, settings in named.items():
            key = f"settings.{part}.{name}"
            paper = settings.get("preset")
            if paper is not None and paper not in presets:
                yield _not_among(f"{key}.preset", paper, presets)
                continue
            own = {k: v for k, v in settings.items() if k != "preset"}
            # what a preset gives need not be there
            printed = presets[paper] if paper else {}
            given = next((s for m, s in printed.items() if METHODS[m].settings == part), {})
            try:
                check_schema({**given, **own}, schemas / f"{part}.schema.yaml", file, under=key)
            except ConfigError as error:
                yield from error.problems


def _not_among(key, value, known) -> str:
    return f"{key}: {value!r} is unknown{guess(value, known)}; choose from {listed(known)}"


def _key(error, content, under) -> str:
    """Where in its file an error stands; a row of a table by the name in its first column."""
    path = list(error.absolute_path)
    where = under
    if isinstance(content, list) and path:
        column, name = next(iter(content[path.pop(0)].items()))
        where = f"{column} {name!r}, " if path else f"{column} {name!r}"
    parts = [f"[{p}]" if isinstance(p, int) else f".{p}" for p in path]
    if not under and parts:
        parts[0] = parts[0].lstrip(".")
    return where + "".join(parts) or "the top level"


def _sentence(error, key) -> str:
    """A jsonschema error in plain words: key, what is wrong, what to do."""
    value = error.instance
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        patterns = error.schema.get("patternProperties", {})
        unknown = [k for k in value if k not in known and not patterns]
        return "; ".join(_unknown_key(key, k, known) for k in unknown) or f"{key}: {error.message}"
    if error.validator == "required":
        missing = [k for k in error.validator_value if k not in value]
        return (
            f"{key}: {', '.join(missing)} is missing: add it (config/README.md explains each key)"
        )
    if error.validator in ("enum", "const"):
        allowed = error.validator_value if error.validator == "enum" else [error.validator_value]
        return _not_among(key, value, allowed)
    if error.validator == "type":
        wanted = error.validator_value
        wanted = wanted if isinstance(wanted, str) else " or ".join(wanted)
        return f"{key}: {value!r} is not of the type asked for: give a value of type {wanted}"
    if error.validator == "pattern":
        why = error.schema.get("description", f"must match {error.validator_value}")
        return f"{key}: {value!r} {why}"
    limits = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "above",
        "exclusiveMaximum": "below",
    }
    if error.validator in limits:
        limit = f"{limits[error.validator]} {error.validator_value}"
        return f"{key}: {value} is out of range: it must be {limit}"
    if error.validator in ("minItems", "maxItems", "minProperties"):
        return (
            f"{key}: {value!r} has the wrong length: {error.validator} is {error.validator_value}"
        )
    return f"{key}: {error.message}"


def _unknown_key(where, key, known) -> str:
    return f"{where}: unknown key {key!r}{guess(key, known)}; known are {listed(sorted(known))}"


def guess(value, allowed) -> str:
    close = difflib.get_close_matches(str(value), [str(a) for a in allowed], n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def listed(values) -> str:
    return ", ".join(map(str, values))


def _date(text) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def record_of(source: Mapping) -> tuple[datetime.date, datetime.date] | None:
    """First and last day of the record a source offers; None where its start is no date."""
    if source["name"] == "twin":
        first = _date(source["start"])
        if first is None or (first.month, first.day) == (2, 29):
            return None
        return first, first.replace(year=first.year + source["years"]) - datetime.timedelta(days=1)
    if source["name"] == "archives":
        days = tuple(_date(day) for day in source["record"])
        # the year of spin-up begins on the same day
        usable = all(days) and days[0] < days[1] and (days[0].month, days[0].day) != (2, 29)
        return days if usable else None
    return datetime.date(min(source["years"]), 4, 1), datetime.date(max(source["years"]) + 1, 3, 31)


def shape_of(source: Mapping) -> tuple[int, int]:
    """Rows and columns of the grid of a source that has one."""
    if source["name"] == "twin":
        return source["rows"], source["cols"]
    box, step = source["box"], source["resolution"]
    return round((box["north"] - box["south"]) / step), round((box["east"] - box["west"]) / step)


def _period_problems(config):
    periods = {f"periods.train.{k}": v for k, v in config["periods"]["train"].items()}
    withheld = [f"periods.{name}" for name in ("test", "validate") if name in config["periods"]]
    periods |= {key: config["periods"][key.removeprefix("periods.")] for key in withheld}
    if "validate" in config["periods"]["train"]:
        yield (
            "periods.train.validate: is the name of the period that methods choose on: rename the "
            "training period, or give periods.validate"
        )
    bad = False
    if config["source"]["name"] == "twin" and record_of(config["source"]) is None:
        yield (
            f"source.start: {config['source']['start']!r} is not a usable date: "
            "write it as 2015-04-01, and not as 29 February"
        )
        return
    if config["source"]["name"] == "archives" and record_of(config["source"]) is None:
        yield (
            f"source.record: {config['source']['record']} are no two dates in order: write them as "
            "2015-04-01, the first not as 29 February"
        )
        return
    record = record_of(config["source"])
    for key, (first, last) in periods.items():
        days = [_date(first), _date(last)]
        wrong = [text for text, day in zip((first, last), days) if day is None]
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
            # ISO dates sort as text
            if first <= other[1] and other[0] <= last:
                yield (
                    f"{key}: {first} .. {last} overlaps the {what} {other[0]} .. {other[1]}: "
                    "part them"
                )


def _archive_problems(config):
    source = config["source"]
    if source["name"] != "archives":
        return
    box, step = source["box"], source["resolution"]
    for low, high in (("south", "north"), ("west", "east")):
        if box[low] >= box[high]:
            yield f"source.box: {low} {box[low]} is not below {high} {box[high]}: exchange them"
    off = [f"{key} {value}" for key, value in box.items() if value / step % 1]
    if off:
        yield (
            f"source.box: {listed(off)} is no multiple of the resolution of {step}: move the edges "
            "there"
        )
    used = {"weather": source["weather"]}
    used |= {f"observations.{name}": product for name, product in source["observations"].items()}
    for key, product in used.items():
        if product not in source["products"]:
            yield (
                f"source.{key}: {product!r} does not stand under source.products, which has "
                f"{listed(source['products'])}: add it there"
            )
    for name, product in source["products"].items():
        if name not in used.values():
            yield f"source.products.{name}: nothing uses it: take it out"
        if "mirror" in product and "url" in product:
            yield f"source.products.{name}: has a mirror and a url: leave one out"


def _model_problems(config):
    model = config["model"]
    if model["process"] not in PROCESSES:
        yield (
            f"model.process: {model['process']!r} is unknown{guess(model['process'], PROCESSES)}; "
            f"there are {listed(PROCESSES)}"
        )
        return
    process = PROCESSES[model["process"]]
    known = [parameter.name for parameter in process.parameters]
    for name in model["parameters"]:
        if name not in known:
            yield (
                f"model.parameters: {process.label} has no parameter {name!r}{guess(name, known)}; "
                f"it has {listed(known)}"
            )
    if "process" not in model["simulate_with"]:
        yield "model.simulate_with: has no process: every run is judged by it, so add it"
    wanted = "surrogate" in model["simulate_with"]
    for key in ("simulate", "surrogate"):
        if wanted and key not in config:
            yield (
                f"{key}: is missing, and model.simulate_with asks for a surrogate: add the key or "
                "take surrogate out there"
            )
        if not wanted and key in config:
            yield (
                f"{key}: nothing uses it, since model.simulate_with asks for no surrogate: take it "
                "out or add surrogate there"
            )


def _batches_problems(config):
    known = config["samplings"]
    for name in config.get("calibrate", {"batches": {}})["batches"]:
        if name not in known:
            yield (
                f"calibrate.batches.{name}: is not defined{guess(name, known)}; "
                f"there are {listed(known)} under samplings"
            )


def _pilot_problems(config):
    if "simulate" not in config:
        return
    pilot = config["simulate"]["pilot"]
    methods = made_by("learn_dpl")
    if pilot["method"] not in methods:
        yield _not_among("simulate.pilot.method", pilot["method"], methods)
        return
    part = METHODS[pilot["method"]].settings
    for key, known, where in (
        ("sampling", config["samplings"], "samplings"),
        ("period", config["periods"]["train"], "periods.train"),
        ("settings", config["settings"].get(part, {}), f"settings.{part}"),
    ):
        if pilot[key] not in known:
            yield (
                f"simulate.pilot.{key}: {pilot[key]!r} is not defined{guess(pilot[key], known)}; "
                f"there are {listed(known)} under {where}"
            )


def _dataset_problems(config):
    samplings, periods = config["samplings"], config["periods"]["train"]
    for label, dataset in config["datasets"].items():
        lookups = [("samplings", name, samplings, "samplings") for name in dataset["samplings"]]
        lookups.append(("period", dataset["period"], periods, "periods.train"))
        for key, name, known, where in lookups:
            if name not in known:
                yield (
                    f"datasets.{label}.{key}: {name!r} is not defined{guess(name, known)}; "
                    f"there are {listed(known)} under {where}"
                )


def _filling_problems(config):
    window = config.get("gap_filling", {}).get("window", 0)
    for name, span in config["periods"]["train"].items():
        first, last = map(_date, span)
        if first and last and window > (last - first).days + 1:
            yield (
                f"gap_filling.window: {window} days is longer than periods.train.{name} of "
                f"{(last - first).days + 1} days: shorten it"
            )


def _claims_problems(config):
    known = [*config["samplings"], *config["periods"]["train"]]
    for k, reading in enumerate(config.get("claims_as", [])):
        for name, other in reading.items():
            if other not in known:
                yield (
                    f"claims_as[{k}].{name}: {other!r} is not defined{guess(other, known)}; "
                    f"there are {listed(known)} under samplings and periods.train"
                )


def _size_problems(config):
    source, samplings = config["source"], config["samplings"]
    for name, value in samplings.items():
        if isinstance(value, dict):
            if source["name"] != "hydrodl":
                yield f"samplings.{name}: regions are for scattered cells: give the side of a patch"
            elif value["region"] > value["of"]:
                yield (
                    f"samplings.{name}: there is no region {value['region']} of {value['of']}: "
                    f"give 1 to {value['of']}"
                )
        elif source["name"] in ("twin", "archives"):
            rows, cols = shape_of(source)
            if not isinstance(value, int) or value in (2, 3):
                yield (
                    f"samplings.{name}: {value} is not the side of a patch: give a whole number "
                    "of 4 or more, since the test cell lies 3 rows and 3 columns away, or 1 for "
                    "every cell"
                )
            elif min(rows, cols) < value:
                yield (
                    f"samplings.{name}: no {value} x {value} patch fits into the {rows} x {cols} "
                    "cells of the source: make it larger or drop the sampling"
                )
        elif value > 1:
            yield f"samplings.{name}: {value} is not a share of the training cells: give 0 to 1"
