"""Checks that every published claim was answered; a claim that differs is no failure."""

from collections.abc import Mapping

import pandas as pd

from parlearn.audit.findings import Check, asks
from parlearn.audit.tree import Tree
from parlearn.claims.answers import DIFFERS, NOT_RUN, REPRODUCED, published
from parlearn.claims.page import CLEAR, page
from parlearn.plan.claims import RANKINGS
from parlearn.storage import contracts


def read_answers(tree: Tree) -> pd.DataFrame:
    """The answers, all of them text; without rows where there are none that can be read."""
    path = f"{tree.results}/claims.csv"
    try:
        contracts.read_table(tree.root / path, "claims")
        return pd.read_csv(tree.root / path, dtype=str, keep_default_na=False)
    except (OSError, ValueError):
        return pd.DataFrame()  # the check of claims says why


@asks("claims", "Is every published claim answered: reproduced, differs, or not run?")
def check_claims(check: Check, tree: Tree, instance: Mapping) -> None:
    """Every claim of ``config/claims.yaml`` is answered once, as it stands there, on the data that
    are named; the page says what the table does.

    Parameters
    ----------
    instance : see :func:`parlearn.audit.inspect.inspect`
    """
    path = f"{tree.results}/claims.csv"
    if path not in tree.made:
        check.notes.append(f"there is no {path}: the claims have not been answered yet")
        return
    try:
        contracts.read_table(tree.root / path, "claims")
    except (OSError, ValueError) as error:
        check.wrong(path, str(error))
        return
    answers, data = read_answers(tree), instance["data"]
    check.looked_at = len(answers)
    entries = {entry["claim"]["id"]: entry for entry in instance["claims"]}
    if lacking := {*entries} - {*answers["id"]}:
        check.wrong(path, f"lacks {len(lacking)} claims of config/claims.yaml: {min(lacking)}, ...")
    if strange := {*answers["id"]} - {*entries}:
        check.wrong(path, f"has {len(strange)} claims that are not in it now: {min(strange)}, ...")
    for name, rows in answers.groupby("id", sort=False):
        if len(rows) > 1:
            verdicts = ", ".join(rows["verdict"])
            check.wrong(path, f"{name} stands there {len(rows)} times, with: {verdicts}")
    for row in answers.to_dict("records"):
        for problem in _problems(row, entries.get(row["id"]), data, instance["name"]):
            check.wrong(path, f"{row['id']} {problem}")
    with check.at(f"{tree.results}/claims.md"):
        _check_page(check, tree, answers, instance)
    counts = answers["verdict"].value_counts()
    told = ", ".join(f"{counts.get(v, 0)} {v}" for v in (REPRODUCED, DIFFERS, NOT_RUN))
    check.notes.append(f"{len(answers)} claims on data of a {data}: {told}")


def _problems(row: Mapping[str, str], entry: Mapping | None, data: str, name: str):
    """What is wrong with an answer, a sentence each."""
    if row["verdict"] not in (REPRODUCED, DIFFERS, NOT_RUN):
        yield f"has the verdict {row['verdict']!r}"
    if row["clear"] not in CLEAR or (row["clear"] == "") != (row["verdict"] == NOT_RUN):
        yield f"is {row['verdict']}, and clear: {row['clear']!r}"
    if (row["why"] == "") == (row["verdict"] == NOT_RUN):
        yield f"is {row['verdict']}, and says why it is not run: {row['why']!r}"
    if row["data"] != data:
        yield f"is answered on {row['data']!r} data, and these are {data!r}"
    if row["configuration"] != name:
        yield f"is an answer of the configuration {row['configuration']!r}, and this is {name!r}"
    if data == "twin" and row["compare"] not in RANKINGS and row["verdict"] != NOT_RUN:
        yield "is a number of real data, and is held against a twin"
    if entry is None:
        return
    for column, value in published(entry["claim"]).items():
        if row[column] != value:
            yield f"has {row[column]!r} in the column {column}, config/claims.yaml {value!r}"
    if entry["why"] and row["verdict"] != NOT_RUN:
        yield f"is {row['verdict']}, and cannot be answered here: {entry['why']}"


def _check_page(check: Check, tree: Tree, answers: pd.DataFrame, instance: Mapping) -> None:
    """The page is the one that the table gives."""
    path = f"{tree.results}/claims.md"
    if path not in tree.made:
        return  # told by the check of lineage
    theirs = (tree.root / path).read_text(encoding="utf-8").splitlines()
    ours = page(answers, instance["about"], instance["note"]).splitlines()
    if theirs == ours:
        return
    pairs = (n for n, (a, b) in enumerate(zip(theirs, ours, strict=False)) if a != b)
    line = next(pairs, min(len(theirs), len(ours)))
    check.wrong(path, f"does not say what claims.csv says, first in line {line + 1}")
