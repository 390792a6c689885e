"""The role of every cell in every sampling."""

import pandas as pd

from parlearn.study.roles import ROLES
from parlearn.summarise.results import Results


def summarise(runs, results: Results) -> pd.DataFrame:
    """Columns cell, lat, lon, sampling and role; `runs` are not looked at."""
    names = {code: name for name, code in ROLES.items()}
    codes = results.domain["role"].values
    tables = [
        results.places().assign(sampling=sampling, role=[names[int(code)] for code in row])
        for sampling, row in zip(results.samplings, codes, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)
