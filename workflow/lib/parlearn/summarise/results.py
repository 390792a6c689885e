"""The one door to the files of runs and study: what summaries and claims read, each file once.

Files are read through their contracts here and nowhere else in summaries and claims; what is handed
out are tables and arrays in which the observation operator and the linear correction are applied.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import xarray as xr

from parlearn.models.observation import apply_map, observe
from parlearn.plan.methods import METHODS
from parlearn.plan.targets import TARGETS
from parlearn.storage import contracts
from parlearn.storage.files import read_json
from parlearn.study.grid import Grid, grid_of
from parlearn.study.roles import ROLES, TESTS


@dataclass(frozen=True)
class Results:
    """The results of one study, and what a figure asks of them.

    Attributes
    ----------
    root : folder of all results
    study : name of the study
    target : variable shown
    test : first and last day of the test period, ISO
    threshold : RMSE of a functional model, in the target's unit
    correction : ``mapped`` or ``raw``: scores and series after or before the linear correction of
        the simulation. A mean of each cell's observations exists as a correction alone (slope 0),
        so its corrected scores stand for both.
    truth_file, skill_file : paths of a twin's truth.nc and of the surrogate's skill.nc, for figures
        that show them
    """

    root: Path
    study: str
    target: str | None = None
    test: tuple[str, str] | None = None
    threshold: float | None = None
    correction: str = "mapped"
    truth_file: str | None = None
    skill_file: str | None = None
    kept: dict = field(default_factory=dict, repr=False, compare=False)

    # the study

    @cached_property
    def domain(self) -> xr.Dataset:
        return self._read(self._of_study("domain.nc"), "domain")

    @property
    def samplings(self) -> list[str]:
        return [str(name) for name in self.domain["sampling"].values]

    def cells(self, sampling, split) -> np.ndarray:
        """Indices of the cells of a split (``temporal``, ``spatial``)."""
        if sampling not in self.samplings:
            raise ValueError(
                f"domain.nc has no sampling {sampling!r}; it has {', '.join(self.samplings)}"
            )
        role = self.domain["role"].values[self.samplings.index(sampling)]
        return np.flatnonzero(role == ROLES[TESTS[split]])

    def densest(self, samplings) -> str:
        """That of the samplings which trains on most cells, the first of equals."""
        return max(dict.fromkeys(samplings), key=lambda s: len(self.cells(s, "temporal")))

    def places(self, cells=None) -> pd.DataFrame:
        """Columns cell, lat and lon of some cells, or of all."""
        cells = np.arange(self.domain.sizes["cell"]) if cells is None else cells
        there = {name: self.domain[name].values[cells] for name in ("lat", "lon")}
        return pd.DataFrame({"cell": cells, **there})

    @property
    def grid(self) -> Grid | None:
        """The regular grid of the study, None where its units lie on none."""
        return grid_of(self.domain)

    def weather(self, days) -> xr.Dataset:
        """Daily precipitation ``prec`` and temperature ``tair`` (cell, time) on some days."""
        forcing = self._read(self._of_study("forcing.nc"), "forcing")
        return forcing[["prec", "tair"]].sel(time=slice(*days)).transpose("cell", "time")

    @property
    def observed_targets(self) -> list[str]:
        """The targets that there are observations of."""
        return [name for name in TARGETS if name in self._observations]

    def observed(self, cells, days=None) -> xr.DataArray:
        """Observations (cell, time) of the target in the test period, or `days` of it; NaN: gap."""
        days = days or self.test
        values = self._observations[self.target].transpose("cell", "time")
        return values.isel(cell=cells).sel(time=slice(*days))

    @property
    def truth(self) -> xr.DataArray | None:
        """True parameters (parameter, cell) of a twin; None unless the figure shows them."""
        if self.truth_file is None:
            return None
        truth = self._read(self.truth_file, "truth")
        return truth["parameters"].transpose("parameter", "cell")

    def true_series(self, cells) -> xr.DataArray:
        """The target (cell, time) of a twin in the test period as it was before any error of
        observation, seen as an instrument would."""
        truth = self._read(self.truth_file, "truth")
        values = truth[self.target].transpose("cell", "time").isel(cell=cells)
        seen = observe(torch.from_numpy(values.values), self.target, self._days_of_a_mean())
        return values.copy(data=seen.numpy()).sel(time=slice(*self.test))

    def parameter_members(self, run) -> xr.DataArray:
        """parameters.nc's ``parameters`` (member, parameter, cell); one member of a single run."""
        values = self._members(run)["parameters"]
        values = values if "member" in values.dims else values.expand_dims("member")
        return values.transpose("member", "parameter", "cell")

    @property
    def skill(self) -> xr.Dataset:
        """Scores (output, cell) of the surrogate against the process model, see kind ``skill``."""
        return self._read(self.skill_file, "skill")

    @cached_property
    def published(self) -> pd.DataFrame:
        """Published scores of basins, see :mod:`parlearn.sources.published`; gauges as text."""
        table = self._read_table(self._of_study("published.csv"), "published")
        return table.assign(gauge=table["gauge"].astype(str).str.zfill(8))

    # a run

    def file(self, run, name) -> Path:
        return Path(self.root) / "runs" / run.run / name

    def parameters(self, run) -> xr.Dataset:
        """parameters.nc: ``parameters`` (parameter, cell) with bounds and units as attributes.

        Of an ensemble the means over its members.
        """
        ds = self._members(run)
        return ds.mean("member", keep_attrs=True) if "member" in ds.dims else ds

    def _members(self, run) -> xr.Dataset:
        return self._read(self.file(run, "parameters.nc"), "parameters")

    def history(self, run) -> pd.DataFrame:
        return self._read_table(self.file(run, "history.csv"), "history")

    def curves(self, run) -> pd.DataFrame:
        """Errors along a training, of every target it learned from (column ``target``)."""
        return self._read_table(self.file(run, "curve.csv"), "curve")

    def curve(self, run) -> pd.DataFrame:
        """Errors along a training of the target shown, or of the first that it learned from."""
        table = self.curves(run)
        shown = self.target if (table["target"] == self.target).any() else table["target"].iloc[0]
        return table[table["target"] == shown].drop(columns="target").reset_index(drop=True)

    def weights(self, run) -> int | None:
        """How many numbers a network has; None of a run without a network."""
        card = self.file(run, "network") / "card.json"
        return read_json(card)["weights"] if card.is_file() else None

    def machine(self, run) -> tuple[str, float]:
        """The device a run was trained on, and the most memory in use there at once (MB)."""
        about = self.parameters(run).attrs
        if "provenance_peak_memory_mb" not in about:
            raise ValueError(
                f"{self.file(run, 'parameters.nc')} does not say how much memory it took: make it "
                "again"
            )
        return about["provenance_device"], float(about["provenance_peak_memory_mb"])

    def scores(self, run, correction=None, *, emulated=False, period="test") -> xr.DataArray:
        """Scores (metric, cell) in a period of what the process model simulates; ``emulated``: of
        what the surrogate does, where there is one."""
        scores = self._metrics(run)["score"]
        wanted = self._wanted(run, scores, correction, emulated) | {"period": period}
        return self._chosen(run, scores, wanted)

    def likeness(self, run, name, *, emulated=False) -> xr.DataArray:
        """Scores (day) of each map: ``eof_similarity`` or ``ssim``; ``emulated`` as in scores.

        ValueError where the study has no maps, or none that is observed whole.
        """
        metrics = self._metrics(run)
        if name not in metrics:
            raise ValueError(
                f"{self.file(run, 'metrics.nc')} has no {name}: the study's units lie on no grid, "
                "or on no day are all of them observed"
            )
        return self._chosen(run, metrics[name], self._wanted(run, metrics, None, emulated))

    def _metrics(self, run) -> xr.Dataset:
        return self._read(self.file(run, "metrics.nc"), "metrics")

    def _wanted(self, run, scores, correction, emulated) -> dict[str, str]:
        models = _process_first(scores["model"].values)
        return {
            "target": self.target,
            "model": models[-1 if emulated else 0],
            "map": "mapped" if only_corrects(run.method) else correction or self.correction,
        }

    def _chosen(self, run, scores, wanted) -> xr.DataArray:
        for name, value in wanted.items():
            if value not in scores[name].values:
                raise ValueError(
                    f"{self.file(run, 'metrics.nc')} has no {name} {value!r}; it has "
                    + ", ".join(map(str, scores[name].values))
                )
        return scores.sel(wanted)

    def medians(self, run, split, correction=None, period="test") -> dict[str, float]:
        """Median over cells of each score; NaN where a split has no scored cell."""
        part = self.scores(run, correction, period=period).isel(
            cell=self.cells(run.sampling, split)
        )
        return dict(zip(part["metric"].values.astype(str), part.median("cell").values, strict=True))

    def simulated(self, run, cells, days=None, *, emulated=False) -> xr.DataArray:
        """A run's target (cell, time) as an instrument would have seen it in the test period.

        By the process model, ``emulated`` by the surrogate where there is one; after the run's
        linear correction, unless raw results are asked for or the target has none; of an ensemble
        the mean of its members, each after its own correction. `days`: first and last day, in place
        of the test period's.
        """
        corrected = self.members(run, cells, days, emulated=emulated)
        return corrected.mean("member") if "member" in corrected.dims else corrected

    def members(self, run, cells, days=None, *, emulated=False) -> xr.DataArray:
        """As :meth:`simulated`, of an ensemble of each member (member, cell, time)."""
        both = self._series(run)
        models = _process_first(both["model"].values)
        values = both.sel(model=models[-1 if emulated else 0]).isel(cell=cells)
        seen = observe(torch.from_numpy(values.values), self.target, self._days_of_a_mean())
        if self.correction == "mapped" and TARGETS[self.target].correctable:
            seen = apply_map(seen, *self._line(run, cells))
        return values.copy(data=seen.numpy()).sel(time=slice(*(days or self.test)))

    def simulations(self, run) -> xr.DataArray:
        """A run's target (model, cell, time) as simulated, the process model first; of an ensemble
        the mean of its members."""
        values = self._series(run)
        values = values.mean("member") if "member" in values.dims else values
        return values.sel(model=_process_first(values["model"].values))

    def _series(self, run) -> xr.DataArray:
        """A run's target (model, cell, time), of an ensemble (model, member, cell, time)."""
        # large, and hardly ever read twice: not kept
        values = contracts.read(self.file(run, "simulation.nc"), "simulation")[self.target]
        return values.transpose("model", ..., "cell", "time")

    def _line(self, run, cells) -> list[torch.Tensor]:
        """Slope and offset (cell,) of a run's linear correction at some cells, of an ensemble
        (member, cell)."""
        ds = self._members(run)
        both = [ds[n] if n in ds else xr.DataArray(v) for n, v in (("slope", 1.0), ("offset", 0.0))]
        places = xr.DataArray(np.zeros(ds.sizes["cell"], np.float32), dims="cell")
        everywhere = [(places + v).transpose(..., "cell").isel(cell=cells) for v in both]
        return [torch.from_numpy(v.values.astype(np.float32)) for v in everywhere]

    def _days_of_a_mean(self) -> torch.Tensor | None:
        """How many days (time,) an observation is the mean of; None where each is of its own."""
        days = self._observations.get(f"{self.target}_days")
        return None if days is None else torch.from_numpy(days.values.astype(np.int64))

    # files, each read once

    @property
    def _observations(self) -> xr.Dataset:
        return self._read(self._of_study("observations.nc"), "observations")

    def _of_study(self, name) -> Path:
        return Path(self.root) / self.study / name

    def _read(self, path, kind) -> xr.Dataset:
        return self._keep(path, lambda: contracts.read(path, kind))

    def _read_table(self, path, kind) -> pd.DataFrame:
        return self._keep(path, lambda: contracts.read_table(path, kind))

    def _keep(self, path, read: Callable):
        # a file that was written anew is read anew
        written = Path(path).stat().st_mtime_ns if Path(path).is_file() else None
        if self.kept.get(path, (None,))[0] != written or written is None:
            self.kept[path] = written, read()
        return self.kept[path][1]


def read_card(path) -> dict:
    """card.json of a surrogate: what it was fit on, and its skill."""
    return read_json(path)


def only_corrects(method: str) -> bool:
    """Whether a method has no parameters: a baseline that is the mean of the observations."""
    return not METHODS[method].trained and "observations" in METHODS[method].reads


def _process_first(models) -> list[str]:
    """Names of the models of a file, the process model before its surrogate."""
    return sorted(map(str, models), key=lambda name: name == contracts.SURROGATE)
