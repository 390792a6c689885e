"""Skill of the surrogate against the process model."""

import pandas as pd
from matplotlib.lines import Line2D

from parlearn.plan.targets import TARGETS
from parlearn.plots import maps, style
from parlearn.plots.sheet import Sheet

_COLUMNS = ["panel", "target", "metric", "median", "lat", "lon", "value", "time", "variant", "site"]
#: looks of the process model and of its surrogate, in this order in the summary
_MODELS = (
    {"color": "#D55E00", "lw": 1.8, "label": "process model"},
    {"color": "black", "lw": 0.8, "ls": (0, (4, 1.6)), "label": "its surrogate"},
)


def draw(sheet: Sheet):
    """For each output of the surrogate: boxplots of scores, map of correlation, example series."""
    table = sheet.read(_COLUMNS)
    targets = list(dict.fromkeys(table["target"]))
    letters = iter("abcdefghijklmnop")
    with style.house():
        fig = style.new_figure(0.5 + 3.7 * len(targets))
        blocks = fig.subfigures(len(targets), 1, squeeze=False)[:, 0]
        for block, target in zip(blocks, targets, strict=True):
            part = table[table["target"] == target]
            upper, lower = block.subfigures(2, 1, height_ratios=[2.2, 1.5])
            left, right = upper.subfigures(1, 2, width_ratios=[1, 1])
            _boxes(left, part[part["panel"] == "box"], target, letters)
            series = part[part["panel"] == "series"]
            _map(right, part[part["panel"] == "map"], series, letters, sheet.borders)
            _series(lower, series, target, letters)
        handles = [Line2D([], [], **kind) for kind in _MODELS]
        fig.legend(handles=handles, loc="outside lower center", ncols=2, handlelength=3)
        sheet.save(fig, table)


def _boxes(fig, boxes, target, letters):
    labels = {
        metric: style.score_label(metric, target, "\n" if metric in ("bias", "rmse") else " ")
        for metric in ("corr", "bias", "rmse", "nse")
        if metric in set(boxes["metric"])
    }
    axes = fig.subplots(1, len(labels), squeeze=False)[0]
    for ax, (metric, label) in zip(axes, labels.items(), strict=True):
        row = boxes[boxes["metric"] == metric].iloc[0]
        stats = {
            "med": row["median"],
            "q1": row["q25"],
            "q3": row["q75"],
            "whislo": row["q05"],
            "whishi": row["q95"],
        }
        ax.bxp(
            [stats],
            showfliers=False,
            widths=0.5,
            patch_artist=True,
            medianprops={"color": "black", "lw": 1.5},
            boxprops={"facecolor": "0.85", "lw": 0.8},
            whiskerprops={"lw": 0.8},
            capprops={"lw": 0.8},
        )
        if metric == "bias":
            ax.axhline(0, color="0.5", lw=0.7, zorder=0)
        ax.set_xticks([1], [style.say_number(row["median"], 3)])
        ax.tick_params(axis="x", length=0)
        ax.locator_params(axis="y", nbins=4)
        ax.grid(True, axis="y")
        ax.set_xlabel(label)
    style.letter(axes[0], next(letters), TARGETS[target].short)


def _map(fig, cells, series, letters, borders):
    ax = fig.subplots()
    norm = maps.scale_colours([cells["value"]])
    drawn = maps.draw_map(
        ax, cells["lat"], cells["lon"], cells["value"], norm, maps.SKILL_MAP, borders
    )
    sites = series.drop_duplicates("site")
    maps.mark_sites(ax, sites["lat"], sites["lon"], sites["site"], borders)
    style.letter(ax, next(letters))
    maps.colour_bar(fig, drawn, ax, "Corr with the process model (–)")


def _series(fig, series, target, letters):
    sites = series.drop_duplicates("site").sort_values("site")
    axes = fig.subplots(1, len(sites), sharey=True, squeeze=False)[0]
    for ax, site in zip(axes, sites.itertuples(), strict=True):
        for model, kind in zip(dict.fromkeys(series["variant"]), _MODELS, strict=True):
            part = series[(series["site"] == site.site) & (series["variant"] == model)]
            ax.plot(pd.to_datetime(part["time"]), part["value"], **kind)
        style.date_axis(ax, 5)
        ax.grid(True, axis="y")
        style.letter(ax, next(letters), f"site {site.site:.0f}, Corr {site.score:.2f}")
    axes[0].set_ylabel(TARGETS[target].label)
