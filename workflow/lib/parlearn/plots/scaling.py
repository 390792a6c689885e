"""Scaling curves: what more training cells bring."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from parlearn.plan.targets import TARGETS
from parlearn.plots import style
from parlearn.plots.sheet import Sheet

_COLUMNS = [
    "variant",
    "sampling",
    "period",
    "seed",
    "trained_cells",
    "threshold",
    "epochs",
    "most_epochs",
    "rmse_temporal",
    "rmse_spatial",
    "at_most",
    "target",
]
#: columns of the correlation of temporal means begin so, and go on with the target
_MEAN = "corr_"


def draw(sheet: Sheet):
    """Cost to the threshold, ending RMSE and RMSE at held-out cells against sampling density; and
    for each other target that is observed the correlation of its temporal means.
    """
    table = sheet.read(_COLUMNS)
    target = table["target"].iloc[0]
    others = [name.removeprefix(_MEAN) for name in table if name.startswith(_MEAN)]
    looks = style.looks(table["variant"])
    periods = list(dict.fromkeys(table["period"]))
    numbers = over_seeds(table)
    threshold = table["threshold"].iloc[0]
    unit = style.score_unit("rmse", target)
    panels = {
        "epochs": f"Epochs to RMSE {threshold:g}",
        "rmse_temporal": f"Ending test RMSE,\ntrained cells ({unit})",
        "rmse_spatial": f"Ending test RMSE,\nheld-out cells ({unit})",
    }
    for name in others:
        panels[_MEAN + name] = f"Correlation of mean\n{TARGETS[name].short.lower()}, trained cells"
    with style.house():
        rows = 2 if len(panels) > 3 else 1
        columns = -(-len(panels) // rows)
        fig = style.new_figure(2.6 * rows + 0.5)
        axes = fig.subplots(rows, columns, squeeze=False).ravel()
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        for ax, letter, (quantity, label) in zip(axes, "abcdef", panels.items(), strict=False):
            part = numbers[numbers["quantity"] == quantity]
            if quantity == "epochs":
                part = _mark_unreached(ax, part, table)
            for (variant, period), line in part.groupby(["variant", "period"], sort=False):
                earlier = period != periods[-1]
                shift = 1.03 ** (list(looks).index(variant) - (len(looks) - 1) / 2)
                _draw_line(ax, line.sort_values("trained_cells"), looks[variant], earlier, shift)
            _ticks(ax, table)
            ax.set_ylabel(label)
            ax.grid(True, axis="y")
            style.letter(ax, letter)
        errors = numbers["quantity"].str.startswith("rmse")
        low, high = style.span(numbers.loc[errors, ["low", "high"]].to_numpy())
        for ax in axes[1:3]:
            ax.set_ylim(low, high)
        handles = [
            Line2D([], [], color=k.color, ls=k.line, marker=k.marker, mfc=k.face, label=k.label)
            for k in looks.values()
        ]
        if len(periods) > 1:
            for period in periods:
                earlier = period != periods[-1]
                handles.append(
                    Line2D(
                        [],
                        [],
                        color="0.3",
                        lw=0.8 if earlier else 1.5,
                        marker="o",
                        mfc="white" if earlier else "0.3",
                        label=style.say_period(period),
                    )
                )
        fig.legend(
            handles=handles, loc="outside lower center", ncols=min(5, len(handles)), handlelength=3
        )
        notes = style.notes_on(table)
        if table["sampling"].nunique() == 1:
            notes.append("no scaling to show")
        if numbers["at_most"].any():
            notes.append("≤: at most so many, reached at the first record")
        sheet.save(fig, numbers, notes)


def over_seeds(table) -> pd.DataFrame:
    """Mean, lowest and highest over seeds of each quantity, for each variant, sampling and period.

    Epochs to the threshold are NaN unless all seeds reach it; ``reached`` counts those that do, and
    ``at_most`` says whether one of them may have taken fewer.
    """
    rows = []
    keys = ["variant", "sampling", "period", "trained_cells"]
    quantities = ["epochs", "rmse_temporal", "rmse_spatial"]
    quantities += [name for name in table if name.startswith(_MEAN)]
    for key, group in table.groupby(keys, sort=False):
        for quantity in quantities:
            values = group[quantity].to_numpy(float)
            row = dict(zip(keys, key, strict=True)) | {"quantity": quantity, "seeds": len(values)}
            row |= {"mean": values.mean(), "low": values.min(), "high": values.max()}
            row |= {"reached": int(np.isfinite(values).sum())}
            rows.append(row | {"at_most": quantity == "epochs" and bool(group["at_most"].any())})
    return pd.DataFrame(rows)


def _mark_unreached(ax, part, table):
    """Log axis of epochs; trainings that never reach the threshold stand on a line of their own."""
    ax.set_yscale("log")
    ax.yaxis.set_minor_locator(NullLocator())
    missed = part["mean"].isna()
    most = table["most_epochs"].max()
    lowest = part["low"].min() if not missed.all() else 1.0
    ticks = [m * 10.0**k for k in range(6) for m in (1, 2, 5) if 0.5 * lowest <= m * 10**k <= most]
    if not missed.any():
        ax.set_yticks(ticks, [f"{t:g}" for t in ticks])
        return part
    line = 2.5 * most
    ax.axhline(line, color="0.6", lw=0.6, ls=":")
    ax.set_yticks([*ticks, line], [*(f"{t:g}" for t in ticks), "not\nreached"])
    ax.set_ylim(0.5 * lowest, 1.6 * line)
    filled = part.copy()
    filled.loc[missed, ["mean", "low", "high"]] = line
    return filled


def _draw_line(ax, line, look, earlier, shift):
    """A line with error bars; `shift` keeps the marks of methods from hiding each other."""
    face = "white" if earlier or look.hollow else look.color
    error = np.vstack([line["mean"] - line["low"], line["high"] - line["mean"]]).clip(0)
    ax.errorbar(
        shift * line["trained_cells"],
        line["mean"],
        error,
        color=look.color,
        ls=look.line,
        lw=0.8 if earlier else 1.5,
        marker=look.marker,
        ms=5,
        mfc=face,
        capsize=2,
        elinewidth=0.8,
    )
    for point in line[line["at_most"]].itertuples():
        at = (shift * point.trained_cells, point.mean)
        ax.annotate("≤", at, (-4, 0), textcoords="offset points", ha="right", va="center")


def _ticks(ax, table):
    cells = table.groupby("sampling")["trained_cells"].first().sort_values()
    ax.set_xscale("log")
    ax.set_xlim(0.7 * cells.min(), 1.4 * cells.max())
    ax.set_xticks(cells.to_numpy(), [f"{name}\n{n}" for name, n in cells.items()])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("Sampling, trained cells")
