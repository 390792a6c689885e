"""The split of basins into training, validation and test basins, and their donors.

Basins lie on no grid. Samplings of one number of folds part the basins among them; samplings that
leave out the same basins are nested, the sparser a subset of the denser. Every tenth sampled basin
validates, as :mod:`parlearn.study.splits` has it, unless a sampling says that none does.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.spatial import cKDTree

from parlearn.study.splits import TRAIN, regions, splits_of


def basin_splits(
    lat, lon, region, attributes, samplings: Mapping[str, Mapping], seed: int
) -> xr.Dataset:
    """Splits of basins, by what each sampling says.

    Parameters
    ----------
    lat, lon : (cell,) degrees
    region : (cell,) name of the region of each basin, such as its hydrologic unit
    attributes : (cell, attribute), in which the basin most alike is sought
    samplings : by name, one of

        - ``{}``: no basin is held out;
        - ``{fold: k, of: n}``: the k-th of n folds of the basins in random order is held out;
        - ``{region: k, of: n}``: the k-th of n regions (k-means of the coordinates, from the west);
        - ``{without: [names]}``: the basins of these regions;

        each with ``share``, the share of the others that are sampled (1), and ``validate: False``,
        where all of these train and none validates
    seed : of the one random order of the basins behind all samplings, and of the clusters

    Returns
    -------
    xarray.Dataset: role (sampling, cell) int8; donor (sampling, cell) int64, the nearest trained
    basin; donor_alike, the trained basin with the most similar attributes (Euclidean distance,
    each in standard deviations over the trained basins).

    Raises
    ------
    ValueError
        if a sampling would have no basin to train on, validate or hold out.
    """
    n, region = len(np.asarray(lat)), np.asarray(region)
    order = np.random.default_rng(seed).permutation(n)
    sampled, test = {}, {}
    for name, wanted in samplings.items():
        out = _held_out(name, wanted, lat, lon, region, order, seed)
        pool = order[~np.isin(order, out)]
        sampled[name], test[name] = pool[: round(wanted.get("share", 1.0) * pool.size)], out
    all_train = [name for name, wanted in samplings.items() if not wanted.get("validate", True)]
    splits = splits_of(lat, lon, sampled, test, all_train)
    alike = np.stack([most_alike(attributes, np.flatnonzero(r == TRAIN)) for r in splits["role"]])
    about = {"long_name": "index of the trained basin with the most similar attributes"}
    return splits.assign(donor_alike=(("sampling", "cell"), alike, about))


def most_alike(attributes, among) -> np.ndarray:
    """Index of the basin with the most similar attributes among those listed.

    Parameters
    ----------
    attributes : (cell, attribute)
    among : (n,) indices of the basins to choose from; each attribute counts in standard deviations
        over these, and one that is the same in all of them does not count

    Returns
    -------
    (cell,) int64; a listed basin is its own.
    """
    values = np.asarray(attributes, dtype=np.float64)
    among = np.asarray(among, dtype=np.int64)
    if among.size == 0:
        raise ValueError("there is no trained basin to take parameters from")
    spread = values[among].std(axis=0)
    counts = spread > 1e-9 * np.maximum(np.abs(values[among]).max(axis=0), 1e-30)
    scaled = (values[:, counts] - values[among][:, counts].mean(axis=0)) / spread[counts]
    if not counts.any():
        scaled = np.zeros((len(values), 1))
    found = among[cKDTree(scaled[among]).query(scaled)[1]]
    found[among] = among
    return found


def _held_out(name, wanted, lat, lon, region, order, seed) -> np.ndarray:
    n = len(order)
    if "fold" in wanted:
        if wanted["of"] > n:
            raise ValueError(
                f"sampling {name}: {n} basins cannot be parted into {wanted['of']} folds: ask for "
                "fewer or give more basins"
            )
        out = np.array_split(order, wanted["of"])[wanted["fold"] - 1]
    elif "region" in wanted:
        out = np.flatnonzero(regions(lat, lon, wanted["of"], seed) == wanted["region"] - 1)
    elif "without" in wanted:
        out = np.flatnonzero(np.isin(region, wanted["without"]))
        absent = [code for code in wanted["without"] if not (region == code).any()]
        if absent:
            raise ValueError(
                f"sampling {name}: there is no basin in the region {', '.join(absent)}; there are "
                f"{', '.join(sorted({*region}))}"
            )
    else:
        out = np.array([], dtype=np.int64)
    return np.sort(out)
