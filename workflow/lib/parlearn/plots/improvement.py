"""Histograms over cells of the change of the error: training and test, a row for each method."""

import numpy as np

from parlearn.plots import style
from parlearn.plots.sheet import Sheet

_COLUMNS = ["dataset", "variant", "seed", "emulated", "scored", "change"]
_BETTER, _WORSE = "#B2182B", "#2166AC"
_SAID = {"train": "training period", "test": "test period"}


def draw(sheet: Sheet):
    """Red where the error became smaller, blue where it grew, as in the paper."""
    table = sheet.read(_COLUMNS)
    looks = style.looks(table["variant"])
    low, high = style.span(table["change"], 0.01, 0.99)
    low = min(low, -5.0)
    step = 5.0 if high - low > 60 else 2.5
    edges = np.arange(np.floor(low / step) * step, high + step, step)
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    with style.house():
        fig = style.new_figure(0.8 + 1.35 * len(looks))
        axes = fig.subplots(len(looks), 2, sharex=True, sharey="row", squeeze=False)
        for row, (variant, look) in zip(axes, looks.items(), strict=True):
            for ax, scored in zip(row, _SAID, strict=True):
                part = table[(table["variant"] == variant) & (table["scored"] == scored)]
                values = part["change"].dropna()
                _bars(ax, values, edges)
                share = (values > 0).mean()
                style.letter(ax, next(letters), f"{look.label}, {_SAID[scored]}")
                said = f"smaller at {share:.0%}\nof {len(values)} cells"
                ax.text(0.02, 0.95, said, transform=ax.transAxes, va="top", fontsize=7)
            row[0].set_ylabel("Cells")
        for ax in axes[-1]:
            ax.set_xlabel("RMSE taken away, % of the default's")
        trained = table["seed"].min()
        by = style.say_model(table)
        notes = [str(table["dataset"].iloc[0]), f"seed {trained:.0f}", f"simulated by {by}"]
        sheet.save(fig, table, notes)


def _bars(ax, values, edges):
    counts, _ = np.histogram(values.clip(edges[0], edges[-1]), edges)
    middle = (edges[:-1] + edges[1:]) / 2
    colours = np.where(middle > 0, _BETTER, _WORSE)
    ax.bar(middle, counts, width=0.9 * (edges[1] - edges[0]), color=colours)
    ax.axvline(0, color="0.3", lw=0.7)
