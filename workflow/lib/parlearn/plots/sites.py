"""Climate and series at example sites."""

import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from parlearn.plan.targets import TARGETS
from parlearn.plots import maps, style
from parlearn.plots.sheet import Sheet

_COLUMNS = [
    "panel",
    "dataset",
    "variant",
    "seed",
    "lat",
    "lon",
    "precipitation",
    "temperature",
    "site",
    "event",
    "event_first",
    "event_last",
    "time",
    "value",
    "target",
]
_RAIN, _RAIN_TEXT = "#9ECAE1", "#4A7FA5"
_CLIMATE = {
    "precipitation": ("Mean precipitation (mm year⁻¹)", "viridis_r"),
    "temperature": ("Mean air temperature (°C)", "cividis"),
}


def draw(sheet: Sheet):
    """Maps of mean weather with the sites; at each the series of a year and the heaviest rain."""
    table = sheet.read(_COLUMNS)
    target = TARGETS[table["target"].iloc[0]]
    parts = {name: table[table["panel"] == name] for name in ("map", "site", "series", "rain")}
    for name in ("series", "rain"):
        parts[name] = parts[name].assign(time=pd.to_datetime(parts[name]["time"]))
    series = parts["series"]
    looks = style.looks(series["variant"][series["variant"] != "observed"])
    letters = iter("abcdefghijk")
    with style.house():
        heights = [2.5, 0.5 + 1.25 * len(parts["site"])]
        fig = style.new_figure(0.2 + sum(heights))
        top, bottom = fig.subfigures(2, 1, height_ratios=heights)
        _draw_maps(top, parts["map"], parts["site"], letters, sheet.borders)
        _draw_sites(bottom, parts, looks, letters, target.label)
        seeds = series["seed"].dropna()
        label = parts["map"]["dataset"].iloc[0]
        sheet.save(fig, table, [str(label), f"seed {seeds.min():.0f}"])


def _draw_maps(fig, cells, sites, letters, borders):
    axes = fig.subplots(1, len(_CLIMATE))
    for ax, (name, (label, colours)) in zip(axes, _CLIMATE.items(), strict=True):
        norm = maps.scale_colours([cells[name]])
        drawn = maps.draw_map(ax, cells["lat"], cells["lon"], cells[name], norm, colours, borders)
        maps.mark_sites(ax, sites["lat"], sites["lon"], sites["site"], borders)
        style.letter(ax, next(letters))
        maps.colour_bar(fig, drawn, ax, label, shrink=0.75)


def _draw_sites(fig, parts, looks, letters, axis_label):
    sites = parts["site"].sort_values("site")
    axes = fig.subplots(
        len(sites), 2, width_ratios=[2.5, 1], sharex="col", sharey="row", squeeze=False
    )
    most = parts["rain"]["value"].max()
    for (year, event), site in zip(axes, sites.itertuples(), strict=True):
        day, first, last = (
            pd.Timestamp(t) for t in (site.event, site.event_first, site.event_last)
        )
        series, rain = (t[t["site"] == site.site] for t in (parts["series"], parts["rain"]))
        _draw_series(year, series["time"], series, looks)
        _draw_rain(year, rain["time"], rain, most).set_yticks([])
        year.axvspan(first, last, color="0.93", lw=0, zorder=0)
        near, wet = (t[t["time"].between(first, last)] for t in (series, rain))
        _draw_series(event, (near["time"] - day).dt.days, near, looks)
        bars = _draw_rain(event, (wet["time"] - day).dt.days, wet, most)
        bars.set_ylabel("mm day⁻¹", color=_RAIN_TEXT)
        climate = f"{site.precipitation:.0f} mm year⁻¹, {style.say_number(site.temperature, 0)} °C"
        place = f"site {site.site:.0f} ({style.say_place(site.lat, site.lon)}), {climate}"
        style.letter(year, next(letters), place)
        style.letter(event, next(letters), f"{day:%d %b %Y}")
        event.tick_params(labelleft=False)
    style.date_axis(axes[-1, 0])
    days = parts["rain"]["time"]
    axes[-1, 0].set_xlim(days.min(), days.max())
    axes[-1, 1].set_xlabel("days since the heaviest rain")
    fig.supylabel(axis_label, fontsize=8)
    handles = [
        Line2D([], [], ls="", marker="o", ms=3, mfc="white", mec=style.OBSERVED, label="observed"),
        *(Line2D([], [], color=k.color, ls=k.line, lw=1.0, label=k.label) for k in looks.values()),
        Patch(color=_RAIN, label="precipitation (from above)"),
    ]
    fig.legend(
        handles=handles, loc="outside lower center", ncols=min(6, len(handles)), handlelength=2.6
    )


def _draw_series(ax, at, series, looks):
    """Lines of the methods and marks of the observations, at the abscissae `at`."""
    for variant, look in looks.items():
        here = series["variant"] == variant
        ax.plot(
            at[here], series.loc[here, "value"], color=look.color, ls=look.line, lw=1.0, zorder=3
        )
    seen = series["variant"] == "observed"
    marks = {"ms": 2.2, "mfc": "white", "mec": style.OBSERVED, "mew": 0.5, "zorder": 4}
    ax.plot(at[seen], series.loc[seen, "value"], "o", **marks)
    ax.grid(True, axis="y")


def _draw_rain(ax, at, rain, most):
    """Bars from above on an axis of their own, which they fill to a third."""
    bars = ax.twinx()
    bars.bar(at, rain["value"], width=1.0, color=_RAIN, lw=0)
    bars.set_ylim(3 * most, 0)
    bars.set_yticks([0, float(f"{0.8 * most:.1g}")])
    bars.tick_params(colors=_RAIN_TEXT, length=2)
    # lines over bars: the twin would lie on top
    ax.set_zorder(bars.get_zorder() + 1)
    ax.patch.set_visible(False)
    return bars
