"""Differentiable parameter learning (dPL), Tsai et al. 2021: gradients through a process model.

A parameter network maps what is known of a cell to the cell's parameters, the process model runs
with them, and the error against observations flows back through both. One network serves all cells
and one error over cells and days trains it (the global constraint). The model may be a surrogate or
the process model itself: any differentiable :class:`~parlearn.models.base.ProcessModel`.

An epoch is, on average, one forward run of the training period per training cell.
"""

import hashlib
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from parlearn.learn.batches import days_to_read, plan_epoch, record_epochs, run_days
from parlearn.learn.learner import Learner
from parlearn.learn.losses import NoObservations, global_rmse, range_boundary_loss, weighted_loss
from parlearn.learn.parameter_networks import NETWORKS, NetworkShape, build_network
from parlearn.learn.settings import Settings
from parlearn.models.base import ProcessModel
from parlearn.networks.training import Training
from parlearn.study.tensors import Study

logger = logging.getLogger(__name__)

#: settings that shape the network
FREE_CHOICES = ("hidden", "layers", "heads", "dropout", "bounds", "reading")


@dataclass(frozen=True)
class Trajectory:
    """Parameters of all cells along training, the untrained network first."""

    epoch: Tensor  #: (record,) model runs per training cell so far
    seconds: Tensor  #: (record,)
    parameters: Tensor  #: (record, cell, parameter) physical units
    slope: Tensor  #: (record,), or (record, cell) with a map per cell
    offset: Tensor


@dataclass(frozen=True)
class Result:
    """What was learned, on the CPU: of the best validation epoch, or of the last where no cell
    validates."""

    parameters: Tensor  #: (cell, parameter) physical units, every cell of the domain
    slope: Tensor  #: scalar, or (cell,) with a map per cell; 1 and 0 without a map
    offset: Tensor
    trajectory: Trajectory
    history: list[dict]  #: epoch, runs_per_cell, seconds, train_loss, validation_loss
    best_epoch: int
    stopped: str  #: why training ended
    skipped: int  #: mini-batches without any observation, not run
    network: nn.Module
    shape: NetworkShape


def learn(
    method: str,
    study: Study,
    model: ProcessModel,
    settings: Settings,
    *,
    seed: int,
    start: Tensor | None = None,
    line: tuple[float, float] | None = None,
    checkpoint: str | Path | None = None,
    identity: Mapping | None = None,
    records: int = 30,
) -> Result:
    """Learn parameters by gradients through a process model.

    Parameters
    ----------
    method : name in :data:`~parlearn.learn.parameter_networks.NETWORKS`
    study, model : on one device, with the same cells and days
    settings : see :class:`Settings`
    seed : of the network's first weights, dropout and mini-batches
    start : (cell, parameter) physical, known parameters; the network begins near their mean over
        the training cells (in the unit cube), or in the middle of the cube without them
    line : slope and offset of the domain, the same for all methods (calibrate/line.py); where
        ``settings.observation_map`` is ``domain``, and only there
    checkpoint : file written after every epoch; a killed run goes on from it to the same numbers
    identity : what else decides the outcome (JSON types), such as checksums of the model's files; a
        checkpoint of another identity is not resumed
    records : how many epochs, evenly on a log scale, enter the trajectory

    Raises
    ------
    ValueError
        Unknown method or target, window longer than the training period, study and model that
        do not fit.
    FloatingPointError
        The model or the loss is not a number.
    """
    if method not in NETWORKS:
        raise ValueError(f"unknown method {method!r}; parameter networks are {', '.join(NETWORKS)}")
    period = check(study, model, settings)
    train, validate = study.cells("train"), study.cells("validate")
    if settings.patience and not len(validate):
        raise ValueError(
            f"patience = {settings.patience}: no cell of this sampling validates, so that nothing "
            "says when to stop: leave patience out, or let the sampling validate"
        )
    batch, window = settings.batch or len(train), settings.window or period.stop - period.start

    torch.manual_seed(seed)
    shape = _shape(study, model, settings)
    network = build_network(method, shape, near(start, shape.n_outputs, model, train))
    if (settings.observation_map == "domain") != (line is not None):
        raise ValueError(
            f"observation_map {settings.observation_map} and the line {line}: a line belongs to "
            "domain, and domain needs one"
        )
    learner = Learner(network, model, study, settings, line or (1.0, 0.0)).to(study.device)
    first = learner.snapshot(batch) | {"epoch": torch.tensor(0.0), "seconds": torch.tensor(0.0)}

    optimizer = settings.make_optimizer(network.parameters())
    generator = torch.Generator().manual_seed(seed)
    training = Training(
        learner,
        optimizer,
        settings.epochs,
        scheduler=torch.optim.lr_scheduler.CosineAnnealingLR(
            optimizer, settings.epochs, settings.final_rate * settings.learning_rate
        ),
        generator=generator,
        patience=settings.patience,
        checkpoint=checkpoint,
        identity={
            "method": method,
            "settings": asdict(settings),
            "seed": seed,
            "study": digest(study),
            "line": line,
            **(identity or {}),
        },
        label=f"{method} through {type(model).__name__}",
    )
    runs, skipped = 0.0, 0
    if training.history:
        runs, skipped = (training.history[-1][name] for name in ("runs_per_cell", "skipped"))
    recorded = record_epochs(settings.epochs, records)
    for epoch in training:
        plan = plan_epoch(train, period, batch, window, model.warmup, generator)
        reads = [days_to_read(d, study.training, network.reading, generator) for _, d in plan]
        loss, spent, empty = _train_epoch(learner, optimizer, plan, reads)
        runs += spent / (len(train) * run_days(period, model.warmup))
        skipped += empty
        training.scheduler.step()
        keep = None
        if epoch in recorded:
            keep = learner.snapshot(batch)
            keep |= {"epoch": torch.tensor(runs), "seconds": torch.tensor(training.seconds)}
        # where every cell trains there is nothing to choose by, and the last epoch stands
        validation = learner.loss(validate, period, batch) if len(validate) else None
        training.record(loss, validation, keep=keep, runs_per_cell=runs, skipped=skipped)
    if skipped:
        logger.warning("%s: %d mini-batches had no observation and were not run", method, skipped)
    if len(validate):
        training.restore_best()
    columns = ("epoch", "runs_per_cell", "seconds", "train_loss", "validation_loss")
    return Result(
        **{name: value.cpu() for name, value in learner.snapshot(batch).items()},
        trajectory=Trajectory(
            **{k: torch.stack([v.cpu(), *training.kept.get(k, [])]) for k, v in first.items()}
        ),
        history=[{name: row[name] for name in columns} for row in training.history],
        best_epoch=training.best_epoch if len(validate) else training.epoch,
        stopped=training.stopped,
        skipped=skipped,
        network=network.cpu().eval(),
        shape=shape,
    )


