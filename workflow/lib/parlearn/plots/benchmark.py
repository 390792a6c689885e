"""All methods and published models on the same basins: distributions, medians, and a table."""

from matplotlib.lines import Line2D

from parlearn.plots import style
from parlearn.plots.sheet import Sheet
from parlearn.plots.tables import save_tables

_COLUMNS = ["dataset", "name", "is_published", "part", "metric", "value", "low", "high", "cells"]
_SHOWN = ("nse", "kge")
#: an axis begins no lower: below, a model is worse than the mean and only how bad differs
_LOWEST = -0.2
#: of published models, from the first on; they are lines behind ours, without marks
_GREYS = [
    ("#222222", "-"),
    ("#777777", "-"),
    ("#222222", "--"),
    ("#777777", "--"),
    ("#AAAAAA", "-"),
]
_DIGITS = {"nse": 3, "kge": 3, "kge_2009": 3, "alpha": 2, "beta": 2, "corr": 3, "nse_sqrt": 3}
_DIGITS |= {"fhv": 1, "flv": 1, "fms": 1}


def draw(sheet: Sheet, table=False):
    """A row for each data set: distributions of NSE and KGE, and medians with their intervals;
    or, with ``table``, medians and differences in pairs as text.
    """
    numbers = sheet.read([*_COLUMNS, "share", "target", "seeds"])
    if table:
        _draw_table(sheet, numbers)
        return
    looks, labels = _looks(numbers), list(dict.fromkeys(numbers["dataset"]))
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    with style.house():
        fig = style.new_figure(0.9 + 2.4 * len(labels))
        axes = fig.subplots(len(labels), 3, squeeze=False, width_ratios=[1, 1, 0.9])
        for row, label in zip(axes, labels, strict=True):
            here = numbers[numbers["dataset"] == label]
            for ax, metric in zip(row, _SHOWN, strict=False):
                _draw_distributions(ax, here[here["metric"] == metric], looks)
                ax.set_xlabel(style.score_label(metric, numbers["target"].iloc[0]))
                style.letter(ax, next(letters), f"{label}" if metric == _SHOWN[0] else "")
            row[0].set_ylabel("Share of basins")
            _draw_medians(row[2], here, looks)
            style.letter(row[2], next(letters), "Medians of NSE")
        handles = [
            Line2D([], [], color=k.color, ls=k.line, marker=k.marker, mfc=k.face, label=k.label)
            for k in looks.values()
        ]
        fig.legend(
            handles=handles, loc="outside lower center", ncols=min(4, len(handles)), handlelength=4
        )
        sheet.save(fig, numbers, _notes(numbers))


def _looks(numbers) -> dict[str, style.Look]:
    """Ours as everywhere, then the published ones in greys."""
    ours = style.looks(numbers.loc[~numbers["is_published"], "name"])
    theirs = dict.fromkeys(numbers.loc[numbers["is_published"], "name"])
    greys = zip(theirs, _GREYS, strict=False)
    return ours | {name: style.Look(color, "", line, name) for name, (color, line) in greys}


def _draw_distributions(ax, here, looks):
    here = here[here["part"] == "distribution"]
    for name, look in looks.items():
        line = here[here["name"] == name]
        theirs = look.marker == ""
        ax.plot(
            line["value"],
            line["share"],
            color=look.color,
            ls=look.line,
            lw=0.9 if theirs else 1.2,
            marker=look.marker or None,
            ms=3.2,
            mfc=look.face,
            mew=0.6,
            markevery=(10, 20),
            zorder=2 if theirs else 3,
        )
    ax.set(xlim=(_LOWEST, 1), ylim=(0, 1))
    ax.grid(True)


def _draw_medians(ax, here, looks):
    medians = here[(here["part"] == "median") & (here["metric"] == "nse")].set_index("name")
    shown = [name for name in looks if name in medians.index]
    shown = sorted(shown, key=lambda name: medians.loc[name, "value"])
    for place, name in enumerate(shown):
        look, row = looks[name], medians.loc[name]
        ax.plot([row["low"], row["high"]], [place, place], color=look.color, lw=1.4)
        ax.plot(row["value"], place, look.marker or "|", color=look.color, mfc=look.face, ms=5)
        text = style.say_number(row["value"], 3)
        ax.annotate(text, (row["high"], place), (4, 0), textcoords="offset points", va="center")
    ax.set_yticks(range(len(shown)), [looks[name].label for name in shown])
    ax.margins(x=0.25)
    ax.set_xlabel("NSE, 95 % of resampled basins")
    ax.grid(True, axis="x")


def _draw_table(sheet, numbers):
    looks, parts = _looks(numbers), []
    metrics = [metric for metric in _DIGITS if metric in set(numbers["metric"])]
    for label in dict.fromkeys(numbers["dataset"]):
        here = numbers[numbers["dataset"] == label]
        cells = here.loc[here["part"] == "median", "cells"].max()
        medians = _index(here[here["part"] == "median"], "name", "metric")
        years, training = (_index(here[here["part"] == p], "name") for p in ("years", "training"))
        head = ["Model", "NSE in\ntraining", "NSE (basins\nresampled)", "(years\nresampled)"]
        head += [style.score_name(metric).replace(" (", "\n(") for metric in metrics[1:]]
        rows = []
        for name in (name for name in looks if (name, "nse") in medians):
            found = [medians.get((name, metric)) for metric in metrics]
            row = [looks[name].label, _say(training.get(name), 3), _with_interval(found[0])]
            row += [_interval(years.get(name))]
            row += [_say(x, _DIGITS[m]) for x, m in zip(found[1:], metrics[1:], strict=True)]
            rows.append(row)
        parts.append((f"{label}: medians over {cells:.0f} basins, test period", head, rows))
        parts += _pairs(label, here, looks)
    save_tables(sheet, parts, numbers, _notes(numbers))


def _pairs(label, here, looks):
    pairs = _index(here[here["part"] == "difference"], "name", "against")
    models = list(dict.fromkeys(model for _, model in pairs))
    if not models:
        return []
    rows = [
        [look.label, *(_with_interval(pairs.get((name, model))) for model in models)]
        for name, look in looks.items()
        if (name, models[0]) in pairs
    ]
    head = ["Model", *(model.replace(" ", "\n", 1) for model in models)]
    return [(f"{label}: median over basins of the difference in NSE, ours less theirs", head, rows)]


def _index(rows, *keys) -> dict:
    if len(keys) == 1:
        return {getattr(row, keys[0]): row for row in rows.itertuples()}
    return {tuple(getattr(row, key) for key in keys): row for row in rows.itertuples()}


def _say(row, digits) -> str:
    return "–" if row is None or row.value != row.value else style.say_number(row.value, digits)


def _interval(row) -> str:
    if row is None or row.low != row.low:
        return "–"
    return f"{style.say_number(row.low, 3)} to {style.say_number(row.high, 3)}"


def _with_interval(row) -> str:
    return "–" if row is None else f"{_say(row, 3)} ({_interval(row)})"


def _notes(numbers):
    ours = numbers[~numbers["is_published"]]
    return [style.note_on_seeds(ours.assign(variant=ours["name"])), "scores in the test period"]
