"""Smooth random fields on a regular grid, alone or evolving from day to day.

A Gaussian covariance in space is the product of one covariance along the rows and one along the
columns, so a field is ``F_row @ noise @ F_col.T`` with the factors of two small matrices. This is
exact on a grid of any size: no padding, and no field that meets itself at the opposite edge.
"""

import numpy as np
from scipy.signal import lfilter


def axis_factor(n: int, length: float) -> np.ndarray:
    """Factor F (n, rank) of exp(-d^2 / (2 length^2)) over n points, with rows of unit norm.

    ``length`` is in grid cells. Directions with less than 1e-4 of the largest variance are left
    out, which keeps the rank small where the field is smooth.
    """
    distance = np.subtract.outer(np.arange(n), np.arange(n))
    values, vectors = np.linalg.eigh(np.exp(-0.5 * (distance / length) ** 2))
    keep = values > 1e-4 * values[-1]
    factor = vectors[:, keep] * np.sqrt(values[keep])
    return (factor / np.linalg.norm(factor, axis=1, keepdims=True)).astype(np.float32)


def random_fields(
    rng: np.random.Generator, n: int, shape: tuple[int, int], scales: dict[float, float]
) -> np.ndarray:
    """n independent fields (n, rows, cols) of zero mean and unit variance.

    ``scales`` maps a length in grid cells to its share of the variance; the shares are normalised.
    """
    total = sum(scales.values())
    out = np.zeros((n, *shape), dtype=np.float32)
    for length, share in scales.items():
        by_row, by_col = axis_factor(shape[0], length), axis_factor(shape[1], length)
        size = (n, by_row.shape[1], by_col.shape[1])
        noise = rng.standard_normal(size, dtype=np.float32)
        out += np.sqrt(share / total, dtype=np.float32) * (by_row @ noise @ by_col.T)
    return out


def evolving_field(
    rng: np.random.Generator,
    days: int,
    shape: tuple[int, int],
    scales: dict[float, float],
    persistence: float,
) -> np.ndarray:
    """A field (day, cell) with unit variance, AR(1) in time with lag-1 correlation ``persistence``.

    Cells are in row-major order.
    """
    noise = random_fields(rng, days, shape, scales).reshape(days, -1)
    noise[1:] *= np.float32(np.sqrt(1 - persistence**2))  # the first day is drawn stationary
    one, feedback = np.float32([1.0]), np.float32([1.0, -persistence])
    return lfilter(one, feedback, noise, axis=0).astype(np.float32, copy=False)
