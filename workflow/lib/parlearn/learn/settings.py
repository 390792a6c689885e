"""The choices of a training run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import torch

from parlearn.learn.parameter_networks import BOUNDS
from parlearn.models.observation import OBSERVATION_MAPS
from parlearn.plan.targets import TARGETS, correctable

OPTIMIZERS = ("adam", "adadelta")


@dataclass(frozen=True)
class Settings:
    """Choices of a training run; the defaults suit a few hundred cells on a CPU.

    epochs : at most this many; with ``patience``, fewer
    batch : training cells in a mini-batch, at most (all of them by default)
    window : days in a mini-batch (the whole training period by default)
    reading : days of the series that a network reads at once (the whole training period by
        default): those of the mini-batch where its window is as long, else drawn at random
    optimizer : adam, or adadelta, with which Tsai et al.'s group trains its LSTMs
    learning_rate : the factor on the step; adadelta's is called a scaling of delta by Li & Lu
    final_rate : share of the learning rate at the end of a cosine over ``epochs``; 1 = constant
    weight_decay : L2 penalty on the weights
    rho : weight of the past in adadelta's running averages
    gradient_norm : gradients longer than this are shortened to it; None leaves them as they are
    patience : epochs without a better validation loss before stopping; never by default
    hidden : size of a hidden layer; width of a transformer
    layers : hidden layers of dpl_a, encoder layers of a transformer
    heads : of a transformer; they divide ``hidden``
    dropout : of the inputs of dpl_a; variational, in the gates of dpl_z; of each part's output in a
        transformer
    bounds : sigmoid, no output can leave its bounds; or penalty, the range boundary loss draws it
        back (Li & Lu, eq. 14)
    attributes : those that the network is told, in this order; all that the study has by default
    observation_map : none, domain or network, see :mod:`parlearn.models.observation`
    targets : variable to its weight in the loss; errors of several targets are divided by how
        much each varies (:mod:`parlearn.study.scales`), so that equal weights count alike
    """

    epochs: int
    batch: int | None = None
    window: int | None = None
    reading: int | None = None
    optimizer: str = "adam"
    learning_rate: float = 0.01
    final_rate: float = 0.1
    weight_decay: float = 0.0
    rho: float = 0.9
    gradient_norm: float | None = 1.0
    patience: int | None = None
    hidden: int = 64
    layers: int = 2
    heads: int = 4
    dropout: float = 0.0
    bounds: str = "sigmoid"
    attributes: Sequence[str] | None = None
    observation_map: str = "domain"
    targets: Mapping[str, float] = field(default_factory=lambda: {"soil_moisture": 1.0})

    def __post_init__(self):
        for names, least in (
            (("epochs", "batch", "patience", "hidden", "layers", "heads"), 1),
            (("window", "reading"), 2),
        ):
            for name in names:
                value = getattr(self, name)
                if value is not None and value < least:
                    raise ValueError(f"{name} = {value}; it must be at least {least}")
        for name in ("learning_rate", "gradient_norm"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} = {value}; it must be above 0")
        for name in ("final_rate", "weight_decay", "rho", "dropout"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} = {getattr(self, name)}; it must lie between 0 and 1")
        names = self.attributes
        if names is not None and not (isinstance(names, list | tuple) and names):
            raise ValueError(f"attributes = {names!r}; it must be a list of names, or left out")
        if self.dropout == 1:
            raise ValueError("dropout = 1 drops everything; it must be below 1")
        if self.bounds not in BOUNDS:
            raise ValueError(f"unknown bounds {self.bounds!r}; use {' or '.join(BOUNDS)}")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"unknown optimizer {self.optimizer!r}; use {' or '.join(OPTIMIZERS)}")
        if self.observation_map not in OBSERVATION_MAPS:
            raise ValueError(
                f"unknown observation_map {self.observation_map!r}; use one of "
                f"{', '.join(OBSERVATION_MAPS)}"
            )
        if not self.targets or min(self.targets.values()) <= 0:
            raise ValueError(f"targets need weights above 0, got {dict(self.targets)}")
        if self.observation_map != "none" and not correctable(self.targets):
            known = ", ".join(correctable(TARGETS))
            raise ValueError(f"observation_map {self.observation_map} is for {known} only")

    def make_optimizer(self, weights) -> torch.optim.Optimizer:
        """The optimizer of these ``weights``."""
        common = {"lr": self.learning_rate, "weight_decay": self.weight_decay}
        if self.optimizer == "adam":
            return torch.optim.Adam(weights, **common)
        return torch.optim.Adadelta(weights, rho=self.rho, **common)

    @classmethod
    def from_dict(cls, values: Mapping) -> "Settings":
        """Settings from a config; ValueError naming a key that is unknown."""
        known = [f.name for f in fields(cls)]
        unknown = [key for key in values if key not in known]
        if unknown:
            raise ValueError(f"unknown setting {unknown[0]!r}; there are {', '.join(known)}")
        return cls(**values)
