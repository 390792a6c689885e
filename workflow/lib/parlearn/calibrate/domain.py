"""SCE-UA at every training cell of a domain, in one or more parts, and its result for all cells.

A cell's search depends on no other cell's, so a domain can be calibrated in parts, each a job of
its own; joined, they are what one job would have found (:func:`join`).
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from parlearn.calibrate.objective import TrainingError, split_observed, spread
from parlearn.calibrate.sceua import SCEUA, Settings
from parlearn.models.base import ProcessModel
from parlearn.models.observation import SIX_AM, fit_domain_map, pair
from parlearn.runs import outputs
from parlearn.study.tensors import Study

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DomainCalibration:
    """Parameters (cell, P) of every cell, physical; the map; tables as of a run's files."""

    parameters: Tensor
    slope: float
    offset: float
    trajectory: dict  #: epoch, seconds (record,), parameters (record, cell, P), slope, offset
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

    donor : (cell,) nearest training cell, from domain.nc; the rest is as in :func:`calibrate_part`.
    """
    found = calibrate_part(
        model,
        study,
        settings,
        start=start,
        observation_map=observation_map,
        checkpoint=checkpoint,
    )
    return join([found], donor)


def calibrate_part(
    model: ProcessModel,
    study: Study,
    settings: Settings,
    *,
    start: Tensor,
    observation_map: str = "domain",
    part: int = 0,
    parts: int = 1,
    checkpoint: Path | None = None,
) -> xr.Dataset:
    """Calibrate every ``parts``-th training cell by itself, from the ``part``-th on.

    A map of the domain cannot be found cell by cell. It is fit with the parameters ``start``,
    from which dPL begins as well, on the training cells of all parts, and held from then on:
    parameters found under one line are not scored under another. (A line fit anew to the pooled
    cells lowers their pooled error a little and raises the median one a lot.)

    Parameters
    ----------
    start : (cell, P) physical, known parameters; each cell's are one point of its first population
    observation_map : none or domain
    checkpoint : file of the search's state; a killed run goes on from it

    Returns
    -------
    xr.Dataset
        Of the kind ``calibration``.

    Raises
    ------
    ValueError
        A map per cell, which needs a network; more parts than cells.
    """
    if observation_map not in ("none", "domain"):
        raise ValueError(
            f"observation_map {observation_map!r} needs a network: SCE-UA takes none or domain"
        )
    seen, blind = split_observed(study, study.cells("train"))
    if len(blind):
        log.warning("%d training cells without observations take a donor's parameters", len(blind))
    if parts > len(seen):
        raise ValueError(
            f"{len(seen)} training cells with observations cannot be calibrated in {parts} parts: "
            "lower calibrate.batches of the configuration"
        )
    mapped = observation_map == "domain"
    slope, offset = fit_line(model, study, start, seen) if mapped else (1.0, 0.0)
    mine = seen[part::parts]
    objective = TrainingError(model, study, mine, slope=slope, offset=offset)
    known = model.space.to_unit(start[mine.to(start.device)]).clamp(0, 1)
    search = SCEUA(objective, mine.cpu(), len(model.space), settings, start=known.cpu())
    found = search.run(checkpoint)
    best = model.space.to_physical(torch.from_numpy(found.trajectory_best).float())
    return outputs.calibration_dataset(model.space, found, best, slope, offset)


def join(found: list[xr.Dataset], donor: np.ndarray) -> DomainCalibration:
    """Put parts together; every cell that was not calibrated takes its donor's parameters.

    Cells that stopped stay as they were while those of other parts go on. Seconds of the parts are
    added up, as if one had come after the other.

    Raises
    ------
    ValueError
        Parts under different lines, or that have a cell in common.
    """
    slope, offset = float(found[0]["slope"]), float(found[0]["offset"])
    if any((float(ds["slope"]), float(ds["offset"])) != (slope, offset) for ds in found):
        raise ValueError("the parts were calibrated under different observation maps")
    records = max(ds.sizes["record"] for ds in found)
    ends = [ds.isel(record=np.minimum(np.arange(records), ds.sizes["record"] - 1)) for ds in found]
    seconds = sum(ds["seconds"].values for ds in ends)
    ds = xr.concat([ds.drop_vars(["seconds", "slope", "offset"]) for ds in ends], "cell")
    ds = ds.sortby("cell")
    cells = ds["cell"].values
    if len(np.unique(cells)) != len(cells):
        raise ValueError("the parts have cells in common: they are not of one division")
    everywhere = spread(
        ds["parameters"].transpose("record", "cell", "parameter").values, cells, donor
    )
    epochs = ds["evaluations"].mean("cell").values
    last = ds.isel(record=-1)
    return DomainCalibration(
        parameters=torch.from_numpy(everywhere[-1].copy()),
        slope=slope,
        offset=offset,
        trajectory={
            "epoch": epochs.astype(np.float32),
            "seconds": seconds.astype(np.float32),
            "parameters": everywhere,
            "slope": np.full(records, slope, dtype=np.float32),
            "offset": np.full(records, offset, dtype=np.float32),
        },
        # one line a record; the loss is the mean over cells of their lowest RMSE so far
        history=pd.DataFrame(
            {
                "epoch": np.arange(records),
                "runs_per_cell": epochs,
                "seconds": seconds,
                "train_loss": ds["value"].mean("cell").values,
                "validation_loss": np.nan,
            }
        ),
        cells=pd.DataFrame(
            {
                "cell": cells,
                "rmse": last["value"].values,
                **{
                    name: last[name].values for name in ("evaluations", "failed", "loops", "reason")
                },
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
