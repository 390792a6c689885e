"""Scores with a paired test and the budget, as a table of a part for each data set."""

from parlearn.plan.targets import TARGETS
from parlearn.plots import style
from parlearn.plots.sheet import Sheet
from parlearn.plots.tables import over_seeds, save_tables, say, say_count, say_seconds, spread_words

_SCORES = {"rmse": 4, "corr": 3, "nse": 3}
_KEYS = ["dataset", "variant", "quantity"]


def draw(sheet: Sheet):
    """Scores of a target, a part for each data set; p is of the difference to one method."""
    table = sheet.read([*_KEYS, "period", "seed", "value", "target", "reference"])
    target, reference = table["target"].iloc[0], table["reference"].iloc[0]
    numbers = over_seeds(table, [*_KEYS, "period"])
    cells = {(row.dataset, row.variant, row.quantity): row for row in numbers.itertuples()}
    head = [
        "Method",
        *(style.score_label(metric, target, "\n") for metric in _SCORES),
        f"ΔRMSE to\n{style.looks([reference])[reference].label}",
        "p\n(Wilcoxon)",
        "Runs\nper cell",
        "Time\nof training",
    ]
    parts = []
    for dataset in dict.fromkeys(numbers["dataset"]):
        here = numbers[numbers["dataset"] == dataset]
        rows = []
        for variant, label in _labels(here["variant"]).items():
            found = {q: cells.get((dataset, variant, q)) for q in set(here["quantity"])}
            scores = [say(found.get(q), n, with_spread=True) for q, n in _SCORES.items()]
            cost = [say_count(found.get("runs_per_cell")), say_seconds(found.get("seconds"))]
            rows.append([label, *scores, *_say_test(found), *cost])
        most = here.loc[here["quantity"] == "cells", "mean"].max()
        period = style.say_period(here["period"].iloc[0])
        title = f"{dataset}: median over {most:.0f} cells, trained on {period}{spread_words(here)}"
        parts.append((title, head, rows))
    seeds = style.note_on_seeds(numbers[numbers["quantity"] == "rmse"])
    notes = [seeds, f"{TARGETS[target].short.lower()} in the test period"]
    save_tables(sheet, parts, numbers, notes)


def _labels(variants) -> dict[str, str]:
    """Method names in the order of the house; a search after fewer runs stands below it."""
    present = list(dict.fromkeys(variants))
    labels = {}
    for variant, look in style.looks(v for v in present if not v.endswith("@early")).items():
        labels[variant] = look.label
        if f"{variant}@early" in present:
            labels[f"{variant}@early"] = f"{look.label}, fewer runs"
    return labels


def _say_test(found) -> list[str]:
    difference, p = found.get("median_difference"), found.get("p_value")
    if p is None or not p.valid:
        return ["–", "–"]
    sign = "+" if round(difference.mean, 4) > 0 else ""
    value = f"{p.mean:.3f}" if p.mean >= 0.001 else "< 0.001"
    return [sign + style.say_number(difference.mean, 4), value]
