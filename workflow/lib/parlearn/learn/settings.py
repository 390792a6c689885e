"""The choices of a training run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import torch

from parlearn.learn.observation import OBSERVATION_MAPS, SIX_AM

OPTIMIZERS = {"adam": torch.optim.Adam, "adadelta": torch.optim.Adadelta}


@dataclass(frozen=True)
class Settings:
    """Choices of a training run; the defaults suit a few hundred cells on a CPU.

    epochs : at most this many; with ``patience``, fewer
    batch : training cells in a mini-batch, at most (all of them by default)
    window : days in a mini-batch (the whole training period by default)
    optimizer : adam, or adadelta, with which Tsai et al.'s group trains its LSTMs
    learning_rate : falls to a tenth along a cosine over ``epochs``
    gradient_norm : gradients longer than this are shortened to it
    patience : epochs without a better validation loss before stopping; never by default
    hidden, layers : size of each hidden layer, and their number (dpl_a alone)
    dropout : of the inputs of dpl_a; variational, in the gates of dpl_z
    observation_map : none, domain or network, see :mod:`parlearn.learn.observation`
    targets : variable to its weight in the loss, which also evens out units
    """

    epochs: int
    batch: int | None = None
    window: int | None = None
    optimizer: str = "adam"
    learning_rate: float = 0.01
    gradient_norm: float = 1.0
    patience: int | None = None
    hidden: int = 64
    layers: int = 2
    dropout: float = 0.0
    observation_map: str = "domain"
    targets: Mapping[str, float] = field(default_factory=lambda: {"soil_moisture": 1.0})

    def __post_init__(self):
        for name in ("epochs", "batch", "window", "patience", "hidden", "layers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} = {value}; it must be at least 1")
        for name in ("learning_rate", "gradient_norm"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} = {getattr(self, name)}; it must be above 0")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"unknown optimizer {self.optimizer!r}; use {' or '.join(OPTIMIZERS)}")
        if self.observation_map not in OBSERVATION_MAPS:
            raise ValueError(
                f"unknown observation_map {self.observation_map!r}; use one of "
                f"{', '.join(OBSERVATION_MAPS)}"
            )
        if not self.targets or min(self.targets.values()) <= 0:
            raise ValueError(f"targets need weights above 0, got {dict(self.targets)}")
        if self.observation_map != "none" and not set(self.targets) & set(SIX_AM):
            raise ValueError(
                f"observation_map {self.observation_map} is for {', '.join(SIX_AM)} only"
            )

    @classmethod
    def from_dict(cls, values: Mapping) -> "Settings":
        """Settings from a config; ValueError naming a key that is unknown."""
        known = [f.name for f in fields(cls)]
        unknown = [key for key in values if key not in known]
        if unknown:
            raise ValueError(f"unknown setting {unknown[0]!r}; there are {', '.join(known)}")
        return cls(**values)
