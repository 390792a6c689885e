"""A study as tensors: the data that a learner may use, and nothing else.

Built from ``domain.nc``, ``forcing.nc`` and ``training.nc``. Observations of the test period are
not in ``training.nc`` and are refused if they are; scalers use training cells and period.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from parlearn.networks.scalers import Scaler, Scalers, encode_gaps
from parlearn.study.grid import Grid, grid_of
from parlearn.study.roles import ROLES

#: daily forcing given to parameter networks; precipitation is skewed and enters as log(1 + P)
FORCING = ("prec", "tair", "swdown", "lwdown", "vp", "pressure", "wind")
LOG_FORCING = ("prec",)
#: name in training.nc of the period that methods choose on which select on years of their own
VALIDATION = "validate"


class Inputs(NamedTuple):
    """What parameter networks see of n cells.

    attributes : (n, attribute) normalised
    series : (n, training day, variable) normalised forcing, then of each target: the last value
        observed, its age (0 today .. 1 for 30 days and more or never) and a flag (1 observed today)
    """

    attributes: Tensor
    series: Tensor

    def select(self, cells: Tensor) -> "Inputs":
        return Inputs(self.attributes[cells], self.series[cells])

    def between(self, first: int, last: int) -> "Inputs":
        """The same cells with training days ``first`` to before ``last`` of their series."""
        return Inputs(self.attributes, self.series[:, first:last])


@dataclass(frozen=True)
class Study:
    """Tensors of one study, one sampling, one training period.

    Attributes
    ----------
    dates : (day,) datetime64[D], the timeline of all files, spin-up first
    training : days of the training period on that timeline
    role : (cell,) int8, see :data:`ROLES`
    raw_attributes : (cell, attribute); raw_forcing : (cell, training day, variable)
    observations : (cell, day, target) in physical units, NaN = gap, NaN outside ``training``
    grid : where the cells lie on a regular grid; None for units that lie on none
    validation : days that a method may choose on, for methods that ask for such
    withheld : (cell, day, target) observations of those days alone
    lengths : target -> (day,), of how many days an observation of that day is the mean, itself the
        last; only of targets observed so (MOD16A2)
    """

    dates: np.ndarray
    training: slice
    role: Tensor
    raw_attributes: Tensor
    raw_forcing: Tensor
    observations: Tensor
    targets: tuple[str, ...]
    scalers: Scalers
    grid: Grid | None = None
    validation: slice | None = None
    withheld: Tensor | None = None
    lengths: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def n_cells(self) -> int:
        return self.role.shape[0]

    @property
    def n_days(self) -> int:
        return len(self.dates)

    @property
    def training_days(self) -> int:
        return self.training.stop - self.training.start

    @property
    def device(self) -> torch.device:
        return self.observations.device

    def cells(self, *roles: str) -> Tensor:
        """Indices of the cells with one of these roles, ascending."""
        unknown = [r for r in roles if r not in ROLES]
        if unknown:
            raise ValueError(f"unknown role {unknown[0]!r}; there are {', '.join(ROLES)}")
        wanted = torch.tensor([ROLES[r] for r in roles], device=self.device)
        return torch.isin(self.role, wanted).nonzero()[:, 0]

    @cached_property
    def attributes(self) -> Tensor:
        return self.scalers.attributes.apply(self.raw_attributes)

    @cached_property
    def series(self) -> Tensor:
        return _series(self.raw_forcing, self.observations[:, self.training], self.scalers)

    @cached_property
    def inputs(self) -> Inputs:
        return Inputs(self.attributes, self.series)

    def observed(self, cells: Tensor, days: slice) -> Tensor:
        """Observations (n, day, target) of these cells and days; NaN = gap.

        A mean of several days counts as a gap where they begin before ``days``.
        """
        seen = self.observations[cells, days]
        if not self.lengths:
            return seen
        number = torch.arange(1, seen.shape[1] + 1, device=seen.device)
        whole = torch.ones(seen.shape[1:], dtype=torch.bool, device=seen.device)
        for target in self.lengths:
            whole[:, self.targets.index(target)] = self.lengths_of(target, days) <= number
        return torch.where(whole, seen, torch.nan)

    def lengths_of(self, target: str, days: slice) -> Tensor | None:
        """Of how many days (day,) an observation is the mean; None where of its own day alone."""
        return self.lengths[target][days] if target in self.lengths else None

    def to(self, device) -> "Study":
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        moved = {n: v.to(device) for n, v in values.items() if isinstance(v, Tensor | Grid)}
        lengths = {target: days.to(device) for target, days in self.lengths.items()}
        return replace(self, **moved, lengths=lengths)


def load_study(
    domain: xr.Dataset,
    forcing: xr.Dataset,
    training: xr.Dataset,
    *,
    sampling: str,
    period: str,
    span: tuple[str, str],
    targets: tuple[str, ...],
    validation: tuple[str, str] | None = None,
    attributes: Sequence[str] | None = None,
) -> Study:
    """A :class:`Study` from the files of a study.

    Parameters
    ----------
    domain, forcing, training : datasets in the form of domain.nc, forcing.nc and training.nc
    sampling, period : a name in domain.nc's ``sampling``, one in training.nc's ``period``
    span : first and last date of that period, ISO, inclusive
    targets : variables of training.nc to learn from
    validation : first and last date of the period ``validate``, for a method that chooses on years
        of its own
    attributes : those that a learner is told, in this order; all by default

    Raises
    ------
    ValueError
        An unknown sampling, period, target or attribute; files that do not share cells or days; NaN
        in forcing or attributes; observations outside ``span``; no training cell; one that trains
        or validates without any observation. A sampling may have no validation cell.
    """
    role = _pick(domain, "role", "sampling", sampling, "domain.nc").values
    validates = bool((role == ROLES["validate"]).any())
    return build_study(
        domain,
        forcing,
        training,
        role,
        period=period,
        span=span,
        targets=targets,
        needed=("train", "validate") if validates else ("train",),
        validation=validation,
        attributes=attributes,
    )


def build_study(
    domain: xr.Dataset,
    forcing: xr.Dataset,
    training: xr.Dataset,
    role: np.ndarray,
    *,
    period: str,
    span: tuple[str, str],
    targets: tuple[str, ...],
    needed: tuple[str, ...],
    validation: tuple[str, str] | None = None,
    attributes: Sequence[str] | None = None,
) -> Study:
    """As :func:`load_study`, from given roles (cell,); cells of those ``needed`` are observed."""
    targets = tuple(targets)
    dates = _timeline(domain, forcing, training)
    window = _days_between(dates, span, period)
    role = torch.from_numpy(np.asarray(role).astype(np.int8))
    names, units, told = read_attributes(domain, attributes)
    forcing_units, raw_forcing = _forcing(forcing, window)
    target_units, observations = _observations(training, targets, period, window, span)
    _check_cells(observations, targets, span, role, domain, needed)
    train = role == ROLES["train"]
    scalers = Scalers(
        Scaler.fit(told[train], names, units),
        Scaler.fit(raw_forcing[train], FORCING, forcing_units, [f in LOG_FORCING for f in FORCING]),
        Scaler.fit(observations[train, window], targets, target_units),
    )
    study = Study(dates, window, role, told, raw_forcing, observations, targets, scalers)
    lengths = {
        target: days for target in targets if (days := days_of(training, target)) is not None
    }
    study = replace(study, grid=grid_of(domain), lengths=lengths)
    if validation is None:
        return study
    days = _days_between(dates, validation, VALIDATION)
    _, withheld = _observations(training, targets, VALIDATION, days, validation)
    return replace(study, validation=days, withheld=withheld)


def days_of(observations: xr.Dataset, target: str) -> Tensor | None:
    """How many days (time,) an observation is the mean of; None where each is of its own day."""
    if f"{target}_days" not in observations:
        return None
    return torch.from_numpy(observations[f"{target}_days"].values.astype(np.int64))


def read_inputs(
    domain: xr.Dataset,
    scalers: Scalers,
    forcing: xr.Dataset | None = None,
    training: xr.Dataset | None = None,
    *,
    period: str = "",
    span: tuple[str, str] | None = None,
) -> Inputs:
    """What a network trained elsewhere sees of a region, normalised as where it was trained.

    Without ``forcing`` and ``training`` the series are empty (n, 0, 0): a network of attributes.
    ValueError where attributes, variables, their order or their units are not those of training.
    """
    # a network may have been told some attributes of many; those of its own region, all
    names, units, attributes = read_attributes(domain, scalers.attributes.names)
    scalers.attributes.require(names, units, "domain.nc")
    if forcing is None or training is None or span is None:
        series = torch.zeros(attributes.shape[0], 0, 0)
    else:
        window = _days_between(_timeline(domain, forcing, training), span, period)
        forcing_units, raw_forcing = _forcing(forcing, window)
        scalers.forcing.require(FORCING, forcing_units, "forcing.nc")
        targets = scalers.observations.names
        target_units, observations = _observations(training, targets, period, window, span)
        scalers.observations.require(targets, target_units, "training.nc")
        series = _series(raw_forcing, observations[:, window], scalers)
    return Inputs(scalers.attributes.apply(attributes), series)


def _series(raw_forcing: Tensor, observed: Tensor, scalers: Scalers) -> Tensor:
    seen = scalers.observations.apply(observed)
    encoded = [encode_gaps(seen[..., k]) for k in range(seen.shape[-1])]
    return torch.cat([scalers.forcing.apply(raw_forcing), *encoded], dim=-1)


def read_attributes(
    domain: xr.Dataset, wanted: Sequence[str] | None = None
) -> tuple[tuple[str, ...], tuple[str, ...], Tensor]:
    """Names, units and raw values (cell, attribute) of domain.nc, of all attributes or of those
    wanted, in their order; ValueError at a NaN, and where one is not there."""
    if wanted is not None:
        there = [str(name) for name in domain["attribute"].values]
        if missing := [name for name in wanted if name not in there]:
            raise ValueError(
                f"domain.nc has no attribute {', '.join(missing)}; it has {', '.join(there)}"
            )
        domain = domain.isel(attribute=[there.index(name) for name in wanted])
    values = domain["attributes"].transpose("cell", "attribute").values.astype(np.float32)
    names = tuple(str(n) for n in domain["attribute"].values)
    units = tuple(str(u) for u in domain["attribute_units"].values)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        cell, attribute = bad[0]
        raise ValueError(
            f"domain.nc: attribute {names[attribute]} of {_place(domain, cell)} is not a number "
            f"({len(bad)} such values): leave these cells out of the domain"
        )
    return names, units, torch.from_numpy(values)


def _timeline(domain: xr.Dataset, forcing: xr.Dataset, training: xr.Dataset) -> np.ndarray:
    dates = forcing["time"].values.astype("datetime64[D]")
    if (
        len(dates) != training.sizes["time"]
        or (dates != training["time"].values.astype("datetime64[D]")).any()
    ):
        raise ValueError(
            f"forcing.nc ({_span(dates)}) and training.nc "
            f"({_span(training['time'].values)}) do not have the same days"
        )
    gaps = np.flatnonzero(np.diff(dates) != np.timedelta64(1, "D"))
    if len(gaps):
        raise ValueError(
            f"forcing.nc: the timeline is not daily: {dates[gaps[0] + 1]} follows {dates[gaps[0]]}"
        )
    for name, data in (("forcing.nc", forcing), ("training.nc", training)):
        if data.sizes["cell"] != domain.sizes["cell"]:
            raise ValueError(
                f"{name} has {data.sizes['cell']} cells, domain.nc {domain.sizes['cell']}"
            )
    return dates


def _span(dates) -> str:
    days = np.asarray(dates).astype("datetime64[D]")
    return f"{days[0]} .. {days[-1]}, {len(days)} days" if len(days) else "no day"


def _days_between(dates: np.ndarray, span: tuple[str, str], period: str) -> slice:
    first, last = (np.datetime64(str(day), "D") for day in span)
    if not dates[0] <= first <= last <= dates[-1]:
        raise ValueError(
            f"training period {period} ({first} .. {last}) is not inside the timeline "
            f"({_span(dates)})"
        )
    return slice(int((first - dates[0]).astype(int)), int((last - dates[0]).astype(int)) + 1)


def _pick(data: xr.Dataset, variable: str, dim: str, name: str, file: str) -> xr.DataArray:
    there = [str(v) for v in data[dim].values]
    if name not in there:
        raise ValueError(f"{file} has no {dim} {name!r}; it has {', '.join(there)}")
    return data[variable].isel({dim: there.index(name)})


def _forcing(forcing: xr.Dataset, window: slice) -> tuple[list[str], Tensor]:
    """Units, and values (cell, training day, variable) of the daily forcing, checked for NaN."""
    units, values = [], []
    for name in FORCING:
        if name not in forcing:
            raise ValueError(
                f"forcing.nc has no variable {name!r}; needed are {', '.join(FORCING)}"
            )
        series = forcing[name].transpose("cell", "time").values.astype(np.float32)
        bad = np.argwhere(~np.isfinite(series))
        if len(bad):
            cell, day = bad[0]
            raise ValueError(
                f"forcing.nc: {name} of cell {cell} on "
                f"{forcing['time'].values[day].astype('datetime64[D]')} is not a number "
                f"({len(bad)} such values): forcing must have no gap"
            )
        units.append(str(forcing[name].attrs.get("units", "")))
        values.append(torch.from_numpy(series[:, window]))
    return units, torch.stack(values, dim=-1)


def _observations(training, targets, period, window, span) -> tuple[list[str], Tensor]:
    """Units, and values (cell, day, target) of one training period, checked for leaks."""
    if not targets:
        raise ValueError("no target to learn from")
    units, series = [], []
    for target in targets:
        if target not in training:
            raise ValueError(
                f"training.nc has no target {target!r}; it has {', '.join(training.data_vars)}"
            )
        variable = _pick(training, target, "period", period, "training.nc")
        series.append(torch.from_numpy(variable.transpose("cell", "time").values.astype("f4")))
        units.append(str(training[target].attrs.get("units", "")))
    observations = torch.stack(series, dim=-1)
    if torch.isinf(observations).any():
        raise ValueError("training.nc: an observation is infinite; gaps are NaN")
    outside = torch.isfinite(observations)
    outside[:, window] = False
    if outside.any():
        raise ValueError(
            f"training.nc holds {int(outside.sum())} observations outside the training period "
            f"{span[0]} .. {span[1]}; a learner must not see them"
        )
    return units, observations


def _check_cells(observations, targets, span, role, domain, needed) -> None:
    for name in needed:
        cells = (role == ROLES[name]).nonzero()[:, 0]
        if len(cells) == 0:
            raise ValueError(f"domain.nc: no cell has the role {name!r} in this sampling")
        for k, target in enumerate(targets):
            count = torch.isfinite(observations[cells, :, k]).sum(1)
            if (count == 0).any():
                raise ValueError(
                    f"training.nc: {int((count == 0).sum())} cells with the role {name!r} have no "
                    f"{target} between {span[0]} and {span[1]}, the first "
                    f"{_place(domain, int(cells[count == 0][0]))}: give them the role 'unused'"
                )


def _place(domain: xr.Dataset, cell: int) -> str:
    return (
        f"cell {cell} (lat {float(domain['lat'].values[cell]):.3f}, "
        f"lon {float(domain['lon'].values[cell]):.3f})"
    )
