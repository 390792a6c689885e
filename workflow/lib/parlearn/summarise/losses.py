"""Parts of the loss along a training against a discriminator (figure S3 of Sun et al. 2024)."""

import pandas as pd

from parlearn.summarise.choice import choose, tag
from parlearn.summarise.results import Results

#: columns of history.csv -> panel
PARTS = {
    "absolute_error": "error",
    "range_loss": "range",
    "adversarial_loss": "adversarial",
    "discriminator_loss": "discriminator",
    "accuracy_observed": "accuracy",
    "accuracy_simulated": "accuracy",
    "train_loss": "total",
    "validation_loss": "validation",
}


def summarise(runs, results: Results) -> pd.DataFrame:
    """Columns variant, sampling, period, seed, epoch, part, value, of the parts that a run has."""
    tables = []
    for run in choose(runs, results).itertuples():
        history = results.history(run)
        there = [name for name in PARTS if name in history]
        table = history.melt("epoch", there, "part", "value")
        tables.append(tag(table, run))
    return pd.concat(tables, ignore_index=True)
