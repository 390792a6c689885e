"""Training the LSTM surrogate on runs of a process model, and scoring it on runs kept aside.

Tsai et al. (2021, Methods): a network learns what VIC answers to forcing, attributes and
parameters, and then stands in for it, differentiable. It may see the forcing of all cells;
observations never.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn import functional

from parlearn.metrics import point
from parlearn.models.base import ParameterSpace
from parlearn.models.surrogate.features import build_features
from parlearn.models.surrogate.model import (
    Surrogate,
    output_range,
    scale_features,
    surrogate_network,
)
from parlearn.networks import LSTM
from parlearn.networks.scalers import Scaler
from parlearn.networks.training import Training

__all__ = [
    "Samples",
    "Surrogate",
    "SurrogateSettings",
    "fit_surrogate",
    "gather_samples",
    "judge_surrogate",
    "median_skill",
    "spans_outside",
]

#: iterations between checkpoints
EPOCH = 100
#: share of the iterations in which the learning rate rises to its peak, before it falls to nothing
RISE = 0.1
#: largest norm of a gradient that is followed in full
CLIP = 1.0


@dataclass(frozen=True)
class SurrogateSettings:
    """Sizes and budget of a surrogate.

    A sequence in training is ``warmup`` days, run without gradients and left out of the loss, and
    then ``window`` days. ``learning_rate`` is the peak of a one-cycle schedule.
    """

    hidden: int = 64
    iterations: int = 4000
    batch: int = 32
    window: int = 240
    warmup: int = 120
    learning_rate: float = 0.01
    dropout: float = 0.0

    def __post_init__(self):
        for name in ("hidden", "iterations", "batch", "window"):
            if getattr(self, name) < 1:
                raise ValueError(f"surrogate: {name} must be at least 1, got {getattr(self, name)}")
        if self.warmup < 0:
            raise ValueError(f"surrogate: warmup must not be negative, got {self.warmup}")
        if not self.learning_rate > 0:
            raise ValueError(f"surrogate: learning_rate must be above 0, got {self.learning_rate}")


@dataclass(frozen=True)
class Samples:
    """Runs of a process model.

    Attributes
    ----------
    parameters : (sample, cell, parameter) in the unit cube
    outputs : (sample, cell, day, output) in physical units
    cells : (cell,) indices in the domain
    names : of the outputs
    """

    parameters: Tensor
    outputs: Tensor
    cells: Tensor
    names: tuple[str, ...]

    def split(self, held_out: int, rounds: int = 1) -> tuple["Samples", "Samples"]:
        """The sets to learn from, and ``held_out`` of each round, evenly spread.

        ``rounds`` is the number of rounds, of equal size, that are joined here. A set held out in
        one round stays so in the next, which goes on from weights that have not seen it.
        """
        n, rest = divmod(self.parameters.shape[0], rounds)
        if rest or not 0 < held_out < n:
            raise ValueError(
                f"surrogate: cannot hold out {held_out} parameter sets of each of {rounds} rounds "
                f"from {self.parameters.shape[0]} in all"
            )
        unseen = torch.zeros(n, dtype=torch.bool)
        unseen[((torch.arange(held_out) + 0.5) * n / held_out).long()] = True
        unseen = unseen.repeat(rounds)
        seen, others = (
            Samples(self.parameters[which], self.outputs[which], self.cells, self.names)
            for which in (~unseen, unseen)
        )
        return seen, others


def gather_samples(
    batches: Sequence[xr.Dataset], space: ParameterSpace, outputs: Sequence[str]
) -> Samples:
    """All samples of the batches (files samples/round-n/batch-b.nc), of the same cells.

    Where a batch does not cover the domain its coordinate ``cell`` holds the indices of its cells.
    """
    if not batches:
        raise ValueError("surrogate: there is no batch of samples to learn from")
    cells = batches[0]["cell"].values
    parameters, series = [], []
    for batch in batches:
        names = tuple(batch["parameter"].values.astype(str))
        if names != space.names:
            raise ValueError(f"surrogate: samples vary {names}, the model has {space.names}")
        if batch["cell"].values.tolist() != cells.tolist():
            raise ValueError("surrogate: the batches of samples are not of the same cells")
        physical = _tensor(batch["parameters"], "parameter")
        space.check(physical)
        parameters.append(space.to_unit(physical))
        series.append(torch.stack([_tensor(batch[name], "time") for name in outputs], -1))
        if not torch.isfinite(series[-1]).all():
            raise ValueError("surrogate: a sample holds values that are not numbers")
    return Samples(
        parameters=torch.cat(parameters),
        outputs=torch.cat(series),
        cells=torch.tensor(cells, dtype=torch.int64),
        names=tuple(outputs),
    )


def spans_outside(dates: np.ndarray, period: Sequence[str]) -> list[slice]:
    """The days (day,) of a timeline that lie before and after a period, first and last day ISO.

    The test period is left out this way, wherever it lies: at the end of the record, in it, or
    before the years of training.
    """
    days = dates.astype("datetime64[D]")
    first, last = (np.datetime64(day) for day in period)
    start, stop = int((days < first).sum()), int((days <= last).sum())
    return [span for span in (slice(0, start), slice(stop, len(days))) if span.start < span.stop]


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
    """Train a surrogate on samples.

    Parameters
    ----------
    spans : sequence of slice
        Days of the timeline that may be learned from, ascending. A sequence in training, its
        warm-up included, lies in one of them: days between two spans are never seen. A span too
        short for one is left out.
    start : Surrogate, optional
        That of an earlier round: its scalers and weights are where this one starts.
    checkpoint : path, optional
        See :class:`~parlearn.networks.training.Training`; deleted at the end.

    Raises
    ------
    ValueError
        Where a warm-up and a window do not fit into any span, or ``start`` is of another shape.
    """
    clock = time.monotonic()
    torch.manual_seed(seed)
    length = settings.warmup + settings.window
    whole = [slice(*span.indices(samples.outputs.shape[2])[:2]) for span in spans]
    spans = [span for span in whole if span.stop - span.start >= length]
    if not spans:
        longest = max((span.stop - span.start for span in whole), default=0)
        raise ValueError(
            f"surrogate: warmup {settings.warmup} and window {settings.window} days do not fit "
            f"into the {longest} days to learn from; shorten them"
        )
    features = build_features(domain, forcing)
    targets = _joined([natural_outputs(samples, domain, span) for span in spans], dim=2)
    if start is None:
        units = [""] * len(samples.names)
        scalers = {
            "series": Scaler.fit(features.series, features.series_names, features.series_units),
            "static": Scaler.fit(features.static, features.static_names, features.static_units),
            "outputs": Scaler.fit(targets[:, :, ::7], samples.names, units),  # a day a week will do
        }
    else:
        scalers = start.scalers
    network = surrogate_network(scalers, space, settings.hidden, settings.dropout)
    if start is not None:
        _go_on_from(network, start.network)
    for k, (mean, std) in enumerate(zip(scalers["outputs"].mean, scalers["outputs"].std)):
        targets[..., k].sub_(mean).div_(std or 1.0)
    series, static = scale_features(scalers, features)
    series = _joined([series[samples.cells, span] for span in spans], dim=1)
    data = (series, static[samples.cells], samples.parameters, targets)
    identity = {
        "settings": asdict(settings),
        "seed": seed,
        "lengths": [span.stop - span.start for span in spans],
        "data": digest(*data, *network.state_dict().values()),
    }
    begins = first_days(spans, length).to(device)
    windows = _Windows(*(tensor.to(device) for tensor in data), begins)
    network.to(device).train()
    history = _train(network, windows, settings, seed, checkpoint, identity)
    dates = forcing["time"].values.astype("datetime64[D]")
    card = {
        "settings": asdict(settings),
        "seed": seed,
        "parameter_sets": samples.parameters.shape[0],
        "cells": samples.parameters.shape[1],
        "days": [[str(dates[span.start]), str(dates[span.stop - 1])] for span in spans],
        "weights": sum(p.numel() for p in network.parameters()),
        "seconds": round(time.monotonic() - clock, 1),
        "loss": [round(row["train_loss"], 6) for row in history],
    }
    surrogate = Surrogate(network, space, scalers, settings.warmup, features, domain, card)
    return surrogate.to(device)


def judge_surrogate(surrogate: Surrogate, samples: Samples, days: slice) -> xr.Dataset:
    """Scores against the process model: corr, bias, rmse, nse (output, cell).

    Each is the median over the parameter sets of ``samples``, which should be unseen ones.
    """
    physical = surrogate.space.to_physical(samples.parameters.to(surrogate.device))
    with torch.no_grad():
        answer = surrogate.simulate(physical, samples.cells, days).cpu().movedim(-1, 0)
    truth = samples.outputs[:, :, days].movedim(-1, 0)
    scores = {
        name: (("output", "cell"), point.METRICS[name](answer, truth).nanmedian(1).values.numpy())
        for name in ("corr", "bias", "rmse", "nse")
    }
    return xr.Dataset(scores, {"output": list(samples.names), "cell": samples.cells.numpy()})


def median_skill(skill: xr.Dataset) -> dict[str, dict[str, float]]:
    """Medians over cells of :func:`judge_surrogate`, as {output: {score: median}} for the card."""
    return {
        str(output): {
            str(name): round(float(skill[name].sel(output=output).median()), 5) for name in skill
        }
        for output in skill["output"].values
    }


@dataclass(frozen=True)
class _Windows:
    """Scaled inputs and targets on the device, from which batches are drawn.

    ``first_days`` (n,) are the days on which a sequence may begin.
    """

    series: Tensor
    static: Tensor
    parameters: Tensor
    targets: Tensor
    first_days: Tensor

    def draw(self, settings: SurrogateSettings, generator: torch.Generator):
        """Random sets, cells and windows: series, static inputs, and targets after the warm-up."""
        device, (sets, cells, *_) = self.series.device, self.targets.shape
        length = settings.warmup + settings.window
        which, cell, place = (
            torch.randint(n, (settings.batch,), generator=generator, device=device)
            for n in (sets, cells, len(self.first_days))
        )
        day = self.first_days[place, None] + torch.arange(length, device=device)
        static = torch.cat([self.static[cell], self.parameters[which, cell]], -1)
        target = self.targets[which[:, None], cell[:, None], day[:, settings.warmup :]]
        return self.series[cell[:, None], day], static, target


def _train(
    network: LSTM,
    windows: _Windows,
    settings: SurrogateSettings,
    seed: int,
    checkpoint: str | Path | None,
    identity: dict,
) -> list[dict]:
    generator = torch.Generator(windows.series.device).manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
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
        label="surrogate",
    )
    for epoch in training:
        losses = []
        for _ in range(min(EPOCH, settings.iterations - EPOCH * (epoch - 1))):
            loss = _loss(network, *windows.draw(settings, generator), settings.warmup)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())
        training.record(torch.stack(losses).mean().item())
    training.discard_checkpoint()
    return training.history


def _loss(network: LSTM, series: Tensor, static: Tensor, target: Tensor, warmup: int) -> Tensor:
    """Mean squared error after the warm-up; the same masks hold throughout a sequence."""
    masks, state = network.draw_masks(), None
    if warmup:
        with torch.no_grad():
            _, state = network.recur(network.transform(series[:, :warmup], static), None, masks)
    answer, _ = network(series[:, warmup:], static, state, masks)
    return functional.mse_loss(answer, target)


def first_days(spans: Sequence[slice], length: int) -> Tensor:
    """Days, in the spans put end to end, from which ``length`` days lie in one span."""
    firsts, before = [], 0
    for span in spans:
        days = span.stop - span.start
        firsts.append(before + torch.arange(days - length + 1))
        before += days
    return torch.cat(firsts)


def _joined(parts: list[Tensor], dim: int) -> Tensor:
    """Put end to end; a single one as it is, since the runs of a large study fill the memory."""
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim)


def natural_outputs(samples: Samples, domain: xr.Dataset, days: slice) -> Tensor:
    """Outputs of these days in the range of :func:`output_range`, a copy."""
    low, width = (t[samples.cells, None] for t in output_range(domain, samples.names))
    return (samples.outputs[:, :, days] - low).div_(width)


def _go_on_from(network: LSTM, other: LSTM) -> None:
    shapes, others = (
        {name: tuple(value.shape) for name, value in n.state_dict().items()}
        for n in (network, other)
    )
    if shapes != others:
        raise ValueError(
            f"surrogate: cannot go on from a network of hidden {other.hidden} and "
            f"{other.n_static} static inputs with hidden {network.hidden} and {network.n_static}"
        )
    network.load_state_dict(other.state_dict())


def _tensor(variable: xr.DataArray, last: str) -> Tensor:
    values = variable.transpose("sample", "cell", last).values
    return torch.from_numpy(values.astype("float32", copy=False))


def digest(*tensors: Tensor) -> str:
    total = hashlib.blake2b(digest_size=16)
    for tensor in tensors:
        total.update(tensor.detach().contiguous().numpy().data)
    return total.hexdigest()
