"""Error against training effort (tsai2021_fig1)."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from parlearn.plots import style

_COLUMNS = ["variant", "sampling", "period", "seed", "runs_per_cell", "seconds", "rmse_train_cells"]
_MOST_POINTS = 400


def tsai2021_fig1(summary, out, *, data, threshold=0.05):
    """Test RMSE of trained cells against model runs per cell, and against wall clock.

    Parameters
    ----------
    summary : table of :func:`parlearn.summarise.curves.summarise_curves`
    out : path of the picture; written are its .pdf, .png and .csv
    data : what the figure shows results of, e.g. ``SMAP + NLDAS-2, 412 cells``
    threshold : RMSE of a functional model, marked
    """
    table = style.read_summary(summary, _COLUMNS)
    runs = table.groupby(["variant", "sampling", "period", "seed"])
    trained = table[runs["runs_per_cell"].transform("max") > 0]
    references = table.drop(trained.index)
    if trained.empty:
        raise ValueError(
            f"{summary} has no training curve: name a trained run in config/figures.yaml"
        )
    periods = list(dict.fromkeys(trained["period"]))
    samplings = list(trained.groupby("sampling")["trained_cells"].first().sort_values().index)
    looks = style.looks(table["variant"])
    unit, factor = ("min", 60.0) if trained["seconds"].max() > 300 else ("s", 1.0)
    axes_of = {
        "epochs": ("runs_per_cell", 1.0, "Epochs (model runs per cell)"),
        "time": ("seconds", factor, f"Wall-clock time ({unit})"),
    }
    letters = "abcdefgh"
    with style.house():
        rows, columns = (1, 2) if len(periods) == 1 else (2, len(periods))
        fig = style.new_figure(2.6 * rows + 0.7)
        axes = fig.subplots(rows, columns, sharey=True, squeeze=False)
        panels = [(kind, period) for kind in axes_of for period in periods]
        numbers = []
        for ax, letter, (kind, period) in zip(axes.flat, letters, panels, strict=False):
            column, scale, label = axes_of[kind]
            lines = curve_bands(trained[trained["period"] == period], column, scale)
            for (variant, sampling), line in lines.groupby(["variant", "sampling"], sort=False):
                _draw(ax, line, looks[variant], *_weight(sampling, samplings))
            same = (references["variant"] == "default") | (references["period"] == period)
            for ref in references[same].itertuples():
                look = looks[ref.variant]
                ax.axhline(ref.rmse_train_cells, color=look.color, ls=look.line, lw=1.1, zorder=1)
            ax.axhline(threshold, color="0.35", lw=0.9, zorder=0.9)
            ax.set_xscale("log")
            ax.xaxis.set_major_formatter(FormatStrFormatter("%g"))
            ax.xaxis.set_minor_formatter(NullFormatter())
            ax.grid(True, axis="y")
            ax.set_xlabel(label)
            title = f"trained on {style.say_period(period)}" if len(periods) > 1 else ""
            style.letter(ax, letter, title)
            numbers.append(lines.assign(panel=letter, axis=label, period=period))
        bottom, top = _limits(trained, references, threshold)
        axes[0, 0].set_ylim(bottom, top)
        for ax, lines in zip(axes.flat, numbers, strict=True):
            visible = lines.loc[lines["rmse"] <= top, "x"]
            if len(visible):
                ax.set_xlim(0.8 * visible.min(), 1.25 * visible.max())
                wide = visible.max() > 100 * visible.min()
                ax.xaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 2, 5)))
        for ax in axes[:, 0]:
            ax.set_ylabel("Test RMSE (m³ m⁻³)")
        _legend(fig, looks, samplings, threshold)
        style.heading(fig, data, style.notes_on(trained))
        references = references.rename(columns={"rmse_train_cells": "rmse"})
        references = references[["variant", "period", "rmse"]].assign(axis="reference line")
        style.save(fig, pd.concat([*numbers, references], ignore_index=True), out)


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


def _limits(trained, references, threshold):
    """RMSE axis: from below the lowest value to where all lines end, not to where they begin."""
    runs = trained.groupby(["variant", "sampling", "period", "seed"])["rmse_train_cells"]
    marks = [*references["rmse_train_cells"], threshold]
    bottom = 0.9 * np.nanmin([*trained["rmse_train_cells"], *marks])
    top = max(1.15 * np.nanmax([*runs.last(), *marks]), 2.2 * threshold)
    return bottom, min(top, 1.05 * np.nanmax([*trained["rmse_train_cells"], *marks]))


def _weight(sampling, samplings):
    """Tint and line width of a sampling: the denser, the stronger."""
    rank = (samplings.index(sampling) + 1) / len(samplings)
    return 0.35 + 0.65 * rank, 0.6 + 1.2 * rank


def _draw(ax, line, look, strength, width):
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
            marker="" if name in ("default", "cellmean") else k.marker,
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
