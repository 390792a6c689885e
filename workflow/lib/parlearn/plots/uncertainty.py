"""Ensembles against the truth of a twin: rank histograms, CRPS and coverage."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from parlearn.plan.targets import TARGETS
from parlearn.plots import style
from parlearn.plots.sheet import Sheet

_COLUMNS = [
    "panel",
    "dataset",
    "variant",
    "seeds",
    "members",
    "quantity",
    "metric",
    "rank",
    "value",
]


def draw(sheet: Sheet):
    """Above, how often the truth has each rank among the members; below, CRPS and coverage."""
    table = sheet.read(_COLUMNS)
    looks = style.looks(table["variant"])
    quantities = list(dict.fromkeys(table["quantity"]))
    target = next(name for name in quantities if name in TARGETS)
    with style.house():
        fig = style.new_figure(5.6)
        upper, lower = fig.subfigures(2, 1)
        letters = iter("abcdefghij")
        axes = upper.subplots(1, len(looks), squeeze=False)[0]
        for ax, (variant, look) in zip(axes, looks.items(), strict=True):
            _ranks(ax, table[(table["variant"] == variant) & (table["panel"] == "rank")], look)
            style.letter(ax, next(letters), look.label)
        axes[0].set_ylabel(f"Rank of the truth,\n{TARGETS[target].short.lower()}: share x ranks")
        scores = table[table["panel"] == "score"]
        left, right = lower.subplots(1, 2)
        of_target = scores[scores["quantity"] == target]
        _bars(left, of_target[of_target["metric"].isin(["crps", "error"])], looks)
        left.set_ylabel(f"mean over cells and days ({style.say_unit(TARGETS[target].unit)})")
        style.letter(left, next(letters), "CRPS, and error of the mean (pale)")
        _coverage(right, scores, looks, quantities)
        style.letter(right, next(letters), "Truth in the central interval (bar: nominal)")
        handles, labels = right.get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=min(4, len(looks)))
        members = "; ".join(
            f"{look.label}: {table[table['variant'] == name]['members'].iloc[0]:.0f} members"
            for name, look in looks.items()
        )
        notes = [str(table["dataset"].iloc[0]), "test period, simulated by the process model"]
        sheet.save(fig, table, [*notes, members])


def _ranks(ax, part, look):
    target = part[part["quantity"].isin(TARGETS)]
    number = len(target)
    ax.bar(target["rank"], target["value"] * number, width=1.0, color=look.color, lw=0)
    ax.axhline(1, color="0.3", lw=0.8)
    ax.set_xlabel("Rank")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _bars(ax, part, looks):
    for place, (variant, look) in enumerate(looks.items()):
        one = part[part["variant"] == variant].set_index("metric")["value"]
        ax.bar(place - 0.2, one["crps"], 0.38, color=look.color)
        ax.bar(place + 0.2, one["error"], 0.38, color=style.tint(look.color, 0.4))
    ax.set_xticks(range(len(looks)), [look.label for look in looks.values()])


def _coverage(ax, scores, looks, quantities):
    apart = np.linspace(-0.25, 0.25, len(looks)) if len(looks) > 1 else [0.0]
    for step, (variant, look) in zip(apart, looks.items(), strict=True):
        part = scores[scores["variant"] == variant].set_index(["quantity", "metric"])["value"]
        places = np.arange(len(quantities)) + step
        found = [part.get((name, "coverage"), np.nan) for name in quantities]
        nominal = [part.get((name, "nominal"), np.nan) for name in quantities]
        ax.scatter(places, found, c=look.color, marker=look.marker, s=22, label=look.label)
        ax.hlines(nominal, places - 0.1, places + 0.1, color=look.color, lw=1)
    names = [TARGETS[name].short if name in TARGETS else name for name in quantities]
    ax.set_xticks(range(len(quantities)), names, rotation=40, ha="right")
    ax.set_ylim(0, 1.02)
