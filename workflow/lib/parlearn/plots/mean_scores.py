"""Scores over cells of temporal means as a table."""

from parlearn.plan.targets import TARGETS
from parlearn.plots import style
from parlearn.plots.sheet import Sheet
from parlearn.plots.tables import over_seeds, save_tables, say, spread_words

_SCORES = ["rmse", "corr", "nse"]
_COLUMNS = ["panel", "dataset", "variant", "period", "seed", "target", *_SCORES]


def draw(sheet: Sheet):
    """A row for each method, three columns for each data set."""
    table = sheet.read(_COLUMNS)
    target = TARGETS[table["target"].iloc[0]]
    table = table[table["panel"] == "score"]
    table = table.melt(["dataset", "variant", "period", "seed"], _SCORES, "quantity")
    numbers = over_seeds(table, ["dataset", "variant", "quantity", "period"])
    cells = {(row.dataset, row.variant, row.quantity): row for row in numbers.itertuples()}
    datasets = list(dict.fromkeys(numbers["dataset"]))
    names = [style.score_name(quantity) for quantity in _SCORES]
    head = ["Method", *(f"{name}\n{label}" for label in datasets for name in names)]
    # of an error one decimal more than of a mean
    digits = {"rmse": target.digits + 1, "corr": 3, "nse": 3}
    rows = []
    for variant, look in style.looks(numbers["variant"]).items():
        found = [(cells.get((d, variant, q)), digits[q]) for d in datasets for q in _SCORES]
        rows.append([look.label, *(say(row, n, with_spread=True) for row, n in found)])
    title = (
        f"Temporal mean of {target.short.lower()} over cells, RMSE in {target.mean_unit}"
        f"{spread_words(numbers)}"
    )
    notes = [style.note_on_seeds(numbers), f"{target.short.lower()} in the test period"]
    save_tables(sheet, [(title, head, rows)], numbers, notes)
