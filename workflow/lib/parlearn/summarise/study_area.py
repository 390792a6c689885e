"""Where the cells of a study lie, and how high (figure 3 of Sun et al. 2024)."""

import pandas as pd

from parlearn.summarise.results import Results


def summarise(runs, results: Results) -> pd.DataFrame:
    """Columns cell, lat, lon, elevation (m)."""
    return results.places().assign(elevation=results.domain["elev"].values)
