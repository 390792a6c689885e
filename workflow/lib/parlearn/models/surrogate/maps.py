"""A surrogate that answers maps day by day, with the interface of a process model.

The "deep autoregressive" kind of Sun et al. (2024, section 3.2): an encoder-decoder turns the maps
of a day's weather, of the parameters and of its own answer for the day before into the maps of the
day. :mod:`parlearn.models.surrogate.fit_maps` trains it.

The paper's network knows of the past what the outputs of the day before say. Water deep in the soil
is none of them: so the mean of rain less what the air could take up, over the days of
:data:`~parlearn.plan.surrogates.PAST`, is a channel too.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
import xarray as xr
from torch import Tensor

from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.surrogate.features import Features, build_features
from parlearn.models.surrogate.model import (
    output_range,
    read_surrogate,
    scale_features,
    take_weights,
    write_surrogate,
)
from parlearn.networks.dense import DenseEncoderDecoder
from parlearn.networks.scalers import Scaler
from parlearn.plan.surrogates import PAST
from parlearn.study.grid import Grid, grid_of

#: runs side by side in a piece of simulate()
AT_ONCE = 32


class Surrogate(ProcessModel):
    """An autoregressive encoder-decoder bound to the features of a domain.

    Parameters
    ----------
    network : scaled maps of series, statics, mask, unit-cube parameters and the outputs of the day
        before, to scaled outputs
    scalers : dict of Scaler
        ``series``, ``static`` and ``outputs``.
    warmup : int
        Days run before a window, from mean outputs on.
    card : dict
        What it was fit on, and how well; JSON types.
    """

    whole = True

    def __init__(
        self,
        network: DenseEncoderDecoder,
        space: ParameterSpace,
        scalers: dict[str, Scaler],
        warmup: int,
        features: Features,
        domain: xr.Dataset,
        card: dict,
    ):
        self.network = network.eval().requires_grad_(False)
        self.network.zero_grad()  # gradients left from training
        self.space, self.scalers, self.warmup, self.card = space, scalers, warmup, card
        self.outputs = scalers["outputs"].names
        self.grid = grid_of_maps(domain)
        self.series, self.static = feature_maps(scalers, features, self.grid)
        self.n_days, self.n_cells = len(self.series), len(self.grid.index)
        self.low, self.width = output_range(domain, self.outputs)
        self.mean, self.std = (
            torch.tensor(getattr(scalers["outputs"], n)) for n in ("mean", "std")
        )

    @property
    def device(self) -> torch.device:
        return self.series.device

    def to(self, device: torch.device | str) -> "Surrogate":
        """Move weights and features."""
        self.network.to(device)
        for name in ("series", "static", "low", "width", "mean", "std", "grid"):
            setattr(self, name, getattr(self, name).to(device))
        return self

    def simulate(
        self, parameters: Tensor, cells: Tensor | None = None, days: slice | None = None
    ) -> Tensor:
        """See :meth:`ProcessModel.simulate`; ``cells``, where given, are all cells, in any order.

        Raises
        ------
        ValueError
            Also where some cells are left out: a map is answered whole.
        """
        first, last, step = (days or slice(None)).indices(self.n_days)
        if step != 1 or first >= last:
            raise ValueError(f"{days} is not a span of the {self.n_days} days of the timeline")
        everyone = torch.arange(self.n_cells)
        cells = everyone if cells is None else cells.cpu()
        if not torch.equal(cells.sort().values, everyone):
            raise ValueError(
                f"a surrogate that answers maps was asked for {len(cells)} of the "
                f"{self.n_cells} cells: let methods that work on whole maps learn through it, in a "
                "study that trains on all cells"
            )
        if parameters.shape[-2] != len(cells):
            raise ValueError(f"parameters of {parameters.shape[-2]} cells, {len(cells)} asked for")
        self.space.check(parameters.detach())
        lead = parameters.shape[:-2]
        unit = self.space.to_unit(parameters).reshape(-1, self.n_cells, len(self.space))
        order = cells.argsort().to(self.device)
        start = max(0, first - self.warmup)
        runs = [self._run(u[:, order], start, first, last) for u in unit.split(AT_ONCE)]
        natural = self.mean + self.std * torch.cat(runs)
        answer = self.low[:, None] + self.width[:, None] * natural
        return answer[:, cells.to(self.device)].reshape(*lead, -1, last - first, len(self.outputs))

    def _run(self, unit: Tensor, start: int, first: int, last: int) -> Tensor:
        """Scaled outputs (run, cell, day, output) from unit-cube parameters (run, cell, P)."""
        fixed = fixed_maps(self.static, unit, self.grid)
        state = fixed.new_zeros(len(unit), len(self.outputs), *self.grid.shape)
        answers = []
        for day in range(start, last):
            state = next_day(self.network, self.series[day], fixed, state)
            if day >= first:
                answers.append(self.grid.to_units(state))
        return torch.stack(answers, 1).permute(0, 3, 1, 2)

    def save(self, folder: str | Path) -> None:
        """Write weights.safetensors, scaler.json and card.json."""
        write_surrogate(self, folder, {"shape": self.card["shape"]})

    @classmethod
    def load(cls, folder: str | Path, domain: xr.Dataset, forcing: xr.Dataset) -> "Surrogate":
        """Read what :meth:`save` wrote and bind it to a domain with the same attributes."""
        content, scalers, space, card = read_surrogate(folder)
        network = map_network(scalers, space, **content["shape"])
        take_weights(network, folder)
        features = map_features(domain, forcing)
        return cls(network, space, scalers, content["warmup"], features, domain, card)


def grid_of_maps(domain: xr.Dataset) -> Grid:
    """The grid of a domain; ValueError where its units lie on none."""
    grid = grid_of(domain)
    if grid is None:
        raise ValueError(
            "the units of this study lie on no grid, and this surrogate answers maps: take one "
            "that works on units"
        )
    return grid


def map_features(domain: xr.Dataset, forcing: xr.Dataset) -> Features:
    """Features of :func:`build_features`, and means of rain less demand over the days of
    :data:`~parlearn.plan.surrogates.PAST`."""
    found = build_features(domain, forcing)
    index = found.series_names.index
    demand = found.series[..., [index("radiation term"), index("drying term")]].sum(-1)
    surplus = found.series[..., index("rain")].expm1() - demand
    past = torch.stack([_mean_of_last(surplus, days) for days in PAST], -1)
    return found._replace(
        series_names=(*found.series_names, *(f"surplus of {days} days" for days in PAST)),
        series_units=(*found.series_units, *("mm day-1",) * len(PAST)),
        series=torch.cat([found.series, past], -1),
    )


def _mean_of_last(values: Tensor, days: int) -> Tensor:
    """Mean (cell, day) of each day and those before it, of so many or as many as there are."""
    total = values.double().cumsum(1)
    before = torch.cat([torch.zeros_like(total[:, :days]), total[:, :-days]], 1)
    number = torch.arange(1, values.shape[1] + 1, dtype=torch.float64).clamp_max(days)
    return ((total - before[:, : values.shape[1]]) / number.to(values.device)).to(values.dtype)


def feature_maps(
    scalers: dict[str, Scaler], features: Features, grid: Grid
) -> tuple[Tensor, Tensor]:
    """Scaled series (day, n, y, x), and the mask with statics (1, 1 + n, y, x); zero in holes."""
    series, static = scale_features(scalers, features)
    mask = grid.mask.to(static)[None]
    fixed = torch.cat([mask, grid.to_map(static.T, fill=0.0)])[None]
    return grid.to_map(series.permute(1, 2, 0), fill=0.0), fixed


def fixed_maps(static: Tensor, unit: Tensor, grid: Grid) -> Tensor:
    """What stays the same all days of runs with unit-cube parameters (run, cell, P), mask first."""
    maps = grid.to_map(unit.transpose(1, 2) - 0.5, fill=0.0)
    return torch.cat([static.expand(len(unit), -1, -1, -1), maps], 1)


def next_day(network: DenseEncoderDecoder, series: Tensor, fixed: Tensor, state: Tensor) -> Tensor:
    """Scaled outputs (run, output, y, x) after ``state``, those of the day before; zero in holes.

    series : (n, y, x) of the day for all runs, or (run, n, y, x)
    """
    series = series.expand(len(fixed), -1, -1, -1)
    return network(torch.cat([series, fixed, state], 1)) * fixed[:, :1]


def map_network(
    scalers: dict[str, Scaler],
    space: ParameterSpace,
    first: int,
    growth: int,
    blocks: Sequence[int],
) -> DenseEncoderDecoder:
    """An untrained network for these inputs, parameters and outputs."""
    outputs = len(scalers["outputs"].names)
    channels = len(scalers["series"].names) + len(scalers["static"].names) + 1
    return DenseEncoderDecoder(
        channels + len(space) + outputs, outputs, first, growth, tuple(blocks)
    )
