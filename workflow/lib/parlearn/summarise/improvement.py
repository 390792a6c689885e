"""How much of the default's error each method takes away, cell by cell (figure 5 of Sun et al.)."""

import numpy as np
import pandas as pd

from parlearn.summarise.choice import is_default
from parlearn.summarise.datasets import by_method, gather, identity
from parlearn.summarise.results import Results


def summarise(runs, results: Results, datasets, emulated=False) -> pd.DataFrame:
    """Relative change of the RMSE, (default - method) / default (eq. 7), of the lowest seed.

    Returns
    -------
    Columns dataset, variant, period, seed, emulated, scored (``train`` or ``test``), cell, change
    (in %, positive where the error is smaller).
    """
    groups = [group[0] for group in by_method(gather(runs, results, datasets)).values()]
    defaults = {m.dataset: m for m in groups if is_default(m.parts[0][0])}
    tables = []
    for member in groups:
        if not member.trained:
            continue
        if member.dataset not in defaults:
            raise ValueError(
                f"the data set {member.dataset!r} has no run of default parameters to compare with"
            )
        for period in ("train", "test"):
            ours, known = (
                _rmse(m, results, emulated, period) for m in (member, defaults[member.dataset])
            )
            change = 100 * (known - ours) / np.where(known > 0, known, np.nan)
            table = pd.DataFrame({"cell": member.cells, "change": change, "scored": period})
            tables.append(table.assign(**identity(member), emulated=emulated))
    return pd.concat(tables, ignore_index=True)


def _rmse(member, results, emulated, period):
    def read(run, cells):
        return (
            results.scores(run, emulated=emulated, period=period).sel(metric="rmse").values[cells]
        )

    return member.collect(read)
