"""Compares runs that were repeated from their inputs with their first results."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.storage import contracts
from parlearn.storage.files import sha256
from parlearn.storage.provenance import PREFIX

#: On another machine, device or with other versions sums are rounded otherwise, and training
#: carries that on: how far parameters may lie apart, as a share of their range, at the median of
#: all cells and parameters and at the 95th percentile.
ELSEWHERE = {0.5: 0.01, 0.95: 0.1}
#: columns and variables that are times of a clock
CLOCKS = ("seconds",)


@dataclass(frozen=True)
class Compared:
    """One file of a run against its repetition."""

    run: str
    file: str
    same: bool
    passed: bool
    what: str


def compare_run(run: str, then: Mapping[str, str], now: Mapping[str, str]) -> list[Compared]:
    """Each file of a run against its repetition.

    On the same kind of machine, with the same versions, on the CPU, all must be the same to the
    last bit, times of the clock apart. Elsewhere parameters are held to :data:`ELSEWHERE`, and of
    the other files it is told whether they are the same.

    Parameters
    ----------
    then, now : path by the name of the file, ``parameters.nc`` among them
    """
    first, second = (_stamp(paths["parameters.nc"]) for paths in (then, now))
    differs = [name for name in ("machine", "device", "versions") if first[name] != second[name]]
    exact = not differs and first["device"] == "cpu"
    where = "" if exact else f" (elsewhere: {', '.join(differs) or first['device']})"
    rows = []
    for name, path in then.items():
        same, told = _same(path, now[name])
        passed = same or not exact
        if name == "parameters.nc" and not same:
            within, apart = _within(path, now[name])
            told = f"{told}; {apart}"
            passed = within and not exact
        rows.append(Compared(run, name, same, passed, told + where))
    if first["code"] != second["code"]:
        rows.append(Compared(run, "code", False, False, "the code was edited since: run it again"))
    then_given, now_given = (json.loads(stamp["inputs"] or "{}") for stamp in (first, second))
    # what was taken as it is stands there by its absolute path; parts of the run were repeated too
    taken = {checksum for path, checksum in now_given.items() if Path(path).is_absolute()}
    if not taken <= {*then_given.values()}:
        told = "the inputs are not those that the run was made from: run it again"
        rows.append(Compared(run, "inputs", False, False, told))
    return rows


def _stamp(path) -> dict[str, str]:
    with xr.open_dataset(path, engine="netcdf4") as ds:
        found = {k.removeprefix(PREFIX): v for k, v in ds.attrs.items()}
    return {
        name: found.get(name, "") for name in ("machine", "device", "versions", "code", "inputs")
    }


def _same(one, two) -> tuple[bool, str]:
    """Whether two files hold the same, times of the clock apart."""
    suffix = Path(one).suffix
    if suffix == ".nc":
        with xr.open_dataset(one) as a, xr.open_dataset(two) as b:
            digests = [
                contracts.content_digest(ds.drop_vars(CLOCKS, errors="ignore")) for ds in (a, b)
            ]
    elif suffix == ".csv":
        tables = [pd.read_csv(p).drop(columns=[*CLOCKS], errors="ignore") for p in (one, two)]
        digests = [hashlib.sha256(t.to_csv(index=False).encode()).hexdigest() for t in tables]
    else:
        digests = [sha256(p) for p in (one, two)]
    same = digests[0] == digests[1]
    return same, "the same to the last bit" if same else "not the same"


def _within(one, two) -> tuple[bool, str]:
    """Whether parameters lie within :data:`ELSEWHERE` of each other, and how far apart they are."""
    with xr.open_dataset(one) as a, xr.open_dataset(two) as b:
        first, second = (ds["parameters"].transpose("cell", "parameter").load() for ds in (a, b))
    if first.shape != second.shape:
        return False, f"shapes {first.shape} and {second.shape}"
    lower, upper = (np.atleast_1d(first.attrs[n]).astype(float) for n in ("lower", "upper"))
    apart = np.abs(first.values - second.values) / (upper - lower)
    told = [
        f"{np.quantile(apart, q):.2g} of the range at the {q:.0%} quantile (allowed {most:g})"
        for q, most in ELSEWHERE.items()
    ]
    return all(np.quantile(apart, q) <= most for q, most in ELSEWHERE.items()), ", ".join(told)
