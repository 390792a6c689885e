"""GAN-PO, Sun et al. 2024: a generator of parameter maps, trained against a discriminator.

A U-net turns attribute maps into parameter maps, the process model runs with them, and a
discriminator learns to tell the simulated maps of a day from the observed ones under the same
weather. The generator minimises (eq. 3, with the least squares of section 2.1.2)

    mean (D(f, h(G(x))) - 1)^2 + lambda_l mean |h(G(x)) - y| + lambda_r L_R

and the discriminator mean (D(f, y) - 1)^2 + mean D(f, h(G(x)))^2. ``l1`` is the same without the
discriminator, the paper's ablation. Simulated and observed are compared in standard deviations of
the observations, and outputs are places in the unit cube, so that the two weights mean the same for
every target and parameter; the paper does not say in what units it takes them.

Only training cells are compared. A day's maps hold zeros wherever nothing was observed, in the
simulated as in the observed, and a channel tells where that is: a gap cannot give a map away.

``ganpo_ensemble`` makes the generator probabilistic, which the paper names as future work: maps of
noise join the attributes, each draw of them gives a member, and the mean absolute error becomes the
CRPS of the members by its fair estimator, which rewards a spread as wide as the errors and no
wider. With a single member both are the same.

The best epoch is chosen on the validation years, at the training cells, where the study has such
years, else on its validation cells, by the mean square error (as a share of the observations'
variance) plus 1 - KGE (median over cells), since the paper chooses by both and does not say how. Of
an ensemble the CRPS takes the place of the first, and KGE is that of the members' mean.
"""

import copy
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import torch
from torch import Tensor

from parlearn.learn.adversaries import Adversaries, Both
from parlearn.learn.batches import plan_epoch, record_epochs, run_days
from parlearn.learn.dpl import Result, Trajectory, check, digest, near
from parlearn.learn.losses import NoObservations
from parlearn.learn.maps import MapLearner, ParameterMaps
from parlearn.learn.parameter_networks import BOUNDS
from parlearn.metrics.ensemble import crps
from parlearn.metrics.point import kge_2009
from parlearn.models.base import ProcessModel
from parlearn.networks.convolution import UNet
from parlearn.networks.training import Training
from parlearn.study.tensors import Study

logger = logging.getLogger(__name__)

#: a discriminator that is right about more than this share of days, both ways, in so many epochs
#: one after the other has won: the generator no longer learns from it
WON, WON_EPOCHS = 0.99, 20
#: fields whose spread over cells, in the unit cube, is below this say nothing of attributes
FLAT = 1e-3


@dataclass(frozen=True)
class Settings:
    """Choices of a training run; defaults of Sun et al. (2024) where they give them.

    epochs : at most this many, each about one run of the training period per cell
    batch : days in a mini-batch of the discriminator
    window : days that are run for a step of the generator; the whole training period by default
    lambda_l, lambda_r : weights of the mean absolute error and of the range loss
    learning_rate : of Adam, for both networks
    patience : epochs without a better validation score before stopping; never by default
    hidden : features of generator and discriminator at their widest maps
    levels : steps down of the U-net
    bounds : penalty, the range loss draws outputs into their bounds (eq. 2); or sigmoid, none can
        leave them
    observation_map : none or domain, see :mod:`parlearn.models.observation`
    members, draws, noise : of an ensemble, how many it has; how many are drawn for a step; channels
        of noise, half of them with one number for the whole map
    targets : learned from together; the maps of all go to one discriminator. Their weights scale
        their share of the mean absolute error
    """

    epochs: int
    batch: int = 32
    window: int | None = None
    lambda_l: float = 30.0
    lambda_r: float = 1.0
    learning_rate: float = 1e-4
    patience: int | None = None
    hidden: int = 32
    levels: int = 3
    bounds: str = "penalty"
    observation_map: str = "none"
    members: int = 1
    draws: int = 4
    noise: int = 4
    targets: Mapping[str, float] = field(default_factory=lambda: {"evapotranspiration": 1.0})

    def __post_init__(self):
        lowest = {"epochs": 1, "batch": 2, "window": 2, "patience": 1, "draws": 2, "noise": 2}
        for name, least in lowest.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} = {value}; it must be at least {least}")
        for name in ("hidden", "levels", "members"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}; it must be at least 1")
        if self.lambda_l <= 0 or self.lambda_r < 0 or self.learning_rate <= 0:
            raise ValueError(
                f"lambda_l = {self.lambda_l} and learning_rate = {self.learning_rate} must be "
                f"above 0, lambda_r = {self.lambda_r} not below it"
            )
        if self.window is not None and self.batch > self.window:
            raise ValueError(f"batch = {self.batch} days are more than the window of {self.window}")
        if self.bounds not in BOUNDS:
            raise ValueError(f"unknown bounds {self.bounds!r}; use {' or '.join(BOUNDS)}")
        if self.observation_map == "network":
            raise ValueError("GAN-PO learns no linear correction per cell: use domain or none")
        if not self.targets or min(self.targets.values()) <= 0:
            raise ValueError(f"targets need weights above 0, got {dict(self.targets)}")

    @classmethod
    def from_dict(cls, values: Mapping) -> "Settings":
        """Settings from a config; ValueError naming a key that is unknown."""
        known = [f.name for f in fields(cls)]
        unknown = [key for key in values if key not in known]
        if unknown:
            raise ValueError(f"unknown setting {unknown[0]!r}; there are {', '.join(known)}")
        return cls(**values)


