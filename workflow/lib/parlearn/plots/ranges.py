"""Ranges of the parameters as a table."""

from parlearn.plots import style
from parlearn.plots.sheet import Sheet
from parlearn.plots.tables import save_tables

_COLUMNS = ["name", "printed_name", "meaning", "printed_lower", "printed_upper", "unit"]


def draw(sheet: Sheet):
    """Ranges as Li & Lu (2023) print them, beside those in use."""
    table = sheet.read(_COLUMNS)
    head = ["Parameter", "Range printed\n(no units given)", "Range here"]
    rows = [
        [
            f"{row.name} ({row.printed_name}): {row.meaning}",
            f"{row.printed_lower:g} to {row.printed_upper:g}",
            f"{row.lower:g} to {row.upper:g} {_unit(row.unit)}".rstrip(),
        ]
        for row in table.itertuples(index=False, name="Row")
        if isinstance(row.printed_name, str)
    ]
    title = "Parameters of the process model: Li & Lu (2023), Table 1, beside this project"
    save_tables(sheet, [(title, head, rows)], table, [])


def _unit(unit) -> str:
    return "" if str(unit) == "1" else style.say_unit(unit)
