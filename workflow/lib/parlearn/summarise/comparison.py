"""Scores and costs of all methods at one sampling (table S1 of Tsai et al. 2021)."""

import pandas as pd

from parlearn.metrics.progress import first_below, is_upper_bound
from parlearn.plan.methods import METHODS
from parlearn.study.roles import TESTS
from parlearn.summarise.choice import IDENTITY, choose, of_family
from parlearn.summarise.means import held_back, trained_cell_scores
from parlearn.summarise.results import Results, only_corrects


def summarise(runs, results: Results, sampling=None, period=None) -> pd.DataFrame:
    """Rows of identity, target, score_map, split, quantity, value, at_most, threshold.

    Splits ``temporal`` and ``spatial``: medians over cells of each score, ``raw`` and ``mapped``
    (before and after the linear correction); ``training``: of the RMSE after it at trained cells in
    the training period, where a search of each cell should be beaten by none. Split ``mean``: for
    each other target that is observed, scores over trained cells of its temporal means. Split
    ``cost``: epochs and seconds in all, to the ``threshold``, and to the RMSE at which the
    ``search`` through the same model ended; ``at_most`` where they were fewer, see
    :func:`~parlearn.metrics.progress.is_upper_bound`.
    """
    runs = choose(runs, results, sampling, period)
    rows = []
    for run in runs.itertuples():
        key = {name: getattr(run, name) for name in IDENTITY} | {"target": results.target}
        for score_map in ("raw", "mapped"):
            for split in TESTS:
                place = key | {"score_map": score_map, "split": split}
                medians = results.medians(run, split, score_map)
                rows += [place | {"quantity": q, "value": v} for q, v in medians.items()]
        place = key | {"score_map": "mapped", "split": "training", "quantity": "rmse"}
        rows.append(place | {"value": results.medians(run, "temporal", period="train")["rmse"]})
        for target in [] if only_corrects(run.method) else held_back(results):
            place = key | {"target": target, "score_map": "", "split": "mean"}
            scores = trained_cell_scores(run, results, target)
            rows += [place | {"quantity": q, "value": scores[q]} for q in ("bias", "corr", "nse")]
        if METHODS[run.method].trained:
            place = key | {"score_map": "", "split": "cost"}
            rows += [place | cost for cost in _costs(run, runs, results)]
    return pd.DataFrame(rows).fillna({"at_most": False}).assign(threshold=results.threshold)


def _costs(run, runs, results) -> list[dict]:
    curve, last = results.curve(run), results.history(run).iloc[-1]
    costs = [{"quantity": "epochs", "value": last["runs_per_cell"]}]
    costs += [{"quantity": "seconds", "value": last["seconds"]}]
    goals = {"threshold": results.threshold}
    rivals = [r for r in runs.itertuples() if of_family(r, "search") and r.model == run.model]
    if rivals and not of_family(run, "search"):
        rival = min(rivals, key=lambda r: r.seed)
        goals["search"] = results.curve(rival)["rmse_train_cells"].iloc[-1]
    for name, goal in goals.items():
        at_most = is_upper_bound(curve, goal)
        for what, value in zip(("epochs", "seconds"), first_below(curve, goal), strict=True):
            costs.append({"quantity": f"{what}_to_{name}", "value": value, "at_most": at_most})
    return costs
