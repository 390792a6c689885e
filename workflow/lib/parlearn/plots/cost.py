"""What training costs as a table."""

from parlearn.plots import style
from parlearn.plots.sheet import Sheet
from parlearn.plots.tables import over_seeds, save_tables, say_count, say_seconds

_KEYS = ["dataset", "variant", "quantity", "device"]


def draw(sheet: Sheet):
    """A part for each data set of trained cells, a row for each trained method."""
    table = sheet.read([*_KEYS, "seed", "value", "threshold"])
    threshold = table["threshold"].iloc[0]
    numbers = over_seeds(table, _KEYS)
    cells = {(row.dataset, row.variant, row.quantity): row for row in numbers.itertuples()}
    head = [
        "Method",
        "Weights",
        "Time per\nepoch",
        f"Epochs to\nloss {threshold:g}",
        f"Time to\nloss {threshold:g}",
        "Epochs\nin all",
        "Time\nin all",
        "Memory\n(MB)",
        "Device",
    ]
    parts = []
    for dataset in dict.fromkeys(numbers["dataset"]):
        here = numbers[numbers["dataset"] == dataset]
        devices = here.groupby("variant")["device"].first()
        rows = []
        for variant, look in style.looks(here["variant"]).items():
            found = {q: cells.get((dataset, variant, q)) for q in set(here["quantity"])}
            rows.append(
                [
                    look.label,
                    say_count(found.get("weights")),
                    say_seconds(found.get("seconds_per_epoch")),
                    say_count(found.get("epochs_to_loss")),
                    say_seconds(found.get("seconds_to_loss")),
                    say_count(found.get("epochs")),
                    say_seconds(found.get("seconds")),
                    say_count(found.get("memory_mb")),
                    devices[variant],
                ]
            )
        mean = ", mean over seeds" if here["seeds"].max() > 1 else ""
        parts.append((f"{dataset}: cost of training{mean}", head, rows))
    seeds = style.note_on_seeds(numbers)
    save_tables(sheet, parts, numbers, [seeds, "an epoch is one model run per cell"])
