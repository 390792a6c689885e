"""Maps of a parameter at the cells of a data set, method by method."""

import matplotlib
import pandas as pd

from parlearn.plots import maps, style
from parlearn.plots.sheet import Sheet

_COLUMNS = ["dataset", "variant", "seed", "lat", "lon", "cell", "parameter", "unit", "log", "value"]
_BELOW = "0.82"
_LETTERS = "abcdefghijkl"


def draw(sheet: Sheet, colours):
    """A map for each method of the summary, the truth of a twin last.

    Parameters
    ----------
    colours : ``each``, every map has its own; ``one``, all maps are on one scale;
        ``above_default``, the learned value minus the default's, where that is 0 or more, each map
        with its own
    """
    table = sheet.read(_COLUMNS)
    fill = {"each": _draw_each, "one": _draw_one, "above_default": _draw_above}[colours]
    shown = subtract_default(table) if colours == "above_default" else table
    fields = _fields(shown)
    with style.house():
        fig, axes = _axes(len(fields), table, sheet.borders)
        fill(fig, dict(zip(axes, fields.items(), strict=False)), shown, sheet.borders)
        sheet.save(fig, shown, _notes(table))


def _draw_each(fig, panels, table, borders):
    for (ax, (label, cells)), letter in zip(panels.items(), _LETTERS, strict=False):
        norm = maps.scale_colours([cells["value"]], log=bool(cells["log"].iloc[0]))
        low, high = (f"{v:.2g}" for v in (cells["value"].min(), cells["value"].max()))
        drawn = _map(ax, cells, norm, maps.PARAMETER_MAP, borders)
        said = f"{low} to {high}" if low != high else f"{low} everywhere"
        style.letter(ax, letter, f"{label}\n{said}")
        maps.colour_bar(fig, drawn, ax, style.parameter_label(cells.iloc[0]), shrink=0.75)


def _draw_one(fig, panels, table, borders):
    norm = maps.scale_colours([table["value"]], log=bool(table["log"].iloc[0]))
    for (ax, (label, cells)), letter in zip(panels.items(), _LETTERS, strict=False):
        drawn = _map(ax, cells, norm, maps.PARAMETER_MAP, borders)
        style.letter(ax, letter, label)
    maps.colour_bar(fig, drawn, list(panels), style.parameter_label(table.iloc[0]))


def _draw_above(fig, panels, table, borders):
    colours = matplotlib.colormaps[maps.PARAMETER_MAP].with_extremes(under=_BELOW)
    for (ax, (label, cells)), letter in zip(panels.items(), _LETTERS, strict=False):
        above = cells.loc[cells["value"] >= 0, "value"]
        norm = maps.scale_colours([above], low=0)
        norm.vmin = 0.0
        norm.extend = "min" if len(above) < len(cells) else "neither"
        norm.vmax = max(norm.vmax, above.max() if len(above) else 0.0)
        drawn = _map(ax, cells, norm, colours, borders)
        counts = f"{len(above)} of {len(cells)} sites"
        style.letter(ax, letter, f"{label} − default\n{counts} at 0 or above, others grey")
        label = f"Difference of {style.parameter_label(cells.iloc[0])}"
        maps.colour_bar(fig, drawn, ax, label, shrink=0.75)


def subtract_default(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the learned methods with ``value`` minus that of the default in the same cell."""
    methods = table[table["variant"] != "truth"]
    learned = methods[methods["variant"].map(style.is_trained)]
    default = methods[~methods["variant"].isin(learned["variant"])]
    if default.empty or learned.empty:
        raise ValueError(
            "a map of departures from the default needs a run of it and a learned one: choose them "
            "in config/figures.yaml"
        )
    default = default.set_index("cell")["value"]
    return learned.assign(value=learned["value"] - learned["cell"].map(default))


def _fields(table) -> dict[str, pd.DataFrame]:
    """The cells of each method by its label, in the order of the house, the truth last."""
    looks = style.looks(table["variant"][table["variant"] != "truth"])
    labels = {variant: look.label for variant, look in looks.items()}
    if "truth" in set(table["variant"]):
        labels["truth"] = "Truth"
    return {label: table[table["variant"] == variant] for variant, label in labels.items()}


def _axes(number, table, borders):
    columns = max(2, min(3, number)) if number != 4 else 2
    rows = -(-number // columns)
    width = (style.WIDTH - 0.9 * columns) / columns
    height = width / maps.aspect(table["lat"], table["lon"], borders)
    fig = style.new_figure(0.4 + rows * (0.55 + height))
    axes = list(fig.subplots(rows, columns, squeeze=False).flat)
    for ax in axes[number:]:
        ax.set_axis_off()
    return fig, axes


def _map(ax, cells, norm, cmap, borders):
    return maps.draw_map(ax, cells["lat"], cells["lon"], cells["value"], norm, cmap, borders)


def _notes(table):
    methods = table[table["variant"] != "truth"]
    trained = methods[methods["variant"].map(style.is_trained)]
    return [str(table["dataset"].iloc[0]), f"seed {trained['seed'].min():.0f}"]
