"""Maps of parameters at the cells of a data set (li2023_fig5, fig6, fig7)."""

import matplotlib
import pandas as pd

from parlearn.plots import maps, style

_COLUMNS = ["dataset", "variant", "seed", "lat", "lon", "cell", "parameter", "log", "value"]
#: methods whose departure from the default figure 7 shows
_LEARNED = ("dpl_z", "paraformer_z")
_BELOW = "0.82"


def li2023_fig5(summary, out, *, data, borders=None):
    """Maps of infilt, each with its own colours: all methods of the summary, and the truth.

    Parameters
    ----------
    summary : table of :func:`parlearn.summarise.fields.summarise_patterns`
    out : path of the picture; written are its .pdf, .png and .csv
    data : what the figure shows results of, e.g. ``SMAP + NLDAS-2, 412 cells``
    borders : path of resources/borders/conus.json for a real region
    """
    table = style.read_summary(summary, _COLUMNS)
    fields = _fields(table)
    with style.house():
        fig, axes = _axes(len(fields), table, borders)
        for ax, letter, (label, cells) in zip(axes, "abcdefghi", fields.items(), strict=False):
            norm = maps.scale_colours([cells["value"]], log=bool(cells["log"].iloc[0]))
            low, high = (f"{v:.2g}" for v in (cells["value"].min(), cells["value"].max()))
            drawn = _map(ax, cells, norm, maps.PARAMETER_MAP, borders)
            said = f"{low} to {high}" if low != high else f"{low} everywhere"
            style.letter(ax, letter, f"{label}\n{said}")
            maps.colour_bar(fig, drawn, ax, _axis_label(cells), shrink=0.75)
        style.heading(fig, data, _notes(table))
        style.save(fig, table, out)


def li2023_fig6(summary, out, *, data, borders=None):
    """The same maps on one scale of colours; arguments as of :func:`li2023_fig5`."""
    table = style.read_summary(summary, _COLUMNS)
    fields = _fields(table)
    with style.house():
        fig, axes = _axes(len(fields), table, borders)
        norm = maps.scale_colours([table["value"]], log=bool(table["log"].iloc[0]))
        for ax, letter, (label, cells) in zip(axes, "abcdefghi", fields.items(), strict=False):
            drawn = _map(ax, cells, norm, maps.PARAMETER_MAP, borders)
            style.letter(ax, letter, label)
        maps.colour_bar(fig, drawn, axes[: len(fields)], _axis_label(table))
        style.heading(fig, data, _notes(table))
        style.save(fig, table, out)


def li2023_fig7(summary, out, *, data, borders=None):
    """Learned minus default where that is 0 or more; arguments as of :func:`li2023_fig5`."""
    table = style.read_summary(summary, _COLUMNS)
    residuals = subtract_default(table)
    fields = _fields(residuals)
    colours = matplotlib.colormaps[maps.PARAMETER_MAP].with_extremes(under=_BELOW)
    with style.house():
        fig, axes = _axes(len(fields), table, borders)
        for ax, letter, (label, cells) in zip(axes, "abcdefghi", fields.items(), strict=False):
            above = cells.loc[cells["value"] >= 0, "value"]
            norm = maps.scale_colours([above], low=0)
            norm.vmin = 0.0
            norm.extend = "min" if len(above) < len(cells) else "neither"
            norm.vmax = max(norm.vmax, above.max() if len(above) else 0.0)
            drawn = _map(ax, cells, norm, colours, borders)
            counts = f"{len(above)} of {len(cells)} sites"
            style.letter(ax, letter, f"{label} − default\n{counts} at 0 or above, others grey")
            maps.colour_bar(fig, drawn, ax, f"Difference of {_axis_label(cells)}", shrink=0.75)
        style.heading(fig, data, _notes(table))
        style.save(fig, residuals, out)


def subtract_default(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the learned methods with ``value`` minus that of the default in the same cell."""
    default = table[table["variant"] == "default"].set_index("cell")["value"]
    learned = table[table["variant"].isin(_LEARNED)]
    if default.empty or learned.empty:
        raise ValueError(
            "a map of departures from the default needs a run of it and a learned one "
            f"({' or '.join(_LEARNED)}): name them in config/figures.yaml"
        )
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


def _axis_label(cells):
    return style.parameter_label(cells["parameter"].iloc[0])


def _notes(table):
    trained = table.dropna(subset="seed")
    trained = trained[trained["variant"] != "default"]
    return [str(table["dataset"].iloc[0]), f"seed {trained['seed'].min():.0f}"]
