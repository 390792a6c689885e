"""Soil files of VIC 4 and of the classic driver: text, a line for each cell.

Columns are those of the manual of VIC, "Soil Parameters", for three layers without organic matter:
53, and 54 with the mean temperature of July.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from parlearn.sources.vic5.files import VicFileError

LAYERS = 3
_ONE = ("run_cell", "gridcell", "lat", "lon", "infilt", "Ds", "Dsmax", "Ws", "c")
_LAYERED = ("expt", "Ksat", "phi_s", "init_moist")
_REST = (
    *("elev", "depth*", "avg_T", "dp", "bubble*", "quartz*", "bulk_density*", "soil_density*"),
    *("off_gmt", "Wcr_FRACT*", "Wpwp_FRACT*", "rough", "snow_rough", "annual_prec"),
    *("resid_moist*", "fs_active"),
)
JULY = "July_Tavg"


def columns() -> list[str]:
    """Names of the 53 columns; those of a layer end with its number, from 1."""
    names = [*_ONE]
    for name in (*(f"{n}*" for n in _LAYERED), *_REST):
        if name.endswith("*"):
            names += [f"{name[:-1]}{k}" for k in range(1, LAYERS + 1)]
        else:
            names.append(name)
    return names


@dataclass(frozen=True)
class SoilFile:
    """A soil file: numbers by :func:`columns`, and the text they were read from, a row each cell.

    Rows are numbered by the lines of the file.
    """

    values: pd.DataFrame
    text: pd.DataFrame


def read_soil(path) -> SoilFile:
    """A soil file, in the order of its lines; with the column ``July_Tavg`` where it has it.

    Raises
    ------
    VicFileError
        A line with another number of columns, or with something that is no number; no line, or
        a cell that stands twice.
    """
    path = Path(path)
    if not path.is_file():
        raise VicFileError(f"there is no file {path}: correct its name")
    names, lines, numbers = columns(), [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) not in (len(names), len(names) + 1) or (
            lines and len(words) != len(lines[0])
        ):
            also = f", and {len(lines[0])} as in the lines before" if lines else ""
            raise VicFileError(
                f"{path}, line {number}: has {len(words)} columns; a soil file of {LAYERS} layers "
                f"has {len(names)}, or {len(names) + 1} with the temperature of July{also}: check "
                "the number of layers, and that organic matter is left out"
            )
        lines.append(words)
        numbers.append(number)
    if not lines:
        raise VicFileError(f"{path}: holds no cell")
    names = names + [JULY] * (len(lines[0]) - len(names))
    text = pd.DataFrame(lines, columns=names, index=numbers)
    table = text.apply(pd.to_numeric, errors="coerce")
    if (bad := ~np.isfinite(table.to_numpy(dtype=float))).any():
        row, column = np.argwhere(bad)[0]
        raise VicFileError(
            f"{path}, line {numbers[row]}: {names[column]} is {lines[row][column]!r}, not a number"
        )
    twice = table.duplicated("gridcell")
    if twice.any():
        raise VicFileError(
            f"{path}, line {twice.idxmax()}: the cell {int(table['gridcell'][twice.idxmax()])} "
            "stands there for the second time: keep one of the lines"
        )
    return SoilFile(table, text)


def write_soil(soil: SoilFile, path) -> None:
    """Write a soil file; a number that was not changed keeps the spelling it was read with."""
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.part")
    as_read = soil.text.apply(pd.to_numeric)
    new = soil.values.map(lambda value: f"{value:.10g}")
    lines = soil.text.where(soil.values == as_read, new).agg(" ".join, axis=1)
    unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")
    unfinished.replace(path)
