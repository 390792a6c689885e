"""FSS of mean maps against the size of the neighbourhood (figure 7 of Sun et al. 2024)."""

import numpy as np
import pandas as pd
import torch

from parlearn.metrics.spatial import fss
from parlearn.runs.evaluate import PERCENTILES
from parlearn.summarise.datasets import by_method, gather, identity
from parlearn.summarise.results import Results


def summarise(runs, results: Results, datasets, emulated=False) -> pd.DataFrame:
    """Maps are the means over the test period of the days observed at each cell, simulated alike.

    Returns
    -------
    Columns dataset, variant, period, seed, emulated, percentile, neighbourhood (cells), value; the
    neighbourhoods are odd and no larger than half the map: few larger squares fit into it.
    """
    tables = []
    for group in by_method(gather(runs, results, datasets)).values():
        for member in group:
            run, cells = member.parts[0]
            table = of_run(run, results, cells, emulated)
            tables.append(table.assign(**identity(member), emulated=emulated))
    return pd.concat(tables, ignore_index=True)


def of_run(run, results: Results, cells, emulated=False) -> pd.DataFrame:
    """Columns percentile, neighbourhood and value of one run at these cells."""
    grid = results.grid
    if grid is None:
        raise ValueError("FSS compares maps: the units of this study lie on no grid")
    seen = results.observed(cells)
    series = results.simulated(run, cells, emulated=emulated).where(seen.notnull())
    maps = [_map(x.mean("time").values, cells, grid) for x in (series, seen)]
    mask = np.isfinite(maps[1])
    values = [
        {
            "percentile": share,
            "neighbourhood": side,
            "value": float(fss(maps[0][None], maps[1][None], mask, share, side)[0]),
        }
        for share in PERCENTILES
        for side in range(1, max(min(grid.shape) // 2, 1) + 1, 2)
    ]
    return pd.DataFrame(values)


def _map(values, cells, grid):
    whole = np.full(len(grid.index), np.nan)
    whole[cells] = values
    return grid.to_map(torch.from_numpy(whole)).numpy()
