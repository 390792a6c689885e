"""Compares runs, and what is drawn from them, with what came of their inputs a second time."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from parlearn.audit.content import near, same
from parlearn.audit.tree import read_stamp
from parlearn.storage.provenance import PREFIX

#: On another machine, device or with other versions sums are rounded otherwise, and training
#: carries that on: how far parameters may lie apart, as a share of their range, at the median of
#: all cells and parameters and at the 95th percentile.
ELSEWHERE = {0.5: 0.01, 0.95: 0.1}
#: columns and variables that are times of a clock
CLOCKS = ("seconds",)
EQUAL, OTHER = "the same to the last bit", "not the same"


@dataclass(frozen=True)
class Compared:
    """One file against its repetition; ``job`` is the run or the rule that it is of."""

    job: str
    file: str
    same: bool
    passed: bool
    what: str


def compared(job: str, files: Iterable, compare: Callable[[], list[Compared]]) -> list[Compared]:
    """What a comparison gives; where it raises, as on a damaged file it may, that of each file."""
    try:
        return compare()
    except Exception as error:  # noqa: BLE001
        told = f"cannot be repeated or compared: {type(error).__name__}: {error}"
        return [Compared(job, str(file), False, False, told) for file in files]


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
        alike = same(path, now[name], without=CLOCKS)
        told, passed = EQUAL if alike else OTHER, alike or not exact
        if name == "parameters.nc" and not alike:
            within, apart = _within(path, now[name])
            told = f"{told}; {apart}"
            passed = within and not exact
        rows.append(Compared(run, name, alike, passed, told + where))
    if first["code"] != second["code"]:
        rows.append(Compared(run, "code", False, False, "the code was edited since: run it again"))
    then_given, now_given = (json.loads(stamp["inputs"] or "{}") for stamp in (first, second))
    # what was taken as it is stands there by its absolute path; parts of the run were repeated too
    repeated = f"{Path(now['parameters.nc']).parent}/"
    taken = {
        checksum
        for path, checksum in now_given.items()
        if Path(path).is_absolute() and not path.startswith(repeated)
    }
    if not taken <= {*then_given.values()}:
        told = "the inputs are not those that the run was made from: run it again"
        rows.append(Compared(run, "inputs", False, False, told))
    return rows


def compare_made(job: str, then, now) -> Compared:
    """A summary, a figure or a table against the same made again from the files that are there.

    On the same kind of machine and with the same versions it must be the same, see
    :func:`parlearn.audit.content.same`. On another kind of machine tables and pictures are held to
    ``content.NUMBERS`` and ``PIXELS``, and with other versions tables alone; of all else it is told
    whether it is the same.

    Parameters
    ----------
    job : name of its rule
    then, now : paths
    """
    (first, unread), (second, _) = read_stamp(Path(then)), read_stamp(Path(now))
    if first is None:
        return Compared(job, str(then), False, False, f"has no stamp {unread}".strip())
    if same(then, now):
        return Compared(job, str(then), True, True, "the same")
    # of packages that only one environment has, none is at work here
    versions = [(s.get("versions") or {}) for s in (first, second)]
    others = sorted(n for n in versions[0].keys() & versions[1] if versions[0][n] != versions[1][n])
    elsewhere = [*others, *(["machine"] if first.get("machine") != second["machine"] else [])]
    passed = bool(elsewhere)
    if elsewhere and not (others and Path(then).suffix == ".png"):
        passed = near(then, now) is not False
    told = [OTHER, *([f"elsewhere: {', '.join(elsewhere)}"] if elsewhere else [])]
    if first.get("code") != second["code"]:
        told.append("the code was edited since")
    sums = [{*(s.get("inputs") or {}).values()} for s in (first, second)]
    if sums[0] != sums[1]:
        told.append("it was made from other inputs than are there")
    return Compared(job, str(then), False, passed, "; ".join(told))


def _stamp(path) -> dict[str, str]:
    with xr.open_dataset(path, engine="netcdf4") as ds:
        found = {k.removeprefix(PREFIX): v for k, v in ds.attrs.items()}
    return {
        name: found.get(name, "") for name in ("machine", "device", "versions", "code", "inputs")
    }


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
