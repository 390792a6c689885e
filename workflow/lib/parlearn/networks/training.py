"""Checkpoints, early stopping and progress, shared by all training loops.

The loop itself stays with its owner and reads plainly::

    training = Training(network, optimizer, epochs=300, patience=40, checkpoint=path, identity=...)
    for epoch in training:                       # goes on where a killed run stopped
        loss = ...                               # the owner's steps
        training.record(loss, validation_loss)   # history, best weights, checkpoint, progress
    training.restore_best()
    ...                                          # write the results
    training.discard_checkpoint()
"""

import io
import json
import logging
import math
import pickle
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from parlearn.storage.sealed import seal, take_up

logger = logging.getLogger(__name__)

#: a progress line is logged no more often than this, where there is no terminal for a bar
SECONDS_BETWEEN_LINES = 20.0


KIND = "training"


def save_checkpoint(path: str | Path, content: Mapping, owner: str) -> None:
    """Write tensors, numbers, strings, lists and dicts, sealed: a whole file or none."""
    stream = io.BytesIO()
    torch.save(dict(content), stream)
    seal(stream.getvalue(), path, KIND, owner)


def load_checkpoint(path: str | Path, owner: str, check=lambda content: None) -> dict | None:
    """Read a file of :func:`save_checkpoint`, onto the CPU; only data, no code, is read.

    None where there is none, or it does not verify or `check` raises ValueError; it is then set
    aside, see :mod:`parlearn.storage.sealed`.
    """

    def read(content: bytes) -> dict:
        try:
            loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise ValueError(f"torch cannot read it: {error}".partition("\n")[0]) from error
        check(loaded)
        return loaded

    return take_up(path, KIND, owner, read)


