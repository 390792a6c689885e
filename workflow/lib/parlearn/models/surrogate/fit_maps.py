"""Training the surrogate that answers maps, on runs of a process model for all cells at once.

Sun et al. (2024, section 3.2), after Mo et al. (2019): from the outputs of the day before, the
network learns the next. One step ahead is not what it is used for: run from its own answers it
drifts. So it is trained on a few days in a row, each from its own answer for the day before, the
first from the process model's. Their Adam (5e-3, weight decay 5e-5) is kept; the rate follows one
cycle over the iterations, as the LSTM's does, where theirs is cut when nothing more is gained.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn import functional

from parlearn.models.base import ParameterSpace
from parlearn.models.surrogate.fit import (
    CLIP,
    EPOCH,
    RISE,
    Samples,
    digest,
    natural_outputs,
)
from parlearn.models.surrogate.maps import (
    Surrogate,
    feature_maps,
    fixed_maps,
    grid_of_maps,
    map_features,
    map_network,
    next_day,
)
from parlearn.networks.dense import DenseEncoderDecoder
from parlearn.networks.scalers import Scaler
from parlearn.networks.training import Training
from parlearn.plan.surrogates import PAST
from parlearn.study.grid import Grid

__all__ = ["SurrogateSettings", "fit_surrogate"]


@dataclass(frozen=True)
class SurrogateSettings:
    """Sizes and budget; defaults of Mo et al. (2019), which suit a GPU.

    ``first``, ``growth`` and ``blocks`` as in
    :class:`~parlearn.networks.dense.DenseEncoderDecoder`; ``rollout`` days in a row in training,
    ``warmup`` days before a window when it is used. ``learning_rate`` is the peak of a one-cycle
    schedule.
    """

    first: int = 48
    growth: int = 40
    blocks: tuple[int, int, int] = (5, 10, 5)
    iterations: int = 4000
    batch: int = 8
    rollout: int = 5
    warmup: int = 60
    learning_rate: float = 5e-3
    weight_decay: float = 5e-5

    def __post_init__(self):
        for name in ("iterations", "batch", "rollout"):
            if getattr(self, name) < 1:
                raise ValueError(f"surrogate: {name} must be at least 1, got {getattr(self, name)}")
        if self.batch == 1:
            raise ValueError("surrogate: batch must be at least 2, for batch normalisation")
        if self.warmup < 0 or self.weight_decay < 0:
            raise ValueError(
                f"surrogate: warmup = {self.warmup} and weight_decay = {self.weight_decay} must "
                "not be negative"
            )
        if not self.learning_rate > 0:
            raise ValueError(f"surrogate: learning_rate must be above 0, got {self.learning_rate}")

    @property
    def shape(self) -> dict:
        return {"first": self.first, "growth": self.growth, "blocks": list(self.blocks)}


def fit_surrogate(
    domain: xr.Dataset,
    forcing: xr.Dataset,
    samples: Samples,
    space: ParameterSpace,
    settings: SurrogateSettings,
    *,
    spans: Sequence[slice],
    seed: int,
    device: torch.device | str = "cpu",
    start: Surrogate | None = None,
    checkpoint: str | Path | None = None,
) -> Surrogate:
    """Train a surrogate on samples; arguments as of
    :func:`parlearn.models.surrogate.fit.fit_surrogate`.

    Raises
    ------
    ValueError
        Where the samples are not of all cells, no span has room for a rollout, or ``start`` is of
        another shape.
    """
    clock = time.monotonic()
    torch.manual_seed(seed)
    grid = grid_of_maps(domain)
    if samples.cells.tolist() != list(range(len(grid.index))):
        raise ValueError(
            f"a surrogate that answers maps learns from runs of all {len(grid.index)} cells, and "
            f"these are of {len(samples.cells)}: set simulate.cells to all"
        )
    begins = first_days(
        [slice(*span.indices(samples.outputs.shape[2])[:2]) for span in spans], settings.rollout
    )
    features, everything = map_features(domain, forcing), slice(None)
    targets = natural_outputs(samples, domain, everything)
    known = torch.cat([targets[:, :, span][:, :, ::7] for span in spans], 2)  # a day a week will do
    if start is None:
        units = [""] * len(samples.names)
        scalers = {
            "series": Scaler.fit(features.series, features.series_names, features.series_units),
            "static": Scaler.fit(features.static, features.static_names, features.static_units),
            "outputs": Scaler.fit(known, samples.names, units),
        }
    else:
        scalers = start.scalers
    network = map_network(scalers, space, **settings.shape)
    if start is not None:
        if start.card["shape"] != settings.shape:
            raise ValueError(
                f"surrogate: cannot go on from a network of {start.card['shape']} with "
                f"{settings.shape}"
            )
        network.load_state_dict(start.network.state_dict())
    for k, (mean, std) in enumerate(zip(scalers["outputs"].mean, scalers["outputs"].std)):
        targets[..., k].sub_(mean).div_(std or 1.0)
    series, static = feature_maps(scalers, features, grid)
    identity = {
        "settings": asdict(settings),
        "seed": seed,
        "data": digest(
            series, static, samples.parameters, targets, begins, *network.state_dict().values()
        ),
    }
    rollouts = _Rollouts(
        *(x.to(device) for x in (series, static, samples.parameters, targets, begins)),
        grid.to(device),
    )
    network.to(device).train()
    history = _train(network, rollouts, settings, seed, checkpoint, identity)
    dates = forcing["time"].values.astype("datetime64[D]")
    card = {
        "settings": asdict(settings) | {"blocks": list(settings.blocks)},
        "shape": settings.shape,
        "seed": seed,
        "parameter_sets": samples.parameters.shape[0],
        "cells": samples.parameters.shape[1],
        "days": [
            [str(dates[first]), str(dates[last - 1])]
            for first, last, _ in (span.indices(len(dates)) for span in spans)
        ],
        "weights": sum(p.numel() for p in network.parameters()),
        "seconds": round(time.monotonic() - clock, 1),
        "loss": [round(row["train_loss"], 6) for row in history],
    }
    surrogate = Surrogate(network, space, scalers, settings.warmup, features, domain, card)
    return surrogate.to(device)


def first_days(spans: Sequence[slice], rollout: int) -> Tensor:
    """Days on which a rollout may begin: it, and all that its inputs know of, lies in one span."""
    before = max(PAST)
    firsts = [
        torch.arange(s.start + before, s.stop - rollout + 1)
        for s in spans
        if s.stop - s.start >= before + rollout
    ]
    if not firsts:
        longest = max((span.stop - span.start for span in spans), default=0)
        raise ValueError(
            f"surrogate: rollout {rollout} days and the {before} before it do not fit into the "
            f"{longest} days to learn from; shorten it"
        )
    return torch.cat(firsts)


@dataclass(frozen=True)
class _Rollouts:
    """Scaled inputs (day, n, y, x) and targets (set, cell, day, output) on the device."""

    series: Tensor
    static: Tensor
    parameters: Tensor
    targets: Tensor
    first_days: Tensor
    grid: Grid

    def draw(self, settings: SurrogateSettings, generator: torch.Generator):
        """Random sets and first days: series (day, run, n, y, x), fixed maps, outputs of the day
        before, targets (day, run, output, cell)."""
        device = self.series.device
        which, place = (
            torch.randint(n, (settings.batch,), generator=generator, device=device)
            for n in (len(self.targets), len(self.first_days))
        )
        first = self.first_days[place]
        days = first + torch.arange(settings.rollout, device=device)[:, None]
        wanted = self.targets[which[None], :, days].transpose(2, 3)
        before = self.targets[which, :, first - 1].transpose(1, 2)
        fixed = fixed_maps(self.static, self.parameters[which], self.grid)
        return self.series[days], fixed, self.grid.to_map(before, fill=0.0), wanted


def _train(
    network: DenseEncoderDecoder,
    rollouts: _Rollouts,
    settings: SurrogateSettings,
    seed: int,
    checkpoint: str | Path | None,
    identity: dict,
) -> list[dict]:
    generator = torch.Generator(rollouts.series.device).manual_seed(seed)
    optimizer = torch.optim.Adam(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=settings.iterations, pct_start=RISE
    )
    training = Training(
        network,
        optimizer,
        epochs=-(-settings.iterations // EPOCH),
        scheduler=schedule,
        generator=generator,
        checkpoint=checkpoint,
        identity=identity,
        label="surrogate of maps",
    )
    for epoch in training:
        losses = []
        for _ in range(min(EPOCH, settings.iterations - EPOCH * (epoch - 1))):
            series, fixed, state, wanted = rollouts.draw(settings, generator)
            loss = 0.0
            for of_day, target in zip(series, wanted, strict=True):
                state = next_day(network, of_day, fixed, state)
                loss = loss + functional.mse_loss(rollouts.grid.to_units(state), target)
            loss = loss / len(wanted)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())
        training.record(torch.stack(losses).mean().item())
    training.discard_checkpoint()
    return training.history
