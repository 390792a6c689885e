"""Tables as pictures and as Markdown, and how their fields are said: shared by all tables.

A table has parts, each a title, a head and rows of text; a line break may stand in a head.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from parlearn.plots import style
from parlearn.plots.sheet import Sheet
from parlearn.storage.files import write_text


def save_tables(sheet: Sheet, parts: list[tuple], numbers: pd.DataFrame, notes) -> None:
    """Write the parts of a table as picture, numbers and Markdown (.md)."""
    with style.house():
        sheet.save(_draw_tables(parts), numbers, notes)
    write_text(_markdown(parts, sheet.data, notes), Path(sheet.out).with_suffix(".md"))


def over_seeds(table: pd.DataFrame, keys) -> pd.DataFrame:
    """Mean and sample standard deviation over the seeds with a value (``valid`` of ``seeds``).

    ``at_most``, where the table has it: whether the value of a seed is the most it may be.
    """
    groups = table.groupby(list(keys), sort=False)
    found = groups["value"].agg(mean="mean", std="std", seeds="size", valid="count")
    if "at_most" in table:
        found["at_most"] = groups["at_most"].any()
    return found.reset_index()


def spread_words(numbers) -> str:
    return ", mean ± standard deviation over seeds" if numbers["seeds"].max() > 1 else ""


def say(row, digits, with_spread=False) -> str:
    """A number; a dash where there is none."""
    if row is None or not row.valid:
        return "–"
    text = style.say_number(row.mean, digits)
    if with_spread and np.isfinite(row.std):
        text += f" ± {row.std:.{digits}f}"
    return text


def say_count(row) -> str:
    """A whole number; of a goal that some seed missed, how many came to it."""
    return _say_goal(row, lambda mean: f"{mean:,.0f}")


def say_seconds(row) -> str:
    """A time, as :func:`say_count`."""
    return _say_goal(row, lambda s: f"{s:.2g} s" if s < 10 else style.say_seconds(s))


def _say_goal(row, form) -> str:
    if row is None:
        return "–"
    if not row.valid:
        return "not reached"
    text = form(row.mean)
    if getattr(row, "at_most", False):
        text = f"at most {text}"
    return text if row.valid == row.seeds else f"{text} ({row.valid} of {row.seeds})"


def _markdown(parts, data, notes) -> str:
    """The tables in Markdown, under a line that says which data they show."""
    lines = [f"**{' · '.join([data, *notes])}**", ""]
    for title, head, rows in parts:
        lines += [f"{title}.", "", "| " + " | ".join(head).replace("\n", " ") + " |"]
        lines += ["|" + " --- |" * len(head), *("| " + " | ".join(row) + " |" for row in rows), ""]
    return "\n".join(lines)


def _draw_tables(parts):
    """Figure of the tables: rules above and below, one line a method."""
    heights = [0.19 * (len(rows) + 3.6) for _, _, rows in parts]
    fig = style.new_figure(sum(heights) + 0.4)
    axes = fig.subplots(len(parts), 1, height_ratios=heights, squeeze=False)[:, 0]
    for ax, letter, (title, head, rows) in zip(axes, "abcdefghijkl", parts, strict=False):
        _draw_table(ax, head, rows)
        style.letter(ax, letter, title)
    return fig


def _draw_table(ax, head, rows):
    ax.set_axis_off()
    columns = [[*h.split("\n"), *texts] for h, *texts in zip(head, *rows, strict=True)]
    widths = [2 + max(len(text.replace("$", "")) for text in column) for column in columns]
    ends = np.cumsum(widths) / sum(widths)
    lines = [(0.35, "bottom", "bold", head)]
    lines += [(-n - 0.5, "center", "normal", row) for n, row in enumerate(rows)]
    for y, va, weight, texts in lines:
        for k, text in enumerate(texts):
            x, ha = (0, "left") if k == 0 else (ends[k] - 0.004, "right")
            ax.text(x, y, text, ha=ha, va=va, fontsize=6.5, fontweight=weight)
    for y, width in ((2.1, 0.9), (0.1, 0.5), (-len(rows), 0.9)):
        ax.plot([0, 1], [y, y], color="black", lw=width, clip_on=False)
    ax.set(xlim=(0, 1), ylim=(-len(rows) - 0.2, 2.2))
