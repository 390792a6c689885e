"""Checks that no test period, test cell or held-back variable was used in training."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.audit.findings import Check, asks
from parlearn.audit.tree import File, Tree
from parlearn.networks.scalers import Scalers
from parlearn.plan import methods
from parlearn.plan.basins import SIGNATURES
from parlearn.plan.surrogates import SURROGATES
from parlearn.study.splits import TRAIN
from parlearn.study.tensors import load_study

#: rules that learn, and what they may be given of the study; of a surrogate any file
LEARNERS = (*methods.rules(), "learn_pilot", "fit_line")
ALLOWED = ("domain.nc", "forcing.nc", "training.nc")
#: rules of the surrogate, which learns from the model alone
OF_SURROGATE = ("train_surrogate", "simulate_samples")
#: how far a scaler may lie from one fitted again, relative to its largest number
CLOSE = 1e-5


@dataclass(frozen=True)
class Split:
    """What is to be kept apart, of the configuration.

    Attributes
    ----------
    train : training periods, name -> first and last day
    test : first and last day of the test period
    validate : the same of the years that some methods choose on; None without such
    targets : variables that any run learns from; all others are held back
    """

    train: Mapping[str, Sequence[str]]
    test: Sequence[str]
    targets: Sequence[str]
    validate: Sequence[str] | None = None

    @property
    def seen(self) -> dict[str, Sequence[str]]:
        """All periods of which training.nc may hold observations."""
        return {**self.train, **({"validate": self.validate} if self.validate else {})}


@asks("separation", "Did a learner see the test period, a test cell or what is hidden?")
def check_separation(check: Check, tree: Tree, split: Split) -> None:
    """Periods, cells and variables of every run, from its files."""
    for name, span in split.seen.items():
        if _overlap(span, split.test):
            check.wrong("config", f"the period {name} {span} overlaps the test period {split.test}")
        if name in split.train and split.validate and _overlap(span, split.validate):
            check.wrong(
                "config", f"the period {name} {span} overlaps the validation {split.validate}"
            )
    opened = {}
    for name in ("domain", "forcing", "observations"):
        path = f"{tree.study}/{name}.nc"
        if path in tree.made:
            with check.at(path), xr.open_dataset(tree.root / path, engine="netcdf4") as ds:
                opened[name] = ds.load()
    if "domain" in opened:
        check.looked_at += 1
        with check.at(f"{tree.study}/domain.nc"):
            for problem in _cell_problems(opened["domain"]):
                check.wrong(f"{tree.study}/domain.nc", problem)
    for path in _learned_from(tree):
        check.looked_at += 1
        with check.at(path):
            for problem in _leaks(tree.root / path, split, opened.get("observations")):
                check.wrong(path, problem)
    check.table = [("run", "period", "cells", "learned from", "scalers fit again")]
    scalers: dict[tuple, Scalers | str] = {}
    for path, file in tree.of_rule(*LEARNERS).items():
        # of a run its parameters stand for all of its files; a line is one file
        parameters = path.endswith(".nc") and Path(path).name != "trajectory.nc"
        if parameters or path.startswith(f"{tree.study}/line/"):
            check.looked_at += 1
            with check.at(path):
                _check_run(check, tree, file, split, opened, scalers)
    for path, file in tree.of_rule(*OF_SURROGATE).items():
        check.looked_at += 1
        with check.at(path):
            for problem in _surrogate_problems(tree, path, file, split):
                check.wrong(path, problem)


def _surrogate_problems(tree: Tree, path: str, file: File, split: Split):
    """Observations and tested days that a surrogate was given, a sentence each."""
    for name in file.stamp.get("inputs") or {}:
        if name in (f"{tree.study}/observations.nc", f"{tree.study}/truth.nc"):
            yield f"the surrogate was given {name}"
    if Path(path).name == "card.json":
        for days in _json(tree, path).get("days", []):
            if _overlap(days, split.test):
                yield f"the surrogate learned from {days[0]} .. {days[1]}, of the test period"


def _overlap(one: Sequence[str], two: Sequence[str]) -> bool:
    return one[0] <= two[1] and two[0] <= one[1]  # ISO dates sort as text


def _learned_from(tree: Tree) -> list[str]:
    """training.nc and the filled ones beside it, which is all of the observations learners read."""
    folder = f"{tree.study}/filled/"
    return [
        path
        for path in tree.made
        if path == f"{tree.study}/training.nc" or (path.startswith(folder) and path.endswith(".nc"))
    ]


def _cell_problems(domain: xr.Dataset):
    """What is wrong with attributes and with the roles of cells, a sentence each."""
    told = {*domain["attribute"].values.astype(str)} if "attribute" in domain else set()
    if signatures := sorted(told & {*SIGNATURES}):
        yield (
            f"networks are told {', '.join(signatures)}, signatures of streamflow, which no "
            "ungauged basin has"
        )
    for k, sampling in enumerate(domain["sampling"].values):
        role, donor = domain["role"].values[k], domain["donor"].values[k]
        if not (role == TRAIN).any():
            yield f"the sampling {sampling} has no training cell"
        alike = domain["donor_alike"].values[k] if "donor_alike" in domain else donor
        if (role[donor] != TRAIN).any() or (role[alike] != TRAIN).any():
            yield f"the sampling {sampling}: a cell that is not trained gives parameters to others"


def _leaks(path: Path, split: Split, observations: xr.Dataset | None):
    """Observations in a file of training that a learner must not see, a sentence each."""
    with xr.open_dataset(path, engine="netcdf4") as opened:
        training = opened.load()
    lengths = [f"{target}_days" for target in split.targets]  # of composites, no observations
    allowed = (*split.targets, *lengths, "filled")
    hidden = [n for n in map(str, training.data_vars) if n not in allowed]
    if hidden:
        yield f"holds {', '.join(hidden)}, from which no run may learn"
    days = training["time"].values.astype("datetime64[D]")
    for period in map(str, training["period"].values):
        if period not in split.seen:
            yield f"has a period {period} that the configuration has not"
            continue
        first, last = (np.datetime64(day) for day in split.seen[period])
        inside = (days >= first) & (days <= last)
        tested = (days >= np.datetime64(split.test[0])) & (days <= np.datetime64(split.test[1]))
        for target in (t for t in split.targets if t in training):
            there = np.isfinite(training[target].sel(period=period).transpose(..., "time").values)
            seen = int(there[:, tested].sum())
            if seen:
                yield f"{period}: holds {seen} values of {target} in the test period"
            outside = int(there[:, ~inside & ~tested].sum())
            if outside:
                yield f"{period}: holds {outside} values of {target} outside of {first} .. {last}"
            yield from _changed(training, observations, target, period, inside)


def _changed(training, observations, target, period, inside):
    """Whether values that were observed are the observations."""
    if observations is None or target not in observations:
        return
    ours = training[target].sel(period=period).transpose("cell", "time").values[:, inside]
    theirs = observations[target].transpose("cell", "time").values[:, inside]
    there = np.isfinite(ours)
    if "filled" in training:
        mark = training["filled"].sel(period=period).transpose("cell", "time").values[:, inside]
        there &= mark == 0
    wrong = int((ours[there] != theirs[there]).sum())
    if wrong:
        yield f"{period}: {wrong} values of {target} are not those of observations.nc"


def _check_run(check, tree: Tree, file: File, split: Split, opened, scalers) -> None:
    """What one learner was given, and what its files say it was fitted on."""
    settings = file.stamp.get("config") or {}
    run = settings.get("run") or settings.get("pilot") or {}
    span, sampling = run.get("span"), run.get("sampling")
    if span is None or sampling is None:
        check.wrong(
            file.path, "its stamp does not say in which period and on which cells it learned"
        )
        return
    if _overlap(span, split.test):
        check.wrong(file.path, f"learned in {span}, which overlaps the test period {split.test}")
    if split.train.get(run.get("period")) not in (None, span, list(span)):
        check.wrong(file.path, f"learned in {span}, the period {run['period']} is another")
    if extra := {*run.get("targets", [])} - {*split.targets}:
        check.wrong(file.path, f"learned from {', '.join(sorted(extra))}, which is held back")
    given = [*(file.stamp.get("inputs") or {})]
    folders = tuple(f"{tree.study}/{part}/" for part in ("filled", *SURROGATES, "line"))
    for name in given:
        if not (
            name in [f"{tree.study}/{allowed}" for allowed in ALLOWED]
            or name.startswith(folders)
            or "/calibration/" in name  # parts of the same run, looked at by themselves
        ):
            check.wrong(file.path, f"was given {name}, which no learner may see")
    fitted = ""
    if "domain" in opened and sampling in opened["domain"]["sampling"].values:
        role = opened["domain"]["role"].sel(sampling=sampling).values
        folder = Path(file.path).parent.as_posix()
        with check.at(f"{folder}/cells.csv"):
            for problem in _cells_problems(tree, f"{folder}/cells.csv", role):
                check.wrong(f"{folder}/cells.csv", problem)
        card = f"{folder}/network/card.json"
        if card in tree.made:
            before = len(check.problems)
            with check.at(card):
                for problem in _card_problems(tree, card, given, run, role, opened, scalers):
                    check.wrong(card, problem)
            fitted = "yes" if len(check.problems) == before else "no"
        cells = f"{int((role == TRAIN).sum())} of {sampling}"
        name = Path(folder).name if folder.startswith(f"{tree.results}/runs/") else file.path
        seen = ", ".join(Path(n).name for n in given if n.endswith(".nc"))
        check.table.append((name, f"{span[0]} .. {span[1]}", cells, seen, fitted))


def _cells_problems(tree: Tree, path: str, role: np.ndarray):
    """Cells that were calibrated one by one must be training cells."""
    if path not in tree.made:
        return
    cells = pd.read_csv(tree.root / path)["cell"].to_numpy()
    if cells.dtype.kind not in "iu" or not ((cells >= 0) & (cells < len(role))).all():
        yield f"names cells that are not in domain.nc, which has {len(role)}"
        return
    others = cells[role[cells] != TRAIN]
    if len(others):
        yield f"{len(others)} cells that are no training cells were calibrated, first {others[0]}"


def _card_problems(tree: Tree, card: str, given, run, role, opened, scalers):
    """What a network says it was trained on, against the roles of cells and the period; its scalers
    against those fitted again on training cells and days alone."""
    content = _json(tree, card)
    told = content.get("trained_on", {})
    if told.get("cells") != int((role == TRAIN).sum()):
        yield f"says it was trained on {told.get('cells')} cells, there are {(role == TRAIN).sum()}"
    days = [told.get("first_day"), told.get("last_day")]
    if days != list(run["span"]):
        yield f"says it was trained from {days[0]} to {days[1]}, not {run['span']}"
    file = next((n for n in given if n in _learned_from(tree)), None)
    if file is None or "forcing" not in opened:
        return
    told = (run.get("settings") or {}).get("attributes") or ()
    key = (file, run["sampling"], run["period"], *run["targets"], *told)
    if key not in scalers:
        scalers[key] = _fit(tree, file, run, opened)
    if isinstance(scalers[key], str):
        yield f"its scalers cannot be fitted again: {scalers[key]}"
        return
    for name, scaler in scalers[key]._asdict().items():
        own = content.get("scalers", {}).get(name, {})
        for part in ("mean", "std"):
            ours, theirs = np.array(getattr(scaler, part)), np.array(own.get(part, []))
            if ours.shape != theirs.shape or not np.allclose(
                ours, theirs, rtol=CLOSE, atol=CLOSE * np.abs(ours).max()
            ):
                yield f"its scaler of {name} ({part}) is not that of the training cells and period"


def _fit(tree, file, run, opened) -> Scalers | str:
    with xr.open_dataset(tree.root / file, engine="netcdf4") as ds:
        training = ds.load()
    try:
        study = load_study(
            opened["domain"],
            opened["forcing"],
            training,
            sampling=run["sampling"],
            period=run["period"],
            span=tuple(run["span"]),
            targets=tuple(run["targets"]),
            attributes=(run.get("settings") or {}).get("attributes"),
        )
    except (ValueError, KeyError) as error:
        return str(error)
    return study.scalers


def _json(tree: Tree, path: str) -> dict:
    try:
        return json.loads((tree.root / path).read_text(encoding="utf-8"))
    except ValueError:
        return {}  # told by the check of contents
