"""A year of the target at example units, with the precipitation from above."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from parlearn.plan.targets import TARGETS
from parlearn.plots import style
from parlearn.plots.sheet import Sheet

_COLUMNS = ["panel", "dataset", "variant", "site", "lat", "lon", "score", "time", "value"]
_RAIN, _RAIN_TEXT = "#9ECAE1", "#4A7FA5"


def draw(sheet: Sheet):
    """A row for each unit; square roots, so that low flow is seen beside floods."""
    table = sheet.read([*_COLUMNS, "target", "metric", "chosen_by"])
    target, metric = TARGETS[table["target"].iloc[0]], table["metric"].iloc[0]
    sites, series, rain = (table[table["panel"] == p] for p in ("site", "series", "rain"))
    series, rain = (t.assign(time=pd.to_datetime(t["time"])) for t in (series, rain))
    looks = style.looks(series["variant"][series["variant"] != "observed"])
    numbers = sorted(sites["site"].unique())
    letters = iter("abcdefghijk")
    with style.house():
        fig = style.new_figure(0.8 + 1.9 * len(numbers))
        axes = fig.subplots(len(numbers), 1, sharex=True, squeeze=False)[:, 0]
        for ax, number in zip(axes, numbers, strict=True):
            here = sites[sites["site"] == number]
            _draw_series(ax, series[series["site"] == number], looks)
            _draw_rain(ax, rain[rain["site"] == number])
            said = [
                f"{look.label} {style.say_number(value, 2)}"
                for variant, look in looks.items()
                for value in here.loc[here["variant"] == variant, "score"]
            ]
            place = style.say_place(here["lat"].iloc[0], here["lon"].iloc[0])
            title = f"{place}; {style.score_name(metric)}: {', '.join(said)}"
            style.letter(ax, next(letters), title)
        style.date_axis(axes[-1])
        fig.supylabel(target.label, fontsize=8)
        handles = [
            Line2D([], [], color=style.OBSERVED, lw=0, marker=".", ms=4, label="observed"),
            *(Line2D([], [], color=k.color, ls=k.line, label=k.label) for k in looks.values()),
            Patch(color=_RAIN, label="precipitation (from above)"),
        ]
        fig.legend(
            handles=handles, loc="outside lower center", ncols=min(6, len(handles)), handlelength=3
        )
        chosen = style.looks([table["chosen_by"].iloc[0]]).popitem()[1].label
        notes = [f"{sites['dataset'].iloc[0]}: 90th, 50th and 10th percentile of {chosen}"]
        sheet.save(fig, table, notes)


def _draw_series(ax, series, looks):
    seen = series[series["variant"] == "observed"]
    ax.plot(seen["time"], seen["value"], ".", color=style.OBSERVED, ms=2.2, zorder=4)
    for variant, look in looks.items():
        line = series[series["variant"] == variant]
        ax.plot(line["time"], line["value"], color=look.color, ls=look.line, lw=0.9, zorder=3)
    ax.set_yscale("function", functions=(_root, np.square))
    ax.set_ylim(0, 1.6 * series["value"].max())
    ax.grid(True, axis="y")


def _root(values):
    return np.sqrt(np.clip(values, 0, None))


def _draw_rain(ax, rain):
    """Bars from above on an axis of their own, which they fill to a third."""
    bars = ax.twinx()
    bars.bar(rain["time"], rain["value"], width=1.0, color=_RAIN, lw=0)
    bars.set_ylim(3 * max(rain["value"].max(), 1e-6), 0)
    bars.set_yticks([0, float(f"{0.8 * rain['value'].max():.1g}")])
    bars.tick_params(colors=_RAIN_TEXT, length=2)
    bars.set_ylabel("precipitation (mm day⁻¹)", color=_RAIN_TEXT, fontsize=7)
    # lines over bars: the twin would lie on top
    ax.set_zorder(bars.get_zorder() + 1)
    ax.patch.set_visible(False)
