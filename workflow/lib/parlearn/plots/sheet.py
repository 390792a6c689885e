"""What a figure is drawn from and written to."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from parlearn.plots import style
from parlearn.storage.files import replacing

#: characters of a heading in an inch
_HEADING = 15


@dataclass(frozen=True)
class Sheet:
    """One figure: its summary, its files, and the words that every figure shows.

    Attributes
    ----------
    summary : table of the module of the same name in :mod:`parlearn.summarise`
    out : path of the picture; written are its .pdf, .png and .csv
    data : what the figure shows results of, e.g. ``SMAP + NLDAS-2, 412 cells``
    borders : path of resources/borders/conus.json for a real region
    """

    summary: str
    out: str
    data: str
    borders: str | None = None

    def read(self, columns) -> pd.DataFrame:
        """The summary; ValueError where it is empty or not the table this figure needs."""
        table = pd.read_csv(self.summary)
        missing = [c for c in columns if c not in table]
        if missing or table.empty:
            what = f"lacks the columns {missing}" if missing else "has no rows"
            raise ValueError(
                f"{self.summary} {what}: it is not this figure's summary, make it again"
            )
        return table

    def save(self, fig, numbers: pd.DataFrame, notes=()) -> None:
        """Head the figure with data and `notes`, and write it with its numbers, each whole or not.

        A column of `numbers` without any value is left out.
        """
        self._head(fig, notes)
        out = Path(self.out)
        settle(fig)
        with replacing(out.with_suffix(".pdf")) as path:
            fig.savefig(path, dpi=style.DPI, metadata={"CreationDate": None, "ModDate": None})
        with replacing(out.with_suffix(".png")) as path:
            fig.savefig(path, dpi=style.DPI, metadata={"Software": None})
        with replacing(out.with_suffix(".csv")) as path:
            numbers = numbers.dropna(axis="columns", how="all")
            numbers.to_csv(path, index=False, float_format="%.7g")

    def _head(self, fig, notes):
        """Title line: which data the figure shows, and what part of a full design it lacks."""
        lines = [self.data]
        for note in notes:
            longer = f"{lines[-1]} · {note}"
            fits = len(longer) <= fig.get_figwidth() * _HEADING
            lines = [*lines[:-1], longer] if fits else [*lines, note]
        options = {"fontweight": "bold", "color": "0.25", "fontsize": 8}
        fig.suptitle("\n".join(lines), x=0.012, ha="left", **options)


def settle(fig) -> None:
    """Solve the layout of a figure once, to the same places in every process.

    The last digits that the solver finds differ from one process to the next, and an edge halfway
    between two pixels would fall to either.
    """
    fig.draw_without_rendering()
    fig.set_layout_engine("none")
    for part in fig.subfigs:
        for corner in ("p0", "p1"):
            setattr(part.bbox_relative, corner, getattr(part.bbox_relative, corner).round(5))
    for ax in fig.axes:
        bounds = ax.get_position(original=True).bounds
        ax.set_position([round(value, 5) for value in bounds], which="original")
