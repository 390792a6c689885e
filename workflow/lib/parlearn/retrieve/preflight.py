"""Checks before anything is fetched: do logins work, and is there room on disk."""

import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from parlearn.plan import products
from parlearn.retrieve import earthdata
from parlearn.retrieve.listing import Listed
from parlearn.retrieve.logins import RetrievalError, missing
from parlearn.retrieve.stores import open_store, place

log = logging.getLogger(__name__)

COLUMNS = ("product", "version", "from", "login", "files", "there", "needed_gb", "free_gb", "state")


class PreflightError(RetrievalError):
    """Something is missing for one product or more."""


def inspect(
    product: str,
    settings: Mapping,
    granules: Sequence[Listed],
    folder,
    *,
    open_store: Callable = open_store,
    check_login: Callable = earthdata.check_login,
) -> tuple[dict, list[str]]:
    """Ask for one granule of a product and count what all of them need.

    Parameters
    ----------
    folder : where they will lie
    open_store, check_login : to be replaced in tests

    Returns
    -------
    A row with the columns of :data:`COLUMNS`, and what is missing, a sentence each.
    """
    where = place(product, settings)
    problems, login, size = [], "none", None
    rest = [one for one in granules if not _target(product, one, folder).is_file()]
    row = {
        "product": product,
        "version": products.version(product, settings),
        "from": where,
        "login": "not needed",
        "files": len(granules),
        "there": len(granules) - len(rest),
        "needed_gb": 0.0,
        "state": "all there",
    }
    if not rest:
        return row, []
    try:
        store = open_store(product, settings)
        try:
            user = getattr(getattr(store, "access", store), "login", None)
            if where == "archive":
                kind = products.product(product).login
                if user is None:
                    raise RetrievalError(f"{product}: {missing(kind)}")
                login = f"{kind}, of {user.origin}"
                if kind == "earthdata":
                    check_login(user)
            elif user is not None:
                login = f"of {user.origin}"
            size = store.probe(rest[0].url)
        finally:
            store.close()
    except RetrievalError as error:
        text = str(error)
        problems.append(text if text.startswith(f"{product}:") else f"{product}: {text}")
    state = "wanting" if problems else "ready"
    return row | {"login": login, "needed_gb": _bytes(rest, size) / 1e9, "state": state}, problems


def check_room(rows: list[dict], folders: Sequence) -> list[str]:
    """Fill in the room on disk and say where it is too little; products may share a disk."""
    problems, wanted = [], {}
    for row, folder in zip(rows, folders):
        there = _existing(folder)
        free = shutil.disk_usage(there).free
        row["free_gb"] = free / 1e9
        if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
            problems.append(f"{row['product']}: {there} cannot be written: give the rights to it")
        disk = wanted.setdefault(there.stat().st_dev, {"free": free, "needed": 0.0, "rows": []})
        disk["needed"] += row["needed_gb"] * 1e9
        disk["rows"].append((row["product"], there))
    for disk in wanted.values():
        if disk["needed"] > disk["free"]:
            names = ", ".join(name for name, _ in disk["rows"])
            problems.append(
                f"{names}: {disk['needed'] / 1e9:.1f} GB are needed and {disk['free'] / 1e9:.1f} "
                f"GB are free at {disk['rows'][0][1]}: free some, or let resources/raw be a link "
                "to a larger disk"
            )
    return problems


def table(rows: Sequence[Mapping]) -> str:
    """The rows as text, one a line."""
    cells = [COLUMNS, *([_text(row[name]) for name in COLUMNS] for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells
    )


def _text(value):
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _target(product, one, folder):
    start = products.parse(product, one.name).start
    return Path(folder) / f"{start:%Y}" / one.name


def _bytes(granules, size):
    """What they need; those of unknown size count as the mean of the known, or as the one asked."""
    known = [one.size for one in granules if one.size is not None]
    usual = sum(known) / len(known) if known else (size or 0)
    return float(sum(known) + usual * (len(granules) - len(known)))


def _existing(folder):
    folder = Path(folder).absolute()
    while not folder.exists():
        folder = folder.parent
    return folder
