"""Scores of a run in time and in space; the only module that reads observations of the test period.

The temporal test is the training cells in the test period, the spatial test the cells held out of
training, in the test period (Tsai et al. 2021, Methods). At held-out cells the parameters are those
of ``parameters.nc``: what a network gives there, or, for a calibration cell by cell, those of the
nearest trained cell.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
import xarray as xr

from parlearn.calibrate.objective import LARGEST_CALL
from parlearn.metrics.point import METRICS, rmse
from parlearn.metrics.spatial import eof_similarity, fss, ssim
from parlearn.models.base import ProcessModel
from parlearn.models.observation import apply_map, fit_domain_map, observe, pair
from parlearn.plan.targets import TARGETS
from parlearn.study.grid import Grid
from parlearn.study.roles import ROLES, TESTS
from parlearn.study.tensors import days_of

MAPS = ("raw", "mapped")
#: of FSS: the lowest and highest shares of a map (Sun et al. 2024, figure 7), and sides of squares
PERCENTILES = (1, 5, 20, 80, 95, 99)
SQUARES = (1, 3, 5, 7, 9, 11)
DIMENSIONS = ("target", "model", "map", "period", "metric", "cell")

Span = tuple[str, str]


def score(
    simulation: xr.Dataset,
    observations: xr.Dataset,
    periods: Mapping[str, Span],
    role,
    *,
    slope=1.0,
    offset=0.0,
) -> xr.Dataset:
    """Score every target a simulation and the observations have in common.

    Parameters
    ----------
    simulation : targets (model, cell, time), as in simulation.nc: the end of each day; of an
        ensemble (model, member, cell, time)
    observations : targets (cell, time) on the same days, NaN = gap; a target whose observations
        are means of several days has their number, ``NAME_days`` (time)
    periods : first and last day, ISO, inclusive, of "train" and "test"
    role : (cell,) see :data:`parlearn.study.roles.ROLES`
    slope, offset : scalars or (cell,), of an ensemble scalars, (member,) or (member, cell): the
        linear correction of the run; fluxes have none, their "mapped" scores are the raw ones

    Returns
    -------
    ``score(target, model, map, period, metric, cell)``, NaN where a cell has fewer than two
    observations or a score is not defined; ``role(cell)``; ``observed(target, period, cell)``, the
    number of observed days. Of an ensemble the score is that of the mean of its members' series,
    and ``member_score`` has that of each (member first).
    """
    targets = [name for name in observations.data_vars if name in simulation]
    days = {name: days_of(observations, name) for name in targets}
    if not targets:
        raise ValueError(
            f"nothing to score: simulated are {list(simulation.data_vars)}, observed "
            f"{list(observations.data_vars)}"
        )
    dates = _same_days(simulation, observations)
    windows = [_window(dates, span, name) for name, span in periods.items()]
    metrics = list(dict.fromkeys(name for target in targets for name in TARGETS[target].scores))
    ensemble = "member" in simulation.dims
    correction = [_of_members(x, ensemble) for x in (slope, offset)]
    scores, of_members, counts = [], [], []
    for target in targets:
        observed = _tensor(observations[target].transpose("cell", "time"))
        both = _as_observed(simulation[target], days[target], correction)
        if ensemble:
            of_members.append(_scores(both.movedim(2, 0), observed, windows, target, metrics))
            both = both.mean(2)
        scores.append(_scores(both, observed, windows, target, metrics))
        counts.append(torch.stack([torch.isfinite(observed[:, w]).sum(-1) for w in windows]))
    extra = {}
    if ensemble:
        values = torch.stack(of_members, 1).numpy().astype(np.float32)
        extra["member_score"] = (("member", *DIMENSIONS), values)
    return xr.Dataset(
        {
            "score": (DIMENSIONS, torch.stack(scores).numpy().astype(np.float32)),
            **extra,
            "observed": (
                ("target", "period", "cell"),
                torch.stack(counts).numpy().astype(np.int32),
            ),
            "role": ("cell", np.asarray(role, np.int8)),
        },
        coords={
            "target": targets,
            "model": simulation["model"].values.astype(str),
            "map": list(MAPS),
            "period": list(periods),
            "metric": metrics,
        },
    )


def score_maps(
    simulation: xr.Dataset,
    observations: xr.Dataset,
    span: Span,
    grid: Grid,
    used,
    *,
    slope=1.0,
    offset=0.0,
) -> xr.Dataset:
    """Likeness of simulated and observed maps, day by day (Sun et al. 2024, section 3.3.2).

    Parameters
    ----------
    simulation, observations, slope, offset : as for :func:`score`; of an ensemble the mean of its
        members' series is scored
    span : first and last day, ISO, inclusive
    grid : of the study
    used : (cell,) bool, the units that the maps show; all others are holes

    Returns
    -------
    ``eof_similarity`` and ``ssim`` (target, model, map, day) and ``fss`` (target, model, map,
    percentile, neighbourhood, day); NaN on days that are not observed at every unit shown. Nothing
    where there is no day that is.
    """
    targets = [name for name in observations.data_vars if name in simulation]
    window = _window(_same_days(simulation, observations), span, "test")
    mask = grid.to_map(torch.from_numpy(np.asarray(used, bool)), fill=False).numpy()
    ensemble = "member" in simulation.dims
    correction = [_of_members(x, ensemble) for x in (slope, offset)]
    found = {"eof_similarity": [], "ssim": [], "fss": []}
    for target in targets:
        seen = grid.to_map(_tensor(observations[target].transpose("time", "cell"))[window]).numpy()
        both = _as_observed(simulation[target], days_of(observations, target), correction)
        both = both.mean(2) if ensemble else both
        for series in both.flatten(0, 1):
            maps = grid.to_map(series[:, window].T).numpy()
            found["eof_similarity"].append(eof_similarity(maps, seen, mask))
            found["ssim"].append(ssim(maps, seen, mask))
            found["fss"].append(
                [[fss(maps, seen, mask, p, n) for n in SQUARES] for p in PERCENTILES]
            )
    if np.isnan(found["eof_similarity"]).all():
        return xr.Dataset()
    leading = (len(targets), simulation.sizes["model"], len(MAPS))
    dims = {"fss": (*DIMENSIONS[:3], "percentile", "neighbourhood", "day")}
    return xr.Dataset(
        {
            name: (
                dims.get(name, (*DIMENSIONS[:3], "day")),
                np.asarray(values, np.float32).reshape(*leading, *np.shape(values)[1:]),
            )
            for name, values in found.items()
        },
        coords={
            "target": targets,
            "model": simulation["model"].values.astype(str),
            "map": list(MAPS),
            "percentile": list(PERCENTILES),
            "neighbourhood": list(SQUARES),
            "day": observations["time"].values[window],
        },
    )


def _as_observed(simulated: xr.DataArray, lengths, correction) -> torch.Tensor:
    """Raw and mapped series (model, map, cell, time), of an ensemble (model, map, member, ...)."""
    target = str(simulated.name)
    raw = observe(_tensor(simulated.transpose("model", ..., "cell", "time")), target, lengths)
    mapped = apply_map(raw, *correction) if TARGETS[target].correctable else raw
    return torch.stack([raw, mapped], 1)


def _scores(series: torch.Tensor, observed: torch.Tensor, windows, target, metrics) -> torch.Tensor:
    """Scores (..., period, metric, cell) of series (..., cell, time); NaN where a metric is none of
    the target's."""
    by_period = []
    for window in windows:
        simulated = series[..., window]
        seen = observed[:, window].expand(simulated.shape)
        none = simulated.new_full(simulated.shape[:-1], torch.nan)
        by_metric = [
            METRICS[name](simulated, seen) if name in TARGETS[target].scores else none
            for name in metrics
        ]
        by_period.append(torch.stack(by_metric, -2))
    return torch.stack(by_period, -3)


