"""Skill against observations: maps of correlation, example series, boxplots of scores."""

import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from parlearn.plan.targets import TARGETS
from parlearn.plots import maps, style
from parlearn.plots.sheet import Sheet

_COLUMNS = [
    "panel",
    "variant",
    "sampling",
    "period",
    "seed",
    "lat",
    "lon",
    "value",
    "time",
    "split",
    "median",
    "seeds",
    "target",
]
_METRICS = ("bias", "rmse", "ubrmse", "corr")
_SPLITS = {"temporal": "temporal test (trained cells)", "spatial": "spatial test (held-out cells)"}


def draw(sheet: Sheet):
    """Maps of correlation of two methods, series at example sites, boxplots of scores by method."""
    table = sheet.read(_COLUMNS)
    target = table["target"].iloc[0]
    looks = style.looks(table["variant"][table["variant"] != "observed"])
    corr, series, boxes = (table[table["panel"] == name] for name in ("map", "series", "box"))
    with style.house():
        sites = series["site"].nunique()
        methods = boxes["variant"].nunique()
        heights = [2.45, 0.35 + 0.85 * sites, 0.75 + 0.32 * methods]
        fig = style.new_figure(0.2 + sum(heights))
        top, middle, bottom = fig.subfigures(3, 1, height_ratios=heights)
        letters = iter("abcdefghijklm")
        _draw_maps(top, corr, series, looks, letters, sheet.borders, boxes["sampling"].iloc[0])
        _draw_series(middle, series, looks, letters, TARGETS[target].label)
        _draw_boxes(bottom, boxes, looks, letters, target)
        seeds = boxes["seeds"].max()
        notes = style.notes_on(boxes)
        if seeds > 1:
            notes[-1] = (
                f"maps and series of seed {corr['seed'].iloc[0]:.0f}, boxes of {seeds:.0f} seeds"
            )
        if corr["variant"].nunique() == 1:
            notes.append("no second method to compare maps with")
        sheet.save(fig, table.drop(columns="score", errors="ignore"), notes)


def _draw_maps(fig, corr, series, looks, letters, borders, usual):
    groups = list(corr.groupby("variant", sort=False))
    axes = fig.subplots(1, max(2, len(groups)))
    norm = maps.scale_colours([corr["value"]])
    sites = series.drop_duplicates("site")
    for ax, (variant, group) in zip(axes, groups, strict=False):
        drawn = maps.draw_map(
            ax, group["lat"], group["lon"], group["value"], norm, maps.SKILL_MAP, borders
        )
        maps.mark_sites(ax, sites["lat"], sites["lon"], sites["site"], borders)
        sampling = group["sampling"].iloc[0]
        title = looks[variant].label + (f", sampling {sampling}" if sampling != usual else "")
        style.letter(ax, next(letters), title)
    for ax in axes[len(groups) :]:
        ax.set_axis_off()
    maps.colour_bar(fig, drawn, list(axes[: len(groups)]), "Corr, test period (–)")


def _draw_series(fig, series, looks, letters, label):
    sites = series.drop_duplicates("site").sort_values("site")
    axes = fig.subplots(len(sites), 1, sharex=True, squeeze=False)[:, 0]
    drawn = [name for name in looks if name in set(series["variant"])]
    for ax, site in zip(axes, sites.itertuples(), strict=True):
        here = series[series["site"] == site.site]
        for variant in drawn:
            part = here[here["variant"] == variant]
            look = looks[variant]
            dates = pd.to_datetime(part["time"])
            ax.plot(dates, part["value"], color=look.color, ls=look.line, lw=1.0)
        seen = here[here["variant"] == "observed"]
        ax.plot(
            pd.to_datetime(seen["time"]),
            seen["value"],
            "o",
            ms=1.8,
            mfc="white",
            mec=style.OBSERVED,
            mew=0.5,
            zorder=5,
        )
        place = (
            f"site {site.site:.0f} ({style.say_place(site.lat, site.lon)}), Corr {site.score:.2f}"
        )
        style.letter(ax, next(letters), place)
        ax.grid(True, axis="y")
    style.date_axis(axes[-1])
    fig.supylabel(label, fontsize=8)
    handles = [
        Line2D([], [], color=looks[v].color, ls=looks[v].line, lw=1.0, label=looks[v].label)
        for v in drawn
    ]
    handles.insert(
        0,
        Line2D(
            [],
            [],
            ls="",
            marker="o",
            ms=3,
            mfc="white",
            mec=style.OBSERVED,
            mew=0.5,
            label="observed",
        ),
    )
    axes[0].legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=len(handles),
        borderpad=0.1,
        handlelength=2.4,
    )


def _draw_boxes(fig, boxes, looks, letters, target):
    """Horizontal boxplots from quantiles: a column for each score, a row for each method."""
    order = [name for name in looks if name in set(boxes["variant"])]
    metrics = [m for m in _METRICS if m in set(boxes["metric"])]
    splits = [s for s in _SPLITS if s in set(boxes["split"])]
    axes = fig.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    width = 0.36 if len(splits) > 1 else 0.5
    for ax, metric in zip(axes, metrics, strict=True):
        if metric == "bias":
            ax.axvline(0, color="0.5", lw=0.7, zorder=0)
        for row in boxes[boxes["metric"] == metric].itertuples():
            look = looks[row.variant]
            shift = 0 if len(splits) == 1 else (0.21 if row.split == "spatial" else -0.21)
            filled = row.split == "temporal"
            stats = {
                "med": row.median,
                "q1": row.q25,
                "q3": row.q75,
                "whislo": row.q05,
                "whishi": row.q95,
            }
            ax.bxp(
                [stats],
                positions=[order.index(row.variant) + shift],
                widths=width,
                showfliers=False,
                orientation="horizontal",
                patch_artist=True,
                boxprops={
                    "facecolor": style.tint(look.color, 0.3 if look.hollow else 0.75)
                    if filled
                    else "white",
                    "edgecolor": look.color,
                    "lw": 0.9,
                },
                medianprops={"color": "black", "lw": 1.3},
                capwidths=width / 2,
                whiskerprops={"color": look.color, "lw": 0.9},
                capprops={"color": look.color, "lw": 0.9},
                manage_ticks=False,
            )
        ax.set_xlabel(style.score_label(metric, target))
        ax.grid(True, axis="x")
        ax.locator_params(axis="x", nbins=4)
        ax.tick_params(axis="y", length=0)
        style.letter(ax, next(letters))
    axes[0].set_yticks(range(len(order)), [looks[v].label.replace(", ", ",\n") for v in order])
    axes[0].set_ylim(len(order) - 0.45, -0.55)
    handles = [
        Patch(facecolor="0.6" if s == "temporal" else "white", edgecolor="0.3", label=_SPLITS[s])
        for s in splits
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=2)
