"""Reads tables of plain numbers, one line per cell; errors name file and place."""

from pathlib import Path

import numpy as np

MISSING = -9999.0
#: MATLAB's date number of 1970-01-01
MATLAB_EPOCH = 719529


class DatabaseError(ValueError):
    """A file of a database is missing, damaged, or not what it should hold."""


def read_cells(path: Path, n_cells: int | None, columns: int = 1) -> np.ndarray:
    """One value a cell (cell,), or several (cell, column); missing values become NaN."""
    values = _read(path)
    expected = values.shape[0] if n_cells is None else n_cells
    if values.shape != (expected, columns):
        raise DatabaseError(
            f"{path}: has {values.shape[0]} lines of {values.shape[1]} values, needed are "
            f"{expected} lines of {columns}; the file is damaged or of another database"
        )
    values = np.where(values == MISSING, np.nan, values)
    return values[:, 0] if columns == 1 else values


def read_days(path: Path, n_cells: int, n_days: int, lower: float, upper: float) -> np.ndarray:
    """A series for each cell (cell, day); missing values become NaN, others must be in range."""
    values = _read(path)
    if values.shape != (n_cells, n_days):
        raise DatabaseError(
            f"{path}: has {values.shape[0]} lines (cells) of {values.shape[1]} values (days), "
            f"needed are {n_cells} of {n_days}; it is truncated, or rows and columns are swapped"
        )
    values = np.where(values == MISSING, np.nan, values)
    wrong = np.argwhere((values < lower) | (values > upper))
    if wrong.size:
        cell, day = wrong[0]
        raise DatabaseError(
            f"{path}: {len(wrong)} values are outside {lower:g}..{upper:g}; the first is "
            f"{values[cell, day]:g} at line {cell}, day {day} (from 0)"
        )
    return values


def read_dates(path: Path, first: str, last: str) -> np.ndarray:
    """Days as datetime64[D] from MATLAB date numbers; they must be all days from first to last."""
    expected = np.arange(np.datetime64(first), np.datetime64(last) + 1)
    numbers = read_cells(path, None)
    if numbers.size != expected.size:
        raise DatabaseError(
            f"{path}: lists {numbers.size} days, needed are the {expected.size} of {first}..{last}"
        )
    if not np.array_equal(numbers, expected.astype(int) + MATLAB_EPOCH):
        raise DatabaseError(f"{path}: does not list the days {first}..{last} one by one")
    return expected


def _read(path):
    if not path.is_file():
        raise DatabaseError(
            f"{path} is missing: fetch the database again, or name the folder that holds it"
        )
    with open(path, "rb") as stream:
        stream.seek(0, 2)
        size = stream.tell()
        stream.seek(max(size - 1, 0))
        # a file cut within its last number would otherwise pass as a smaller number
        if stream.read() != b"\n":
            raise DatabaseError(
                f"{path}: ends within a line ({size} bytes): it is truncated, fetch it again"
            )
    try:
        return np.loadtxt(path, delimiter=",", ndmin=2)
    except (ValueError, UnicodeDecodeError) as error:
        raise DatabaseError(f"{path}: is no table of numbers: {error}") from error
