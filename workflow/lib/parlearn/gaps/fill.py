"""Gaps of soil moisture filled by an LSTM that integrates the observations beside them.

An optional step before learning. Li & Lu (2023, section 4.1) fill the days between SMAP's
overpasses by "a deep-learning scheme of data assimilation based on LSTM networks" and say no more
than that; they cite Fang & Shen (2020, J. Hydrometeor. 21, 399-413), whose LSTM is given weather,
attributes and the most recent observation. These choices are ours:

- The network sees the nearest observation before the day and, since a gap is filled afterwards,
  the nearest after it, each with its age and a flag that says whether there is one at all; never
  that of the day itself. What it gives is a correction of the straight line between the two.
- Seeing both sides, it would find the answer among its inputs: the day before knows tomorrow's
  observation. So blocks of observations are hidden in each training step, another choice each
  time, and the error counts on the hidden days alone.
- The correction is added on the scale of the logit, so that a filled value lies between 0 and
  1 m3 m-3 without being cut off there. Without that dry cells get moisture below zero.

At the 411 real cells, withheld observations are met with an RMSE of 0.028 m3 m-3 where the network
trained and 0.031 elsewhere. A network that sees the earlier side alone and corrects the last value
has 0.029 and 0.038; one that is given the last value as an input only, 0.029 and 0.046.

A part of the observations is withheld from all of this, to judge the filling by. Each sampling and
each training period has a network of its own, trained on the training cells of that sampling: a
run then reads nothing learned at its test cells, nor at cells of a denser sampling. At other cells
the network is applied to what was observed there in the training period, which dpl_z sees as well;
observations of the test period are not in ``training.nc``.

A filled value is an estimate. That holds most for winter: frozen soil has no observation for
months, the network has seen none to learn from, and no score covers it. What it gives there is
invented.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr

from parlearn.gaps.network import FillSettings, GapFiller, apply, train
from parlearn.gaps.series import carry_forward, gaps_by_length, interpolate, score_by_gap, withhold
from parlearn.study.roles import ROLES
from parlearn.study.tensors import Study, build_study

TARGET = "soil_moisture"


class Filling(NamedTuple):
    """One period filled: ``values`` (cell, day of the timeline), NaN where nothing was filled."""

    values: np.ndarray
    card: dict
    filler: GapFiller


def fill_training(
    domain: xr.Dataset,
    forcing: xr.Dataset,
    training: xr.Dataset,
    sampling: str,
    spans: Mapping[str, tuple[str, str]],
    settings: FillSettings,
    *,
    device: torch.device | str = "cpu",
    checkpoint: str | Path | None = None,
    identity: Mapping | None = None,
) -> tuple[xr.Dataset, dict]:
    """Fill the soil moisture of every training period, by a network for each.

    Parameters
    ----------
    domain, forcing, training : datasets in the form of domain.nc, forcing.nc and training.nc
    sampling : a name in domain.nc: the networks learn from its training cells, so that a run of
        this sampling reads nothing that was learned at its test cells
    spans : period of training.nc -> its first and last date, ISO, inclusive
    checkpoint : beginning of the name of the files written after every epoch, one a period, left
        for the caller to delete; a killed job goes on from them
    identity : what else decides the outcome, the checksums of the three files above all

    Returns
    -------
    The training data with soil moisture filled and ``filled(period, cell, time)``, 1 where a value
    was filled and 0 where it was observed or is still missing; and a card: settings, and of each
    period what was trained on, filled and scored.

    Observed values are left as they are. Filled are days of the period alone, and cells with an
    observation in it: nothing is known of the others.

    Raises
    ------
    ValueError
        No soil moisture among the targets; no such sampling or no training cell in it; a window
        longer than a period; too few observations to withhold any.
    FloatingPointError
        A filled value or the loss is not a number.
    """
    if TARGET not in training:
        raise ValueError(
            f"gap_filling is for {TARGET}, which is not among the targets "
            f"{list(training.data_vars)}: remove the key"
        )
    names = [str(name) for name in domain["sampling"].values]
    if sampling not in names:
        raise ValueError(f"gap_filling: domain.nc has no sampling {sampling!r}; it has {names}")
    chosen = domain["role"].values[names.index(sampling)] == ROLES["train"]
    if not chosen.any():
        raise ValueError(f"gap_filling: the sampling {sampling!r} has no training cell")
    filled = training.copy(deep=True)
    moisture = filled[TARGET] = filled[TARGET].transpose("period", "cell", "time")
    flag = np.zeros(moisture.shape, dtype=np.int8)
    card = {"sampling": sampling, "settings": asdict(settings), "periods": {}}
    for k, period in enumerate(str(name) for name in training["period"].values):
        done = fill_period(
            domain,
            forcing,
            training,
            period,
            spans[period],
            chosen,
            settings,
            device=device,
            checkpoint=None if checkpoint is None else f"{checkpoint}-{period}.pt",
            identity=identity,
        )
        flag[k] = np.isfinite(done.values)
        moisture.values[k] = np.where(flag[k], done.values, moisture.values[k])
        card["periods"][period] = done.card
    filled["filled"] = (
        moisture.dims,
        flag,
        {"long_name": "1 where soil moisture was filled, 0 where it was observed or is missing"},
    )
    scores = {period: entry["scores"] for period, entry in card["periods"].items()}
    filled.attrs["gap_filling"] = json.dumps(scores)
    return filled, card


def fill_period(
    domain: xr.Dataset,
    forcing: xr.Dataset,
    training: xr.Dataset,
    period: str,
    span: tuple[str, str],
    chosen: np.ndarray,
    settings: FillSettings,
    *,
    device: torch.device | str = "cpu",
    checkpoint: str | Path | None = None,
    identity: Mapping | None = None,
) -> Filling:
    """Train in one period on the cells ``chosen`` (cell,) bool, judge the network, and fill."""
    clock = time.monotonic()
    observed = training[TARGET].sel(period=period).transpose("cell", "time").values
    seen = np.isfinite(observed)
    any_seen = seen.any(1)
    withheld = withhold(seen, settings.held_out, settings.seed)
    if not withheld[chosen].any():
        raise ValueError(
            f"gap_filling: held_out = {settings.held_out} withholds no observation of a training "
            f"cell in the period {period}: raise it"
        )
    left = training[[TARGET]].sel(period=[period])
    left = left.where(xr.DataArray(~withheld, dims=("cell", "time")))
    study = build_study(
        domain,
        forcing,
        left,
        np.where(chosen & any_seen, ROLES["train"], ROLES["unused"]),
        period=period,
        span=span,
        targets=(TARGET,),
        needed=("train",),
    ).to(device)
    if settings.window > study.training_days:
        raise ValueError(
            f"gap_filling: window = {settings.window} days is longer than the "
            f"{study.training_days} days of the period {period}"
        )
    identity = {"period": period, **(identity or {})}
    filler, losses = train(study, settings, checkpoint, identity, f"filling of {period}")
    days = study.training
    whole = torch.from_numpy(observed[:, days].astype(np.float32))
    groups = {"training cells": chosen & any_seen, "other cells": ~chosen & any_seen}
    values = np.full(observed.shape, np.nan, dtype=np.float32)
    values[:, days] = apply(filler, study, whole.to(study.device)).numpy()
    values[seen | ~any_seen[:, None]] = np.nan
    card = {
        "span": [str(day) for day in span],
        "cells": {name: int(cells.sum()) for name, cells in groups.items()},
        "cells_without_observation": int((~any_seen).sum()),
        "observed": int(seen.sum()),
        "withheld": int(withheld.sum()),
        **_count(values[:, days], whole.numpy(), domain["porosity"].values[:, None]),
        "seconds": round(time.monotonic() - clock, 1),
        "loss": [round(loss, 6) for loss in losses],
        "scores": _judge(filler, study, whole, withheld[:, days], groups),
    }
    return Filling(values, card, filler)


def _judge(filler: GapFiller, study: Study, whole, withheld, groups) -> dict[str, list[dict]]:
    """Scores of the network and of two simple fillings where observations were withheld."""
    view = study.observations[:, study.training, 0]
    fillings = {
        "network": apply(filler, study, view),
        "last value": carry_forward(view.cpu()),
        "interpolation": interpolate(view.cpu()),
    }
    return {
        name: score_by_gap(
            fillings, whole, torch.from_numpy(withheld), torch.from_numpy(np.flatnonzero(cells))
        )
        for name, cells in groups.items()
    }


def _count(filled: np.ndarray, observed: np.ndarray, porosity: np.ndarray) -> dict:
    """How much was filled, by length of gap and beside the porosity that soil maps give."""
    given = np.isfinite(filled)
    if not given.any():
        return {"filled": 0}
    values = filled[given]
    kinds = gaps_by_length(torch.from_numpy(observed))
    return {
        "filled": int(given.sum()),
        "filled_by_gap": {name: int((given & days.numpy()).sum()) for name, days in kinds.items()},
        "lowest_and_highest": [round(float(v), 5) for v in (values.min(), values.max())],
        "above_porosity": {
            "filled": int((filled > porosity).sum()),
            "observed": int((observed > porosity).sum()),
        },
    }
