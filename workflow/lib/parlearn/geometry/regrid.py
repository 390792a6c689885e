"""Area-weighted means of a product on a regular lat-lon grid.

What two grids share (:mod:`parlearn.geometry.overlap`) is worked out once and stored. A target
cell gets the mean of the valid values over the area they cover, and nothing where they cover too
little of it.
Several sources (the tiles of MOD16) are summed before the division, so a seam leaves no trace.
"""

import hashlib
import io
import json
import os
import uuid
import warnings
from dataclasses import asdict
from pathlib import Path

import dask.array as da
import numpy as np
import xarray as xr
from scipy import sparse

from parlearn.geometry.grids import Grid, GridError, LatLonGrid
from parlearn.geometry.overlap import cell_areas, overlap
from parlearn.storage.sealed import SealError, seal, unseal

#: of the stored weights; goes up when :mod:`parlearn.geometry.overlap` gives other numbers
VERSION = 1
#: what a file of weights is called
KIND = "weights of regridding"
#: valid part of a target cell's area below which it is missing, unless configured otherwise
MINIMUM_SHARE = 0.5
#: bytes of sums that one piece of lazy work makes; a few times as much is held at once
BLOCK_BYTES = 64e6
#: a wholly covered cell may seem this much less than covered, by rounding
SLACK = 1e-6


def weights(source: Grid, target: LatLonGrid, folder=None) -> sparse.csr_array:
    """Areas shared by two grids, (target cells, source cells) steradians, float64.

    Parameters
    ----------
    folder : optional
        where they are kept, in a sealed file named by both grids and :data:`VERSION`. One that was
        changed or is of other grids is made anew, with a warning. Jobs may share the folder.
    """
    if folder is None:
        return overlap(source, target)
    pair = hashlib.sha256(_describe(source, target).encode()).hexdigest()
    path = Path(folder) / f"weights-{pair[:16]}.npz"
    if path.exists():
        try:
            return _load(unseal(path, KIND, pair), (np.prod(target.shape), np.prod(source.shape)))
        except SealError as error:
            warnings.warn(f"{path} is not used and made anew: {error}", stacklevel=2)
    areas = overlap(source, target)
    stream = io.BytesIO()
    np.savez_compressed(stream, indptr=areas.indptr, indices=areas.indices, data=areas.data)
    # a name of its own, since another job may be writing the same weights
    own = path.with_name(f"{path.stem}-{uuid.uuid4().hex}.npz")
    seal(stream.getvalue(), own, KIND, pair)
    os.replace(own, path)
    return areas


def _describe(source, target) -> str:
    grids = [{"kind": type(g).__name__, **asdict(g)} for g in (source, target)]
    return json.dumps({"version": VERSION, "source": grids[0], "target": grids[1]}, sort_keys=True)


def _load(content, shape):
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        parts = tuple(stored[name] for name in ("data", "indices", "indptr"))
    return sparse.csr_array(parts, shape=tuple(int(n) for n in shape))


