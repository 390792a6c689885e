"""Reading YAML files and tables: what cannot be read, or says a thing twice, is refused by name.

Imports nothing heavy, since the workflow reads it each time it is planned.
"""

import csv
import datetime
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

#: the parser in C where PyYAML was built with it, ten times as fast
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ConfigError(ValueError):
    """One or more problems of a configuration file, a sentence each."""

    def __init__(self, file, problems):
        self.problems = list(problems)
        super().__init__("\n".join(f"{file}: {problem}" for problem in self.problems))


def read_yaml(path):
    """Content of a YAML file.

    ConfigError where there is none, it cannot be parsed, or a key stands twice in one mapping, of
    which YAML would keep the last without a word.
    """
    text = _text(path)
    try:
        loader = LOADER(text)
        node = loader.get_single_node()
        if problems := [*_twice(node)]:
            raise ConfigError(path, problems)
        return plain(loader.construct_document(node)) if node else None
    except ConfigError:
        raise
    # a date such as 2015-13-01 without quotes is a ValueError
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(path, [f"is not valid YAML: {' '.join(str(error).split())}"]) from error


def read_rows(path, delimiter) -> list[dict[str, str]]:
    """Rows of a table with a header line; lines that start with # and empty ones are left out."""
    lines = [line for line in io.StringIO(_text(path)) if line.strip() and line[0] != "#"]
    try:
        header, *cells = csv.reader(lines, delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise ConfigError(path, [f"is not a table: {error}: correct that line"]) from error
    except ValueError:
        raise ConfigError(path, ["is empty: it needs a line of column names at least"]) from None
    if problems := [
        f"column {name!r} stands twice in the header: take one out"
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]:
        raise ConfigError(path, problems)
    if problems := [
        f"row {row[0]!r} does not have as many columns as the header: compare them"
        for row in cells
        if len(row) != len(header)
    ]:
        raise ConfigError(path, problems)
    return [dict(zip(header, row)) for row in cells]


def plain(value):
    """YAML reads an unquoted 2015-04-01 as a date; here it is text again."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def _text(path) -> str:
    try:
        # spreadsheets put a mark before UTF-8, which belongs to no column's name
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(path, ["there is no such file: correct the path"]) from None
    except OSError as error:
        raise ConfigError(path, [f"cannot be read ({error.strerror}): correct the path"]) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            path,
            [
                f"line {line} is not in UTF-8: save the file in UTF-8, as with "
                "iconv -f LATIN1 -t UTF-8"
            ],
        ) from None


def _twice(node, key: str = "", above: tuple = ()) -> Iterator[str]:
    """Keys that stand twice in a mapping, and anchors that hold themselves, a sentence each."""
    if any(node is other for other in above):
        yield f"{key}: holds itself, by an alias of what it stands in: write out what is meant"
        return
    above = (*above, node)
    if isinstance(node, yaml.SequenceNode):
        for k, item in enumerate(node.value):
            yield from _twice(item, f"{key}[{k}]", above)
    if isinstance(node, yaml.MappingNode):
        lines: dict[tuple, int] = {}
        for name, value in node.value:
            known = (name.tag, str(name.value))
            where = f"{key}.{name.value}".lstrip(".")
            line = name.start_mark.line + 1
            if known in lines:
                yield f"{where}: stands twice, in lines {lines[known]} and {line}: take one out"
            lines[known] = line
            yield from _twice(value, where, above)
