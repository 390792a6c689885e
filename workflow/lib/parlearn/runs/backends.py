"""Two process models that should be the same, held against each other.

The same parameters from the same cold start under the same weather; cells and parameter sets are
drawn alike each time.
"""

from collections.abc import Mapping

import pandas as pd
import torch
import xarray as xr

from parlearn.models.base import ParameterSpace
from parlearn.models.registry import PROCESSES, Process, twin_of
from parlearn.models.surrogate.samples import choose_cells, latin_hypercube
from parlearn.runs.opening import default_of, open_process

#: at most
CELLS, SETS = 40, 4


def both(model: Mapping) -> tuple[dict, dict, Process]:
    """``model`` of a study and that of its twin, with the parameters both have; and which of the
    two processes names the other."""
    own = PROCESSES[model["process"]]
    other = twin_of(own)
    names = set.intersection(*({p.name for p in process.parameters} for process in (own, other)))
    shared = [name for name in model["parameters"] if name in names]
    plain = {"parameters": shared, "program": model.get("program", {})}
    judge = own if own.same_as else other
    return {"process": own.name, **plain}, {"process": other.name, **plain}, judge


def hold_together(
    model: Mapping, domain: xr.Dataset, forcing: xr.Dataset, *, cells=CELLS, sets=SETS, seed=0
) -> tuple[pd.DataFrame, str]:
    """Run both and compare.

    Parameters
    ----------
    model : of a study whose process has a twin in the registry
    cells, sets : how many at most; the first set is the default, the others are spread evenly

    Returns
    -------
    A row for each bar: quantity, cells, measure, unit, worst, bar, set, cell (of the domain), met;
    and the same as text.
    """
    first, second, judge = both(model)
    chosen = choose_cells(domain.sizes["cell"], cells, seed)
    domain, forcing = (ds.isel(cell=chosen.numpy()) for ds in (domain, forcing))
    compared = judge.load().COMPARED
    opened = [open_process(m, domain, forcing, outputs=compared) for m in (first, second)]
    space: ParameterSpace = opened[0].space
    drawn = latin_hypercube(sets - 1, len(chosen), len(space), seed)
    parameters = torch.cat([default_of(first, domain)[None], space.to_physical(drawn)])
    series = []
    for one in opened:
        with torch.inference_mode():
            answer = one.simulate(parameters).double().numpy()
        series.append({name: answer[..., k] for k, name in enumerate(compared)})
    # the judge's own are what the other is held to
    ours, theirs = reversed(series) if judge.name == first["process"] else series
    rows = judge.load().compare(ours, theirs)
    table = pd.DataFrame(
        {
            "quantity": bar.quantity,
            "cells": bar.group,
            "measure": bar.measure,
            "unit": bar.unit,
            "worst": value,
            "bar": bar.limit,
            "set": which,
            "cell": int(chosen[cell]),
            "met": met,
        }
        for bar, value, which, cell, met in rows
    )
    return table, judge.load().report(rows)
