"""Temporal means of cells, simulated against observed, coloured by density."""

import numpy as np
from scipy.spatial import cKDTree

from parlearn.plan.targets import TARGETS
from parlearn.plots import maps, style
from parlearn.plots.sheet import Sheet

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
#: points count as neighbours within this share of the axis
_REACH = 0.03


def draw(sheet: Sheet, error="rmse"):
    """Scatter of cell means: a panel for each method, a row for each data set where there are more.

    Parameters
    ----------
    error : told beside correlation and NSE: ``rmse`` or ``bias``
    """
    table = sheet.read(_COLUMNS)
    looks = style.looks(table["variant"])
    labels = list(dict.fromkeys(table["dataset"]))
    alone = len(labels) == 1
    columns = min(3, len(looks)) if alone else len(looks)
    rows = -(-len(looks) // columns) if alone else len(labels)
    with style.house():
        width = 5.4 / max(columns, 2) if alone else min(5.6 / columns, 2.6)
        fig = style.new_figure(0.7 + rows * (0.5 + width))
        axes = fig.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        keys = [(label, variant) for label in labels for variant in looks]
        panels = dict(zip(keys, axes.flat, strict=False))
        for ax in axes.flat[len(keys) :]:
            ax.set_axis_off()
        for label, ax in zip([] if alone else labels, axes[:, 0], strict=False):
            ax.set_ylabel(label, fontweight="bold")
        _draw_all(fig, panels, table, looks, error)
        sheet.save(fig, table, labels * alone + _notes(table))


def _notes(table):
    points = table[table["panel"] == "point"]
    return [f"seed {points['seed'].min():.0f}", "means over the test period"]


def _draw_all(fig, panels, table, looks, error):
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
        drawn = _draw_points(ax, here, (high - low) * _REACH)
        if len(here):
            one = score[score["seed"] == here["seed"].iloc[0]].iloc[0]
            _tell(ax, one, error, TARGETS[target], size)
        ax.locator_params(nbins=4)
        style.letter(ax, letter, looks[variant].label, room=2.6 * size)
    fig.supxlabel(f"simulated {style.mean_label(target)}", fontsize=8)
    fig.supylabel(f"observed {style.mean_label(target)}", fontsize=8)
    maps.colour_bar(
        fig, drawn, list(panels.values()), "Density of points, relative", shrink=0.6, aspect=30
    )


def _draw_points(ax, points, reach):
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


def _tell(ax, score, error, target, size):
    """Two lines of numbers between title and panel, where no point can be."""
    number = f"{score['cells']:.0f} cells"
    if target.lower == 0:  # where a mean below zero is beyond what is physical
        number = f"{score['below_zero']:.0f} of {score['cells']:.0f} below 0"
    said = {name: style.say_number(score[name], 2) for name in ("corr", "nse")}
    size_of_error = f"{style.score_name(error)} {style.say_number(score[error], target.digits)}"
    first = f"{size_of_error}, Corr {said['corr']}"
    lines = f"{first}\nNSE {said['nse']}, {number}"
    text = ax.text(0, 1.02, lines, transform=ax.transAxes, va="bottom", fontsize=size)
    text.set_in_layout(False)  # panels are not to shrink for it
