"""Holding a file against its JSON schema, and saying in plain words where it departs from it.

Imports nothing heavy, since the workflow reads it each time it is planned.
"""

import difflib
import math
from collections.abc import Iterator, Mapping

from jsonschema import Draft202012Validator, validators

from parlearn.plan.reading import ConfigError, read_yaml


def _is_whole(_, value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_, value) -> bool:
    return _is_whole(_, value) or (isinstance(value, float) and math.isfinite(value))


#: JSON Schema takes 64.0 for an integer, which a count of layers or cells is not, and .nan and .inf
#: for numbers
Validator = validators.extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_whole, "number": _is_number}
    ),
)
#: words before the limit that a value has passed
LIMITS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
}


def check_schema(content, schema, file, under: str = "") -> None:
    """Raise ConfigError with every place where content departs from a JSON schema (a YAML file).

    ``under`` is the key that content stands under in the file.
    """
    if problems := [*_no_text(content, under)]:
        raise ConfigError(file, problems)
    errors = sorted(
        Validator(read_yaml(schema)).iter_errors(content),
        key=lambda e: [str(p) for p in e.absolute_path],
    )
    if errors:
        raise ConfigError(file, [_sentence(error, _key(error, content, under)) for error in errors])


def guess(value, allowed) -> str:
    """The allowed word that a value is most like, as a question; nothing where none is."""
    close = difflib.get_close_matches(str(value), [str(a) for a in allowed], n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def listed(values) -> str:
    return ", ".join(map(str, values))


def not_among(key, value, known) -> str:
    return f"{key}: {value!r} is unknown{guess(value, known)}; choose from {listed(known)}"


def not_defined(key, value, known, where) -> str:
    """A name that a configuration uses and does not define ``where`` such names are defined."""
    return (
        f"{key}: {value!r} is not defined{guess(value, known)}; there are {listed(known)} under "
        f"{where}"
    )


def unknown_key(where, key, known) -> str:
    return f"{where}: unknown key {key!r}{guess(key, known)}; known are {listed(sorted(known))}"


def _no_text(content, key) -> Iterator[str]:
    """Keys that YAML reads as a number, a truth or nothing: 16, on, ~."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            if not isinstance(name, str):
                yield f"{key or 'the top level'}: the key {name!r} is not text: put it in quotes"
            yield from _no_text(value, f"{key}.{name}".lstrip("."))
    elif isinstance(content, list):
        for k, value in enumerate(content):
            yield from _no_text(value, f"{key}[{k}]")


def _key(error, content, under) -> str:
    """Where in its file an error stands; a row of a table by the name in its first column."""
    path = list(error.absolute_path)
    where = under
    if isinstance(content, list) and path and isinstance(content[path[0]], Mapping):
        column, name = next(iter(content[path.pop(0)].items()))
        where = f"{column} {name!r}, " if path else f"{column} {name!r}"
    parts = [f"[{p}]" if isinstance(p, int) else f".{p}" for p in path]
    if not under and parts:
        parts[0] = parts[0].lstrip(".")
    return where + "".join(parts) or "the top level"


def _sentence(error, key) -> str:
    """A jsonschema error in plain words: key, what is wrong, what to do."""
    value, asked = error.instance, error.validator_value
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        return "; ".join(unknown_key(key, k, known) for k in value if k not in known)
    if error.validator == "required":
        missing = [k for k in asked if k not in value]
        return f"{key}: {listed(missing)} is missing: add it (config/README.md explains each key)"
    if error.validator in ("enum", "const"):
        return not_among(key, value, asked if error.validator == "enum" else [asked])
    if error.validator == "type":
        return f"{key}: {_of_other_type(value, [asked] if isinstance(asked, str) else asked)}"
    if error.validator == "pattern":
        return f"{key}: {value!r} {error.schema.get('description', f'must match {asked}')}"
    if error.validator in LIMITS:
        limit = f"{LIMITS[error.validator]} {asked}"
        return f"{key}: {value} is out of range: it must be {limit}"
    if error.validator == "uniqueItems":
        double = next(item for k, item in enumerate(value) if item in value[:k])
        return f"{key}: {double!r} stands twice: take one out"
    if error.validator in ("minItems", "maxItems", "minProperties"):
        return f"{key}: {value!r} has the wrong length: {error.validator} is {asked}"
    if error.validator == "minLength":
        return f"{key}: is empty: fill it in, or take the key out where it may be missing"
    return f"{key}: {error.message}"


def _of_other_type(value, wanted) -> str:
    if {"integer", "number"} & {*wanted}:
        if isinstance(value, float) and not math.isfinite(value):
            return f"{value} is no number to compute with: give a finite one"
        if isinstance(value, float) and value.is_integer():
            return f"{value} is not a whole number as it is written: write {int(value)}"
        if isinstance(value, str) and _is_number(None, number := _number(value)):
            written = int(number) if number.is_integer() and "number" not in wanted else number
            return f"{value!r} is read as text: write {written}, without quotes"
    return f"{value!r} is not of the type asked for: give a value of type {' or '.join(wanted)}"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
