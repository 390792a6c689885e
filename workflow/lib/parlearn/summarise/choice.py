"""Which runs a figure shows, and which of them it sets side by side: chosen by what they are."""

import numpy as np
import pandas as pd

from parlearn.plan.methods import METHODS
from parlearn.summarise.results import Results, only_corrects
from parlearn.summarise.variants import Variant, is_direct, other_surrogate

#: what tells one training from another in a figure
IDENTITY = ["variant", "sampling", "period", "seed"]


def trained(runs: pd.DataFrame) -> pd.Series:
    """Whether each run was trained; one that was not has no curve."""
    return runs["method"].map(lambda name: METHODS[name].trained)


def of_family(run, family: str) -> bool:
    """Whether a run's method is of a family: ``baseline``, ``search`` or ``network``."""
    return METHODS[run.method].family == family


def is_default(run) -> bool:
    """Whether a run has published parameters, which know nothing of the observations."""
    return of_family(run, "baseline") and not only_corrects(run.method)


def identify(runs: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Add ``variant``, the run's name in figures, see :mod:`parlearn.summarise.variants`.

    A run without a linear correction is told from one with the usual one only where there are both.
    An untrained run whose sampling is not one of the domain is scored at the densest one.

    Raises
    ------
    ValueError
        Where there is no run, or two differ in nothing that a figure tells apart.
    """
    if runs.empty:
        raise ValueError("this figure has no run: choose some in config/figures.yaml")
    runs = runs.reset_index(drop=True)
    sets = runs["parameter_set"].fillna("") if "parameter_set" in runs else [""] * len(runs)
    sizes = runs["members"].fillna(1).astype(int) if "members" in runs else [1] * len(runs)
    learned = trained(runs)
    direct = learned & runs["model"].map(is_direct)
    usual = learned & (runs["observation_map"] == "domain")
    both = {*zip(runs["method"][usual], direct[usual])}
    variants = []
    rows = zip(runs.itertuples(), learned, direct, sets, sizes, strict=True)
    for run, here, straight, own, size in rows:
        unlike = run.observation_map == "network" or (
            run.observation_map == "none" and (run.method, straight) in both
        )
        correction = run.observation_map if here and unlike else ""
        through = other_surrogate(run.model)
        variants.append(str(Variant(run.method, bool(straight), correction, own, size, through)))
    runs["variant"] = variants
    known = learned | runs["sampling"].isin(results.samplings)
    runs["sampling"] = runs["sampling"].where(known, results.densest(results.samplings))
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
    learned = runs[trained(runs)]
    of = runs if learned.empty else learned
    sampling = sampling or results.densest(of["sampling"])
    if period is None:
        period = next(iter(of.loc[of["sampling"] == sampling, "period"].iloc[::-1]), None)
    here = runs["period"] == period
    chosen = runs[here & (runs["sampling"] == sampling)]
    others = [
        not METHODS[run.method].trained and (is_default(run) or run.period == period)
        for run in runs.itertuples()
    ]
    others = runs[np.array(others) & ~runs["variant"].isin(chosen["variant"])]
    chosen = pd.concat([chosen, others.drop_duplicates("variant")], ignore_index=True)
    if chosen.empty or period is None:
        raise ValueError(
            f"no run of this figure has sampling {sampling!r} and period {period!r}; there "
            f"are {', '.join(sorted(set(runs['sampling'] + ' ' + runs['period'])))}"
        )
    return chosen.assign(sampling=sampling, period=period)


def compared(chosen: pd.DataFrame) -> list:
    """The runs that maps set side by side: the first of a network and the first of a search.

    Runs through a surrogate come before direct ones, then networks that read series before those
    that read attributes alone, then methods in the order of their registry. Of each the run of the
    lowest seed. Where nothing was trained, the default alone.
    """
    order = list(METHODS)

    def rank(run):
        reads = METHODS[run.method].reads
        direct, other = is_direct(run.model), other_surrogate(run.model)
        return direct, other, "series" not in reads, order.index(run.method), run.seed

    runs = sorted(chosen.itertuples(), key=rank)
    firsts = [[run for run in runs if of_family(run, f)][:1] for f in ("network", "search")]
    picked = [run for first in firsts for run in first]
    picked = picked or [run for run in runs if is_default(run)][:1]
    if not picked:
        raise ValueError(
            "this figure has no run with parameters: choose some in config/figures.yaml"
        )
    return picked


def lowest_seeds(chosen: pd.DataFrame) -> pd.DataFrame:
    """Of each variant the run of the lowest seed."""
    return chosen.sort_values("seed", kind="stable").drop_duplicates("variant")


def tag(table: pd.DataFrame, run) -> pd.DataFrame:
    """Put the run's identity in front of a table."""
    keys = {name: getattr(run, name) for name in IDENTITY}
    return table.assign(**keys)[IDENTITY + [c for c in table.columns if c not in IDENTITY]]


def join(panels: dict[str, list[pd.DataFrame]]) -> pd.DataFrame:
    """One table of the tables of several panels, told apart by the column ``panel``."""
    parts = [t.assign(panel=name) for name, tables in panels.items() for t in tables]
    table = pd.concat(parts, ignore_index=True)
    return table[["panel", *table.columns.drop("panel")]]