class Training:
    """State of a training run that survives a kill; iterating gives the epochs still to do.

    Parameters
    ----------
    module : nn.Module
        What is trained; its device is the run's.
    optimizer : torch.optim.Optimizer
    epochs : int
        At most this many.
    scheduler : torch learning-rate scheduler, optional
        Stepped by the owner; kept with the rest.
    generator : torch.Generator, optional
        The one that draws batches; kept with the rest. Torch's own generators always are.
    patience : int, optional
        Stop after this many epochs without a better validation loss.
    checkpoint : path, optional
        Written after every epoch. A run resumed from it gives the numbers of an undisturbed one.
    identity : mapping, optional
        All that decides the outcome (settings, seed, digests of the inputs; JSON types). A
        checkpoint with another identity belongs to another run: it is not resumed, and the log
        says so. One that is damaged, or that another training wrote, is set aside with a warning.
    label : str
        Name of the run in progress lines, and the owner of its checkpoint.

    Attributes
    ----------
    history : list of dict, one an epoch: epoch, seconds, train_loss, validation_loss, extra columns
    kept : dict of lists of Tensor, one an epoch: what the owner asked :meth:`record` to keep
    best_epoch, best_loss : of the validation loss, of the training loss where none is given
    stopped : str, why the run ended
    """

    def __init__(
        self,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        epochs: int,
        *,
        scheduler=None,
        generator: torch.Generator | None = None,
        patience: int | None = None,
        checkpoint: str | Path | None = None,
        identity: Mapping | None = None,
        label: str = "training",
    ):
        self.module, self.optimizer, self.scheduler = module, optimizer, scheduler
        self.generator, self.epochs, self.patience, self.label = generator, epochs, patience, label
        self.path = Path(checkpoint) if checkpoint is not None else None
        self.identity = json.loads(json.dumps(dict(identity or {})))
        self.epoch = 0
        self.history: list[dict] = []
        self.kept: dict[str, list[Tensor]] = {}
        self.best_epoch, self.best_loss, self._best = 0, math.inf, _copy(module)
        self.stopped = ""
        self._seconds_before, self._start = 0.0, time.monotonic()
        if state := load_checkpoint(self.path, label, self._check):
            self._resume(state)
        self._resumed_at = self.epoch
        self._bar: tqdm | None = None
        self._last_line = -math.inf

    @property
    def seconds(self) -> float:
        """Wall time of the run, earlier parts of a resumed one included."""
        return self._seconds_before + time.monotonic() - self._start

    @property
    def best_weights(self) -> dict[str, Tensor]:
        """The module's state at the best epoch so far."""
        return self._best

    def __iter__(self) -> Iterator[int]:
        """Epochs from 1 (or from where the checkpoint stands), until done or out of patience."""
        self._start = time.monotonic()
        terminal = sys.stderr.isatty()
        self._bar = tqdm(
            total=self.epochs,
            initial=self.epoch,
            desc=self.label,
            unit="epoch",
            disable=not terminal,
        )
        try:
            while not self._finished():
                expected = self.epoch + 1
                yield expected
                if self.epoch != expected:
                    raise RuntimeError(f"epoch {expected} ended without a call of record()")
        finally:
            self._bar.close()
        logger.info(
            "%s: %s in %.0f s; best loss %.4g in epoch %d",
            *(self.label, self.stopped, self.seconds, self.best_loss, self.best_epoch),
        )

    def record(
        self,
        train_loss: float,
        validation_loss: float | None = None,
        keep: Mapping[str, Tensor] | None = None,
        **columns: float,
    ) -> None:
        """End an epoch: note its losses, keep the best weights, write the checkpoint."""
        loss = train_loss if validation_loss is None else validation_loss
        if not (math.isfinite(train_loss) and math.isfinite(loss)):
            raise FloatingPointError(
                f"{self.label}: loss {train_loss} (validation {validation_loss}) in epoch "
                f"{self.epoch + 1}; lower the learning rate or look for NaN in the inputs"
            )
        self.epoch += 1
        row = {"epoch": self.epoch, "seconds": self.seconds, "train_loss": train_loss}
        row["validation_loss"] = math.nan if validation_loss is None else validation_loss
        self.history.append(row | columns)
        for name, tensor in (keep or {}).items():
            self.kept.setdefault(name, []).append(tensor.detach().to("cpu", copy=True))
        if loss < self.best_loss:
            self.best_epoch, self.best_loss, self._best = self.epoch, loss, _copy(self.module)
        if self.path is not None:
            save_checkpoint(self.path, self._state(), self.label)
        self._show(row)

    def restore_best(self) -> None:
        """Put the best weights back into the module."""
        self.module.load_state_dict(self._best)

    def discard_checkpoint(self) -> None:
        """Delete the checkpoint, once the results are written."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _finished(self) -> bool:
        if self.patience is not None and self.epoch - self.best_epoch >= self.patience:
            self.stopped = f"stopped after {self.epoch} epochs, {self.patience} without improvement"
        elif self.epoch >= self.epochs:
            self.stopped = f"all {self.epochs} epochs done"
        return bool(self.stopped)

    def _show(self, row: dict) -> None:
        losses = f"loss {row['train_loss']:.4g}"
        if not math.isnan(row["validation_loss"]):
            losses += f", validation {row['validation_loss']:.4g}"
        if self._bar is not None and not self._bar.disable:
            self._bar.set_postfix_str(losses, refresh=False)
            self._bar.update()
            return
        now = time.monotonic()
        if now - self._last_line >= SECONDS_BETWEEN_LINES or self.epoch == self.epochs:
            self._last_line = now
            pace = (now - self._start) / (self.epoch - self._resumed_at)
            left = f"{pace * (self.epochs - self.epoch):.0f} s left"
            place = f"epoch {self.epoch} of {self.epochs}"
            logger.info("%s: %s, %s, %s", self.label, place, losses, left)

    def _state(self) -> dict:
        return {
            "identity": self.identity,
            "module": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "generator": None if self.generator is None else self.generator.get_state(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "epoch": self.epoch,
            "history": self.history,
            "kept": self.kept,
            "best": {"epoch": self.best_epoch, "loss": self.best_loss, "weights": self._best},
            "seconds": self.seconds,
        }

    def _check(self, state: dict) -> None:
        """ValueError where this training cannot take up a state, whatever its identity is."""
        own = self._state()
        if not isinstance(state, dict) or set(state) != set(own):
            raise ValueError("it does not hold what a checkpoint of this version holds")
        shapes, others = (
            {name: tuple(value.shape) for name, value in one["module"].items()}
            for one in (own, state)
        )
        if state["identity"] == self.identity and shapes != others:
            raise ValueError("its weights are of another shape")

    def _resume(self, state: dict) -> None:
        if state["identity"] != self.identity:
            logger.warning(
                "%s was written by a run with other settings or inputs: starting anew", self.path
            )
            return
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        if self.generator is not None:
            self.generator.set_state(state["generator"])
        torch.set_rng_state(state["random"])
        if torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["random_cuda"])
        self.epoch, self.history, self.kept = state["epoch"], state["history"], state["kept"]
        best = state["best"]
        self.best_epoch, self.best_loss, self._best = best["epoch"], best["loss"], best["weights"]
        self._seconds_before = state["seconds"]
        logger.info("%s: resumed after epoch %d from %s", self.label, self.epoch, self.path)


def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
