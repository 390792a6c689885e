"""What a run of VIC 5 left: its log and its results."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from parlearn.models.program import ProgramError
from parlearn.models.vic5.inputs import RESULTS


@dataclass(frozen=True)
class Log:
    """Messages of all ranks; ``error`` is the last one, with the file it stands in."""

    warnings: tuple[str, ...]
    error: str
    path: Path | None
    #: of the grid, counted from 0 along its rows, where the error names one
    cell: int | None


def read_log(folder: Path, printed: Path, ranks: int) -> Log:
    """The log of a run: files of the ranks, and what was printed before these were opened."""
    warnings, error, where, cell = [], "", None, None
    for path in (printed, *sorted(folder.glob("vic.log.*.txt"))):
        rank = re.search(r"\.(\d{6})\.txt$", path.name)
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("[WARN]"):
                warnings.append(_message(line))
            elif line.startswith("[ERROR]"):
                error, where = _message(line), path
                # a rank counts its own cells, which are dealt out in turn
                named = re.search(r"\bcell (\d+)", error)
                cell = int(named[1]) * ranks + int(rank[1] if rank else 0) if named else None
    return Log(tuple(warnings), error, where, cell)


def _message(line: str) -> str:
    """A line of the log without its level, the place in the source and the number of the system."""
    return re.sub(r"^\[\w+\] (\S+:\d+: )?(errno: [^:]*: )?", "", line).strip()


def read_results(folder: Path, variables, days, shape, dims=("y", "x")) -> dict[str, np.ndarray]:
    """Variables of VIC 5, (set, cell, [layer,] day).

    Parameters
    ----------
    days : dates of the run; shape : sets and cells of its grid; dims : names of both

    Raises
    ------
    ProgramError
        No results, or those of other days or cells; a variable that is not there, or not finite.
    """
    found = sorted((folder / RESULTS).glob("daily.*.nc"))
    if len(found) != 1:
        raise ProgramError(f"it left {len(found)} files of results in {folder / RESULTS}, not one")
    try:
        with xr.open_dataset(found[0]) as opened:
            table = opened.load()
    except (OSError, RuntimeError, ValueError) as error:
        raise ProgramError(f"its results in {found[0]} cannot be read: {error}") from error
    answers = {}
    for name in variables:
        if name not in table:
            raise ProgramError(
                f"its results in {found[0]} lack {name}: this build of VIC does not put it out"
            )
        values = table[name].transpose(*dims, ..., "time").values
        if values.shape[:2] != shape or values.shape[-1] != len(days):
            raise ProgramError(
                f"its results have {name} of {values.shape[-1]} days at {values.shape[:2]} cells, "
                f"asked were {len(days)} days at {shape}: it ended early, or read other files"
            )
        bad = ~np.isfinite(values)
        if bad.any():
            row, column, *_, day = (int(k) for k in np.argwhere(bad)[0])
            cells = int(bad.reshape(*shape, -1).any(-1).sum())
            raise NotFiniteError(name, row, column, days[day], cells)
        answers[name] = values
    return answers


class NotFiniteError(ProgramError):
    """A value that is missing in the results; row and column of the grid, and the day."""

    def __init__(self, name, row, column, day, cells):
        self.row, self.column = row, column
        super().__init__(
            f"{name} is not a number on {day:%Y-%m-%d}, nor in {cells - 1} other cells"
        )
