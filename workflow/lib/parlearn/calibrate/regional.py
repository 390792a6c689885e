"""Regional calibration: coefficients of transfer functions, the same everywhere, by SCE-UA.

The parameters of each unit follow from its attributes; only the coefficients of that relation are
searched, all units at once (multiscale parameter regionalisation, MPR; Samaniego et al. 2010). The
error of targets on maps is that of Dembele et al. (2020), as of Sun et al. (2024): the RMSE over
units of each day, averaged over days ("spatial bias-accounting"). That of a target whose scale is
each unit's own (streamflow) is the root of the mean over all observations of the squared error in
the unit's variances, which networks minimise as well: of 1 - NSE, the mean over units where all are
observed as long.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from parlearn.calibrate.objective import LARGEST_CALL
from parlearn.calibrate.sceua import SCEUA, Settings
from parlearn.models.base import ProcessModel
from parlearn.models.observation import apply_map, pair
from parlearn.plan.targets import TARGETS
from parlearn.study.scales import error_scales
from parlearn.study.tensors import Study

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Regional:
    """What a regional calibration found: parameters (cell, P) of every cell, and the way there."""

    parameters: Tensor
    coefficients: dict[str, float]
    trajectory: dict  #: epoch, seconds (record,), parameters (record, cell, P), slope, offset
    history: pd.DataFrame
    reason: str


class RegionalError:
    """Error over all training units, as an objective of one search.

    The mean over days of the RMSE over units, days with fewer than two observed units left out; of
    a target that is scaled by units the RMSE over all. Of several targets the mean, each divided by
    its scale.
    """

    def __init__(self, model: ProcessModel, study: Study, functions, line: tuple[float, float]):
        self.model, self.functions, self.line = model, functions, line
        self.cells, self.targets = study.cells("train"), study.targets
        self.outputs = [model.outputs.index(target) for target in study.targets]
        days = slice(max(study.training.start, 1), study.training.stop)
        self.days = slice(days.start - 1, days.stop)  # one more, for the 6 a.m. pairs
        self.observed = study.observed(self.cells, days)
        self.lengths = [study.lengths_of(target, days) for target in study.targets]
        self.scales = error_scales(study, study.targets)[self.cells]
        self.device = study.device
        counts = torch.isfinite(self.observed).sum(0)
        daily = [k for k, target in enumerate(self.targets) if not _by_unit(target)]
        if daily and not (counts[:, daily] >= 2).any():
            raise ValueError("no day of the training period is observed at two training cells")

    @torch.inference_mode()
    def __call__(self, cells: Tensor, unit: Tensor) -> Tensor:
        """Errors (1, k) of unit coefficients (1, k, coefficient)."""
        of_one = len(self.cells) * (self.days.stop - self.days.start) * len(self.model.outputs)
        size = max(1, LARGEST_CALL // of_one)
        parts = [self._errors(some) for some in unit.reshape(-1, unit.shape[-1]).split(size)]
        return torch.cat(parts).double().cpu().reshape(unit.shape[:-1])

    def _errors(self, unit: Tensor) -> Tensor:
        coefficients = self.functions.space.to_physical(unit.float())
        fields = self.functions.fields(coefficients)[:, self.cells.cpu()].to(self.device)
        simulated = self.model.simulate(fields, self.cells, self.days)
        total = 0.0
        for k, target in enumerate(self.targets):
            paired = pair(simulated[..., self.outputs[k]], target, self.lengths[k])
            if TARGETS[target].correctable:
                paired = apply_map(paired, *(torch.tensor(x) for x in self.line))
            observed = self.observed[..., k]
            seen = torch.isfinite(observed)
            error = (paired - observed) / self.scales[:, k, None]
            squares = torch.where(seen, error, 0).square()
            if _by_unit(target):
                total = total + (squares.sum((-2, -1)) / seen.sum()).sqrt()
                continue
            squares = squares.sum(-2)
            number = seen.sum(-2)
            counts = number >= 2
            daily = (squares[..., counts] / number[counts]).sqrt()
            total = total + daily.mean(-1)
        return total / len(self.targets)


def _by_unit(target: str) -> bool:
    return TARGETS[target].scale == "unit"


def calibrate_regional(
    model: ProcessModel,
    study: Study,
    functions,
    settings: Settings,
    *,
    line: tuple[float, float] = (1.0, 0.0),
    checkpoint: Path | None = None,
) -> Regional:
    """Search the coefficients of transfer functions.

    Parameters
    ----------
    functions : with ``space`` and ``start`` of the coefficients, ``names`` of the parameters and
        ``fields``, see :mod:`parlearn.models.registry`
    line : slope and offset of the domain, as for all methods; 1 and 0 for none
    checkpoint : file of the search's state; a killed run goes on from it
    """
    if tuple(functions.names) != tuple(model.space.names):
        raise ValueError(
            f"the transfer functions make {', '.join(functions.names)}, the model has "
            f"{', '.join(model.space.names)}"
        )
    start = functions.space.to_unit(functions.start)[None].clamp(0, 1)
    objective = RegionalError(model, study, functions, line)
    search = SCEUA(objective, [0], len(functions.space), settings, start=start)
    found = search.run(checkpoint)
    best = torch.from_numpy(found.trajectory_best[:, 0]).float()
    coefficients = functions.space.to_physical(best)
    fields = functions.fields(coefficients)
    runs, records = found.epochs, len(best)
    log.info("%d model runs per cell, stopped by %s", int(runs[-1]), found.reason[0])
    return Regional(
        parameters=fields[-1],
        coefficients=dict(zip(functions.space.names, coefficients[-1].tolist())),
        trajectory={
            "epoch": runs.astype(np.float32),
            "seconds": found.trajectory_seconds.astype(np.float32),
            "parameters": fields.numpy(),
            "slope": np.full(records, line[0], np.float32),
            "offset": np.full(records, line[1], np.float32),
        },
        history=pd.DataFrame(
            {
                "epoch": np.arange(records),
                "runs_per_cell": runs,
                "seconds": found.trajectory_seconds,
                "train_loss": found.trajectory_value[:, 0],
                "validation_loss": np.nan,
            }
        ),
        reason=found.reason[0],
    )