def _of_members(values, ensemble: bool) -> torch.Tensor:
    """Slope or offset as :func:`apply_map` takes it: one for each member as (member, 1)."""
    values = torch.as_tensor(np.asarray(values, np.float64))
    return values[:, None] if ensemble and values.ndim == 1 else values


def fit_map(
    simulation: xr.DataArray, training: xr.DataArray, span: Span, role
) -> tuple[float, float]:
    """Slope and offset of the domain for a run that learned none, on training cells and period.

    ``simulation`` (cell, time) is a state observed at 6 a.m., ``training`` (cell, time) its
    observations in the training period ``span``.
    """
    dates = _same_days(simulation, training)
    window, cells = _window(dates, span, "train"), np.asarray(role) == ROLES["train"]
    simulated, observed = (
        _tensor(x.transpose("cell", "time"))[cells] for x in (simulation, training)
    )
    days = slice(window.start - 1, window.stop)
    return fit_domain_map(pair(simulated[:, days], str(simulation.name)), observed[:, window])


def medians(scores: xr.Dataset) -> pd.DataFrame:
    """Medians over cells of the temporal and the spatial test, one line for each.

    Columns: target, model, map, period, test, metric, median, cells (those with a score).
    """
    lines = []
    for test, name in TESTS.items():
        part = scores["score"].isel(cell=np.flatnonzero(scores["role"].values == ROLES[name]))
        table = part.median("cell").to_dataframe("median")
        table["cells"] = part.notnull().sum("cell").to_series()
        lines.append(table.reset_index().assign(test=test))
    columns = ["target", "model", "map", "period", "test", "metric", "median", "cells"]
    return pd.concat(lines, ignore_index=True)[columns]


