"""Schemas of intermediate files, checked when a file is written and when it is read.

The schemas are in :mod:`parlearn.storage.kinds`. NetCDF files are written as
float32, compressed, whole or not at all, with their provenance as attributes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.plan.targets import TARGETS
from parlearn.storage.checksums import (
    ATTRIBUTES,
    NUMBERS,
    attributes_digest,
    content_digest,
    difference,
)
from parlearn.storage.files import replacing, write_text
from parlearn.storage.kinds import KINDS, TABLES, WITH_TARGETS

#: label of a surrogate in simulation.nc; any other is a process model's name
SURROGATE = "surrogate"
#: (path, size, time of last change) of the files that :func:`part_of` has verified
_verified: set[tuple] = set()


class ContractError(ValueError):
    """A file, or a dataset to be written, does not fit the schema of its kind."""


def write(ds: xr.Dataset, path, kind: str, provenance: dict | None = None) -> None:
    """Check a dataset against its kind and write it to `path`.

    Parameters
    ----------
    ds : xr.Dataset
        Variables and dimensions as :data:`parlearn.storage.kinds.KINDS` has them; units are filled
        in from there where a variable has none.
    provenance : dict, optional
        Attributes from :func:`parlearn.storage.provenance.stamp`.

    Raises
    ------
    ContractError
        Naming file, variable and what is wrong. Nothing is written then.
    OSError
        When the disk is full. Nothing half-written is left.
    """
    ds = ds.copy()
    for name, (_, units, *_) in _kind(kind).items():
        if name in ds and units and "units" not in ds[name].attrs:
            ds[name].attrs["units"] = units
    check(ds, path, kind)
    ds.attrs = {**ds.attrs, "Conventions": "CF-1.8", "parlearn_kind": kind, **(provenance or {})}
    ds.attrs[NUMBERS] = content_digest(ds)
    ds.attrs[ATTRIBUTES] = attributes_digest(ds)
    encoding = {}
    for name, variable in ds.variables.items():
        variable.encoding = {}
        if name == "time":
            encoding[name] = {"dtype": "int32", "units": "days since 1970-01-01"}
        elif variable.dtype.kind == "f":
            encoding[name] = {"dtype": "float32", "zlib": variable.ndim > 0, "complevel": 1}
    with replacing(path, needed=ds.nbytes) as temporary:
        ds.to_netcdf(temporary, engine="netcdf4", encoding=encoding)


def read(path, kind: str) -> xr.Dataset:
    """Load a file of a kind into memory and check it, its checksums among the rest.

    Raises
    ------
    FileNotFoundError, ContractError
        Naming the file, the variable and what to do.
    """
    with _opened(path) as ds:
        ds.load()
    _verify(ds, path)
    check(ds, path, kind)
    return ds


@contextmanager
def part_of(path) -> Iterator[xr.Dataset]:
    """Open a file that is too large to be loaded whole; its checksums have been verified piecewise.

    Raises
    ------
    FileNotFoundError, ContractError
        As :func:`read`.
    """
    with _opened(path) as ds:
        state = Path(path).stat()
        known = str(path), state.st_size, state.st_mtime_ns
        if known not in _verified:
            _verify(ds, path)
            _verified.add(known)
        yield ds


@contextmanager
def _opened(path) -> Iterator[xr.Dataset]:
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no {path}: make it with 'snakemake -c2 {path}'")
    try:
        opened = xr.open_dataset(path, engine="netcdf4")
    # ValueError where attributes do not say what the numbers are
    except (OSError, RuntimeError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        with opened as ds:
            yield ds
    except (OSError, RuntimeError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path, error) -> ContractError:
    return ContractError(f"{path} is not a readable netCDF file ({error}): remove it and run again")


def _verify(ds: xr.Dataset, path) -> None:
    """Raise ContractError where a file does not have the checksums that it was written with."""
    if (found := difference(ds)) is not None:
        raise ContractError(
            f"{path} is not what was written: {found}. It was changed or damaged since. Remove it "
            "and run again, so that it is made again"
        )


def check(ds: xr.Dataset, path, kind: str) -> None:
    """Raise ContractError where a dataset does not fit the schema of its kind."""
    lines = _kind(kind)
    no_land = not any("land" in line and name in ds for name, line in lines.items())
    for name, (dims, units, lower, upper, *flags) in lines.items():
        where = f"{path} ({kind} file), variable '{name}'"
        if name not in ds.variables:
            if "optional" in flags or ("land" in flags and no_land):
                continue
            raise ContractError(f"{where}: missing; there are {', '.join(map(str, ds.variables))}")
        variable = ds[name]
        allowed = [tuple(d.split()) for d in dims.split("|")]
        if variable.dims not in allowed:
            raise ContractError(
                f"{where}: has dimensions {variable.dims}, not {' or '.join(map(str, allowed))}"
            )
        if units and variable.attrs.get("units", units) != units:
            raise ContractError(f"{where}: is in {variable.attrs['units']!r}, not in {units!r}")
        if "text" in flags:
            if variable.dtype.kind not in "OUST":
                raise ContractError(f"{where}: holds {variable.dtype}, not text")
            continue
        _check_values(variable.values, where, lower, upper, flags)
    if kind in WITH_TARGETS and not {*TARGETS} & {*ds.variables}:
        raise ContractError(
            f"{path} ({kind} file): has no target, neither {' nor '.join(TARGETS)}; there are "
            f"{', '.join(map(str, ds.variables))}"
        )
    if kind == "simulation":
        _check_process_models(ds, path)
    if "time" in ds.dims and kind != "composites":
        _check_days(ds, f"{path} ({kind} file)")
    if kind in ("parameters", "trajectory"):
        _check_bounds(ds, f"{path} ({kind} file)")


def write_table(table: pd.DataFrame, path, kind: str | None = None) -> None:
    """Write a CSV file whole or not at all, checked first where `kind` names a kind of table."""
    if kind:
        check_table(table, path, kind)
    write_text(table.to_csv(index=False, float_format="%.7g", lineterminator="\n"), path)


def read_table(path, kind: str) -> pd.DataFrame:
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no {path}: make it with 'snakemake -c2 {path}'")
    try:
        table = pd.read_csv(path)
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise ContractError(
            f"{path} is not a readable CSV file ({error}): remove it and run again"
        ) from error
    check_table(table, path, kind)
    return table


def check_table(table: pd.DataFrame, path, kind: str) -> None:
    """Raise ContractError where a table lacks a column of its kind or has values out of range."""
    if kind not in TABLES:
        raise ContractError(f"no kind of table named {kind!r}; there are {', '.join(TABLES)}")
    for name, (lower, upper, *flags) in TABLES[kind].items():
        where = f"{path} ({kind} table), column '{name}'"
        if name not in table:
            raise ContractError(f"{where}: missing; there are {', '.join(map(str, table.columns))}")
        if "text" in flags or ("empty" in flags and table.empty):
            continue
        if table[name].dtype.kind not in "fiu":
            raise ContractError(f"{where}: holds {table[name].dtype}, not numbers")
        _check_values(table[name].to_numpy(), where, lower, upper, flags)


def _kind(kind: str) -> dict:
    if kind not in KINDS:
        raise ContractError(f"no kind of file named {kind!r}; there are {', '.join(KINDS)}")
    return KINDS[kind]


def _check_values(values, where, lower, upper, flags):
    if values.dtype.kind not in "fiub":
        raise ContractError(f"{where}: holds {values.dtype}, not numbers")
    if "int" in flags and values.dtype.kind not in "iu":
        raise ContractError(f"{where}: holds {values.dtype}, not whole numbers")
    if values.size == 0 and "empty" in flags:
        return
    if values.size == 0:
        raise ContractError(f"{where}: is empty (shape {values.shape})")
    if values.dtype.kind == "f":
        # One pass over large arrays: a sum is finite only where every term is.
        gaps = int(np.isnan(values).sum()) if not np.isfinite(values.sum(dtype="f8")) else 0
        if gaps and "gaps" not in flags:
            raise ContractError(f"{where}: {gaps} of {values.size} values are missing (NaN)")
        if gaps == values.size:
            return
    least, most = np.nanmin(values), np.nanmax(values)
    # float32 storage may round a value a hair over its bound.
    slack = 1e-6 * max(abs(b) for b in (lower, upper, 1) if np.isfinite(b))
    if least < lower - slack or most > upper + slack or np.isinf([least, most]).any():
        raise ContractError(
            f"{where}: values from {least:g} to {most:g}, allowed {lower:g} to {upper:g}"
        )


def _check_process_models(ds, path):
    """A surrogate may answer a little outside of what is physical; a process model must not."""
    for model in ds["model"].values:
        if str(model) == SURROGATE:
            continue
        for name in [name for name in TARGETS if name in ds]:
            where = f"{path} (simulation file), variable '{name}' of {model}"
            values = ds[name].sel(model=model).values
            _check_values(values, where, TARGETS[name].lower, TARGETS[name].upper, [])


def _check_days(ds, where):
    if "time" not in ds.variables or ds["time"].dtype.kind != "M":
        raise ContractError(f"{where}: dimension 'time' has no dates")
    steps = np.diff(ds["time"].values.astype("datetime64[D]").astype(int))
    if (steps != 1).any():
        day = ds["time"].values[int(np.argmax(steps != 1))]
        raise ContractError(f"{where}: days are not consecutive after {str(day)[:10]}")


def _check_bounds(ds, where):
    parameters = ds["parameters"]
    if not {"lower", "upper"} <= set(parameters.attrs):
        raise ContractError(f"{where}: 'parameters' lacks the attributes 'lower' and 'upper'")
    lower, upper = (np.atleast_1d(parameters.attrs[b]).astype(float) for b in ("lower", "upper"))
    if not len(lower) == len(upper) == ds.sizes["parameter"]:
        raise ContractError(
            f"{where}: {len(lower)} lower and {len(upper)} upper bounds "
            f"for {ds.sizes['parameter']} parameters"
        )
    values = parameters.transpose(..., "parameter").values
    slack = 1e-5 * (upper - lower)
    bad = (values < lower - slack) | (values > upper + slack)
    if bad.any():
        k = int(np.argwhere(bad)[0][-1])
        raise ContractError(
            f"{where}: {ds['parameter'].values[k]} = {values[..., k][bad[..., k]][0]:g} is outside "
            f"its bounds {lower[k]:g} to {upper[k]:g} ({int(bad.sum())} of {bad.size} values)"
        )
