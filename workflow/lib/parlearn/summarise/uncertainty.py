"""Ensembles against the truth of a twin: ranks, CRPS and coverage of series and of parameters."""

import numpy as np
import pandas as pd
import torch

from parlearn.metrics.ensemble import covered, crps, ranks
from parlearn.summarise.datasets import by_method, gather
from parlearn.summarise.fields import describe
from parlearn.summarise.results import Results

#: the interval whose coverage is scored, where an ensemble has members enough
NOMINAL = 0.9


def summarise(runs, results: Results, datasets) -> pd.DataFrame:
    """Of each method the members of its run, or where it has none the runs of its seeds.

    Methods with a single run of one member are left out. Series are those of the process model in
    the test period, before any error of observation; parameters are counted in shares of their
    bounds, of their logarithms where these are shown.

    Returns
    -------
    Columns dataset, variant, period, seeds, members, quantity (the target or a parameter), panel;
    ``score``: metric (``crps``; ``error``, the mean absolute error of the members' mean;
    ``nominal``, what share the central interval should hold; ``coverage``, what it holds) and
    value; ``rank``: the truth's ``rank`` among the members and the ``value``, its share.
    """
    tables = []
    for (dataset, variant), group in by_method(gather(runs, results, datasets)).items():
        of_group = [(run, cells) for member in group for run, cells in member.parts[:1]]
        cells = of_group[0][1]
        series = [_series(results, *part) for part in of_group]
        fields = [results.parameter_members(run) for run, _ in of_group]
        number = sum(len(one) for one in series)
        if number < 2:
            continue
        truth = torch.from_numpy(results.true_series(cells).values)
        quantities = {results.target: (torch.cat(series), truth)}
        quantities |= _parameters(results, fields, cells)
        about = {"dataset": dataset, "variant": variant, "period": group[0].period}
        about |= {"seeds": len(group), "members": number}
        for quantity, (members, true) in quantities.items():
            table = _judge(members, true)
            tables.append(table.assign(**about, quantity=quantity))
    if not tables:
        raise ValueError("no method of this figure has an ensemble: neither members nor seeds")
    return pd.concat(tables, ignore_index=True)


def _series(results, run, cells) -> torch.Tensor:
    values = results.members(run, cells).values
    return torch.from_numpy(values if values.ndim == 3 else values[None])


def _parameters(results, fields, cells) -> dict:
    """Members (member, cell) and truth (cell) of each parameter, in shares of its bounds."""
    found = {}
    for name, about in describe(fields[0]).items():
        if name not in results.truth["parameter"].values:
            continue
        values = np.concatenate([f.sel(parameter=name).values[:, cells] for f in fields])
        true = results.truth.sel(parameter=name).values[cells]
        low, high = about["lower"], about["upper"]
        if about["log"]:
            values, true, low, high = (np.log(v) for v in (values, true, low, high))
        both = ((v - low) / (high - low) for v in (values, true))
        found[name] = tuple(torch.from_numpy(np.asarray(v, np.float64)) for v in both)
    return found


def _judge(members, truth) -> pd.DataFrame:
    known = torch.isfinite(truth)
    members, truth = members[:, known].double(), truth[known].double()
    number = len(members)
    nominal = min(NOMINAL, (number - 1) / (number + 1))
    scores = {
        "crps": crps(members, truth).mean(),
        "error": (members.mean(0) - truth).abs().mean(),
        "nominal": nominal,
        "coverage": covered(members, truth, nominal).double().mean(),
    }
    place = ranks(members, truth, torch.Generator().manual_seed(0))
    shares = place.flatten().bincount(minlength=number + 1) / len(truth)
    rows = [{"panel": "score", "metric": k, "value": float(v)} for k, v in scores.items()]
    rows += [{"panel": "rank", "rank": k, "value": float(v)} for k, v in enumerate(shares)]
    return pd.DataFrame(rows)
