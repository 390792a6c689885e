"""What training costs: weights, time and memory (smap_cost)."""

import pandas as pd

from parlearn.metrics.progress import first_below
from parlearn.storage import contracts
from parlearn.storage.files import read_json
from parlearn.summarise.datasets import by_method, gather, identity
from parlearn.summarise.results import UNTRAINED, Results


def summarise_cost(runs, results: Results, datasets, threshold=0.05) -> pd.DataFrame:
    """Rows of dataset, variant, period, seed, quantity, value, and device.

    ``weights``, numbers trained (of a network); ``epochs``, model runs per cell in all;
    ``seconds``; ``seconds_per_epoch``; ``epochs_to_loss`` and ``seconds_to_loss``, when the
    validation loss is first `threshold` or less (NaN: never); ``memory_mb``, the most in use at
    once. A method that calibrates cell by cell has neither weights nor a validation loss. Of a data
    set pooled over folds: the mean over folds.
    """
    rows = []
    for group in by_method(gather(runs, results, datasets)).values():
        for member in (m for m in group if m.method not in UNTRAINED):
            costs = pd.DataFrame([_cost(run, results, threshold) for run, _ in member.parts])
            device = "/".join(dict.fromkeys(costs.pop("device")))
            about = identity(member) | {"device": device}
            # a fold that never came to the threshold makes the mean NaN
            means = costs.mean(skipna=False)
            rows += [about | {"quantity": q, "value": v} for q, v in means.items()]
    return pd.DataFrame(rows)


def _cost(run, results, threshold) -> dict:
    history = contracts.read_table(results.file(run, "history.csv"), "history")
    about = results.parameters(run).attrs
    if "provenance_peak_memory_mb" not in about:
        raise ValueError(
            f"{results.file(run, 'parameters.nc')} does not say how much memory it took: make it "
            "again"
        )
    last = history.iloc[-1]
    cost = {
        "epochs": last["runs_per_cell"],
        "seconds": last["seconds"],
        "seconds_per_epoch": last["seconds"] / last["runs_per_cell"],
        "memory_mb": float(about["provenance_peak_memory_mb"]),
        "device": about["provenance_device"],
    }
    card = results.file(run, "network") / "card.json"
    if not card.is_file():
        return cost
    epochs, seconds = first_below(history, threshold, "validation_loss")
    reached = {"epochs_to_loss": epochs, "seconds_to_loss": seconds}
    return cost | {"weights": read_json(card)["weights"]} | reached
