"""The settings of a twin, checked before anything is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date

import numpy as np
import pandas as pd

from parlearn.plan.places import PLACES
from parlearn.study.splits import NEIGHBOUR

#: one independent random stream for each, in this order: append only, or every twin changes
PURPOSES = (
    "terrain",
    "climate",
    "soil",
    "cover",
    "storms",
    "clouds",
    "temperature",
    "humidity",
    "wind",
    "parameters",
    "soil_moisture",
    "evapotranspiration",
)


@dataclass(frozen=True)
class TwinConfig:
    """What a twin is made from.

    Attributes
    ----------
    rows, cols : size of the grid, row 0 in the south, column 0 in the west.
    years : years of record after the spin-up year, from ``start``.
    seed : the whole twin follows from it.
    start : first day of the record (ISO date); one more year of weather lies before it.
    place : where it lies (:data:`parlearn.plan.places.PLACES`), which sets the cells' size.
    hidden_share : share of the variance of the true parameters that attributes do not tell.
    sm_noise : standard deviation (m3 m-3) of the random error of a soil-moisture retrieval. The
        mission's requirement of 0.04 is met at its core validation sites (Colliander et al. 2017,
        doi:10.1016/j.rse.2017.01.021), the error of the ground measurements included, so less is
        left for the retrieval itself; 0.03 is our choice.
    sm_slope, sm_offset : systematic error, one line for the whole region (1 and 0 for none).
    et_noise : coefficient of variation of the error of a day's observed evapotranspiration.
    """

    rows: int = 48
    cols: int = 64
    years: int = 4
    seed: int = 1
    start: str = "2015-04-01"
    place: str = "plains"
    hidden_share: float = 0.25
    sm_noise: float = 0.03
    sm_slope: float = 0.9
    sm_offset: float = 0.02
    et_noise: float = 0.25

    def __post_init__(self):
        if self.place not in PLACES:
            raise ValueError(
                f"source.place = {self.place!r} is none of {', '.join(PLACES)}: choose one"
            )
        for name in ("rows", "cols", "years", "seed"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise ValueError(f"source.{name} = {value!r}: a whole number is needed")
        for name, lowest, highest in (
            ("rows", 4, 160),
            ("cols", 4, 240),
            ("years", 2, 30),
            ("seed", 0, 2**32 - 1),
            ("hidden_share", 0.0, 1.0),
            ("sm_noise", 0.0, 0.2),
            ("sm_slope", 0.2, 2.0),
            ("sm_offset", -0.2, 0.2),
            ("et_noise", 0.0, 1.0),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"source.{name} = {value!r}: a number is needed")
            if not lowest <= value <= highest:
                raise ValueError(
                    f"source.{name} = {value} is outside {lowest} to {highest}"
                    + (": one year to train on and one to test" if name == "years" else "")
                )
        try:
            first = date.fromisoformat(str(self.start))
        except ValueError as error:
            raise ValueError(
                f"source.start = {self.start!r} is not a date: write it as 2015-04-01"
            ) from error
        if (first.month, first.day) == (2, 29):
            raise ValueError("source.start = 29 February is no day a year earlier: take another")

    @classmethod
    def from_mapping(cls, mapping: Mapping) -> "TwinConfig":
        """From the ``source`` part of a configuration (its key ``name`` is left aside)."""
        known = {f.name for f in fields(cls)}
        given = {key: value for key, value in mapping.items() if key != "name"}
        if unknown := sorted(set(given) - known):
            raise ValueError(
                f"source (twin): unknown key {', '.join(unknown)}; "
                f"known are {', '.join(sorted(known))}"
            )
        return cls(**given)

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.cols

    @property
    def time(self) -> pd.DatetimeIndex:
        """All days: the spin-up year, then the record."""
        first = pd.Timestamp(str(self.start))
        return pd.date_range(
            first - pd.DateOffset(years=1),
            first + pd.DateOffset(years=self.years) - pd.Timedelta(days=1),
            freq="D",
            unit="ns",
        )

    def generators(self) -> dict[str, np.random.Generator]:
        """A generator for each purpose, independent of how much the others draw."""
        streams = np.random.SeedSequence(self.seed).spawn(len(PURPOSES))
        return {name: np.random.default_rng(s) for name, s in zip(PURPOSES, streams, strict=True)}

    def check_patches(self, patches: Mapping[str, int]) -> None:
        """Refuse a grid in which a sampled cell of a patch, or its neighbour, has no place.

        ``patches`` maps the name of a sampling to n: it takes the south-western cell of each n x n
        patch, and tests in the cell so many rows north and columns east as
        :data:`parlearn.study.splits.NEIGHBOUR` says.
        """
        for name, n in patches.items():
            if n == 1:  # every cell, and no neighbours
                continue
            for key, size in (("rows", self.rows), ("cols", self.cols)):
                beyond = (size - 1) // n * n + NEIGHBOUR + 1  # where the last neighbour ends
                if size < beyond:
                    raise ValueError(
                        f"source.{key} = {size} has no room for sampling {name} and its "
                        f"neighbours: the last of its {n} x {n} patches needs {beyond}. Raise "
                        f"source.{key} to that, or to a multiple of {n}, or drop the sampling"
                    )
            if -(-self.rows // n) * -(-self.cols // n) < 2:
                raise ValueError(
                    f"sampling {name} finds one {n} x {n} patch in {self.rows} x {self.cols} "
                    "cells and needs two at least: raise source.rows or source.cols, or drop the "
                    "sampling"
                )
