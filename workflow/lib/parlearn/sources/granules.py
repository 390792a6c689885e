"""Shared by the readers of granules: choosing files, opening them, the form of the result.

A granule is one file of an archive. :mod:`parlearn.sources.assemble` puts them together in time.
The libraries below (HDF4, HDF5, netCDF) are not safe in threads: one granule is read at a time, so
that one is in memory at a time, too. The lock is that of xarray, which may be writing meanwhile.
After an error of one granule, dask's threads may still be reading others when it is raised.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import xarray as xr
from xarray.backends.locks import HDF5_LOCK, NETCDFC_LOCK, combine_locks

from parlearn.geometry.grids import Box, Grid, GridError
from parlearn.storage.files import is_full_disk

COLUMNS = ("product", "granule", "date", "what", "count")
_reading = combine_locks([HDF5_LOCK, NETCDFC_LOCK])


class GranuleError(ValueError):
    """A granule is not what its product should be."""


class UnreadableGranule(GranuleError):
    """A granule is empty, truncated or damaged."""


@dataclass
class Coverage:
    """What was left out or is odd. The same thing noted twice counts once."""

    product: str
    notes: dict = field(default_factory=dict)

    def note(self, granule, date, what: str, count: int = 1) -> None:
        self.notes[str(granule), str(date), what] = int(count)

    def table(self) -> pd.DataFrame:
        rows = [(self.product, *key, count) for key, count in sorted(self.notes.items())]
        return pd.DataFrame(rows, columns=list(COLUMNS))


@dataclass(frozen=True)
class Granules:
    """Granules of one product, cropped to a region and not yet loaded.

    Attributes
    ----------
    fields : (time, y, x) dask arrays, float32, NaN = missing, unit in ``attrs["units"]``
    grid : of (y, x)
    noted : what the reader and, once computed, the fields had to leave out
    """

    fields: xr.Dataset
    grid: Grid
    noted: Coverage

    @property
    def coverage(self) -> pd.DataFrame:
        """One row a thing left out or odd: product, granule, date, what, count."""
        return self.noted.table()


@dataclass(frozen=True)
class Granule:
    """A file and what its name says.

    Attributes
    ----------
    date : key of the time (and tile, variable) it covers, as in the name
    version : granules of different versions must not be mixed
    rank : of several with the same key, the one of highest rank is read
    """

    path: Path
    date: str
    version: str
    rank: tuple


def choose(paths, pattern: re.Pattern, describe: Callable, noted: Coverage) -> list[Granule]:
    """The granules to read, by key: highest rerun of each, one version.

    Parameters
    ----------
    paths : of granules, in any order
    pattern : of the file names
    describe : match -> (date, version, rank), see :class:`Granule`

    Raises
    ------
    GranuleError
        for no paths at all, a name not of this product, or several versions.
    """
    best = {}
    for path in sorted(map(Path, paths)):
        match = pattern.fullmatch(path.name)
        if not match:
            raise GranuleError(f"{path}: the name is not that of a granule of {noted.product}")
        granule = Granule(path, *describe(match))
        other = best.get(granule.date)
        if other is not None:
            worse, granule = sorted((granule, other), key=lambda g: g.rank)
            noted.note(worse.path.name, granule.date, "duplicate left aside")
        best[granule.date] = granule
    if not best:
        raise GranuleError(f"no granules of {noted.product}: retrieve them first")
    versions = {}
    for granule in best.values():
        versions.setdefault(granule.version, granule.path)
    if len(versions) > 1:
        raise GranuleError(
            f"{noted.product}: versions are mixed: "
            + ", ".join(f"{version} ({path.name})" for version, path in sorted(versions.items()))
            + ". Keep the files of one version in a folder"
        )
    return [best[date] for date in sorted(best)]


def first_readable(granules: Sequence[Granule], look: Callable, unreadable: str):
    """`look` at the first granule that can be read; the others are only looked at when loaded."""
    if unreadable not in ("error", "gap"):
        raise ValueError(f"unreadable: {unreadable!r} is neither 'error' nor 'gap'")
    for granule in granules:
        try:
            return guarded(granule.path, look)
        except UnreadableGranule:
            if unreadable == "error" or granule is granules[-1]:
                raise
    raise AssertionError("no granules")


def guarded(path: Path, work: Callable, *arguments):
    """`work` on a file, alone, with errors of the libraries told by name and remedy."""
    with _reading:
        if not path.is_file():
            raise FileNotFoundError(f"there is no {path}: retrieve it again")
        try:
            if path.stat().st_size == 0:
                raise EOFError("it is empty")
            return work(path, *arguments)
        except (GranuleError, GridError, PermissionError):
            raise
        except damage() as error:
            if is_full_disk(error):
                raise
            raise UnreadableGranule(
                f"{path} cannot be read ({error}): it is truncated or damaged. Remove it and "
                "retrieve it again"
            ) from error


def damage() -> tuple:
    """What h5py, netCDF4, pyhdf and gzip raise on a file that is not whole."""
    import zlib

    from pyhdf.error import HDF4Error

    return OSError, EOFError, RuntimeError, HDF4Error, zlib.error


def window_of(grid, box: Box, where: str):
    """``grid.window(box)``, with the product or file named in its errors."""
    try:
        return grid.window(box)
    except GridError as error:
        raise GridError(f"{where}: {error}") from error


def dataset(arrays: dict, axis, **coordinates) -> xr.Dataset:
    """The fields of :class:`Granules`."""
    coords = {"time": ("time", axis.astype("datetime64[ns]"))}
    return xr.Dataset(arrays, coords={**coords, **coordinates})
