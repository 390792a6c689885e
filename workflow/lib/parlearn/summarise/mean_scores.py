"""Scores over cells of temporal means, without the means themselves."""

import pandas as pd

from parlearn.summarise import means
from parlearn.summarise.results import Results


def summarise(runs, results: Results, datasets, target=None) -> pd.DataFrame:
    """The scores of :func:`parlearn.summarise.means.summarise`, a row for each seed."""
    return means.summarise(runs, results, datasets, target, points=False)
