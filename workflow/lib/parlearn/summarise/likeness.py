"""Likeness of simulated and observed maps, day by day (figure 6 of Sun et al. 2024)."""

import pandas as pd

from parlearn.summarise.datasets import by_method, gather, identity
from parlearn.summarise.results import Results

SCORES = ("eof_similarity", "ssim")


def summarise(runs, results: Results, datasets, emulated=False) -> pd.DataFrame:
    """Columns dataset, variant, period, seed, emulated, score, date, value; all seeds."""
    tables = []
    for group in by_method(gather(runs, results, datasets)).values():
        for member in group:
            if len(member.parts) > 1:
                raise ValueError(f"{member.dataset!r} is pooled over folds, which share no map")
            for name in SCORES:
                of_days = results.likeness(member.parts[0][0], name, emulated=emulated)
                table = of_days.to_series().rename("value").reset_index()
                table = table.rename(columns={"day": "date"})[["date", "value"]]
                tables.append(table.assign(**identity(member), emulated=emulated, score=name))
    return pd.concat(tables, ignore_index=True)
