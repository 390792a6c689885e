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
    line: tuple[float, float] = (1.0, 0.0),
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
        line=line,
        checkpoint=checkpoint,
    )
    return join([found], donor)


def calibrate_part(
    model: ProcessModel,
    study: Study,
    settings: Settings,
    *,
    start: Tensor,
    line: tuple[float, float] = (1.0, 0.0),
    part: int = 0,
    parts: int = 1,
    checkpoint: Path | None = None,
) -> xr.Dataset:
    """Calibrate every ``parts``-th training cell by itself, from the ``part``-th on.

    Parameters
    ----------
    start : (cell, P) physical, known parameters; each cell's are one point of its first population
    line : slope and offset of the domain, the same for all parts and methods
        (:mod:`parlearn.calibrate.line`); 1 and 0 for none
    checkpoint : file of the search's state; a killed run goes on from it

    Returns
    -------
    xr.Dataset
        Of the kind ``calibration``.

    Raises
    ------
    ValueError
        More parts than cells.
    """
    seen, blind = split_observed(study, study.cells("train"))
    if len(blind):
        log.warning("%d training cells without observations take a donor's parameters", len(blind))
    if parts > len(seen):
        raise ValueError(
            f"{len(seen)} training cells with observations cannot be calibrated in {parts} parts: "
            "lower calibrate.batches of the configuration"
        )
    slope, offset = line
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
