"""Where the files of runs lie, and which runs a figure shows."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.storage import contracts
from parlearn.study.roles import ROLES, TESTS

#: methods without training: they have no curve
UNTRAINED = ("default", "cellmean")
#: what tells one training from another in a figure
IDENTITY = ["variant", "sampling", "period", "seed"]


@dataclass(frozen=True)
class Results:
    """Where the files of one study lie, and which scores are shown.

    Attributes
    ----------
    root : folder of all results
    study : name of the study
    target : variable scored
    score_map : ``mapped`` or ``raw``: scores after or before the linear observation map. The cell
        mean exists as a map alone (slope 0), so its mapped scores stand for both.
    """

    root: Path
    study: str
    target: str = "soil_moisture"
    score_map: str = "mapped"

    @cached_property
    def domain(self) -> xr.Dataset:
        return contracts.read(Path(self.root) / self.study / "domain.nc", "domain")

    def observes(self, target) -> bool:
        """Whether there are observations of a target."""
        with xr.open_dataset(Path(self.root) / self.study / "observations.nc") as ds:
            return target in ds

    def file(self, run, name) -> Path:
        return Path(self.root) / "runs" / run.run / name

    def curve(self, run) -> pd.DataFrame:
        return contracts.read_table(self.file(run, "curve.csv"), "curve")

    def parameters(self, run) -> xr.Dataset:
        return contracts.read(self.file(run, "parameters.nc"), "parameters")

    def cells(self, sampling, split) -> np.ndarray:
        """Indices of the cells of a split (``temporal``, ``spatial``)."""
        samplings = [str(s) for s in self.domain["sampling"].values]
        if sampling not in samplings:
            raise ValueError(
                f"domain.nc has no sampling {sampling!r}; it has {', '.join(samplings)}"
            )
        role = self.domain["role"].values[samplings.index(sampling)]
        return np.flatnonzero(role == ROLES[TESTS[split]])

    def places(self, cells=None) -> pd.DataFrame:
        """Columns cell, lat and lon of some cells, or of all."""
        cells = np.arange(self.domain.sizes["cell"]) if cells is None else cells
        there = {name: self.domain[name].values[cells] for name in ("lat", "lon")}
        return pd.DataFrame({"cell": cells, **there})

    def scores(self, run, score_map=None) -> xr.DataArray:
        """Scores (metric, cell) in the test period, by the process model where there are two."""
        file = self.file(run, "metrics.nc")
        scores = contracts.read(file, "metrics")["score"]
        models = [str(m) for m in scores["model"].values]
        wanted = {
            "target": self.target,
            "model": "vic" if "vic" in models else models[0],
            "map": "mapped" if run.method == "cellmean" else score_map or self.score_map,
            "period": "test",
        }
        for name, value in wanted.items():
            if value not in scores[name].values:
                raise ValueError(
                    f"{file} has no {name} {value!r}; it has "
                    + ", ".join(map(str, scores[name].values))
                )
        return scores.sel(wanted)

    def medians(self, run, split, score_map=None) -> dict[str, float]:
        """Median over cells of each score; NaN where a split has no scored cell."""
        part = self.scores(run, score_map).isel(cell=self.cells(run.sampling, split))
        return dict(zip(part["metric"].values.astype(str), part.median("cell").values, strict=True))


def identify(runs: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Add ``variant``, the method as a figure names it (see ``plots.style.looks``).

    An untrained run whose sampling is not one of the domain is scored at the densest one.

    Raises
    ------
    ValueError
        Where there is no run, or two differ in nothing that a figure tells apart.
    """
    if runs.empty:
        raise ValueError("this figure has no run: name some in config/figures.yaml")
    runs = runs.reset_index(drop=True)
    trained = ~runs["method"].isin(UNTRAINED)
    base = runs["method"] + np.where(trained & (runs["model"] == "vic"), "_vic", "")
    with_domain_map = base[trained & (runs["observation_map"] == "domain")]
    unlike = (runs["observation_map"] == "network") | (
        (runs["observation_map"] == "none") & base.isin(set(with_domain_map))
    )
    runs["variant"] = base + np.where(trained & unlike, "+" + runs["observation_map"], "")
    samplings = [str(s) for s in results.domain["sampling"].values]
    densest = max(samplings, key=lambda s: len(results.cells(s, "temporal")))
    runs["sampling"] = runs["sampling"].where(trained | runs["sampling"].isin(samplings), densest)
    same = runs[runs.duplicated(IDENTITY, keep=False)]
    if len(same):
        raise ValueError(
            f"runs {', '.join(same['run'])} differ in nothing that a figure tells apart "
            f"({', '.join(IDENTITY)}): leave some out in config/figures.yaml"
        )
    return runs


def choose(runs: pd.DataFrame, results: Results, sampling=None, period=None) -> pd.DataFrame:
    """The runs of one sampling and one period.

    Unless given: the sampling with most trained cells, and of its periods the one named last. The
    untrained come along from other samplings, and the default from other periods.
    """
    runs = identify(runs, results)
    trained = runs[~runs["method"].isin(UNTRAINED)]
    of = runs if trained.empty else trained
    if sampling is None:
        sampling = max(
            dict.fromkeys(of["sampling"]), key=lambda s: len(results.cells(s, "temporal"))
        )
    if period is None:
        periods = of.loc[of["sampling"] == sampling, "period"]
        period = None if periods.empty else periods.iloc[-1]
    here = runs["period"] == period
    chosen = runs[here & (runs["sampling"] == sampling)]
    others = (runs["method"] == "default") | ((runs["method"] == "cellmean") & here)
    others = runs[others & ~runs["variant"].isin(chosen["variant"])].drop_duplicates("variant")
    chosen = pd.concat([chosen, others], ignore_index=True)
    if chosen.empty or period is None:
        raise ValueError(
            f"no run of this figure has sampling {sampling!r} and period {period!r}; there "
            f"are {', '.join(sorted(set(runs['sampling'] + ' ' + runs['period'])))}"
        )
    return chosen.assign(sampling=sampling, period=period)


def compared(chosen: pd.DataFrame) -> list:
    """The runs that maps set side by side: one learned, dPL through the surrogate first, SCE-UA's.

    Of each the run of the lowest seed. Where nothing was trained, the default alone.
    """
    first = chosen.sort_values("seed", kind="stable").drop_duplicates("variant")
    runs = {run.variant: run for run in first.itertuples()}
    learned = [v for v, run in runs.items() if run.method not in (*UNTRAINED, "sceua")]
    orders = (
        ("dpl_z", "dpl_a", "dpl_z_vic", "dpl_a_vic", *learned),
        ("sceua", "sceua_vic"),
    )
    picked = [next((runs[v] for v in order if v in runs), None) for order in orders]
    picked = [run for run in picked if run is not None] or [runs.get("default")]
    if picked == [None]:
        raise ValueError("this figure has no run with parameters: name some in config/figures.yaml")
    return picked


def tag(table: pd.DataFrame, run) -> pd.DataFrame:
    """Put the run's identity in front of a table."""
    keys = {name: getattr(run, name) for name in IDENTITY}
    return table.assign(**keys)[IDENTITY + [c for c in table.columns if c not in IDENTITY]]


def join(panels: dict[str, list[pd.DataFrame]]) -> pd.DataFrame:
    """One table of the tables of several panels, told apart by the column ``panel``."""
    parts = [t.assign(panel=name) for name, tables in panels.items() for t in tables]
    table = pd.concat(parts, ignore_index=True)
    return table[["panel", *table.columns.drop("panel")]]