class Regridder:
    """Means of fields of one grid on another.

    Parameters
    ----------
    source, target : grids
    minimum_share : valid part of a target cell's whole area below which it is missing
    folder : where weights are kept, see :func:`weights`
    """

    def __init__(self, source: Grid, target: LatLonGrid, minimum_share=MINIMUM_SHARE, folder=None):
        if not 0 < minimum_share <= 1:
            raise ValueError(f"minimum_share is {minimum_share}, must be above 0 and at most 1")
        self.source, self.target, self.minimum_share = source, target, minimum_share
        self._areas = weights(source, target, folder)
        #: (lat, lon) area of the source in each target cell, steradians
        self.covered = self._areas.sum(axis=1).reshape(target.shape)
        # as those of the source's surface, so that a covered cell has share 1
        self.cell_areas = cell_areas(target, source)

    def apply(self, fields, share: bool = False):
        """Regrid fields.

        Parameters
        ----------
        fields : (..., y, x) numpy or dask array; NaN is missing
        share : also return the valid part of each target cell's area

        Returns
        -------
        (..., lat, lon) float32, of numpy or lazily of dask; with ``share`` a pair of them.
        """
        return combine([self], [fields], share)

    def sums(self, fields):
        """What is summed over sources: (..., 2, lat, lon) float64, the integral of the valid values
        (value times steradian) and their area."""
        if tuple(fields.shape[-2:]) != self.source.shape:
            raise GridError(
                f"fields of shape {tuple(fields.shape)} do not end in the {self.source.shape} of "
                f"the source grid"
            )
        if not isinstance(fields, da.Array):
            return self._sums(np.asarray(fields))
        n = fields.ndim
        # a target with many more cells than the source would blow long pieces up
        each = 16 * np.prod(self.target.shape) * np.prod([max(c) for c in fields.chunks[1:-2]])
        longest = max(1, int(BLOCK_BYTES // each))
        first = [min(longest, c - k) for c in fields.chunks[0] for k in range(0, c, longest)]
        fields = fields.rechunk({0: tuple(first), n - 2: -1, n - 1: -1} if n > 2 else -1)
        tail = ((2,), (self.target.rows,), (self.target.cols,))
        return da.map_blocks(
            self._sums,
            fields,
            drop_axis=(n - 2, n - 1),
            new_axis=(n - 2, n - 1, n),
            chunks=fields.chunks[:-2] + tail,
            dtype=np.float64,
            meta=np.empty((0,) * (n + 1)),
        )

    def _sums(self, block):
        flat = block.reshape(-1, self._areas.shape[1])
        result = np.empty((len(flat), 2, self._areas.shape[0]))
        before, area = None, None
        for values, (total, valid_area) in zip(flat, result):
            values = values.astype(np.float64)
            missing = np.isnan(values)
            # gaps often stay where they are from one field to the next: water, or none at all
            if before is None or not np.array_equal(missing, before):
                before = missing
                area = self._areas @ (~missing).astype(np.float64)
            if missing.any():
                values[missing] = 0.0
            total[:] = self._areas @ values
            valid_area[:] = area
        return result.reshape(*block.shape[:-2], 2, *self.target.shape)


def combine(regridders, fields, share: bool = False):
    """Regrid fields of several sources that do not overlap each other, onto one target.

    Parameters
    ----------
    regridders : of one target, one surface and one minimum share
    fields : for each (..., y, x), the leading dimensions the same

    Returns
    -------
    As :meth:`Regridder.apply`.
    """
    first = regridders[0]
    for other in regridders[1:]:
        same = other.target == first.target and type(other.source) is type(first.source)
        if not same or other.minimum_share != first.minimum_share:
            raise GridError("sources to combine differ in target, kind of grid or minimum share")
    if not any(r.covered.any() for r in regridders):
        raise GridError(f"{first.source} lies outside of {first.target}")
    sums = first.sums(fields[0])
    for regridder, values in zip(regridders[1:], fields[1:]):
        sums = sums + regridder.sums(values)
    if not isinstance(sums, da.Array):
        result = _finish(sums, first.cell_areas, first.minimum_share)
    else:
        n = sums.ndim
        result = da.map_blocks(
            _finish,
            sums,
            first.cell_areas,
            first.minimum_share,
            chunks=sums.chunks,
            dtype=np.float32,
            meta=np.empty((0,) * n, np.float32),
        )
    means = result[..., 0, :, :]
    return (means, result[..., 1, :, :]) if share else means


def _finish(sums, areas, minimum_share):
    """Means and valid shares (..., 2, lat, lon) float32."""
    total, valid = sums[..., 0, :, :], sums[..., 1, :, :]
    shares = valid / areas
    enough = shares >= minimum_share - SLACK
    means = np.where(enough, total / np.where(enough, valid, 1.0), np.nan)
    return np.stack([means, np.minimum(shares, 1.0)], axis=-3).astype(np.float32)


def regrid_in_turn(parts, target: LatLonGrid, minimum_share=MINIMUM_SHARE, folder=None):
    """As :func:`regrid`, at once and one source after the other: weights, granules and sums of one
    at a time are in memory, which matters for the tiles of a continent.

    Parameters
    ----------
    parts : iterable of (xr.Dataset of dims (time, y, x), its grid), all of the same times
    """
    sums, areas = {}, None
    for ds, grid in parts:
        regridder = Regridder(grid, target, minimum_share, folder)
        found = da.compute({name: regridder.sums(ds[name].data) for name in ds.data_vars})[0]
        if areas is None:
            coords = ds.drop_vars(["y", "x"], errors="ignore").coords
            attributes = {name: ds[name].attrs for name in found}
            areas, kind, sums = regridder.cell_areas, type(grid), found
            continue
        if type(grid) is not kind or not coords["time"].equals(ds["time"]):
            raise GridError("sources to combine differ in kind of grid or in times")
        for name, values in found.items():
            sums[name] += values
    fields = {
        name: (
            ("time", "lat", "lon"),
            _finish(values, areas, minimum_share)[:, 0],
            attributes[name],
        )
        for name, values in sums.items()
    }
    return xr.Dataset(fields, coords=coords).assign_coords(_coordinates(target))


def regrid(
    parts, target: LatLonGrid, minimum_share=MINIMUM_SHARE, folder=None, share: bool = False
) -> xr.Dataset:
    """Regrid every variable of one product, of one or several sources.

    Parameters
    ----------
    parts : list of (xr.Dataset of dims ([time, [step,]] y, x), its grid)
        Times that a part lacks are gaps of that part.
    share : also give the valid part of each cell's area, as ``{variable}_share``

    Returns
    -------
    xr.Dataset of dims ([time, [step,]] lat, lon), float32, attributes kept, lazy where `parts` are.

    Raises
    ------
    GridError
        where no part touches the target, or shapes do not agree.
    """
    regridders = [Regridder(grid, target, minimum_share, folder) for _, grid in parts]
    # coordinates of time (such as the length of a composite) are merged apart from the fields
    extra = [ds.coords.to_dataset().drop_dims(["y", "x"], errors="ignore") for ds, _ in parts]
    coords = xr.merge(extra, join="outer", compat="no_conflicts")
    bare = [ds.drop_vars([c for c in ds.coords if c not in ds.dims]) for ds, _ in parts]
    times = coords.indexes.get("time")
    if times is not None:
        bare = [ds if ds.indexes["time"].equals(times) else ds.reindex(time=times) for ds in bare]
    variables = {}
    for name, first in bare[0].data_vars.items():
        if first.dims[-2:] != ("y", "x"):
            raise GridError(f"variable {name!r} has dimensions {first.dims}, must end in y, x")
        values, shares = combine(regridders, [ds[name].data for ds in bare], share=True)
        dims = (*first.dims[:-2], "lat", "lon")
        variables[name] = (dims, values, first.attrs)
        if share:
            text = f"part of the cell's area with {first.attrs.get('long_name', name)}"
            variables[f"{name}_share"] = (dims, shares, {"units": "1", "long_name": text})
    coords = coords.assign(_coordinates(target))
    return xr.Dataset(variables, coords=coords.coords, attrs=parts[0][0].attrs)


def _coordinates(target):
    return {
        "lat": ("lat", target.lat, {"units": "degrees_north", "standard_name": "latitude"}),
        "lon": ("lon", target.lon, {"units": "degrees_east", "standard_name": "longitude"}),
    }
