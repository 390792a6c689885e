"""What a calibration of single cells minimises: the error of a model over the training period."""

import numpy as np
import torch
from torch import Tensor

from parlearn.models.base import ProcessModel
from parlearn.models.observation import apply_map, pair
from parlearn.plan.targets import TARGETS
from parlearn.study.scales import error_scales
from parlearn.study.tensors import Study

#: model output of one call is held to this many numbers (256 MB)
LARGEST_CALL = 2**26


def split_observed(study: Study, cells: Tensor, least: int = 2) -> tuple[Tensor, Tensor]:
    """The cells with at least ``least`` training observations of every target, and the others."""
    seen = torch.isfinite(study.observed(cells, _days(study))).sum(1)
    enough = (seen >= least).all(-1)
    return cells[enough], cells[~enough]


def _days(study: Study) -> slice:
    """The training days that can be compared: the timeline's first has no day before it."""
    return slice(max(study.training.start, 1), study.training.stop)


class TrainingError:
    """RMSE of each cell over the training period, as an objective of SCE-UA.

    The simulation is looked at as the instrument does (:mod:`parlearn.models.observation`),
    gaps are left out. With several targets the value is the weighted mean of their RMSEs, each
    divided by its target's scale as for the networks (:mod:`parlearn.study.scales`). A
    simulation that is not finite on an observed day gives NaN, which SCE-UA counts as a failed run.

    Parameters
    ----------
    model : ProcessModel
    study : Study
        Holds observations of the training period only.
    cells : (n,) int64
        The cells that will be asked for; ValueError where one lacks observations.
    slope, offset : float
        A fixed observation map of the domain; 1 and 0 for none.
    weights : dict, optional
        One for each target; all equal by default.
    """

    def __init__(
        self,
        model: ProcessModel,
        study: Study,
        cells: Tensor,
        *,
        slope: float = 1.0,
        offset: float = 0.0,
        weights: dict[str, float] | None = None,
    ):
        if (model.n_cells, model.n_days) != (study.n_cells, study.n_days):
            raise ValueError(
                f"the model has {model.n_cells} cells and {model.n_days} days, the study "
                f"{study.n_cells} and {study.n_days}"
            )
        missing = [target for target in study.targets if target not in model.outputs]
        if missing:
            raise ValueError(
                f"the model has no output {missing[0]!r}; it has {', '.join(model.outputs)}"
            )
        _, blind = split_observed(study, torch.as_tensor(cells))
        if len(blind):
            raise ValueError(
                f"{len(blind)} cells have fewer than two {' or '.join(study.targets)} observations "
                f"in the training period (indices {blind[:10].tolist()}) and cannot be "
                "calibrated: leave them out (role 'unused')"
            )
        self.model, self.device = model, study.device
        self.targets = study.targets
        self.outputs = [model.outputs.index(target) for target in study.targets]
        days = _days(study)
        self.days = slice(days.start - 1, days.stop)  # one more, for the 6 a.m. pairs
        self.observed = study.observed(torch.arange(study.n_cells, device=study.device), days)
        self.lengths = [study.lengths_of(target, days) for target in study.targets]
        self.scales = error_scales(study, study.targets)
        self.slope, self.offset = torch.tensor(slope), torch.tensor(offset)
        weights = weights or dict.fromkeys(study.targets, 1.0)
        if set(weights) != set(study.targets):
            raise ValueError(
                f"weights are given for {sorted(weights)}, targets are {study.targets}"
            )
        total = sum(weights.values())
        self.weights = [weights[target] / total for target in study.targets]

    @torch.inference_mode()
    def __call__(self, cells: Tensor, unit: Tensor) -> Tensor:
        """Errors (n, k), float64 on the CPU, of unit parameters (n, k, parameter) at n cells."""
        rows, k, _ = unit.shape
        of_a_row = k * (self.days.stop - self.days.start) * len(self.model.outputs)
        size = max(1, LARGEST_CALL // of_a_row)
        parts = [slice(start, start + size) for start in range(0, rows, size)]
        return torch.cat([self._errors(cells[part], unit[part]) for part in parts]).double().cpu()

    def _errors(self, cells: Tensor, unit: Tensor) -> Tensor:
        cells = cells.to(self.device)
        parameters = self.model.space.to_physical(unit.transpose(0, 1).float().to(self.device))
        simulated = self.model.simulate(parameters, cells, self.days)
        errors = 0.0
        for k, (target, weight) in enumerate(zip(self.targets, self.weights, strict=True)):
            paired = pair(simulated[..., self.outputs[k]], target, self.lengths[k])
            if TARGETS[target].correctable:
                paired = apply_map(paired, self.slope, self.offset)
            observed = self.observed[cells, :, k]
            seen = torch.isfinite(observed)
            squares = torch.where(seen, paired - observed, 0).square().sum(-1)
            errors = errors + weight * (squares / seen.sum(-1)).sqrt() / self.scales[cells, k]
        return errors.transpose(0, 1)


def spread(values: np.ndarray, calibrated: np.ndarray, donor: np.ndarray) -> np.ndarray:
    """Give every cell of the domain parameters: its own where calibrated, else its donor's.

    Parameters
    ----------
    values : (..., calibrated cell, parameter)
    calibrated : (calibrated cell,) indices in the domain
    donor : (cell,) index of each cell's nearest trained cell (domain.nc)

    Returns
    -------
    (..., cell, parameter)
    """
    place = np.full(len(donor), -1)
    place[calibrated] = np.arange(len(calibrated))
    source = np.where(place >= 0, place, place[donor])
    if (source < 0).any():
        cell = int(np.argmax(source < 0))
        raise ValueError(
            f"cell {cell} was not calibrated and neither was its donor, cell {donor[cell]} "
            f"({int((source < 0).sum())} such cells)"
        )
    return values[..., source, :]
