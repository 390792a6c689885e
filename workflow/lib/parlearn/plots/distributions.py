"""Distributions of scores over cells."""

from matplotlib.lines import Line2D

from parlearn.plots import style
from parlearn.plots.sheet import Sheet

_COLUMNS = [
    "dataset",
    "variant",
    "metric",
    "share",
    "value",
    "low",
    "high",
    "seeds",
    "cells",
    "target",
]
#: an axis of NSE begins no lower: below, a model is worse than the mean and only how bad differs
_LOWEST = -1.0


def draw(sheet: Sheet):
    """Cumulative distributions: a row for each score, a column for each data set."""
    table = sheet.read(_COLUMNS)
    target = table["target"].iloc[0]
    looks = style.looks(table["variant"])
    metrics, labels = (list(dict.fromkeys(table[name])) for name in ("metric", "dataset"))
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    with style.house():
        fig = style.new_figure(0.9 + 2.3 * len(metrics))
        axes = fig.subplots(len(metrics), len(labels), sharex="row", sharey=True, squeeze=False)
        for row, metric in zip(axes, metrics, strict=True):
            of_metric = table[table["metric"] == metric]
            low, high = style.span(of_metric["value"], 0.02, 1.0)
            for ax, label in zip(row, labels, strict=True):
                part = of_metric[of_metric["dataset"] == label]
                for variant, look in looks.items():
                    _draw_line(ax, part[part["variant"] == variant], look)
                ax.set_xlabel(style.score_label(metric, target))
                ax.grid(True)
                style.letter(ax, next(letters), f"{label}, {part['cells'].max()} cells")
            row[0].set_xlim(max(low, _LOWEST), min(high, 1.0))
            row[0].set_ylabel("Share of cells")
        axes[0, 0].set_ylim(0, 1)
        handles = [
            Line2D([], [], color=k.color, ls=k.line, marker=k.marker, mfc=k.face, label=k.label)
            for k in looks.values()
        ]
        fig.legend(
            handles=handles, loc="outside lower center", ncols=min(4, len(handles)), handlelength=4
        )
        sheet.save(fig, table, [style.note_on_seeds(table), "scores in the test period"])


def _draw_line(ax, line, look):
    if line["value"].isna().all():
        return
    ax.plot(
        line["value"],
        line["share"],
        color=look.color,
        ls=look.line,
        lw=1.1,
        marker=look.marker,
        ms=3.5,
        mfc=look.face,
        mew=0.6,
        markevery=(10, 20),
        zorder=3,
    )
    if (line["high"] > line["low"]).any():
        ax.fill_betweenx(
            line["share"], line["low"], line["high"], color=look.color, alpha=0.18, lw=0, zorder=2
        )
