"""Checks every file against the schema of its kind and the checksum of its numbers."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.audit.findings import Check, asks
from parlearn.audit.tree import File, Tree
from parlearn.storage import contracts
from parlearn.storage.checksums import difference

#: kinds of tables by the names of their files; others are read and must hold something
TABLES = {
    "history.csv": "history",
    "curve.csv": "curve",
    "claims.csv": "claims",
    "coverage.csv": "coverage",
}
#: kinds whose cells are those of the study's domain
OF_DOMAIN = ("forcing", "observations", "training", "truth", "parameters", "simulation", "metrics")


@asks("contents", "Does every file hold what its kind promises, and what was written?")
def check_contents(check: Check, tree: Tree) -> None:
    """Dimensions, units, ranges and finite values of netCDF files; tables and JSON are readable."""
    shares: dict[tuple, list[float]] = {}
    cells = _cells(tree)
    for path, file in tree.made.items():
        check.looked_at += 1
        with check.at(path):
            try:
                for problem in _of_file(tree, file, cells, shares):
                    check.wrong(path, problem)
            except (contracts.ContractError, ValueError, OSError) as error:
                check.wrong(path, str(error).removeprefix(f"{tree.root / path} "))
    check.table = [("kind of file", "files", "variables", "finite values where not all are")]
    for kind in sorted({kind for kind, _ in shares}):
        own = {name: found for (k, name), found in shares.items() if k == kind}
        gappy = [
            f"{name} {min(found):.1%} to {max(found):.1%}"
            for name, found in own.items()
            if min(found) < 1
        ]
        most = max(len(found) for found in own.values())
        check.table.append((kind, str(most), str(len(own)), ", ".join(gappy)))


def _of_file(tree: Tree, file: File, cells: int | None, shares: dict[tuple, list[float]]):
    """What is wrong with a file, a sentence each; shares of finite values are noted by the way."""
    path, suffix = file.path, Path(file.path).suffix
    if suffix == ".nc":
        ds = _read(tree, file)
        yield from _problems(ds, file, cells, tree)
        for name, share in finite_shares(ds).items():
            shares.setdefault((ds.attrs.get("parlearn_kind", "map"), name), []).append(share)
            # a year or a month of a product may be without any
            if share == 0 and "/regridded/" not in path:
                yield f"has no finite value of {name}"
    elif suffix in (".csv", ".tsv"):
        _read_table(tree.root / path)
    elif suffix == ".json":
        json.loads((tree.root / path).read_text(encoding="utf-8"))
    elif file.size == 0:
        yield "is empty"


def finite_shares(ds: xr.Dataset) -> dict[str, float]:
    """Share of finite values of each variable of numbers."""
    return {
        str(name): float(np.isfinite(variable.values).mean())
        for name, variable in ds.data_vars.items()
        if variable.dtype.kind == "f" and variable.size
    }


def _read(tree: Tree, file: File) -> xr.Dataset:
    path = tree.root / file.path
    with xr.open_dataset(path, engine="netcdf4") as opened:
        ds = opened.load()
    if (kind := ds.attrs.get("parlearn_kind")) is not None:
        contracts.check(ds, path, kind)
    return ds


def _problems(ds: xr.Dataset, file: File, cells: int | None, tree: Tree):
    kind = ds.attrs.get("parlearn_kind")
    if kind is None:
        # maps of a twin are written as a user's would be, and have a sidecar
        if "sha256" not in (file.stamp or {}):
            yield "does not say what kind of file it is (parlearn_kind)"
        return
    if (found := difference(ds)) is not None:
        yield f"is not what was written: {found}: it was changed"
    at_home = file.path.startswith((f"{tree.results}/runs/", f"{tree.study}/"))
    whole = kind in OF_DOMAIN and "/twin/" not in file.path
    if at_home and whole and cells and ds.sizes.get("cell", cells) != cells:
        yield f"has {ds.sizes['cell']} cells, domain.nc {cells}"


def _cells(tree: Tree) -> int | None:
    path = tree.root / tree.study / "domain.nc"
    try:
        with xr.open_dataset(path, engine="netcdf4") as ds:
            return ds.sizes.get("cell")
    except (OSError, ValueError, RuntimeError):
        return None  # told of domain.nc itself


def _read_table(path: Path) -> None:
    kind = "coverage" if path.name.endswith("coverage.csv") else TABLES.get(path.name)
    try:
        table = pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise contracts.ContractError(f"is not a readable table ({error})") from error
    if kind and {*contracts.TABLES[kind]} <= {*table}:
        contracts.check_table(table, path, kind)
    elif kind and kind != "coverage":
        lacking = sorted({*contracts.TABLES[kind]} - {*table})
        raise contracts.ContractError(f"lacks the columns {', '.join(lacking)}")
