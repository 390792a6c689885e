"""Temporal means of cells, simulated against observed, coloured by density (li2023_fig4, fig9)."""

import numpy as np
from scipy.spatial import cKDTree

from parlearn.plots import maps, style

_COLUMNS = [
    "panel",
    "dataset",
    "variant",
    "seed",
    "target",
    "rmse",
    "bias",
    "corr",
    "nse",
    "cells",
    "below_zero",
    "simulated",
    "observed",
]
#: how many decimals the RMSE of a target is told with
_DIGITS = {"soil_moisture": 3, "evapotranspiration": 0}
_MEANS = {
    "soil_moisture": "mean soil moisture (m³ m⁻³)",
    "evapotranspiration": "mean ET (mm year⁻¹)",
}
#: points count as neighbours within this share of the axis
_REACH = 0.03


def li2023_fig4(summary, out, *, data):
    """Scatter of cell means: a row for each data set, a column for each method.

    Parameters
    ----------
    summary : table of :func:`parlearn.summarise.means.summarise_means`
    out : path of the picture; written are its .pdf, .png and .csv
    data : what the figure shows results of, e.g. ``SMAP + NLDAS-2, 412 cells``
    """
    table = style.read_summary(summary, _COLUMNS)
    looks = style.looks(table["variant"])
    labels = list(dict.fromkeys(table["dataset"]))
    with style.house():
        fig = style.new_figure(0.6 + len(labels) * (0.5 + min(5.6 / len(looks), 2.6)))
        axes = fig.subplots(len(labels), len(looks), sharex=True, sharey=True, squeeze=False)
        panels = {
            (label, variant): ax
            for label, row in zip(labels, axes, strict=True)
            for variant, ax in zip(looks, row, strict=True)
        }
        for label, ax in zip(labels, axes[:, 0], strict=True):
            ax.set_ylabel(label, fontweight="bold")
        _draw_all(fig, panels, table, looks)
        style.heading(fig, data, _notes(table))
        style.save(fig, table, out)


def li2023_fig9(summary, out, *, data):
    """Scatter of temporal-mean ET, a panel for each method; arguments as of :func:`li2023_fig4`."""
    _one_row(summary, out, data, "rmse")


def tsai2021_fig3(summary, out, *, data):
    """Scatter of temporal-mean ET of a few methods, with bias; arguments as above."""
    _one_row(summary, out, data, "bias")


def _one_row(summary, out, data, error):
    table = style.read_summary(summary, _COLUMNS)
    looks = style.looks(table["variant"])
    label = table["dataset"].iloc[0]
    with style.house():
        columns = min(3, len(looks))
        rows = -(-len(looks) // columns)
        fig = style.new_figure(0.7 + rows * (0.5 + 5.4 / max(columns, 2)))
        axes = fig.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
        panels = {(label, variant): ax for variant, ax in zip(looks, axes, strict=False)}
        for ax in list(axes)[len(looks) :]:
            ax.set_axis_off()
        _draw_all(fig, panels, table, looks, error)
        style.heading(fig, data, [label, *_notes(table)])
        style.save(fig, table, out)


def _notes(table):
    points = table[table["panel"] == "point"]
    return [f"seed {points['seed'].min():.0f}", "means over the test period"]


def _draw_all(fig, panels, table, looks, error="rmse"):
    """Panels (dataset, variant) -> axes on one scale, with one colour bar; ``error`` is told."""
    points, scores = (table[table["panel"] == name] for name in ("point", "score"))
    low, high = style.span(points[["simulated", "observed"]].to_numpy())
    target = table["target"].iloc[0]
    size = 5.2 if len(looks) > 3 and len(panels) > len(looks) else 6.5
    for (ax, letter), (label, variant) in zip(
        zip(panels.values(), "abcdefghijklmnopqrstuvwxyz"), panels, strict=False
    ):
        here, score = (
            t[(t["dataset"] == label) & (t["variant"] == variant)] for t in (points, scores)
        )
        ax.plot([low, high], [low, high], color="0.5", lw=0.7, zorder=1)
        ax.set(xlim=(low, high), ylim=(low, high), box_aspect=1)
        if low < 0:
            ax.axvline(0, color="0.5", lw=0.7, ls=":", zorder=1)
        drawn = _draw(ax, here, (high - low) * _REACH)
        if len(here):
            one = score[score["seed"] == here["seed"].iloc[0]].iloc[0]
            _tell(ax, one, error, _DIGITS[target], size)
        ax.locator_params(nbins=4)
        style.letter(ax, letter, looks[variant].label, room=2.6 * size)
    fig.supxlabel(f"simulated {_MEANS[target]}", fontsize=8)
    fig.supylabel(f"observed {_MEANS[target]}", fontsize=8)
    maps.colour_bar(
        fig, drawn, list(panels.values()), "Density of points, relative", shrink=0.6, aspect=30
    )


def _draw(ax, points, reach):
    order = density(points["simulated"], points["observed"], reach)
    at = np.argsort(order, kind="stable")
    return ax.scatter(
        points["simulated"].to_numpy()[at],
        points["observed"].to_numpy()[at],
        c=order[at],
        cmap=maps.SKILL_MAP,
        vmin=0,
        vmax=1,
        s=7,
        lw=0,
        zorder=2,
    )


def density(x, y, reach) -> np.ndarray:
    """Number of points within `reach` of each, itself included, over the largest such number."""
    places = np.column_stack([x, y]).astype(float)
    if not len(places):
        return np.zeros(0)
    tree = cKDTree(places)
    counts = tree.query_ball_point(places, reach, return_length=True)
    return counts / counts.max()


def _tell(ax, score, error, digits, size):
    """Two lines of numbers between title and panel, where no point can be."""
    number = f"{score['cells']:.0f} cells"
    if score["target"] == "soil_moisture":
        number = f"{score['below_zero']:.0f} of {score['cells']:.0f} below 0"
    said = {name: style.say_number(score[name], 2) for name in ("corr", "nse")}
    word = {"rmse": "RMSE", "bias": "Bias"}[error]
    first = f"{word} {style.say_number(score[error], digits)}, Corr {said['corr']}"
    lines = f"{first}\nNSE {said['nse']}, {number}"
    text = ax.text(0, 1.02, lines, transform=ax.transAxes, va="bottom", fontsize=size)
    text.set_in_layout(False)  # panels are not to shrink for it