@dataclass(frozen=True)
class GeneratorShape:
    """Sizes of a generator: channels in and out, features, steps down, how it is bounded; members,
    and the last channels in that are noise."""

    n_in: int
    n_out: int
    hidden: int
    levels: int
    bounds: str
    members: int = 1
    noise: int = 0


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
    """Learn parameter maps; arguments, result and errors as of :func:`parlearn.learn.dpl.learn`.

    ``method`` is ``ganpo``, or ``l1`` without the discriminator.
    """
    period = check(study, model, settings)
    if settings.batch > period.stop - period.start:
        raise ValueError(
            f"batch = {settings.batch} days are more than the {period.stop - period.start} days of "
            "the training period"
        )
    train = study.cells("train")
    if not torch.isfinite(study.observations[train]).any():
        raise NoObservations("no training cell has an observation in the training period")
    window = settings.window or period.stop - period.start

    torch.manual_seed(seed)
    noise = settings.noise if settings.members > 1 else 0
    shape = GeneratorShape(
        study.attributes.shape[1] + 1 + noise,
        len(model.space),
        settings.hidden,
        settings.levels,
        settings.bounds,
        settings.members,
        noise,
    )
    network = build_generator(shape, near(start, len(model.space), model, train))
    learner = MapLearner(network, model, study, settings, line or (1.0, 0.0))
    adversaries = Adversaries(learner, settings, adversarial=method != "l1").to(study.device)
    judge, judged_cells, judged_days = _judge_of(learner, study, period)
    batch = study.n_cells  # a map is answered whole
    first = learner.snapshot(batch) | {"epoch": torch.tensor(0.0), "seconds": torch.tensor(0.0)}

    generator = torch.Generator().manual_seed(seed)
    training = Training(
        adversaries,
        Both(adversaries.optimizers),
        settings.epochs,
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
    runs = training.history[-1]["runs_per_cell"] if training.history else 0.0
    recorded = record_epochs(settings.epochs, records)
    for epoch in training:
        adversaries.train()
        noted, skipped = [], 0
        for cells, days in plan_epoch(train, period, len(train), window, model.warmup, generator):
            of_step = adversaries.step(cells.sort().values, days)
            runs += run_days(days, model.warmup) / run_days(period, model.warmup)
            skipped += of_step is None
            noted += [of_step] if of_step else []
        if not noted:
            raise NoObservations(f"none of the {skipped} windows of an epoch has an observation")
        keep = None
        if epoch in recorded:
            keep = learner.snapshot(batch)
            keep |= {"epoch": torch.tensor(runs), "seconds": torch.tensor(training.seconds)}
        means = {name: sum(row[name] for row in noted) / len(noted) for name in noted[0]}
        means |= _spreads(learner)
        validation = _score(judge, judged_cells, judged_days)
        training.record(means.pop("loss"), validation, keep=keep, runs_per_cell=runs, **means)
    training.restore_best()
    found = learner.snapshot(batch)
    if settings.members > 1:
        found["parameters"] = learner.ensemble()
    return Result(
        **{name: value.cpu() for name, value in found.items()},
        trajectory=Trajectory(
            **{k: torch.stack([v.cpu(), *training.kept.get(k, [])]) for k, v in first.items()}
        ),
        history=training.history,
        best_epoch=training.best_epoch,
        stopped=training.stopped + collapse(training.history, training.best_epoch),
        skipped=0,
        network=network.cpu().eval(),
        shape=shape,
    )


def rebuild(method: str, shape: Mapping) -> ParameterMaps:
    """The generator of these sizes, its weights to be filled in."""
    return build_generator(GeneratorShape(**shape))


def build_generator(shape: GeneratorShape, start: Tensor | None = None) -> ParameterMaps:
    """The generator of these sizes, its first maps near ``start`` (n_out,) in the unit cube."""
    body = UNet(shape.n_in, shape.n_out, shape.hidden, shape.levels)
    start = torch.full((shape.n_out,), 0.5) if start is None else start
    return ParameterMaps(body, shape.bounds, start, shape.members, shape.noise)


def collapse(history: list[dict], best_epoch: int) -> str:
    """What is to be said of a training that collapsed, empty where none did.

    Either the discriminator won for good before the best epoch, so that the generator learned from
    the absolute error alone, or the parameter maps became flat.
    """
    said = []
    if history[best_epoch - 1]["spread"] < FLAT:
        said.append("the parameter maps of the best epoch are flat")
    won = [
        min(row.get("accuracy_observed", 0), row.get("accuracy_simulated", 0)) > WON
        for row in history[:best_epoch]
    ]
    if len(won) >= WON_EPOCHS and all(won[-WON_EPOCHS:]):
        said.append(
            f"the discriminator told all days apart in the {WON_EPOCHS} epochs before the best"
        )
    for one in said:
        logger.warning("collapse: %s", one)
    return "".join(f"; collapse: {one}" for one in said)


def _judge_of(learner: MapLearner, study: Study, period: slice):
    """A learner that sees the observations to choose on, and the cells and days of these."""
    if study.validation is None:
        return learner, study.cells("validate"), period
    judge = copy.copy(learner)
    judge.study = replace(study, observations=study.withheld, training=study.validation)
    return judge, study.cells("train"), study.validation


@torch.no_grad()
def _score(judge: MapLearner, cells: Tensor, days: slice) -> float:
    """Mean square error in variances of the observations, of an ensemble the CRPS in their standard
    deviations, plus 1 - KGE; mean over targets."""
    judge.eval()
    runs = [judge.standardised(one, cells, days) for one in judge.members_of().clamp(0, 1)]
    members, (observed, seen) = torch.stack([run[0] for run in runs]), runs[0][1:]
    simulated, number = members.mean(0), seen.sum((1, 2))
    apart = crps(members, observed) if len(runs) > 1 else (simulated - observed).square()
    mean, scale = (x[:, None, None] for x in (judge.observed_mean, judge.observed_scale))
    score = kge_2009(
        simulated * scale + mean, torch.where(seen, observed * scale + mean, torch.nan)
    )
    known = number > 0
    if not known.any():
        raise NoObservations("there is no observation to choose the best epoch on")
    missing = 1 - score.nanmedian(-1).values.float()
    return float((apart.sum((1, 2)) / number.clamp_min(1) + missing.nan_to_num(0.0))[known].mean())


@torch.no_grad()
def _spreads(learner: MapLearner) -> dict[str, float]:
    """The largest spread over cells of a parameter, in the unit cube; of an ensemble also the
    largest mean spread over its members."""
    places = learner.members_of().clamp(0, 1)
    spreads = {"spread": float(places.mean(0).std(0).max())}
    if len(places) > 1:
        spreads["member_spread"] = float(places.std(0).mean(0).max())
    return spreads
