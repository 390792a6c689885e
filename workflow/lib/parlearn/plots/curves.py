"""Error in the test period against training effort."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from parlearn.plan.methods import METHODS
from parlearn.plots import style
from parlearn.plots.sheet import Sheet
from parlearn.summarise.variants import read_variant

_TRAINING = ["variant", "sampling", "period", "seed", "target"]
_COLUMNS = [
    *_TRAINING,
    "runs_per_cell",
    "seconds",
    "rmse_train_cells",
    "trained_cells",
    "threshold",
]
_MOST_POINTS = 400


def draw(sheet: Sheet):
    """Test RMSE of trained cells against model runs per cell, and against wall clock.

    A row of panels for each target that the curves hold, or for each target and axis where there
    are several training periods.
    """
    table = sheet.read(_COLUMNS)
    trained = table[table.groupby(_TRAINING)["runs_per_cell"].transform("max") > 0]
    references = table.drop(trained.index)
    if trained.empty:
        raise ValueError(
            f"{sheet.summary} has no training curve: choose a trained run in config/figures.yaml"
        )
    periods, targets = (list(dict.fromkeys(trained[name])) for name in ("period", "target"))
    samplings = list(trained.groupby("sampling")["trained_cells"].first().sort_values().index)
    looks = style.looks(table["variant"])
    threshold = table["threshold"].iloc[0]
    unit, factor = ("min", 60.0) if trained["seconds"].max() > 300 else ("s", 1.0)
    axes_of = {
        "runs_per_cell": (1.0, "Epochs (model runs per cell)"),
        "seconds": (factor, f"Wall-clock time ({unit})"),
    }
    panels = [
        (target, axis, period) for target in targets for axis in axes_of for period in periods
    ]
    columns = 2 if len(periods) == 1 else len(periods)
    with style.house():
        rows = len(panels) // columns
        fig = style.new_figure(2.6 * rows + 0.7)
        axes = fig.subplots(rows, columns, sharey="row", squeeze=False)
        numbers = []
        for ax, letter, (target, axis, period) in zip(
            axes.flat, "abcdefghijklmnop", panels, strict=False
        ):
            here, marks = (t[t["target"] == target] for t in (trained, references))
            lines = curve_bands(here[here["period"] == period], axis, axes_of[axis][0])
            for (variant, sampling), line in lines.groupby(["variant", "sampling"], sort=False):
                _draw_line(ax, line, looks[variant], *_weight(sampling, samplings))
            known = marks["variant"].map(_knows_period).astype(bool)
            for mark in marks[(marks["period"] == period) | ~known].itertuples():
                look = looks[mark.variant]
                ax.axhline(mark.rmse_train_cells, color=look.color, ls=look.line, lw=1.1, zorder=1)
            goal = [threshold] if target == targets[0] else []
            for value in goal:
                ax.axhline(value, color="0.35", lw=0.9, zorder=0.9)
            bottom, top = _limits(here, marks, goal)
            ax.set_ylim(bottom, top)
            _x_axis(ax, lines, top)
            ax.set_xlabel(axes_of[axis][1])
            if ax in axes[:, 0]:
                ax.set_ylabel(f"Test {style.score_label('rmse', target)}")
            title = f"trained on {style.say_period(period)}" if len(periods) > 1 else ""
            style.letter(ax, letter, title)
            about = {"panel": letter, "axis": axes_of[axis][1], "period": period, "target": target}
            numbers.append(lines.assign(**about))
        _legend(fig, looks, samplings, threshold)
        references = references.rename(columns={"rmse_train_cells": "rmse"})
        references = references[["variant", "period", "target", "rmse"]]
        numbers = pd.concat([*numbers, references.assign(axis="reference line")], ignore_index=True)
        sheet.save(fig, numbers, style.notes_on(trained))


def _knows_period(variant) -> bool:
    """Whether an untrained method depends on the training period: published parameters do not."""
    return "observations" in METHODS[read_variant(variant).method].reads


def _x_axis(ax, lines, top):
    """Logarithmic, from where the first line comes into sight."""
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(True, axis="y")
    visible = lines.loc[lines["rmse"] <= top, "x"]
    if len(visible):
        ax.set_xlim(0.8 * visible.min(), 1.25 * visible.max())
        wide = visible.max() > 100 * visible.min()
        ax.xaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 2, 5)))


def curve_bands(part, column, scale=1.0) -> pd.DataFrame:
    """Median, lowest and highest RMSE over seeds, where all seeds of a line have one.

    Columns: variant, sampling, x (`column` / `scale`), rmse, low, high, seeds.
    """
    lines = []
    part = part[part[column] > 0].dropna(subset="rmse_train_cells")
    for (variant, sampling), group in part.groupby(["variant", "sampling"], sort=False):
        seeds = [seed.sort_values(column) for _, seed in group.groupby("seed")]
        x = np.unique(group[column])
        first, last = max(s[column].min() for s in seeds), min(s[column].max() for s in seeds)
        x = x[(x >= first) & (x <= last)]
        if len(x) > _MOST_POINTS:
            x = x[np.linspace(0, len(x) - 1, _MOST_POINTS).astype(int)]
        y = np.array([np.interp(x, s[column], s["rmse_train_cells"]) for s in seeds])
        bands = {"x": x / scale, "rmse": np.median(y, 0), "low": y.min(0), "high": y.max(0)}
        about = {"variant": variant, "sampling": sampling, "seeds": len(seeds)}
        lines.append(pd.DataFrame(bands).assign(**about))
    columns = ["variant", "sampling", "x", "rmse", "low", "high", "seeds"]
    return pd.concat(lines)[columns] if lines else pd.DataFrame(columns=columns)


def _limits(trained, references, goal):
    """RMSE axis: from below the lowest value to where all lines end, not to where they begin."""
    runs = trained.groupby(_TRAINING)["rmse_train_cells"]
    marks = [*references["rmse_train_cells"], *goal]
    bottom = 0.9 * np.nanmin([*trained["rmse_train_cells"], *marks])
    top = 1.15 * np.nanmax([*runs.last(), *marks])
    top = max([top, *(2.2 * value for value in goal)])
    return bottom, min(top, 1.05 * np.nanmax([*trained["rmse_train_cells"], *marks]))


def _weight(sampling, samplings):
    """Tint and line width of a sampling: the denser, the stronger."""
    rank = (samplings.index(sampling) + 1) / len(samplings)
    return 0.35 + 0.65 * rank, 0.6 + 1.2 * rank


def _draw_line(ax, line, look, strength, width):
    color = style.tint(look.color, strength)
    every = max(1, len(line) // 6)
    ax.plot(
        line["x"],
        line["rmse"],
        color=color,
        ls=look.line,
        lw=width,
        marker=look.marker,
        ms=3.8,
        mfc=color if not look.hollow else "white",
        mew=0.6,
        markevery=(every // 2, every),
        zorder=3,
    )
    if (line["high"] > line["low"]).any():
        ax.fill_between(
            line["x"], line["low"], line["high"], color=color, alpha=0.18, lw=0, zorder=2
        )


def _legend(fig, looks, samplings, threshold):
    handles = [
        Line2D(
            [],
            [],
            color=k.color,
            ls=k.line,
            marker=k.marker if style.is_trained(name) else "",
            mfc=k.face,
            label=k.label,
        )
        for name, k in looks.items()
    ]
    handles.append(Line2D([], [], color="0.35", lw=0.9, label=f"RMSE {threshold:g}"))
    if len(samplings) > 1:
        for name in samplings:
            strength, width = _weight(name, samplings)
            color = style.tint("black", strength)
            handles.append(Line2D([], [], color=color, lw=width, label=f"sampling {name}"))
    fig.legend(
        handles=handles, loc="outside lower center", ncols=min(5, len(handles)), handlelength=3
    )