@torch.inference_mode()
def curve(
    trajectory: xr.Dataset,
    model: ProcessModel,
    observations: xr.Dataset,
    targets: Sequence[str],
    span: Span,
    role,
    device: torch.device | str = "cpu",
) -> pd.DataFrame:
    """Error in the test period along a run (Tsai et al. 2021, figure 1), from saved parameters.

    Parameters
    ----------
    trajectory : as trajectory.nc, for all cells of the domain
    model : of that domain, on ``device``
    observations : as observations.nc
    targets : those to score, outputs of the model; each has its lines, in this order
    span : first and last day of the test period
    role : (cell,)

    Returns
    -------
    One line for each target and epoch: target, epoch and runs_per_cell (model runs per cell so
    far), seconds, and rmse_train_cells, rmse_test_cells: the median over cells of the RMSE in the
    target's unit, by the observation map of that epoch. NaN where no cell has that role or
    observations.
    """
    names = tuple(trajectory["parameter"].values.astype(str))
    missing = [target for target in targets if target not in model.outputs]
    if names != model.space.names or missing:
        raise ValueError(
            f"the trajectory has parameters {names} for {', '.join(targets)}, the model "
            f"{model.space.names} and outputs {model.outputs}"
        )
    dates = observations["time"].values.astype("datetime64[D]")
    cells = np.flatnonzero(np.isin(role, [ROLES[name] for name in TESTS.values()]))
    if len(dates) != model.n_days or not len(cells):
        raise ValueError(
            f"{len(dates)} days observed, {model.n_days} of the model; {len(cells)} cells to score"
        )
    window = _window(dates, span, "test")
    errors = _errors_along(trajectory, model, observations, targets, window, cells, device)
    tables = []
    for target in targets:
        table = pd.DataFrame({"epoch": trajectory["epoch"].values.astype(float)})
        table["runs_per_cell"] = table["epoch"]
        table["seconds"] = trajectory["seconds"].values.astype(float)
        for name in TESTS.values():
            chosen = np.asarray(role)[cells] == ROLES[name]
            table[f"rmse_{name}_cells"] = _medians(errors[target][:, chosen])
        table.insert(0, "target", target)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _errors_along(
    trajectory, model, observations, targets, window, cells, device
) -> dict[str, np.ndarray]:
    """RMSE (epoch, cell) of each target in a window of days, at these cells."""
    parameters = trajectory["parameters"].transpose("epoch", "cell", "parameter").values
    parameters = torch.from_numpy(parameters[:, cells].astype(np.float32)).to(device)
    chosen = torch.from_numpy(cells).to(device)
    slope, offset = (_map_of(trajectory, *x, cells) for x in (("slope", 1.0), ("offset", 0.0)))
    lengths = {target: days_of(observations, target) for target in targets}
    seen = {
        t: _tensor(observations[t].transpose("cell", "time"))[cells][:, window] for t in targets
    }
    # days before the window, which a mean of several days or a pair may begin on
    lead = max([1, *(int(days[window].max()) for days in lengths.values() if days is not None)])
    days = slice(max(0, window.start - lead), window.stop)
    of_an_epoch = len(cells) * (days.stop - days.start) * len(model.outputs)
    size = max(1, LARGEST_CALL // of_an_epoch)
    errors = {target: [] for target in targets}
    for first in range(0, len(parameters), size):
        part = slice(first, first + size)
        simulated = model.simulate(parameters[part], chosen, days).cpu()
        for target in targets:
            length = lengths[target]
            paired = observe(
                simulated[..., model.outputs.index(target)],
                target,
                None if length is None else length[days],
            )[..., window.start - days.start :]
            if TARGETS[target].correctable:
                paired = apply_map(paired, slope[part], offset[part])
            errors[target].append(rmse(paired, seen[target].expand(paired.shape)))
    return {target: torch.cat(parts).numpy() for target, parts in errors.items()}


def _tensor(values: xr.DataArray) -> torch.Tensor:
    return torch.from_numpy(values.values.astype(np.float64))


def _medians(errors: np.ndarray) -> np.ndarray:
    """Median over cells (axis 1) without NaN; NaN where there is none."""
    return pd.DataFrame(errors.T).median().to_numpy(float)


def _map_of(trajectory: xr.Dataset, name: str, none: float, cells: np.ndarray) -> torch.Tensor:
    """(epoch, cell): one number an epoch, one a cell and epoch, or ``none`` without a map."""
    shape = (trajectory.sizes["epoch"], len(cells))
    if name not in trajectory:
        return torch.full(shape, none, dtype=torch.float64)
    values = trajectory[name]
    if "cell" in values.dims:
        values = values.transpose("epoch", "cell").isel(cell=cells).values
    else:
        values = values.values[:, None]
    return torch.from_numpy(np.array(np.broadcast_to(values, shape), np.float64))


def _same_days(one, other) -> np.ndarray:
    days = [x["time"].values.astype("datetime64[D]") for x in (one, other)]
    if not np.array_equal(*days):
        raise ValueError(
            f"simulation ({len(days[0])} days from {days[0][0]}) and observations ({len(days[1])} "
            f"days from {days[1][0]}) are not on the same days"
        )
    if one.sizes["cell"] != other.sizes["cell"]:
        raise ValueError(f"{one.sizes['cell']} cells simulated, {other.sizes['cell']} observed")
    return days[0]


def _window(dates: np.ndarray, span: Span, name: str) -> slice:
    """Days of a period on the timeline, whose first day is never part of one (no 6 a.m. pair)."""
    first, last = (np.datetime64(str(day), "D") for day in span)
    if not dates[0] < first <= last <= dates[-1]:
        raise ValueError(
            f"the {name} period {first} .. {last} is not within the timeline after its first day "
            f"({dates[0]} .. {dates[-1]})"
        )
    return slice(int((first - dates[0]).astype(int)), int((last - dates[0]).astype(int)) + 1)
