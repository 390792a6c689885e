"""The numbers that claims name, each of one run: its scores, its costs, its parameters."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import scipy.stats
from scipy.spatial import cKDTree

from parlearn.metrics.progress import first_below, is_upper_bound
from parlearn.study.roles import TESTS
from parlearn.study.splits import on_sphere
from parlearn.summarise.fields import bounds_of, correlate, is_log
from parlearn.summarise.means import cell_means
from parlearn.summarise.neighbourhoods import of_run
from parlearn.summarise.results import Results, read_card

#: attribute of the networks that holds a cell's mean precipitation, by source
PRECIPITATION = ("precipitation", "climate_precipitation")
#: neighbours of a cell in :func:`geary`: on a grid those to the north, east, south and west
NEIGHBOURS = 4


class AtMost(float):
    """A cost that is known from above alone."""


@dataclass(frozen=True)
class Asked:
    """One number: of a run (a row of the table of runs), at the cells of a sampling.

    ``correction``: ``none`` for scores before the linear correction. ``emulated``: of what the
    surrogate simulates, where there is one. ``default``: the run of default parameters, where
    the number is held against it.
    """

    run: SimpleNamespace
    sampling: str
    cells: str
    target: str = "soil_moisture"
    parameter: str = ""
    correction: str = ""
    emulated: bool = False
    default: str = ""


@dataclass(frozen=True)
class Files:
    """What quantities read, each file once.

    Attributes
    ----------
    results : where the files of the study lie; scores are those after the linear correction,
        unless asked otherwise
    span : first and last day of the test period
    threshold : RMSE below which a model counts as functional
    card : card.json of the surrogate
    """

    results: Results
    span: tuple[str, str]
    threshold: float
    card: str | None = None
    kept: dict = field(default_factory=dict, repr=False)

    def keep(self, key, read: Callable):
        if key not in self.kept:
            self.kept[key] = read()
        return self.kept[key]

    def cells(self, asked: Asked) -> np.ndarray:
        """Indices of the cells asked for, maybe none."""
        split = next(split for split, role in TESTS.items() if role == asked.cells)
        return self.results.cells(asked.sampling, split)

    def scores(self, asked: Asked, metric: str, period: str = "test") -> np.ndarray:
        """A score in a period at the cells asked for, those that have one."""
        values = self.every_score(asked, metric, period)
        return values[np.isfinite(values)]

    def every_score(self, asked: Asked, metric: str, period: str = "test") -> np.ndarray:
        """A score in a period at the cells asked for; NaN where one has none."""
        results = replace(self.results, target=asked.target)
        score_map = "raw" if asked.correction == "none" else None
        how = {"emulated": asked.emulated, "period": period}
        key = (asked.run.run, asked.target, "scores", score_map, *how.values())
        scores = self.keep(key, lambda: results.scores(asked.run, score_map, **how))
        if metric not in scores["metric"].values:
            raise ValueError(f"{results.file(asked.run, 'metrics.nc')} has no metric {metric!r}")
        return scores.sel(metric=metric).values[self.cells(asked)].astype(np.float64)

    def parameter(self, asked: Asked) -> tuple[np.ndarray, tuple[float, float]]:
        """A parameter at the cells asked for, and its bounds."""
        key = (asked.run.run, "parameters")
        fields = self.keep(key, lambda: self.results.parameters(asked.run)["parameters"])
        values = fields.sel(parameter=asked.parameter).values[self.cells(asked)]
        return values.astype(np.float64), bounds_of(fields)[asked.parameter]

    def machine(self, run) -> str:
        """What the parameters of a run were learned on: ``cpu`` or ``cuda``, and the processor."""
        key = (run.run, "machine")
        about = self.keep(key, lambda: self.results.parameters(run).attrs)
        device, processor = (about.get(f"provenance_{k}", "") for k in ("device", "machine"))
        if not device:
            raise ValueError(
                f"{self.results.file(run, 'parameters.nc')} does not say on what it was learned "
                "(attribute provenance_device), so that its time tells nothing: make the run again"
            )
        return f"{device} ({processor})" if processor else device

    def means(self, asked: Asked) -> tuple[np.ndarray, np.ndarray]:
        """Simulated and observed means of each cell over its observed days of the test period.

        As :func:`parlearn.summarise.means.cell_means`; ET in mm a year. Cells without observations
        are left out.
        """
        results = replace(self.results, target=asked.target, test=self.span)
        everywhere = np.arange(self.results.domain.sizes["cell"])
        pair = self.keep(
            (asked.run.run, asked.target, "means"),
            lambda: cell_means(asked.run, results, everywhere),
        )
        pair = pair[:, self.cells(asked)]
        return tuple(pair[:, np.isfinite(pair).all(axis=0)])


def _median(metric):
    return lambda files, asked: _of(np.median, files.scores(asked, metric))


def _quantile(metric, q):
    return lambda files, asked: _of(
        lambda values: np.quantile(values, q), files.scores(asked, metric)
    )


def _of(statistic, values) -> float:
    return float(statistic(values)) if len(values) else np.nan


def _share_above(metric, least):
    return lambda files, asked: _of(
        lambda values: np.mean(values > least), files.scores(asked, metric)
    )


def _improvement(files, asked, period):
    """1 - RMSE over that of the default parameters, at cells that have both."""
    known = replace(asked, run=SimpleNamespace(run=asked.default, method="default"))
    ours, theirs = (files.every_score(one, "rmse", period) for one in (asked, known))
    change = 1 - ours / np.where(theirs > 0, theirs, np.nan)
    return change[np.isfinite(change)]


def _share_improved(files, asked):
    return _of(lambda change: np.mean(change > 0), _improvement(files, asked, "test"))


def _improvement_lost(files, asked):
    train, test = (_of(np.median, _improvement(files, asked, p)) for p in ("train", "test"))
    return train - test


def _likeness(name):
    def mean(files, asked):
        results = replace(files.results, target=asked.target)
        of_days = results.likeness(asked.run, name, emulated=asked.emulated).values
        return _of(np.mean, of_days[np.isfinite(of_days)])

    return mean


def _fss(*shares):
    """Mean over neighbourhoods of the FSS of the mean map, of these percentiles."""

    def mean(files, asked):
        results = replace(files.results, target=asked.target, test=files.span)
        table = files.keep(
            (asked.run.run, asked.target, "fss", asked.emulated),
            lambda: of_run(asked.run, results, files.cells(asked), asked.emulated),
        )
        return float(table.loc[table["percentile"].isin(shares), "value"].mean())

    return mean


def _minutes(files, asked):
    return float(files.results.history(asked.run)["seconds"].iloc[-1] / 60)


def _bias_range(files, asked):
    low, high = (_quantile("bias", q)(files, asked) for q in (0.25, 0.75))
    return high - low


def _to_functional(which):
    """Epochs (0) or seconds (1) until the test RMSE is at the threshold; infinite if never.

    Where the threshold is reached by the first record, the cost is :class:`AtMost` that record's.
    """

    def cost(files, asked):
        curve = files.results.curve(asked.run)
        reached = first_below(curve, files.threshold)
        if np.isnan(reached[which]):
            return np.inf
        at_most = is_upper_bound(curve, files.threshold)
        return (AtMost if at_most else float)(reached[which])

    return cost


def _seconds_per_epoch(files, asked):
    history = files.results.history(asked.run)
    return float(history["seconds"].iloc[-1] / history["runs_per_cell"].iloc[-1])


def _spatial_rmse(files, asked):
    simulated, observed = files.means(asked)
    return _of(lambda error: np.sqrt(np.mean(error**2)), simulated - observed)


def _spatial_nse(files, asked):
    simulated, observed = files.means(asked)
    spread = np.sum((observed - observed.mean()) ** 2) if len(observed) else 0.0
    return 1 - float(np.sum((simulated - observed) ** 2) / spread) if spread else np.nan


def _spatial_bias_magnitude(files, asked):
    simulated, observed = files.means(asked)
    return _of(lambda error: abs(np.mean(error)), simulated - observed)


def _below_zero(files, asked):
    return float((files.means(asked)[0] < 0).sum())


def _roughness(files, asked):
    values, bounds = files.parameter(asked)
    domain, cells = files.results.domain, files.cells(asked)
    place = (domain[name].values[cells] for name in ("lat", "lon"))
    return geary(np.log(values) if is_log(*bounds) else values, *place)


def _precipitation_rank(files, asked):
    domain = files.results.domain
    names = [str(name) for name in domain["attribute"].values]
    wet = next((names.index(name) for name in PRECIPITATION if name in names), None)
    if wet is None:
        raise ValueError(f"domain.nc has no precipitation among its attributes: {names}")
    values, _ = files.parameter(asked)
    rain = domain["attributes"].values[files.cells(asked), wet]
    return correlate(*(scipy.stats.rankdata(x) for x in (values, rain)))


def _corr_with_vic(files, asked):
    return float(read_card(files.card)["skill"][asked.target]["corr"])


#: name in config/claims.yaml -> the number of a run; NaN where it is not defined
QUANTITIES: dict[str, Callable[[Files, Asked], float]] = {
    **{
        metric: _median(metric)
        for metric in ("bias", "rmse", "ubrmse", "corr", "nse", "kge", "kge_2009")
    },
    "share_corr_above_0.75": _share_above("corr", 0.75),
    "share_kge_2009_above_0.6": _share_above("kge_2009", 0.6),
    "share_rmse_below_default": _share_improved,
    "relative_rmse_change_lost_in_test": _improvement_lost,
    "eof_score": _likeness("eof_similarity"),
    "ssim": _likeness("ssim"),
    "fss_low": _fss(1, 5, 20),
    "fss_highest_5": _fss(95),
    "fss_high": _fss(80, 99),
    "training_minutes": _minutes,
    "bias_interquartile_range": _bias_range,
    "nse_lower_quartile": _quantile("nse", 0.25),
    "nse_upper_quartile": _quantile("nse", 0.75),
    "epochs_to_functional": _to_functional(0),
    "seconds_to_functional": _to_functional(1),
    "seconds_per_epoch": _seconds_per_epoch,
    "spatial_rmse": _spatial_rmse,
    "spatial_corr": lambda files, asked: correlate(*files.means(asked)),
    "spatial_nse": _spatial_nse,
    "spatial_bias_magnitude": _spatial_bias_magnitude,
    "cells_below_zero": _below_zero,
    "largest_value": lambda files, asked: _of(np.max, files.parameter(asked)[0]),
    "neighbour_roughness": _roughness,
    "rank_corr_with_precipitation": _precipitation_rank,
    "corr_with_vic": _corr_with_vic,
}


def geary(values, lat, lon, neighbours: int = NEIGHBOURS) -> float:
    """Geary's C of a field: 0 where neighbours are alike, 1 where they are as strangers.

    Half the mean squared difference of a cell and its nearest neighbours, over the variance of
    the field (Geary 1954, The Incorporated Statistician 5, 115-146). It knows no unit, so that a
    narrow range does not count as smooth.

    Parameters
    ----------
    values, lat, lon : (cell,) a field and where its cells lie, in degrees
    neighbours : of each cell, at most all others

    Returns
    -------
    NaN where the field does not vary or has fewer than two cells.
    """
    values = np.asarray(values, np.float64)
    if len(values) < 2 or np.ptp(values) == 0:
        return float("nan")
    points = on_sphere(lat, lon)
    beside = cKDTree(points).query(points, k=1 + min(neighbours, len(values) - 1))[1][:, 1:]
    apart = np.mean((values[:, None] - values[beside]) ** 2)
    return float(apart / (2 * values.var(ddof=1)))
