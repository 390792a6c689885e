"""The split into training, validation and test cells, and the donors of uncalibrated cells.

Samplings are nested: a sparser one is a subset of every denser one, and a cell that validates in
one validates in all that contain it, so that a comparison of densities changes only the density.
"""

import numpy as np
import xarray as xr
from scipy.cluster.vq import kmeans2
from scipy.spatial import cKDTree

UNUSED, TRAIN, VALIDATE, TEST = 0, 1, 2, 3
#: every tenth sampled cell validates, starting with the second
VALIDATION_STRIDE = 10
#: the spatial test cell of a grid lies this many rows north and columns east of the sampled cell
NEIGHBOUR = 3


def nearest(lat, lon, among) -> np.ndarray:
    """Index of the nearest cell, by great-circle distance, among those listed.

    Parameters
    ----------
    lat, lon : (cell,) degrees
    among : (n,) indices of the cells to choose from, not empty

    Returns
    -------
    (cell,) int64 indices into the cells; a listed cell is its own nearest.
    """
    # the chord through the Earth grows with the great-circle distance, so it finds the same cell
    points = on_sphere(lat, lon)
    among = np.asarray(among, dtype=np.int64)
    if among.size == 0:
        raise ValueError("there is no trained cell to take parameters from")
    return among[cKDTree(points[among]).query(points)[1]]


def scattered_splits(lat, lon, samplings: dict, seed: int, test_share=0.2) -> xr.Dataset:
    """Splits of scattered cells, by what each sampling is.

    ``samplings`` are shares (:func:`random_splits`) and folds (:func:`region_splits`), by name; the
    other arguments and the result are theirs.
    """
    folds = {name: value for name, value in samplings.items() if isinstance(value, dict)}
    shares = {name: value for name, value in samplings.items() if name not in folds}
    parts = [random_splits(lat, lon, shares, seed, test_share)] if shares else []
    parts += [region_splits(lat, lon, folds, seed)] if folds else []
    both = xr.concat(parts, "sampling", combine_attrs="override")
    return both.sel(sampling=list(samplings))


def random_splits(lat, lon, shares: dict[str, float], seed: int, test_share=0.2) -> xr.Dataset:
    """Splits of scattered cells: a fixed share held out, the others thinned at random.

    Parameters
    ----------
    lat, lon : (cell,) degrees
    shares : name of a sampling -> its share of the cells that are not held out, e.g. {"d4": 0.25}
    seed : of the one random order of the cells behind all samplings
    test_share : share of the cells held out in every sampling

    Returns
    -------
    xarray.Dataset: role (sampling, cell) int8, donor (sampling, cell) int64.

    Raises
    ------
    ValueError
        if a sampling would have no training or no validation cell.
    """
    n = len(np.asarray(lat))
    _check_shares(shares, test_share)
    order = np.random.default_rng(seed).permutation(n)
    n_test = max(1, round(test_share * n))
    test, pool = order[:n_test], order[n_test:]
    sampled = {name: pool[: round(share * pool.size)] for name, share in shares.items()}
    return splits_of(lat, lon, sampled, dict.fromkeys(shares, test))


def region_splits(lat, lon, folds: dict[str, dict[str, int]], seed: int) -> xr.Dataset:
    """Splits that leave out a whole region each: harder than cells held out among others.

    Regions are k-means clusters of the cells' coordinates, so a test cell lies far from most cells
    trained on. Folds of one number of regions part the cells among them.

    Parameters
    ----------
    lat, lon : (cell,) degrees
    folds : name of a sampling -> {"region": which, from 1, "of": how many}
    seed : of the clusters and of the choice of validation cells

    Returns
    -------
    As :func:`random_splits`.
    """
    order = np.random.default_rng(seed).permutation(len(np.asarray(lat)))
    sampled, test = {}, {}
    for name, fold in folds.items():
        inside = regions(lat, lon, fold["of"], seed) == fold["region"] - 1
        sampled[name], test[name] = order[~inside[order]], np.flatnonzero(inside)
    return splits_of(lat, lon, sampled, test)


def regions(lat, lon, number: int, seed: int) -> np.ndarray:
    """Region of each cell (cell,), 0 to number - 1 from west to east: k-means on the sphere.

    The best of ten starts, by the distance to the centres. ValueError where there are fewer cells
    than regions.
    """
    points = on_sphere(lat, lon)
    if len(points) < number:
        raise ValueError(f"{len(points)} cells cannot be parted into {number} regions")
    best, region = np.inf, None
    for start in range(10):
        rng = np.random.default_rng([seed, start])
        centres, found = kmeans2(points, number, iter=100, minit="++", missing="raise", rng=rng)
        spread = np.square(points - centres[found]).sum()
        if spread < best:
            best, region = spread, found
    west_to_east = np.argsort([np.median(np.asarray(lon)[region == k]) for k in range(number)])
    return np.argsort(west_to_east)[region]


