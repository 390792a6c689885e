"""Elevation of a place, from a coarse public grid, for sources that come without one."""

from pathlib import Path

import numpy as np
from scipy.interpolate import RegularGridInterpolator

GRID = Path(__file__).resolve().parents[4] / "resources" / "elevation" / "etopo5_conus.csv"


def elevation(lat, lon, path: Path = GRID) -> np.ndarray:
    """Mean elevation (m) around each place, linear between the 20-minute means of ETOPO5.

    Parameters
    ----------
    lat, lon : (cell,) degrees north, degrees east (-180..180)
    path : grid in the form of resources/elevation/etopo5_conus.csv

    Raises
    ------
    ValueError
        where a place lies off the grid, which covers the conterminous United States only.
    """
    with open(path, encoding="utf-8") as stream:
        grid_lon = np.array(stream.readline().strip().split(",")[1:], dtype=np.float64)
        table = np.loadtxt(stream, delimiter=",", ndmin=2)
    grid_lat, values = table[::-1, 0], table[::-1, 1:]
    places = np.stack([np.asarray(lat, float), np.asarray(lon, float)], axis=-1)
    lower, upper = (grid_lat[0], grid_lon[0]), (grid_lat[-1], grid_lon[-1])
    outside = ~((places >= lower) & (places <= upper)).all(axis=-1)
    if outside.any():
        raise ValueError(
            f"{int(outside.sum())} places lie off the elevation grid {path} "
            f"({lower[0]:.1f}..{upper[0]:.1f} N, {lower[1]:.1f}..{upper[1]:.1f} E); the first is "
            f"{places[outside][0][0]:g} N, {places[outside][0][1]:g} E"
        )
    return RegularGridInterpolator((grid_lat, grid_lon), values)(places)
