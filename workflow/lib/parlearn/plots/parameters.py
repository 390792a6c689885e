"""Maps of parameters: the learned field, that of a search and, on a twin, the true one."""

from parlearn.plots import maps, style
from parlearn.plots.sheet import Sheet

_COLUMNS = [
    "variant",
    "sampling",
    "period",
    "seed",
    "lat",
    "lon",
    "parameter",
    "unit",
    "log",
    "value",
]


def draw(sheet: Sheet):
    """One map for each parameter (row) and field (column), a colour bar for each row."""
    table = sheet.read(_COLUMNS)
    names = list(dict.fromkeys(table["parameter"]))
    looks = style.looks(table["variant"][table["variant"] != "truth"])
    labels = {v: looks[v].label if v in looks else "Truth" for v in dict.fromkeys(table["variant"])}
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    with style.house():
        columns = max(2, len(labels))
        width = (style.WIDTH - 0.9) / columns - 0.15
        fig = style.new_figure(
            0.3
            + len(names) * (0.35 + width / maps.aspect(table["lat"], table["lon"], sheet.borders))
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
                    sheet.borders,
                )
                style.letter(ax, next(letters), f"{label}: {name}")
                if ax is not row[0]:
                    ax.tick_params(labelleft=False)
            maps.colour_bar(
                fig, drawn, list(row[: len(labels)]), style.parameter_label(part.iloc[0])
            )
            for ax in row[len(labels) :]:
                ax.set_axis_off()
        notes = style.notes_on(table)
        if len(looks) == 1:
            notes.append("no second method to compare with")
        sheet.save(fig, table, notes)
