"""Checks that every published claim was answered; a claim that differs is no failure."""

from collections.abc import Collection

import pandas as pd

from parlearn.audit.findings import Check
from parlearn.audit.tree import Tree
from parlearn.claims.answers import DIFFERS, NOT_RUN, REPRODUCED
from parlearn.plan.claims import RANKINGS
from parlearn.storage import contracts


def check_claims(tree: Tree, claims: Collection[str], data: str) -> tuple[Check, pd.DataFrame]:
    """Every claim of ``config/claims.yaml`` is answered once, on the data that are named.

    Parameters
    ----------
    claims : their names
    data : ``twin`` or ``real``

    Returns
    -------
    The check; the answers, without rows where claims have not been answered yet.
    """
    check = Check("claims", "Is every published claim answered: reproduced, differs, or not run?")
    path = f"{tree.results}/claims.csv"
    if path not in tree.made:
        check.notes.append(f"there is no {path}: the claims have not been answered yet")
        return check, pd.DataFrame()
    try:
        answers = contracts.read_table(tree.root / path, "claims").astype(object).fillna("")
    except contracts.ContractError as error:
        check.wrong(path, str(error))
        return check, pd.DataFrame()
    check.looked_at = len(answers)
    if lacking := {*claims} - {*answers["id"]}:
        check.wrong(path, f"lacks {len(lacking)} claims of config/claims.yaml: {min(lacking)}, ...")
    if strange := {*answers["id"]} - {*claims}:
        check.wrong(path, f"has {len(strange)} claims that are not in it now: {min(strange)}, ...")
    for row in answers.itertuples():
        if row.verdict not in (REPRODUCED, DIFFERS, NOT_RUN):
            check.wrong(path, f"{row.id} has the verdict {row.verdict!r}")
        if row.data != data:
            check.wrong(path, f"{row.id} is answered on {row.data!r} data, and these are {data!r}")
        if data == "twin" and row.compare not in RANKINGS and row.verdict != NOT_RUN:
            check.wrong(path, f"{row.id}, a number of real data, is held against a twin")
    counts = answers["verdict"].value_counts()
    told = ", ".join(f"{counts.get(v, 0)} {v}" for v in (REPRODUCED, DIFFERS, NOT_RUN))
    check.notes.append(f"{len(answers)} claims on data of a {data}: {told}")
    return check, answers
