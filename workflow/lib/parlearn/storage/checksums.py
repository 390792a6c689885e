"""Checksums that a netCDF file carries of itself: of its numbers, and of what is said of them.

Two, since numbers are compared between runs, whose stamps (times, machines, versions) differ.
"""

import hashlib
import json
from collections.abc import Iterator

import numpy as np
import xarray as xr

#: attributes that hold the checksums, and what each is of, in words
NUMBERS, ATTRIBUTES = "content_sha256", "attributes_sha256"
#: bytes of a variable that are read at a time
PIECE = 64_000_000


def content_digest(ds: xr.Dataset) -> str:
    """Checksum of names, dimensions and values as they are stored; not of attributes.

    A file carries it as ``content_sha256``, so that a number changed afterwards is found. Files of
    equal numbers have the same, whenever and wherever they were made.
    """
    digest = hashlib.sha256()
    for name in sorted(map(str, ds.variables)):
        variable = ds.variables[name]
        digest.update(f"{name} {variable.dims} {variable.shape} ".encode())
        for part in _pieces(variable):
            digest.update(_as_stored(part.values))
    return digest.hexdigest()


def attributes_digest(ds: xr.Dataset) -> str:
    """Checksum of all attributes: units and bounds of variables, kind, stamp, and of the numbers'
    checksum.

    A file carries it as ``attributes_sha256``, which alone is left out. It is no measure of
    equality, since the stamp says when and where the file was made.
    """
    attributes = {"": {k: v for k, v in ds.attrs.items() if k != ATTRIBUTES}}
    attributes |= {f"variable {name}": v.attrs for name, v in ds.variables.items()}
    plain = {
        name: {key: np.ravel(value).tolist() for key, value in given.items()}
        for name, given in attributes.items()
    }
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()


def difference(ds: xr.Dataset) -> str | None:
    """In which respect a file is not what was written, in words; None where it is."""
    for name, what, digest in (
        (NUMBERS, "numbers", content_digest),
        (ATTRIBUTES, "attributes (units, bounds, stamp)", attributes_digest),
    ):
        told, now = ds.attrs.get(name), digest(ds)
        if told is None:
            return f"it has no {name}"
        if told != now:
            return f"its {name} is {told[:12]}..., and its {what} have {now[:12]}..."
    return None


def _pieces(variable: xr.Variable) -> Iterator[xr.Variable]:
    """Parts along the first dimension, so that of a large file little is in memory at a time."""
    if variable.dtype.kind not in "fiub" or variable.nbytes <= PIECE:
        return iter([variable])
    rows = max(1, PIECE * variable.shape[0] // variable.nbytes)
    return (variable[k : k + rows] for k in range(0, variable.shape[0], rows))


def _as_stored(values: np.ndarray) -> memoryview:
    """Bytes of numbers as the file holds them, of dates as days, of texts with a 0 between."""
    if values.dtype.kind == "M":
        values = values.astype("datetime64[D]").astype("<i8")
    elif values.dtype.kind == "f":
        values = np.where(np.isnan(values), np.nan, values).astype("<f4")  # one kind of NaN
    elif values.dtype.kind in "iub":
        values = values.astype("<i8")
    else:
        values = np.frombuffer("\0".join(map(str, values.ravel())).encode(), dtype="u1")
    return np.ascontiguousarray(values).data
