"""Tables of methods over data sets: ranges, scores, costs (li2023_table1 to table3, smap_cost)."""

from pathlib import Path

import numpy as np
import pandas as pd

from parlearn.plots import style
from parlearn.plots.table import draw_tables, markdown
from parlearn.storage.files import write_text

_SCORES = {"rmse": 4, "corr": 3, "nse": 3}
_UNITS = {"1": "", "mm day-1": "mm day⁻¹"}
_KEYS = ["dataset", "variant", "quantity"]


def li2023_table1(summary, out, *, data):
    """Ranges of the parameters as the paper prints them, beside those in use.

    Parameters
    ----------
    summary : table of :func:`parlearn.summarise.ranges.summarise_ranges`
    out : path of the picture; written are its .pdf, .png, .csv and .md
    data : what the table shows results of, e.g. ``SMAP + NLDAS-2, 412 cells``
    """
    table = style.read_summary(
        summary, ["name", "printed_name", "meaning", "printed_lower", "printed_upper", "unit"]
    )
    head = ["Parameter", "Range printed\n(no units given)", "Range here"]
    rows = [
        [
            f"{row.name} ({row.printed_name}): {row.meaning}",
            f"{row.printed_lower:g} to {row.printed_upper:g}",
            f"{row.lower:g} to {row.upper:g} {_UNITS.get(row.unit, row.unit)}".rstrip(),
        ]
        for row in table.itertuples(index=False, name="Row")
        if isinstance(row.printed_name, str)
    ]
    parts = [("Parameters of VIC: Li & Lu (2023), Table 1, beside this project", head, rows)]
    _save(parts, table, out, data, [])


