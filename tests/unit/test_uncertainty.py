"""Ensembles against the truth: members of a run, runs of several seeds, the figure of both."""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from parlearn.metrics.ensemble import covered, crps
from parlearn.plots import style
from parlearn.plots import uncertainty as plot
from parlearn.plots.sheet import Sheet
from parlearn.storage import contracts
from parlearn.summarise import uncertainty

_spec = importlib.util.spec_from_file_location(
    "made_up_results", Path(__file__).with_name("made_up_results.py")
)
made_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made_up)

DATASETS = {"all": {"samplings": ["s4"], "period": "two_years", "cells": "train"}}
RUNS = made_up.make_runs(
    *(("dpl_z", "surrogate", "s4", "two_years", seed) for seed in (1, 2, 3)),
    ("paraformer_z", "surrogate", "s4", "two_years", 1),
    ("dpl_a", "surrogate", "s4", "two_years", 1),
)
MEMBERS = 19


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Three seeds of one method, a run of one member, and one of members drawn as the truth is."""
    study = made_up.make_study(tmp_path_factory.mktemp("uncertainty"))
    rng = np.random.default_rng(5)
    for run in RUNS.itertuples():
        made_up.make_run(study, run)
        folder = study.root / "runs" / run.run
        if run.method == "dpl_z":
            simulation = contracts.read(folder / "simulation.nc", "simulation").load()
            simulation["soil_moisture"] += 0.02 * (run.seed - 2)
            contracts.write(simulation, folder / "simulation.nc", "simulation")
        if run.method == "dpl_a":
            _make_members(study, folder, rng)
    return study


def _make_members(study, folder, rng):
    """The truth is moisture; about it members and it itself scatter alike."""
    moisture = study.moisture
    noise = 0.02 * rng.standard_normal((2, MEMBERS, *moisture.shape))
    shift = 0.02 * rng.standard_normal(moisture.shape)
    both = np.clip(moisture + noise + shift, 0, 1)
    dims = ("model", "member", "cell", "time")
    simulation = xr.Dataset(
        {"soil_moisture": (dims, both), "evapotranspiration": (dims, 10 * both)},
        coords={"model": ["vic", "surrogate"], "time": made_up.TIME},
    )
    contracts.write(simulation, folder / "simulation.nc", "simulation")
    ds = contracts.read(folder / "parameters.nc", "parameters").load()
    names = list(ds["parameters"].attrs)
    attributes = {name: ds["parameters"].attrs[name] for name in names}
    factor = rng.uniform(0.98, 1.02, (MEMBERS, 1, 1))
    values = ("member", "parameter", "cell"), ds["parameters"].values * factor, attributes
    ds = ds.drop_vars("parameters").assign(parameters=values)
    contracts.write(ds, folder / "parameters.nc", "parameters", dict(ds.attrs))


@pytest.fixture(scope="module")
def results(study):
    return made_up.open_results(study, correction="raw")


@pytest.fixture(scope="module")
def table(results):
    return uncertainty.summarise(RUNS, results, DATASETS)


def scores(table, variant, quantity="soil_moisture"):
    part = table[(table["variant"] == variant) & (table["quantity"] == quantity)]
    return part[part["panel"] == "score"].set_index("metric")["value"]


def test_a_run_without_members_and_a_single_seed_is_left_out(table):
    assert set(table["variant"]) == {"dpl_z", "dpl_a"}
    said = table.drop_duplicates("variant").set_index("variant")
    assert said["members"].to_dict() == {"dpl_z": 3, "dpl_a": MEMBERS}
    assert said["seeds"].to_dict() == {"dpl_z": 3, "dpl_a": 1}


def test_seeds_are_members_and_their_scores_are_those_of_hand(table, results):
    """Series lie 0.01 above the truth with steps of 0.02: -0.01, 0.01 and 0.03 beside it."""
    found = scores(table, "dpl_z")
    # mean |x - y| = 0.05 / 3; half the mean over pairs of two = (0.02 + 0.02 + 0.04) / 6
    assert found["crps"] == pytest.approx(0.05 / 3 - 0.08 / 6, abs=1e-5)
    assert found["error"] == pytest.approx(0.01, abs=1e-5)
    assert found["nominal"] == pytest.approx(0.5)
    assert found["coverage"] == pytest.approx(1.0)
    ranks = table[(table["variant"] == "dpl_z") & (table["quantity"] == "soil_moisture")]
    ranks = ranks[ranks["panel"] == "rank"].set_index("rank")["value"]
    assert ranks.to_dict() == pytest.approx({0: 0, 1: 1, 2: 0, 3: 0})


def test_members_are_scored_at_the_cells_and_days_of_the_test(table, results):
    run = next(RUNS[RUNS["method"] == "dpl_a"].itertuples())
    cells = results.cells("s4", "temporal")
    members = torch.from_numpy(results.members(run, cells).values)
    truth = torch.from_numpy(results.true_series(cells).values)
    known = torch.isfinite(truth)
    found = scores(table, "dpl_a")
    assert found["crps"] == pytest.approx(float(crps(members, truth)[known].mean()), rel=1e-4)
    inside = covered(members, truth)[known].float().mean()
    assert found["coverage"] == pytest.approx(float(inside), abs=1e-3)
    assert found["nominal"] == 0.9
    assert 0.5 < found["coverage"] < 0.95
    mean = results.simulated(run, cells).values
    assert np.allclose(members.mean(0), mean, atol=1e-6)


def test_parameters_are_held_against_the_truth_in_shares_of_their_bounds(table):
    # all seeds have the truth itself: no error, and a truth that ties with every member
    for name in made_up.NAMES:
        found = scores(table, "dpl_z", name)
        assert found["crps"] == pytest.approx(0, abs=1e-6)
        assert scores(table, "dpl_a", name)["crps"] < 0.02


def test_nothing_to_show_is_said(results):
    with pytest.raises(ValueError, match="has an ensemble: neither members nor seeds"):
        uncertainty.summarise(RUNS[RUNS["method"] == "paraformer_z"], results, DATASETS)


def test_the_figure_is_drawn_without_a_warning(table, tmp_path, monkeypatch):
    contracts.write_table(table, tmp_path / "u.csv")
    monkeypatch.setattr(style, "DPI", 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot.draw(Sheet(tmp_path / "u.csv", tmp_path / "out.png", "made-up data", None))
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    assert pd.read_csv(tmp_path / "out.csv")["value"].equals(
        pd.read_csv(tmp_path / "u.csv")["value"]
    )
