"""SCE-UA at every training cell of a domain, and its result for all cells."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from parlearn.calibrate.objective import TrainingError, split_observed, spread
from parlearn.calibrate.sceua import SCEUA, Calibration, Settings
from parlearn.learn.observation import SIX_AM, fit_domain_map, pair
from parlearn.models.base import ProcessModel
from parlearn.study import Study

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DomainCalibration:
    """Parameters (cell, P) of every cell, physical; the map; tables as of a run's files."""

    parameters: Tensor
    slope: float
    offset: float
    trajectory: dict  #: epoch, seconds (loop,), parameters (loop, cell, P), slope, offset (loop,)
    history: pd.DataFrame
    cells: (
        pd.DataFrame
    )  #: of each calibrated cell: RMSE, model runs, failed runs, loops, why it stopped


def calibrate_domain(
    model: ProcessModel,
    study: Study,
    settings: Settings,
    *,
    donor: np.ndarray,
    start: Tensor,
    observation_map: str = "domain",
    checkpoint: Path | None = None,
) -> DomainCalibration:
    """Calibrate each training cell by itself; every other cell takes its donor's parameters.

    A map of the domain cannot be found cell by cell. It is fit with the parameters ``start``,
    from which dPL begins as well, and held from then on: parameters found under one line
    are not scored under another. (A line fit anew to the pooled cells lowers their pooled error
    a little and raises the median one a lot.)

    Parameters
    ----------
    donor : (cell,) nearest training cell, from domain.nc
    start : (cell, P) physical, known parameters
    observation_map : none or domain
    checkpoint : file of the search's state; a killed run goes on from it

    Raises
    ------
    ValueError
        A map per cell, which needs a network; a training cell without two observations.
    """
    if observation_map not in ("none", "domain"):
        raise ValueError(
            f"observation_map {observation_map!r} needs a network: SCE-UA takes none or domain"
        )
    mapped = observation_map == "domain"
    train = study.cells("train")
    seen, blind = split_observed(study, train)
    if len(blind):
        log.warning("%d training cells without observations take a donor's parameters", len(blind))
    slope, offset = fit_line(model, study, start, seen) if mapped else (1.0, 0.0)
    objective = TrainingError(model, study, seen, slope=slope, offset=offset)
    found = SCEUA(objective, seen.cpu(), len(model.space), settings).run(checkpoint)
    cells = seen.cpu().numpy()
    physical = model.space.to_physical(torch.from_numpy(found.trajectory_best).float()).numpy()
    everywhere = spread(physical, cells, donor)
    parameters = torch.from_numpy(everywhere[-1].copy())
    return DomainCalibration(
        parameters=parameters,
        slope=slope,
        offset=offset,
        trajectory={
            "epoch": found.epochs.astype(np.float32),
            "seconds": found.trajectory_seconds.astype(np.float32),
            "parameters": everywhere,
            "slope": np.full(len(found.epochs), slope, dtype=np.float32),
            "offset": np.full(len(found.epochs), offset, dtype=np.float32),
        },
        history=_history(found),
        cells=pd.DataFrame(
            {
                "cell": cells,
                "rmse": found.value,
                "evaluations": found.evaluations,
                "failed": found.failed,
                "loops": found.loops,
                "reason": found.reason,
            }
        ),
    )


@torch.inference_mode()
def fit_line(
    model: ProcessModel, study: Study, parameters: Tensor, cells: Tensor
) -> tuple[float, float]:
    """Slope and offset of the domain with given parameters (cell, P), on some cells in training."""
    target = next((t for t in study.targets if t in SIX_AM), None)
    if target is None:
        return 1.0, 0.0
    days = slice(max(study.training.start, 1), study.training.stop)
    simulated = model.simulate(
        parameters.to(study.device)[cells], cells, slice(days.start - 1, days.stop)
    )
    paired = pair(simulated[..., model.outputs.index(target)], target)
    return fit_domain_map(paired, study.observed(cells, days)[..., study.targets.index(target)])


def _history(found: Calibration) -> pd.DataFrame:
    """One line a shuffling loop; the loss is the mean over cells of their lowest RMSE so far."""
    return pd.DataFrame(
        {
            "epoch": np.arange(len(found.epochs)),
            "runs_per_cell": found.epochs,
            "seconds": found.trajectory_seconds,
            "train_loss": found.trajectory_value.mean(axis=1),
            "validation_loss": np.nan,
        }
    )