def li2023_table2(summary, out, *, data):
    """Scores of soil moisture, a part for each data set, with a paired test and the budget.

    Arguments as of :func:`li2023_table1`; the summary is that of
    :func:`parlearn.summarise.distributions.summarise_scores`.
    """
    table = style.read_summary(summary, [*_KEYS, "period", "seed", "value"])
    numbers = over_seeds(table)
    cells = {(row.dataset, row.variant, row.quantity): row for row in numbers.itertuples()}
    head = [
        "Method",
        "RMSE\n(m³ m⁻³)",
        "Corr\n(–)",
        "NSE\n(–)",
        "ΔRMSE to\nParaFormer$_Z$",
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
            rows.append([label, *_say_scores(found, _SCORES), *_say_test(found), *_say_cost(found)])
        most = here.loc[here["quantity"] == "cells", "mean"].max()
        period = style.say_period(here["period"].iloc[0])
        title = f"{dataset}: median over {most:.0f} cells, trained on {period}{_spread(here)}"
        parts.append((title, head, rows))
    seeds = style.note_on_seeds(numbers[numbers["quantity"] == "rmse"])
    _save(parts, numbers, out, data, [seeds, "soil moisture in the test period"])


def li2023_table3(summary, out, *, data):
    """Scores over cells of temporal-mean ET, which no method was trained on.

    Arguments as of :func:`li2023_table1`; the summary is that of
    :func:`parlearn.summarise.means.summarise_means`.
    """
    table = style.read_summary(summary, ["panel", "dataset", "variant", "seed", *_SCORES])
    table = table[table["panel"] == "score"]
    table = table.melt(["dataset", "variant", "period", "seed"], list(_SCORES), "quantity")
    numbers = over_seeds(table)
    cells = {(row.dataset, row.variant, row.quantity): row for row in numbers.itertuples()}
    datasets = list(dict.fromkeys(numbers["dataset"]))
    names = {"rmse": "RMSE", "corr": "Corr", "nse": "NSE"}
    head = ["Method", *(f"{names[q]}\n{label}" for label in datasets for q in _SCORES)]
    digits = {"rmse": 1, "corr": 3, "nse": 3}
    rows = []
    for variant, label in _labels(numbers["variant"]).items():
        found = [{q: cells.get((d, variant, q)) for q in _SCORES} for d in datasets]
        rows.append([label, *(text for f in found for text in _say_scores(f, digits))])
    seeds = style.note_on_seeds(numbers)
    title = f"Temporal-mean ET over cells, RMSE in mm year⁻¹{_spread(numbers)}"
    _save([(title, head, rows)], numbers, out, data, [seeds, "ET in the test period"])


def smap_cost(summary, out, *, data, threshold=0.05):
    """What training costs, a part for each data set of trained cells.

    Arguments as of :func:`li2023_table1`; the summary is that of
    :func:`parlearn.summarise.cost.summarise_cost`, made with this `threshold`.
    """
    table = style.read_summary(summary, [*_KEYS, "device", "seed", "value"])
    numbers = over_seeds(table, [*_KEYS, "device"])
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
        for variant, label in _labels(here["variant"]).items():
            found = {q: cells.get((dataset, variant, q)) for q in set(here["quantity"])}
            rows.append(
                [
                    label,
                    _say_count(found.get("weights")),
                    _say_seconds(found.get("seconds_per_epoch")),
                    _say_count(found.get("epochs_to_loss")),
                    _say_seconds(found.get("seconds_to_loss")),
                    _say_count(found.get("epochs")),
                    _say_seconds(found.get("seconds")),
                    _say_count(found.get("memory_mb")),
                    devices[variant],
                ]
            )
        mean = ", mean over seeds" if here["seeds"].max() > 1 else ""
        parts.append((f"{dataset}: cost of training{mean}", head, rows))
    seeds = style.note_on_seeds(numbers)
    _save(parts, numbers, out, data, [seeds, "an epoch is one model run per cell"])


def over_seeds(table: pd.DataFrame, keys=(*_KEYS, "period")) -> pd.DataFrame:
    """Mean and sample standard deviation over the seeds with a value (``valid`` of ``seeds``)."""
    groups = table.groupby(list(keys), sort=False)["value"]
    return groups.agg(mean="mean", std="std", seeds="size", valid="count").reset_index()


def _labels(variants) -> dict[str, str]:
    """Method names in the order of the house; SCE-UA after fewer runs stands below SCE-UA."""
    present = list(dict.fromkeys(variants))
    labels = {}
    for variant, look in style.looks(v for v in present if not v.endswith("@early")).items():
        labels[variant] = look.label
        if f"{variant}@early" in present:
            labels[f"{variant}@early"] = f"{look.label}, fewer runs"
    return labels


def _spread(numbers) -> str:
    return ", mean ± standard deviation over seeds" if numbers["seeds"].max() > 1 else ""


def _say_scores(found, digits) -> list[str]:
    return [_say_number(found.get(q), n, with_spread=True) for q, n in digits.items()]


def _say_test(found) -> list[str]:
    difference, p = found.get("median_difference"), found.get("p_value")
    if p is None or not p.valid:
        return ["–", "–"]
    sign = "+" if round(difference.mean, 4) > 0 else ""
    value = f"{p.mean:.3f}" if p.mean >= 0.001 else "< 0.001"
    return [sign + style.say_number(difference.mean, 4), value]


def _say_cost(found) -> list[str]:
    return [_say_count(found.get("runs_per_cell")), _say_seconds(found.get("seconds"))]


def _say_number(row, digits, with_spread=False) -> str:
    if row is None or not row.valid:
        return "–"
    text = style.say_number(row.mean, digits)
    if with_spread and np.isfinite(row.std):
        text += f" ± {row.std:.{digits}f}"
    return text


def _say_count(row) -> str:
    """A whole number; of a goal that some seed missed, how many came to it."""
    if row is None:
        return "–"
    if not row.valid:
        return "not reached"
    text = f"{row.mean:,.0f}"
    return text if row.valid == row.seeds else f"{text} ({row.valid} of {row.seeds})"


def _say_seconds(row) -> str:
    if row is None:
        return "–"
    if not row.valid:
        return "not reached"
    return f"{row.mean:.2g} s" if row.mean < 10 else style.say_seconds(row.mean)


def _save(parts, numbers, out, data, notes):
    with style.house():
        fig = draw_tables(parts)
        style.heading(fig, data, notes)
        style.save(fig, numbers, out)
    write_text(markdown(parts, data, notes), Path(out).with_suffix(".md"))
