"""Learned against true parameters of a twin."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullLocator

from parlearn.plots import style
from parlearn.plots.sheet import Sheet

_COLUMNS = [
    "panel",
    "variant",
    "sampling",
    "period",
    "seed",
    "parameter",
    "unit",
    "split",
    "lower",
    "upper",
    "log",
    "corr",
    "true",
    "value",
]
_SPLITS = {
    "temporal": ("#0072B2", "o", "trained cells"),
    "spatial": ("#E69F00", "x", "held-out cells"),
}


def draw(sheet: Sheet):
    """Learned against true values: a row for each method, a column for each parameter."""
    table = sheet.read(_COLUMNS)
    looks = style.looks(table["variant"])
    names = list(dict.fromkeys(table["parameter"]))
    with style.house():
        # panels are square, and the narrower the more there are
        fig = style.new_figure(0.7 + (0.05 + style.WIDTH / len(names)) * len(looks))
        axes = fig.subplots(len(looks), len(names), squeeze=False)
        for row, (variant, look) in zip(axes, looks.items(), strict=True):
            for ax, name in zip(row, names, strict=True):
                here = table[(table["variant"] == variant) & (table["parameter"] == name)]
                said = _panel(ax, here, ticks=4 if len(names) <= 5 else 3)
                top = f"{style.parameter_label(here.iloc[0])}\n" if ax in axes[0] else ""
                ax.set_title(f"{top}r = {said}")
                if ax in axes[-1]:
                    ax.set_xlabel("true")
            row[0].set_ylabel(f"{look.label}\nlearned")
        drawn = [s for s in _SPLITS if s in set(table.loc[table["panel"] == "point", "split"])]
        order = ["first", "second"] if len(drawn) > 1 else [""]
        handles = []
        for split, which in zip(drawn, order, strict=True):
            color, marker, cells = _SPLITS[split]
            label = f"{cells} ({which} r)" if which else cells
            handles.append(Line2D([], [], ls="", marker=marker, color=color, ms=4, label=label))
        fig.legend(handles=handles, loc="outside lower center", ncols=2)
        sheet.save(fig, table, [*style.notes_on(table), "recovered against true parameters"])


def _panel(ax, here, ticks) -> str:
    """Draw one scatter; returns its correlations, trained cells first, in words."""
    points, scores = here[here["panel"] == "point"], here[here["panel"] == "score"]
    limits = here[["lower", "upper"]].iloc[0].to_numpy(float)
    log = bool(here["log"].iloc[0])
    if log:
        ax.set(xscale="log", yscale="log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(numticks=ticks) if log else MaxNLocator(ticks - 1))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FormatStrFormatter("%g"))
    ax.plot(limits, limits, color="0.5", lw=0.7, zorder=1)
    for split, (color, marker, _) in _SPLITS.items():
        part = points[points["split"] == split]
        crossed = marker == "x"
        ax.scatter(
            part["true"],
            part["value"],
            s=7 if crossed else 5,
            marker=marker,
            c=color,
            lw=0.6 if crossed else 0,
            alpha=0.7,
            zorder=2 if crossed else 3,
        )
    room = (limits[1] / limits[0]) ** 0.04 if log else 0.04 * (limits[1] - limits[0])
    ends = (limits[0] / room, limits[1] * room) if log else (limits[0] - room, limits[1] + room)
    ax.set(xlim=ends, ylim=ends, box_aspect=1)
    return ", ".join(
        style.say_number(r.corr, 2) if np.isfinite(r.corr) else "–"
        for r in scores.itertuples()
        if r.split in set(points["split"])
    )
