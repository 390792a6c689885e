"""Maps of scores: a row for each score, a column for each method."""

from parlearn.plots import maps, style
from parlearn.plots.sheet import Sheet

_COLUMNS = ["dataset", "variant", "seed", "emulated", "target", "metric", "lat", "lon", "value"]
#: above these a map counts its cells, as the text of Sun et al. (2024, section 4.1) does
_GOOD = {"corr": 0.75, "kge_2009": 0.6}


def draw(sheet: Sheet):
    """All maps of one score share their colours."""
    table = sheet.read(_COLUMNS)
    looks = style.looks(table["variant"])
    metrics = list(dict.fromkeys(table["metric"]))
    columns = len(looks)
    # labels of the axes and the colour bar take the rest
    width = (style.WIDTH - 0.8) / columns - 0.35
    height = width / maps.aspect(table["lat"], table["lon"], sheet.borders)
    letters = iter("abcdefghijklmnopqrstuvwxyz" * 2)
    with style.house():
        fig = style.new_figure(0.5 + len(metrics) * (0.42 + height))
        axes = fig.subplots(len(metrics), columns, squeeze=False)
        for row, metric in zip(axes, metrics, strict=True):
            part = table[table["metric"] == metric]
            norm = maps.scale_colours([part["value"]])
            for ax, (variant, look) in zip(row, looks.items(), strict=True):
                cells = part[part["variant"] == variant]
                drawn = maps.draw_map(
                    ax,
                    cells["lat"],
                    cells["lon"],
                    cells["value"],
                    norm,
                    _colours(metric),
                    sheet.borders,
                )
                style.letter(ax, next(letters), f"{look.label}\n{_say(metric, cells['value'])}")
            label = style.score_label(metric, table["target"].iloc[0])
            maps.colour_bar(fig, drawn, list(row), label)
        sheet.save(fig, table, _notes(table))


def _colours(metric) -> str:
    """Bright is good, whichever way a score goes."""
    return maps.SKILL_MAP + ("_r" if metric in ("rmse", "ubrmse") else "")


def _say(metric, values) -> str:
    if metric in _GOOD:
        return f"{(values > _GOOD[metric]).mean():.0%} above {_GOOD[metric]}"
    return f"median {values.median():.3g}"


def _notes(table):
    trained = table[table["variant"].map(style.is_trained)]
    by = style.say_model(table)
    return [
        str(table["dataset"].iloc[0]),
        f"seed {trained['seed'].min():.0f}",
        f"test period, simulated by {by}",
    ]