def rebuild(method: str, shape: Mapping) -> nn.Module:
    """The network of a method and of these sizes, its weights to be filled in."""
    return build_network(method, NetworkShape(**shape))


def _train_epoch(learner: Learner, optimizer, plan, reads) -> tuple[float, int, int]:
    """Mean loss of the steps, cell-days run, mini-batches skipped for want of observations."""
    learner.train()
    losses, spent, skipped = [], 0, 0
    for (cells, days), read in zip(plan, reads, strict=True):
        if not torch.isfinite(learner.observed(cells, days)).any():
            skipped += 1
            continue
        optimizer.zero_grad(set_to_none=True)
        unit = learner.places_of(cells, read)
        pairs = learner.compare(unit.clamp(0, 1), cells, days)
        errors = {t: global_rmse(*p) for t, p in pairs.items() if torch.isfinite(p[1]).any()}
        # eq. 14 of Li & Lu (2023); the second term is zero where a sigmoid bounds the outputs
        loss = weighted_loss(errors, learner.settings.targets) + range_boundary_loss(unit)
        loss.backward()
        # without a norm nothing is shortened, but a gradient that is not finite is an error still
        longest = learner.settings.gradient_norm or math.inf
        nn.utils.clip_grad_norm_(learner.network.parameters(), longest, error_if_nonfinite=True)
        optimizer.step()
        losses.append(loss.detach())
        spent += len(cells) * run_days(days, learner.model.warmup)
    if not losses:
        raise NoObservations(f"none of the {len(plan)} mini-batches of an epoch has an observation")
    return float(torch.stack(losses).mean()), spent, skipped


def _shape(study: Study, model: ProcessModel, settings: Settings) -> NetworkShape:
    map_outputs = 2 if settings.observation_map == "network" else 0
    return NetworkShape(
        n_attributes=study.inputs.attributes.shape[-1],
        n_series=study.inputs.series.shape[-1],
        n_outputs=len(model.space) + map_outputs,
        n_targets=len(study.targets),
        **{name: getattr(settings, name) for name in FREE_CHOICES},
    )


def near(start: Tensor | None, outputs: int, model: ProcessModel, train: Tensor) -> Tensor:
    """Where in the unit cube (outputs,) a network begins: the mean of ``start`` over cells."""
    place = torch.full((outputs,), 0.5)
    if start is not None:
        model.space.check(start)
        known = model.space.to_unit(start[train.to(start.device)]).mean(0)
        place[: len(model.space)] = known.cpu()
    return place


def digest(study: Study) -> str:
    """Checksum of all a learner sees of a study."""
    total = hashlib.sha256()
    seen = (study.role, study.attributes, study.series, study.observations)
    for tensor in (*seen, *study.lengths.values()):
        total.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return total.hexdigest()


def check(study: Study, model: ProcessModel, settings) -> slice:
    """The training days that can be paired; ValueError where study, model and settings differ."""
    if (study.n_cells, study.n_days) != (model.n_cells, model.n_days):
        raise ValueError(
            f"the study has {study.n_cells} cells and {study.n_days} days, the model "
            f"{model.n_cells} and {model.n_days}: build both from the same files"
        )
    told, wanted = study.scalers.attributes.names, getattr(settings, "attributes", None)
    if wanted is not None and tuple(wanted) != tuple(told):
        raise ValueError(
            f"the study tells the attributes {', '.join(told)}, the settings ask for "
            f"{', '.join(wanted)}: build the study with these"
        )
    for target in settings.targets:
        for where, names in (("study", study.targets), ("model", model.outputs)):
            if target not in names:
                raise ValueError(f"the {where} has no {target!r}; it has {', '.join(names)}")
    # the very first day of a timeline has no day before it to be paired with
    period = slice(max(study.training.start, 1), study.training.stop)
    for name in ("window", "reading"):
        length = getattr(settings, name, None)
        if length and length > period.stop - period.start:
            raise ValueError(
                f"{name} = {length} days is longer than the training period of "
                f"{period.stop - period.start} days"
            )
    return period
