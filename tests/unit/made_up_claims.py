"""A made-up claim, and others like it, for the tests of claims."""

import copy

CLAIM = {
    "id": "one",
    "paper": "tsai2021",
    "where": "Table 1",
    "study": "smap",
    "statement": "dPL has a lower RMSE than SCE-UA.",
    "compare": "order",
    "quantity": {
        "metric": "rmse",
        "target": "soil_moisture",
        "sampling": "s8",
        "period": "two_years",
        "cells": "test",
    },
    "order": ["sceua", "dpl_z"],
}

#: of a claim of "the same or slightly lower"
MARGIN = {"size": 0.002, "why": "two units of the last digit that the paper prints"}


def changed(**keys):
    """CLAIM with other keys, of its quantity those that stand in ``quantity``; None removes one."""
    claim = copy.deepcopy(CLAIM)
    claim["quantity"] |= keys.pop("quantity", {})
    claim |= keys
    claim["quantity"] = {k: v for k, v in claim["quantity"].items() if v is not None}
    return {k: v for k, v in claim.items() if v is not None}


def number(compare="value", expected=0.04, tolerance=0.01, method="dpl_z", **keys):
    keys = {"quantity": {"method": method, **keys.pop("quantity", {})}, **keys}
    given = {"compare": compare, "expected": expected, "tolerance": tolerance}
    return changed(**given, order=None, **keys)
