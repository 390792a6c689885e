"""Scores and costs of all methods as a table."""

import pandas as pd

from parlearn.plan.targets import TARGETS
from parlearn.plots import style
from parlearn.plots.sheet import Sheet
from parlearn.plots.tables import over_seeds, save_tables, say, say_count, say_seconds, spread_words

_KEYS = ["variant", "target", "score_map", "split", "quantity"]
_COLUMNS = [*_KEYS, "sampling", "period", "seed", "value", "at_most", "threshold"]
_CORRECTED = {
    "mapped": "after the linear correction",
    "raw": "before the linear correction",
}
_SCORES = ("bias", "rmse", "ubrmse", "corr")
_SPLITS = ("temporal", "spatial")
#: trained cells in the training period
_TRAINING = "training"
_COSTS = {
    "epochs": "Epochs\nin all",
    "seconds": "Time\nin all",
    "epochs_to_threshold": "Epochs to\nRMSE {:g}",
    "seconds_to_threshold": "Time to\nRMSE {:g}",
    "epochs_to_search": "Epochs to\nsearch's end",
    "seconds_to_search": "Time to\nsearch's end",
}


def draw(sheet: Sheet):
    """Bias and Corr over seeds, as Tsai et al. (2021) have them, then all scores and costs."""
    table = sheet.read(_COLUMNS)
    numbers = over_seeds(table.assign(score_map=table["score_map"].fillna("")), _KEYS)
    parts = [*_score_parts(numbers), *_mean_parts(numbers)]
    parts += _cost_parts(numbers, table["threshold"].iloc[0])
    save_tables(sheet, parts, numbers, style.notes_on(table))


def _score_parts(numbers):
    numbers = numbers[numbers["split"].isin((*_SPLITS, _TRAINING))]
    (target,) = set(numbers["target"])
    unit = style.score_unit("bias", target)
    looks, cells = style.looks(numbers["variant"]), _index(numbers)

    def part(title, score_map, columns, digits, with_spread=False):
        """`columns`: pairs of split and score."""
        head = [f"{style.score_name(score)}\n{split}" for split, score in columns]
        rows = [
            [
                look.label,
                *(
                    say(cells.get((variant, target, score_map, *column)), digits, with_spread)
                    for column in columns
                ),
            ]
            for variant, look in looks.items()
        ]
        return title, ["Method", *head], rows

    words = _CORRECTED["mapped"]
    title = f"Median bias ({unit}) and correlation over cells{spread_words(numbers)}, {words}"
    columns = [(split, score) for score in ("bias", "corr") for split in _SPLITS]
    yield part(title, "mapped", columns, 4, with_spread=True)
    for score_map, words in _CORRECTED.items():
        columns = [(split, score) for split in _SPLITS for score in _SCORES]
        columns += [(_TRAINING, "rmse")] * (score_map == "mapped")
        yield part(f"Median scores over cells, {words}", score_map, columns, 3)


def _mean_parts(numbers):
    numbers = numbers[numbers["split"] == "mean"]
    cells = _index(numbers)
    for name in dict.fromkeys(numbers["target"]):
        target = TARGETS[name]
        digits = {"bias": target.digits, "corr": 3, "nse": 3}
        head = ["Method", *map(style.score_name, digits)]
        head[1] += f"\n({target.mean_unit})"
        rows = [
            [
                look.label,
                *(say(cells[variant, name, "", "mean", q], n, True) for q, n in digits.items()),
            ]
            for variant, look in style.looks(numbers["variant"]).items()
        ]
        what = f"Temporal mean of {target.short.lower()} at the trained cells"
        yield f"{what}, never used in training{spread_words(numbers)}", head, rows


def _cost_parts(numbers, threshold):
    numbers = numbers[numbers["split"] == "cost"]
    if numbers.empty:
        return
    cells = _index(numbers)
    (target,) = set(numbers["target"])
    head = ["Method", *(words.format(threshold) for words in _COSTS.values())]
    rows = []
    for variant, look in style.looks(numbers["variant"]).items():
        found = {q: cells.get((variant, target, "", "cost", q)) for q in _COSTS}
        said = [(say_seconds if q.startswith("seconds") else say_count)(found[q]) for q in _COSTS]
        rows.append([look.label, *said])
    yield "Cost of training: epochs (model runs per cell) and wall-clock time", head, rows


def _index(numbers: pd.DataFrame) -> dict:
    return {tuple(getattr(row, key) for key in _KEYS): row for row in numbers.itertuples()}
