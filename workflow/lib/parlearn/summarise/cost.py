"""What training costs: weights, time and memory."""

import pandas as pd

from parlearn.metrics.progress import first_below
from parlearn.summarise.datasets import by_method, gather, identity
from parlearn.summarise.results import Results


def summarise(runs, results: Results, datasets) -> pd.DataFrame:
    """Rows of dataset, variant, period, seed, device, threshold, quantity, value.

    ``weights``, numbers trained (of a network); ``epochs``, model runs per cell in all;
    ``seconds``; ``seconds_per_epoch``; ``epochs_to_loss`` and ``seconds_to_loss``, when the
    validation loss is first the threshold or less (NaN: never); ``memory_mb``, the most in use at
    once. A method that calibrates cell by cell has neither weights nor a validation loss. Of a data
    set pooled over folds: the mean over folds.
    """
    rows = []
    for group in by_method(gather(runs, results, datasets)).values():
        for member in (m for m in group if m.trained):
            costs = pd.DataFrame([_cost(run, results) for run, _ in member.parts])
            device = "/".join(dict.fromkeys(costs.pop("device")))
            about = identity(member) | {"device": device, "threshold": results.threshold}
            # a fold that never came to the threshold makes the mean NaN
            means = costs.mean(skipna=False)
            rows += [about | {"quantity": q, "value": v} for q, v in means.items()]
    return pd.DataFrame(rows)


def _cost(run, results: Results) -> dict:
    history = results.history(run)
    device, memory = results.machine(run)
    last = history.iloc[-1]
    cost = {
        "epochs": last["runs_per_cell"],
        "seconds": last["seconds"],
        "seconds_per_epoch": last["seconds"] / last["runs_per_cell"],
        "memory_mb": memory,
        "device": device,
    }
    weights = results.weights(run)
    if weights is None:
        return cost
    epochs, seconds = first_below(history, results.threshold, "validation_loss")
    return cost | {"weights": weights, "epochs_to_loss": epochs, "seconds_to_loss": seconds}
