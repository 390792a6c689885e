"""Error and likeness of maps, as a table of a part for each data set."""

from parlearn.plots import style
from parlearn.plots.sheet import Sheet
from parlearn.plots.tables import over_seeds, save_tables, say, spread_words

_KEYS = ["dataset", "variant", "quantity"]
_DIGITS = {"rmse": 3, "corr": 3, "kge_2009": 3, "eof_similarity": 4, "ssim": 3}


def draw(sheet: Sheet):
    """Mean RMSE over cells, medians of Corr and KGE, means over days of EOF distance and SSIM."""
    table = sheet.read([*_KEYS, "period", "seed", "value", "emulated", "target"])
    target = table["target"].iloc[0]
    numbers = over_seeds(table, [*_KEYS, "period"])
    cells = {(row.dataset, row.variant, row.quantity): row for row in numbers.itertuples()}
    head = [
        "Method",
        style.score_label("rmse", target, "\n"),
        "Corr\n(median)",
        "KGE\n(median)",
        "EOF distance",
        "SSIM",
    ]
    parts = []
    for dataset in dict.fromkeys(numbers["dataset"]):
        here = numbers[numbers["dataset"] == dataset]
        rows = [
            [look.label]
            + [
                say(cells.get((dataset, variant, quantity)), digits, with_spread=True)
                for quantity, digits in _DIGITS.items()
            ]
            for variant, look in style.looks(here["variant"]).items()
        ]
        period = style.say_period(here["period"].iloc[0])
        parts.append((f"{dataset}, trained on {period}{spread_words(here)}", head, rows))
    by = style.say_model(table)
    seeds = style.note_on_seeds(numbers[numbers["quantity"] == "rmse"])
    save_tables(sheet, parts, numbers, [seeds, f"test period, simulated by {by}"])
