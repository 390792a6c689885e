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

The best epoch is chosen on the validation years, at the training cells, where the study has such
years, else on its validation cells, by the mean square error (as a share of the observations'
variance) plus 1 - KGE (median over cells), since the paper chooses by both and does not say how.
"""

import copy
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from parlearn.learn.batches import plan_epoch, record_epochs, run_days
from parlearn.learn.dpl import Result, Trajectory, check, digest, near
from parlearn.learn.losses import NoObservations
from parlearn.learn.maps import MapLearner, ParameterMaps
from parlearn.learn.parameter_networks import BOUNDS
from parlearn.metrics.point import kge_2009
from parlearn.models.base import ProcessModel
from parlearn.networks.convolution import Discriminator, UNet
from parlearn.networks.training import Training
from parlearn.study.tensors import FORCING, Study

logger = logging.getLogger(__name__)

#: of Adam (section 3.2)
BETAS = (0.5, 0.999)
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
    targets: Mapping[str, float] = field(default_factory=lambda: {"evapotranspiration": 1.0})

    def __post_init__(self):
        for name, least in (("epochs", 1), ("batch", 2), ("window", 2), ("patience", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} = {value}; it must be at least {least}")
        for name in ("hidden", "levels"):
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
    """Sizes of a generator: channels in and out, features, steps down, how it is bounded."""

    n_in: int
    n_out: int
    hidden: int
    levels: int
    bounds: str


def range_loss(values: Tensor, lower: Tensor | float = 0.0, upper: Tensor | float = 1.0) -> Tensor:
    """L_R (eq. 2): mean excess of what lies above its bound, plus that of what lies below.

    values : any shape; lower, upper : scalars or of a shape that fits.
    """
    total = values.new_zeros(())
    for beyond in (values - upper, lower - values):
        count = (beyond > 0).sum()
        total = total + beyond.relu().sum() / count.clamp_min(1)
    return total


class Adversaries(nn.Module):
    """Generator and discriminator, each with its own Adam, trained in turn.

    Without a discriminator the generator learns from the absolute error alone.
    """

    def __init__(self, learner: MapLearner, settings: Settings, adversarial: bool):
        super().__init__()
        self.learner, self.settings = learner, settings
        shape = learner.study.grid.shape
        channels = len(FORCING) + len(settings.targets) + 1
        self.discriminator = (
            Discriminator(channels, shape, settings.hidden) if adversarial else None
        )
        rate = settings.learning_rate
        self.optimizers = [torch.optim.Adam(learner.network.parameters(), rate, BETAS)]
        if adversarial:
            self.optimizers.append(torch.optim.Adam(self.discriminator.parameters(), rate, BETAS))
        weights = torch.tensor([settings.targets[name] for name in settings.targets])
        self.register_buffer("weights", weights / weights.sum(), persistent=False)

    def step(self, cells: Tensor, days: slice) -> dict[str, float] | None:
        """Run ``days`` once, train the discriminator on them, then the generator.

        Returns losses and the discriminator's accuracies; None where nothing was observed.
        """
        fields = self.learner.fields()
        places = fields[cells].clamp(0, 1)
        simulated, observed, seen = self.learner.standardised(places, cells, days)
        if not seen.any():
            return None
        number = seen.sum((1, 2)).clamp_min(1)
        absolute = (self.weights * (simulated - observed).abs().sum((1, 2)) / number).sum()
        beyond = range_loss(fields)
        loss = self.settings.lambda_l * absolute + self.settings.lambda_r * beyond
        noted = {"absolute_error": float(absolute.detach()), "range_loss": float(beyond.detach())}
        if self.discriminator is not None:
            context, of_simulated, of_observed = self._maps(simulated, observed, seen, cells, days)
            batches = torch.randperm(len(context)).tensor_split(
                max(round(len(context) / self.settings.batch), 1)
            )
            noted |= self._train_discriminator(context, of_simulated.detach(), of_observed, batches)
            self.discriminator.requires_grad_(False)
            answers = [self._judge(context[some], of_simulated[some]) for some in batches]
            self.discriminator.requires_grad_(True)
            adversarial = (torch.cat(answers) - 1).square().mean()
            noted["adversarial_loss"] = float(adversarial.detach())
            loss = loss + adversarial
        self.optimizers[0].zero_grad(set_to_none=True)
        loss.backward()
        weights = self.learner.network.parameters()
        nn.utils.clip_grad_norm_(weights, torch.inf, error_if_nonfinite=True)
        self.optimizers[0].step()
        return {"loss": float(loss.detach()), **noted}

    def _maps(self, simulated, observed, seen, cells, days):
        """Weather and mask, simulated and observed maps of the days with any observation."""
        whole = [self.learner.of_days(x, cells) for x in (simulated, observed)]
        mask = self.learner.of_days(seen.any(0, keepdim=True).float(), cells)
        some = mask.flatten(1).any(1)
        context = torch.cat([self.learner.weather(days), mask], 1)
        return context[some], whole[0][some], whole[1][some]

    def _judge(self, context: Tensor, maps: Tensor) -> Tensor:
        return self.discriminator(torch.cat([context, maps], 1))

    def _train_discriminator(self, context, simulated, observed, batches) -> dict[str, float]:
        losses, right = [], []
        for some in batches:
            real = self._judge(context[some], observed[some])
            made = self._judge(context[some], simulated[some])
            loss = (real - 1).square().mean() + made.square().mean()
            self.optimizers[1].zero_grad(set_to_none=True)
            loss.backward()
            self.optimizers[1].step()
            losses.append(loss.detach())
            right.append(torch.stack([(real > 0.5).float().mean(), (made < 0.5).float().mean()]))
        accuracy = torch.stack(right).mean(0).tolist()
        return {
            "discriminator_loss": float(torch.stack(losses).mean()),
            "accuracy_observed": accuracy[0],
            "accuracy_simulated": accuracy[1],
        }


class _Both:
    """Two optimizers as one, for checkpoints."""

    def __init__(self, optimizers):
        self.optimizers = optimizers

    def state_dict(self) -> dict:
        return {"each": [optimizer.state_dict() for optimizer in self.optimizers]}

    def load_state_dict(self, state: dict) -> None:
        for optimizer, own in zip(self.optimizers, state["each"], strict=True):
            optimizer.load_state_dict(own)


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
    shape = GeneratorShape(
        study.attributes.shape[1] + 1,
        len(model.space),
        settings.hidden,
        settings.levels,
        settings.bounds,
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
        _Both(adversaries.optimizers),
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
        means["spread"] = _spread(learner)
        validation = _score(judge, judged_cells, judged_days)
        training.record(means.pop("loss"), validation, keep=keep, runs_per_cell=runs, **means)
    training.restore_best()
    return Result(
        **{name: value.cpu() for name, value in learner.snapshot(batch).items()},
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
    return ParameterMaps(body, shape.bounds, start)


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
    """Mean square error in variances of the observations plus 1 - KGE, mean over targets."""
    judge.eval()
    simulated, observed, seen = judge.standardised(judge.places_of(cells), cells, days)
    number = seen.sum((1, 2))
    square = (simulated - observed).square().sum((1, 2)) / number.clamp_min(1)
    mean, scale = (x[:, None, None] for x in (judge.observed_mean, judge.observed_scale))
    score = kge_2009(
        simulated * scale + mean, torch.where(seen, observed * scale + mean, torch.nan)
    )
    known = number > 0
    if not known.any():
        raise NoObservations("there is no observation to choose the best epoch on")
    missing = 1 - score.nanmedian(-1).values.float()
    return float((square + missing.nan_to_num(0.0))[known].mean())


@torch.no_grad()
def _spread(learner: MapLearner) -> float:
    """The largest spread over cells of a parameter, in the unit cube."""
    return float(learner.fields().clamp(0, 1).std(0).max())
