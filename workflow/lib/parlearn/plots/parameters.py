"""Maps of parameters (tsai2021_fig4, tsai2021_figS3)."""

import pandas as pd

from parlearn.plots import maps, style

_COLUMNS = ["variant", "sampling", "period", "seed", "lat", "lon", "parameter", "log", "value"]


def tsai2021_fig4(summary, out, *, data, borders=None):
    """Maps of infilt: the learned field, that of SCE-UA and, on a twin, the true one.

    Parameters
    ----------
    summary : table of :func:`parlearn.summarise.fields.summarise_parameters`
    out : path of the picture; written are its .pdf, .png and .csv
    data : what the figure shows results of, e.g. ``SMAP + NLDAS-2, 412 cells``
    borders : path of resources/borders/conus.json for a real region
    """
    draw_fields(summary, out, data, borders)


def tsai2021_figS3(summary, out, *, data, borders=None):
    """Maps of the other parameters, a row each; arguments as of :func:`tsai2021_fig4`."""
    draw_fields(summary, out, data, borders)


def draw_fields(summary, out, data, borders):
    """One map for each parameter (row) and field (column), a colour bar for each row."""
    table = style.read_summary(summary, _COLUMNS)
    names = list(dict.fromkeys(table["parameter"]))
    looks = style.looks(table["variant"][table["variant"] != "truth"])
    labels = {v: looks[v].label if v in looks else "Truth" for v in dict.fromkeys(table["variant"])}
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    with style.house():
        columns = max(2, len(labels))
        width = (style.WIDTH - 0.9) / columns - 0.15
        fig = style.new_figure(
            0.3 + len(names) * (0.35 + width / maps.aspect(table["lat"], table["lon"], borders))
        )
        axes = fig.subplots(len(names), columns, squeeze=False)
        for row, name in zip(axes, names, strict=True):
            part = table[table["parameter"] == name]
            norm = maps.scale_colours([part["value"]], log=bool(part["log"].iloc[0]))
            for ax, (variant, label) in zip(row, labels.items(), strict=False):
                cells = part[part["variant"] == variant]
                drawn = maps.draw_map(
                    ax,
                    cells["lat"],
                    cells["lon"],
                    cells["value"],
                    norm,
                    maps.PARAMETER_MAP,
                    borders,
                )
                style.letter(ax, next(letters), f"{label}: {name}")
                if ax is not row[0]:
                    ax.tick_params(labelleft=False)
            maps.colour_bar(fig, drawn, list(row[: len(labels)]), style.parameter_label(name))
            for ax in row[len(labels) :]:
                ax.set_axis_off()
        notes = style.notes_on(table)
        if len(looks) == 1:
            notes.append("no second method to compare with")
        style.heading(fig, data, notes)
        style.save(fig, pd.DataFrame(table), out)
