"""Scores and costs of all methods as a table (tsai2021_tableS1): picture, Markdown and CSV."""

from pathlib import Path

import numpy as np
import pandas as pd

from parlearn.plots import style
from parlearn.storage.files import write_text

_COLUMNS = ["variant", "sampling", "period", "seed", "score_map", "split", "quantity", "value"]
_MAPS = {
    "mapped": "after the linear observation map",
    "raw": "before the linear observation map",
}
_SCORES = {"bias": "Bias", "rmse": "RMSE", "ubrmse": "ubRMSE", "corr": "Corr"}
_SPLITS = ("temporal", "spatial")
_FLUX = {"bias": ("Bias\n(mm year⁻¹)", 0), "corr": ("Corr", 3), "nse": ("NSE", 3)}
_COSTS = {
    "epochs": "Epochs\nin all",
    "seconds": "Time\nin all",
    "epochs_to_threshold": "Epochs to\nRMSE {:g}",
    "seconds_to_threshold": "Time to\nRMSE {:g}",
    "epochs_to_sceua": "Epochs to\nSCE-UA's end",
    "seconds_to_sceua": "Time to\nSCE-UA's end",
}


def tsai2021_tableS1(summary, out, *, data, threshold=0.05):
    """Bias and Corr over seeds as in the paper, then all scores and costs of all methods.

    Parameters
    ----------
    summary : table of :func:`parlearn.summarise.curves.summarise_table`
    out : path of the picture; written are its .pdf, .png, .csv and .md
    data : what the table shows results of, e.g. ``SMAP + NLDAS-2, 412 cells``
    threshold : RMSE of a functional model, as the summary was made with
    """
    table = style.read_summary(summary, _COLUMNS)
    notes = style.notes_on(table)
    numbers = over_seeds(table)
    parts = build_parts(numbers, threshold)
    with style.house():
        fig = draw_tables(parts)
        style.heading(fig, data, notes)
        style.save(fig, numbers, out)
    write_text(markdown(parts, data, notes), Path(out).with_suffix(".md"))


def over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and sample standard deviation over the seeds with a value (``valid`` of ``seeds``)."""
    table = table.assign(score_map=table["score_map"].fillna(""))
    groups = table.groupby(["variant", "score_map", "split", "quantity"], sort=False)["value"]
    return groups.agg(mean="mean", std="std", seeds="size", valid="count").reset_index()


def build_parts(numbers: pd.DataFrame, threshold) -> list[tuple]:
    """The tables, each as title, head and rows of text; a line break may stand in a head."""
    looks = style.looks(numbers["variant"])
    cells = {
        (row.variant, row.score_map, row.split, row.quantity): row for row in numbers.itertuples()
    }

    def rows(variants, keys, digits, with_spread=False):
        return [
            [
                looks[v].label,
                *(_say(cells.get((v, *key)), key[-1], digits, with_spread) for key in keys),
            ]
            for v in variants
        ]

    spread = ", mean ± standard deviation over seeds" if numbers["seeds"].max() > 1 else ""
    keys = [("mapped", split, score) for score in ("bias", "corr") for split in _SPLITS]
    parts = [
        (
            f"Median bias (m³ m⁻³) and correlation over cells{spread}, {_MAPS['mapped']}",
            ["Method", *(f"{_SCORES[score]}\n{split}" for _, split, score in keys)],
            rows(looks, keys, 4, with_spread=True),
        )
    ]
    for score_map, words in _MAPS.items():
        keys = [(score_map, split, score) for split in _SPLITS for score in _SCORES]
        head = ["Method", *(f"{_SCORES[score]}\n{split}" for _, split, score in keys)]
        parts.append((f"Median scores over cells, {words}", head, rows(looks, keys, 3)))
    flux = [v for v in looks if (v, "", "flux", "corr") in cells]
    if flux:
        columns = [
            rows(flux, [("", "flux", score)], digits, with_spread=True)
            for score, (_, digits) in _FLUX.items()
        ]
        head = ["Method", *(words for words, _ in _FLUX.values())]
        title = f"Temporal-mean ET of the trained cells, never used in training{spread}"
        lines = [[same[0][0], *(column[1] for column in same)] for same in zip(*columns)]
        parts.append((title, head, lines))
    keys = [("", "cost", quantity) for quantity in _COSTS]
    trained = [v for v in looks if (v, "", "cost", "epochs") in cells]
    if trained:
        head = ["Method", *(words.format(threshold) for words in _COSTS.values())]
        title = "Cost of training: epochs (model runs per cell) and wall-clock time"
        parts.append((title, head, rows(trained, keys, 0)))
    return parts


def _say(row, quantity, digits, with_spread) -> str:
    """One field: a dash where there is nothing to say, words where a goal was not reached."""
    if row is None:
        return "–"
    if row.valid == 0:
        return "not reached" if "_to_" in quantity else "–"
    text = style.say_number(row.mean, digits)
    if quantity.startswith("seconds"):
        text = style.say_seconds(row.mean)
    if with_spread and np.isfinite(row.std):
        text += f" ± {row.std:.{digits}f}"
    return text if row.valid == row.seeds else f"{text} ({row.valid} of {row.seeds} seeds)"


def markdown(parts, data, notes) -> str:
    """The tables in Markdown, under a line that says which data they show."""
    lines = [f"**{' · '.join([data, *notes])}**", ""]
    for title, head, rows in parts:
        lines += [f"{title}.", "", "| " + " | ".join(head).replace("\n", " ") + " |"]
        lines += ["|" + " --- |" * len(head), *("| " + " | ".join(row) + " |" for row in rows), ""]
    return "\n".join(lines)


def draw_tables(parts):
    """Figure of the tables: rules above and below, one line a method."""
    heights = [0.19 * (len(rows) + 3.6) for _, _, rows in parts]
    fig = style.new_figure(sum(heights) + 0.4)
    axes = fig.subplots(len(parts), 1, height_ratios=heights, squeeze=False)[:, 0]
    for ax, letter, (title, head, rows) in zip(axes, "abcdef", parts, strict=False):
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
