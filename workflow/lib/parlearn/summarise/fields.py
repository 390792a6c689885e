"""Tables of fields: samplings, parameters, parameters against the truth of a twin."""

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.study.roles import ROLES, TESTS
from parlearn.summarise.datasets import by_method, gather, identity
from parlearn.summarise.results import Results, choose, compared, join, tag

#: cells drawn in a scatter plot; its statistics use all
MOST_POINTS = 400
#: a parameter whose bounds lie further apart than this factor is shown on a log scale
LOG_RANGE = 30.0


def summarise_sampling(results: Results) -> pd.DataFrame:
    """figS1: the role of every cell in every sampling."""
    names = {code: name for name, code in ROLES.items()}
    tables = [
        results.places().assign(sampling=str(s), role=[names[int(code)] for code in codes])
        for s, codes in zip(
            results.domain["sampling"].values, results.domain["role"].values, strict=True
        )
    ]
    return pd.concat(tables, ignore_index=True)


def summarise_parameters(
    runs, results: Results, names=None, truth: xr.Dataset | None = None, sampling=None, period=None
) -> pd.DataFrame:
    """fig4, figS3: parameters in every cell, of the learned run and of SCE-UA's to compare it with.

    Parameters
    ----------
    names : parameters wanted; all but infilt by default
    truth : truth.nc of a twin, adds the variant ``truth``

    Returns
    -------
    Columns: identity, place, parameter, lower, upper (bounds), log (how to show it), value.
    """
    pair = compared(choose(runs, results, sampling, period))
    fields = [(run, results.parameters(run)["parameters"]) for run in pair]
    bounds = bounds_of(fields[0][1])
    wanted = [n for n in bounds if n != "infilt"] if names is None else list(names)
    if unknown := [n for n in wanted if n not in bounds]:
        raise ValueError(
            f"{results.file(pair[0], 'parameters.nc')} has no parameter {unknown[0]!r}"
        )
    tables = [tag(_field_table(field, wanted, bounds, results), run) for run, field in fields]
    if truth is not None:
        known = [n for n in wanted if n in truth["parameter"].values]
        table = _field_table(truth["parameters"], known, bounds, results)
        tables.append(table.assign(variant="truth"))
    return pd.concat(tables, ignore_index=True)


def summarise_patterns(
    runs, results: Results, datasets, names=("infilt",), truth: xr.Dataset | None = None
) -> pd.DataFrame:
    """Figures 5 to 7 of Li & Lu 2023: parameters at the cells of a data set, method by method.

    Of each method the run of the lowest seed; ``truth``, truth.nc of a twin, adds the variant of
    that name. Columns: dataset, variant, period, seed, place, parameter, log (how to show it),
    value.
    """
    names, tables = list(names), []

    def read(run, cells):
        return _at(results.parameters(run), names)[:, cells]

    for first, *_ in by_method(gather(runs, results, datasets)).values():
        bounds = bounds_of(results.parameters(first.parts[0][0])["parameters"])
        values = first.collect(read)
        tables.append(_pattern(values, first.cells, names, bounds, results, identity(first)))
    if truth is not None:
        true = _at(truth, names)[:, first.cells]
        about = {"dataset": first.dataset, "variant": "truth"}
        tables.append(_pattern(true, first.cells, names, bounds, results, about))
    return pd.concat(tables, ignore_index=True)


def _at(ds: xr.Dataset, names) -> np.ndarray:
    """Values (name, cell) of some parameters."""
    return ds["parameters"].sel(parameter=names).transpose("parameter", "cell").values


def _pattern(values, cells, names, bounds, results, about) -> pd.DataFrame:
    parts = [
        results.places(cells).assign(parameter=name, log=is_log(*bounds[name]), value=row)
        for name, row in zip(names, values, strict=True)
    ]
    table = pd.concat(parts, ignore_index=True).assign(**about)
    return table[[*about, *table.columns.drop(list(about))]]


def bounds_of(field: xr.DataArray) -> dict[str, tuple[float, float]]:
    """Bounds of each parameter of parameters.nc."""
    names = field["parameter"].values.astype(str)
    both = (np.atleast_1d(field.attrs[side]).astype(float) for side in ("lower", "upper"))
    return {n: (lower, upper) for n, lower, upper in zip(names, *both, strict=True)}


def is_log(lower, upper) -> bool:
    return lower > 0 and upper / lower > LOG_RANGE


def _field_table(field, names, bounds, results) -> pd.DataFrame:
    parts = []
    for name in names:
        lower, upper = bounds[name]
        values = field.sel(parameter=name).values
        about = {"parameter": name, "lower": lower, "upper": upper, "log": is_log(lower, upper)}
        parts.append(results.places().assign(**about, value=values))
    return pd.concat(parts, ignore_index=True)


def summarise_recovery(
    runs, results: Results, truth: xr.Dataset, sampling=None, period=None
) -> pd.DataFrame:
    """recovery: learned against true parameters of a twin (column ``panel``).

    ``point``: true value and value at trained and held-out cells, thinned evenly, of the lowest
    seed of each variant; ``score``: Pearson correlation over all these cells (of logarithms where
    the parameter is shown on a log scale), NaN where the parameter does not vary.
    """
    chosen = choose(runs, results, sampling, period)
    chosen = chosen[~chosen["method"].isin(["cellmean"])]
    points, scores = [], []
    first = chosen.sort_values("seed", kind="stable").drop_duplicates("variant")
    for run in first.itertuples():
        field = results.parameters(run)["parameters"]
        bounds = bounds_of(field)
        for split in TESTS:
            cells = results.cells(run.sampling, split)
            some = np.unique(
                np.linspace(0, len(cells) - 1, min(len(cells), MOST_POINTS)).astype(int)
            )
            for name in (n for n in bounds if n in truth["parameter"].values):
                log = is_log(*bounds[name])
                true, value = (
                    f.sel(parameter=name).values[cells] for f in (truth["parameters"], field)
                )
                about = {"parameter": name, "split": split, "log": log}
                about |= dict(zip(("lower", "upper"), bounds[name], strict=True))
                r = correlate(*(np.log(v) if log else v for v in (true, value)))
                scores.append(tag(pd.DataFrame([about | {"corr": r, "cells": len(cells)}]), run))
                table = pd.DataFrame({"cell": cells, "true": true, "value": value}).iloc[some]
                points.append(tag(table.assign(**about), run))
    if not scores:
        raise ValueError(
            "there is no parameter to compare with the truth: neither run nor names match"
        )
    return join({"score": scores, "point": points})


def correlate(one, other) -> float:
    """Pearson correlation, NaN where either does not vary or there are fewer than three values."""
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])
