"""Files of a made-up study with made-up runs, for the tests of summaries and figures."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.storage import contracts, files
from parlearn.storage.kinds import KINDS
from parlearn.study.roles import ROLES
from parlearn.study.splits import grid_splits
from parlearn.summarise.results import Results

NAMES = ["infilt", "Ds", "Dsmax", "Ws", "expt"]
LOWER = np.array([0.001, 0.001, 0.1, 0.5, 8.0])
UPPER = np.array([0.9, 1.0, 30.0, 0.999, 30.0])
METRICS = ["bias", "rmse", "ubrmse", "corr", "nse"]
ROWS, COLS = 12, 16
TIME = pd.date_range("2015-01-01", periods=90)
TEST = ("2015-02-15", "2015-03-31")
OFFSET = 0.01  # of the linear correction of every run
THRESHOLD = 0.043

#: ending test RMSE by method
END = {
    "default": 0.1,
    "cellmean": 0.06,
    "sceua": 0.045,
    "dpl_a": 0.042,
    "dpl_z": 0.04,
    "paraformer_a": 0.038,
    "paraformer_z": 0.036,
}
UNITS = ["1", "1", "mm day-1", "1", "1"]
WEIGHTS = 1234


def make_runs(*rows) -> pd.DataFrame:
    """Rows of (method, model, sampling, period, seed) and, if not ``domain``, observation map."""
    columns = ["method", "model", "sampling", "period", "seed", "observation_map"]
    table = pd.DataFrame([(*row, "domain")[:6] for row in rows], columns=columns)
    names = table.astype(str).agg("_".join, axis=1).str.replace("-", "none")
    return table.assign(run=names)


FULL = make_runs(
    ("default", "-", "s8", "two_years", 1),
    ("cellmean", "-", "s8", "two_years", 1, "none"),
    *(
        (method, "surrogate", sampling, period, seed)
        for method in ("sceua", "dpl_a", "dpl_z")
        for sampling in ("s8", "s4")
        for period in ("one_year", "two_years")
        for seed in (1, 2)
    ),
    ("dpl_z", "process", "s4", "two_years", 1),
    ("dpl_z", "process", "s4", "two_years", 1, "network"),
)
#: the same method with the parameters of most runs and with a set of its own
BY_SET = pd.concat(
    [
        make_runs(
            ("default", "-", "s8", "two_years", 1), ("dpl_z", "process", "s4", "two_years", 1)
        ),
        make_runs(("dpl_z", "process", "s4", "two_years", 2)).assign(seed=1, parameter_set="v9"),
    ],
    ignore_index=True,
)
#: methods of Li & Lu 2023, their data sets, and what the least figure needs
LI2023 = make_runs(
    ("default", "-", "s8", "two_years", 1),
    *(
        (method, "surrogate", sampling, "two_years", seed)
        for method in ("sceua", "dpl_a", "dpl_z", "paraformer_a", "paraformer_z")
        for sampling in ("s8", "s4")
        for seed in (1, 2)
    ),
    ("sceua", "process", "s8", "two_years", 1),
    ("paraformer_z", "process", "s8", "two_years", 1),
)
DATASETS = {
    "DAS-S4": {"samplings": ["s4"], "period": "two_years", "cells": "train"},
    "DAS-S8": {"samplings": ["s8"], "period": "two_years", "cells": "train"},
    "DAS-S8NG": {"samplings": ["s8"], "period": "two_years", "cells": "test"},
}
LI2023_MINIMAL = make_runs(
    ("default", "-", "s4", "one_year", 1), ("dpl_z", "surrogate", "s4", "one_year", 3)
)
ONE_DATASET = {"all cells": {"samplings": ["s4"], "period": "one_year", "cells": "train"}}
MINIMAL = make_runs(("dpl_a", "surrogate", "s4", "one_year", 3))


def make_study(root, samplings=("s8", "s4"), seed=0, folds=False) -> SimpleNamespace:
    """All files of a study and the surrogate's skill, and what they hold; ET is 10 x moisture.

    `folds`: with two more samplings, fold0 holding out the even cells and fold1 the odd ones.
    """
    rng = np.random.default_rng(seed)
    row, col = (index.ravel() for index in np.mgrid[:ROWS, :COLS])
    lat, lon = 35 + 0.125 * row, -100 + 0.125 * col
    splits = grid_splits(lat, lon, row, col, {name: int(name[1:]) for name in samplings}, 1)
    if folds:
        cells = np.arange(len(row))
        parts = [np.where(cells % 2 == k, ROLES["test"], ROLES["train"]) for k in (0, 1)]
        donors = [np.where(cells % 2 == k, cells ^ 1, cells) for k in (0, 1)]
        two = {"role": parts, "donor": donors}
        two = xr.Dataset(
            {name: (("sampling", "cell"), np.stack(values)) for name, values in two.items()},
            coords={"sampling": ["fold0", "fold1"]},
        )
        splits = xr.concat([splits, two], "sampling", combine_attrs="override")
    sizes = {"cell": len(row), "attribute": 2, "veg_class": 12, "month": 12, "root_zone": 3}
    domain = splits.assign_coords(attribute=["clay", "sand"])
    domain["attribute_units"] = ("attribute", ["%", "%"])
    for name, values in {"lat": lat, "lon": lon, "row": row, "col": col}.items():
        domain[name] = ("cell", values)
    for name, (dims, _, lower, upper, *_) in KINDS["domain"].items():
        # of basins, what is told in words is left out
        if name not in domain.variables and lower is not None and "sampling" not in dims:
            # of several forms the first
            dims = dims.split("|")[0].split()
            domain[name] = (dims, np.full([sizes[d] for d in dims], np.clip(0.5, lower, upper)))
    contracts.write(domain, root / "smap" / "domain.nc", "domain")

    shape = (len(row), len(TIME))
    moisture = 0.2 + 0.002 * row[:, None] + 0.05 * rng.random(shape)
    observed = np.where(rng.random(shape) < 0.5, np.nan, moisture)
    series = {"soil_moisture": observed, "evapotranspiration": 10 * observed}
    series = {name: (("cell", "time"), values) for name, values in series.items()}
    observations = xr.Dataset(series, coords={"time": TIME})
    contracts.write(observations, root / "smap" / "observations.nc", "observations")
    forcing = _make_forcing(rng, shape)
    contracts.write(forcing, root / "smap" / "forcing.nc", "forcing")
    unit = 0.1 + 0.8 * np.stack([rng.permutation(len(row)) / len(row) for _ in NAMES])
    physical = LOWER[:, None] * (UPPER / LOWER)[:, None] ** unit
    truth = xr.Dataset(
        {
            "parameters": (("parameter", "cell"), physical),
            "soil_moisture": (("cell", "time"), moisture),
        },
        coords={"parameter": NAMES, "time": TIME},
    )
    contracts.write(truth, root / "smap" / "truth.nc", "truth")
    cells = np.arange(0, len(row), 5)
    scores = {
        name: rng.uniform(0.9, 1, (2, len(cells))) for name in ("corr", "bias", "rmse", "nse")
    }
    outputs = ["soil_moisture", "evapotranspiration"]
    skill = xr.Dataset(
        {name: (("output", "cell"), values) for name, values in scores.items()},
        coords={"output": outputs, "cell": cells},
    )
    contracts.write(skill, root / "smap" / "skill.nc", "skill")
    return SimpleNamespace(
        root=Path(root),
        domain=domain,
        moisture=moisture,
        observed=observed,
        forcing=forcing,
        truth=truth,
        skill=skill,
        rng=rng,
    )


def open_results(study, **changes) -> Results:
    """The results of a made-up study, as a figure of its soil moisture opens them."""
    given = {"target": "soil_moisture", "test": TEST, "threshold": THRESHOLD}
    given |= {name: study.root / "smap" / f"{name[:5]}.nc" for name in ("truth_file", "skill_file")}
    return Results(study.root, "smap", **given | changes)


def _make_forcing(rng, shape) -> xr.Dataset:
    """Weather, wetter from cell to cell; rain on one day in five."""
    wet = (
        (rng.random(shape) < 0.2)
        * rng.gamma(1.0, 8.0, shape)
        * np.linspace(0.5, 2, shape[0])[:, None]
    )
    middle = {
        name: np.clip(100.0, low, high) for name, (_, _, low, high, *_) in KINDS["forcing"].items()
    }
    daily = {name: np.full(shape, value) for name, value in middle.items()}
    daily |= {"prec": wet, "tair": 15 - np.linspace(0, 10, shape[0])[:, None] + np.zeros(shape)}
    return xr.Dataset(
        {
            name: (("cell", "time", "step"), np.repeat(v[..., None], 8, -1))
            if name.endswith("_3h")
            else (("cell", "time"), v)
            for name, v in daily.items()
        },
        coords={"time": TIME},
    )


def make_run(study, run) -> None:
    """All files of one run: series are the truth plus 0.01 by VIC and 0.02 by the surrogate."""
    folder = study.root / "runs" / run.run
    true = study.truth["parameters"].values
    middle = np.sqrt(LOWER * UPPER)[:, None] * np.ones_like(true)
    values = {"default": middle, "cellmean": middle}.get(run.method, true)
    if run.method == "sceua":
        values = values[:, study.rng.permutation(values.shape[1])]
    parameters = xr.Dataset(
        {
            "parameters": (
                ("parameter", "cell"),
                values,
                {"lower": LOWER, "upper": UPPER, "parameter_units": UNITS},
            ),
            "slope": ((), 1.0),
            "offset": ("cell", np.full(values.shape[1], OFFSET)),
        },
        coords={"parameter": NAMES},
    )
    about = {"provenance_peak_memory_mb": "512.5", "provenance_device": "cpu"}
    contracts.write(parameters, folder / "parameters.nc", "parameters", about)
    both = np.stack([study.moisture + 0.01, study.moisture + 0.02])
    series = {"soil_moisture": both, "evapotranspiration": 10 * both}
    simulation = xr.Dataset(
        {name: (("model", "cell", "time"), v) for name, v in series.items()},
        coords={"model": ["vic", "surrogate"], "time": TIME},
    )
    contracts.write(simulation, folder / "simulation.nc", "simulation")
    end = END[run.method]
    scores = np.stack([study.rng.normal(end, 0.005, values.shape[1]) for _ in METRICS])
    scores[3] = np.nan if run.method == "cellmean" else 1 - 4 * scores[3]
    # dims target, model, map, period, metric, cell: raw is 0.5 worse than mapped, train 0.25 better
    raw, train = np.array([0.5, 0.0])[:, None, None, None], np.array([-0.25, 0.0])[:, None, None]
    metrics = xr.Dataset(
        {
            "score": (
                ("target", "model", "map", "period", "metric", "cell"),
                np.broadcast_to(scores + raw + train, (1, 2, 2, 2, *scores.shape)),
            )
        },
        coords={
            "target": ["soil_moisture"],
            "model": ["surrogate", "vic"],
            "map": ["raw", "mapped"],
            "period": ["train", "test"],
            "metric": METRICS,
        },
    )
    contracts.write(metrics, folder / "metrics.nc", "metrics")
    if run.method in ("default", "cellmean"):
        return
    epochs = np.array([0, 10, 20, 40, 80, 160])
    rmse = end + 0.1 * np.exp(-epochs / (60 if run.method == "sceua" else 10))
    curve = {"epoch": epochs, "runs_per_cell": epochs, "seconds": 2.0 * epochs}
    errors = {"rmse_train_cells": rmse, "rmse_test_cells": rmse}
    table = pd.DataFrame({"target": "soil_moisture", **curve, **errors})
    contracts.write_table(table, folder / "curve.csv", "curve")
    calibrated = run.method == "sceua"  # it has no validation cells
    losses = {"train_loss": rmse, "validation_loss": np.nan if calibrated else rmse}
    if not calibrated:
        files.write_json({"weights": WEIGHTS}, folder / "network" / "card.json")
    contracts.write_table(pd.DataFrame(curve | losses), folder / "history.csv", "history")