def grid_splits(lat, lon, row, col, patches: dict[str, int], seed: int) -> xr.Dataset:
    """Splits of a grid: one cell of each n x n patch, its neighbour to the north-east as test.

    The sampled cell is the south-west corner of its patch; a patch whose corner is missing from the
    domain has none, and a neighbour that is missing is no test cell. Tsai et al. (2021, fig. S1).

    Parameters
    ----------
    lat, lon : (cell,) degrees
    row, col : (cell,) integers; rows count from the north or the south, columns from the west
    patches : name of a sampling -> n; each n divides the next larger one and is above 3, or 1:
        every cell, none of them held out
    seed : of the random choice of validation cells

    Returns
    -------
    As :func:`random_splits`.
    """
    lat, row, col = np.asarray(lat, float), np.asarray(row), np.asarray(col)
    sizes = sorted(patches.values(), reverse=True)
    if any(1 < size <= NEIGHBOUR for size in sizes) or any(a % b for a, b in zip(sizes, sizes[1:])):
        raise ValueError(
            f"patches {patches}: each size must divide the next larger one and be 1 or above "
            f"{NEIGHBOUR}, or samplings would not be nested and test cells could be trained on"
        )
    northward = lat[row.argmax()] >= lat[row.argmin()]  # rows count from the south
    north = row - row.min() if northward else row.max() - row
    east = col - col.min()

    def at(size, offset):
        return (north % size == offset) & (east % size == offset)

    shuffled = np.random.default_rng(seed).permutation(row.size)
    # coarse samplings first: each sampling is then a beginning of the next one's order
    order = np.argsort(
        -sum(at(size, 0).astype(int) for size in set(sizes))[shuffled], kind="stable"
    )
    order = shuffled[order]
    sampled = {name: order[at(size, 0)[order]] for name, size in patches.items()}
    test = {}
    for name, size in patches.items():
        if size == 1:
            test[name] = np.array([], dtype=np.int64)
            continue
        corners = {(int(north[c]), int(east[c])) for c in sampled[name]}
        test[name] = np.array(
            [
                c
                for c in np.flatnonzero(at(size, NEIGHBOUR))
                if (int(north[c]) - NEIGHBOUR, int(east[c]) - NEIGHBOUR) in corners
            ],
            dtype=np.int64,
        )
    return splits_of(lat, lon, sampled, test)


def keep_used(domain: xr.Dataset, *others: xr.Dataset) -> tuple[xr.Dataset, ...]:
    """Drop the cells that no sampling uses, from the domain and from other files of the study.

    ``donor`` is renumbered. A large grid shrinks to the cells that are run: one in eight at s4.
    """
    used = np.flatnonzero((domain["role"].values != UNUSED).any(axis=0))
    place = np.full(domain.sizes["cell"], -1)
    place[used] = np.arange(used.size)
    kept = domain.isel(cell=used)
    kept["donor"] = kept["donor"].copy(data=place[kept["donor"].values])
    return kept, *(other.isel(cell=used) for other in others)


def on_sphere(lat, lon) -> np.ndarray:
    """Places (cell, 3) on the unit sphere."""
    phi, lam = np.deg2rad(np.asarray(lat, float)), np.deg2rad(np.asarray(lon, float))
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def _check_shares(shares, test_share):
    if not 0 < test_share < 1:
        raise ValueError(f"the share of test cells is {test_share}; it must lie between 0 and 1")
    wrong = {name: share for name, share in shares.items() if not 0 < share <= 1}
    if wrong:
        raise ValueError(f"shares of the training cells must lie above 0 and up to 1, not {wrong}")


def splits_of(lat, lon, sampled, test, without_validation=()) -> xr.Dataset:
    """Roles and donors from the ordered sampled cells and the test cells of each sampling.

    In the samplings named ``without_validation`` all sampled cells train.
    """
    n = len(np.asarray(lat))
    role = np.full((len(sampled), n), UNUSED, dtype=np.int8)
    donor = np.empty((len(sampled), n), dtype=np.int64)
    for k, (name, cells) in enumerate(sampled.items()):
        if cells.size < (1 if name in without_validation else 2):
            raise ValueError(
                f"sampling {name} has {cells.size} of {n} cells; it needs two at least, one to "
                "train on and one to validate. Use a larger domain or a denser sampling"
            )
        role[k, cells] = TRAIN
        if name not in without_validation:
            role[k, cells[1::VALIDATION_STRIDE]] = VALIDATE
        role[k, test[name]] = TEST
        donor[k] = nearest(lat, lon, np.flatnonzero(role[k] == TRAIN))
    dims = ("sampling", "cell")
    meaning = {
        "long_name": "what the cell is used for",
        "flag_values": np.array([UNUSED, TRAIN, VALIDATE, TEST], dtype=np.int8),
        "flag_meanings": "unused train validate test",
    }
    return xr.Dataset(
        {
            "role": (dims, role, meaning),
            "donor": (dims, donor, {"long_name": "index of the nearest trained cell"}),
        },
        coords={"sampling": np.array(list(sampled), dtype=str)},
    )
