"""The network that fills gaps of soil moisture, and its training; see :mod:`parlearn.gaps.fill`."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path

import torch
from torch import Tensor, nn

from parlearn.gaps.series import hide_blocks, interpolate
from parlearn.networks import LSTM
from parlearn.networks.scalers import encode_gaps
from parlearn.networks.training import Training
from parlearn.study.tensors import Study

#: share of the observations hidden in a training step
HIDDEN = 0.3
#: largest norm of a gradient that is followed in full
CLIP = 1.0
#: the logit of moisture nearer to 0 or 1 than this is not taken
EDGE = 1e-3
#: cells filled at once
BATCH = 256


@dataclass(frozen=True)
class FillSettings:
    """Choices of a filling: the key ``gap_filling`` of a configuration.

    hidden : size of the LSTM
    epochs : passes over the training cells' days
    batch, window : cells and days of a training step
    held_out : share of the observations withheld to judge the filling
    seed : of what is withheld, first weights and batches
    learning_rate : at first; it falls to 0 along a cosine
    """

    hidden: int
    epochs: int
    batch: int
    window: int
    held_out: float
    seed: int
    learning_rate: float = 0.01

    def __post_init__(self):
        for name in ("hidden", "epochs", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"gap_filling: {name} = {getattr(self, name)}; at least 1 is due")
        if self.window < 2:
            raise ValueError(f"gap_filling: window = {self.window}; at least 2 days are due")
        if not 0 < self.held_out < 1:
            raise ValueError(
                f"gap_filling: held_out = {self.held_out}; it must lie above 0 and below 1"
            )
        if not self.learning_rate > 0:
            raise ValueError(
                f"gap_filling: learning_rate = {self.learning_rate}; it must be above 0"
            )

    @classmethod
    def from_dict(cls, values: Mapping) -> "FillSettings":
        """Settings from a config; ValueError naming a key that is unknown or missing."""
        known = [f.name for f in fields(cls)]
        unknown = [key for key in values if key not in known]
        if unknown:
            raise ValueError(f"gap_filling: unknown key {unknown[0]!r}; there are {known}")
        missing = [f.name for f in fields(cls) if f.default is MISSING and f.name not in values]
        if missing:
            raise ValueError(f"gap_filling: {', '.join(missing)} is missing in the configuration")
        return cls(**values)


def before(series: Tensor) -> Tensor:
    """The last earlier observation, its age and a flag for each day of a series: (cell, day, 3).

    The last value observed before the day (0 without one), its age as :func:`encode_gaps` counts
    it (0 where it is of the day before) and a flag, 1 where there is one and 0 where there never
    was.
    """
    known = encode_gaps(series)
    known[..., 2] = torch.isfinite(series).cumsum(1).clamp_max(1)
    nothing = known.new_tensor([0.0, 1.0, 0.0]).expand(len(known), 1, 3)
    return torch.cat([nothing, known[:, :-1]], dim=1)


class GapFiller(nn.Module):
    """Moisture of each day from weather, attributes and the observations beside the day.

    ``mean`` and ``std`` are those of the observations that it trains on.
    """

    def __init__(self, n_series: int, n_static: int, hidden: int, mean: float, std: float):
        super().__init__()
        self.network = LSTM(n_series + 6, 1, hidden, n_static=n_static)
        self.mean, self.std = mean, std

    def forward(self, series: Tensor, static: Tensor, seen: Tensor) -> Tensor:
        """(n, day) in m3 m-3, above 0 and below 1, from normalised forcing and attributes.

        series : (n, day, variable); static : (n, attribute)
        seen : (n, day) the observations that may be looked at, m3 m-3, NaN = gap
        """
        scaled = (seen - self.mean) / (self.std or 1.0)
        beside = [before(scaled), before(scaled.flip(1)).flip(1)]
        line = torch.nan_to_num(interpolate(seen), nan=self.mean).clamp(EDGE, 1 - EDGE)
        correction, _ = self.network(torch.cat([series, *beside], dim=-1), static)
        # one unit of the network's answer is about one standard deviation of the observations
        slope = self.std / (self.mean * (1 - self.mean))
        return torch.sigmoid(torch.logit(line) + slope * correction[..., 0])


def train(
    study: Study,
    settings: FillSettings,
    checkpoint: str | Path | None,
    identity: Mapping,
    label: str,
) -> tuple[GapFiller, list[float]]:
    """The network trained on the study's training cells, and the loss of each epoch.

    The loss is the mean squared error of hidden observations over the variance of all. An epoch is
    about as many days as the training cells have.
    """
    cells, days = study.cells("train"), study.training_days
    view = study.observations[:, study.training, 0]
    scaler = study.scalers.observations
    torch.manual_seed(settings.seed)
    filler = GapFiller(
        study.raw_forcing.shape[-1],
        study.raw_attributes.shape[-1],
        settings.hidden,
        scaler.mean[0],
        scaler.std[0],
    ).to(study.device)
    series, static = study.scalers.forcing.apply(study.raw_forcing), study.attributes
    steps = max(1, round(len(cells) * days / (settings.batch * settings.window)))
    optimizer = torch.optim.Adam(filler.parameters(), lr=settings.learning_rate)
    training = Training(
        filler,
        optimizer,
        settings.epochs,
        scheduler=torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.epochs * steps),
        generator=torch.Generator(study.device).manual_seed(settings.seed),
        checkpoint=checkpoint,
        identity={"settings": asdict(settings), "cells": cells.tolist(), **identity},
        label=label,
    )
    filler.train()
    options = {"generator": training.generator, "device": study.device}
    for _ in training:
        losses = []
        for _ in range(steps):
            cell = cells[torch.randint(len(cells), (settings.batch,), **options)]
            day = torch.randint(days - settings.window + 1, (settings.batch, 1), **options)
            day = day + torch.arange(settings.window, device=study.device)
            observed = view[cell[:, None], day]
            hidden = hide_blocks(torch.isfinite(observed), HIDDEN, training.generator)
            answer = filler(
                series[cell[:, None], day], static[cell], torch.where(hidden, torch.nan, observed)
            )
            error = (answer[hidden] - observed[hidden]) / (filler.std or 1.0)
            # a batch without observations has a sum over nothing, 0, and no gradient
            loss = error.square().sum() / hidden.sum().clamp_min(1)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(filler.parameters(), CLIP)
            optimizer.step()
            training.scheduler.step()
            losses.append(loss.detach())
        training.record(torch.stack(losses).mean().item())
    # the rate has fallen to 0: the last weights are the ones to take
    return filler.eval(), [row["train_loss"] for row in training.history]


@torch.no_grad()
def apply(filler: GapFiller, study: Study, view: Tensor) -> Tensor:
    """Moisture (cell, training day) of every cell as the network gives it, on the CPU."""
    parts = [
        filler(
            study.scalers.forcing.apply(study.raw_forcing[some]), study.attributes[some], view[some]
        )
        for some in torch.arange(len(view), device=view.device).split(BATCH)
    ]
    values = torch.cat(parts).cpu()
    if not torch.isfinite(values).all():
        raise FloatingPointError(
            f"gap_filling: {int((~torch.isfinite(values)).sum())} filled values are not numbers; "
            "lower the learning rate"
        )
    return values
