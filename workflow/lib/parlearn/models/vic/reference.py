"""Compares this VIC with outputs of the original: same inputs, same initial state, every day of
every cell.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from parlearn.models.vic.model import VIC
from parlearn.models.vic.names import STATE

OUTPUTS = (
    "moist1",
    "moist2",
    "moist3",
    "evapotranspiration",
    "runoff",
    "baseflow",
    "swe",
    "snow_canopy",
    "wdew",
)
_ORIGINAL = {
    "evapotranspiration": "EVAP",
    "runoff": "RUNOFF",
    "baseflow": "BASEFLOW",
    "swe": "SWE",
    "snow_canopy": "SNOW_CANOPY",
    "wdew": "WDEW",
}
#: name here -> (name in VIC's state file, factor, soil layer or node)
_STATE = {
    "w1": ("SOIL_MOISTURE", 1.0, 0),
    "w2": ("SOIL_MOISTURE", 1.0, 1),
    "w3": ("SOIL_MOISTURE", 1.0, 2),
    "wdew": ("CANOPY_WATER", 1.0, None),
    "swe": ("SNOW_WATER_EQUIVALENT", 1000.0, None),
    "snow_temp": ("SNOW_SURF_TEMP", 1.0, None),
    "snow_water": ("SNOW_SURF_WATER", 1000.0, None),
    "pack_temp": ("SNOW_PACK_TEMP", 1.0, None),
    "pack_water": ("SNOW_PACK_WATER", 1000.0, None),
    "snow_age": ("SNOW_AGE", 1.0, None),
    "cold_content": ("SNOW_COLD_CONTENT", 1.0, None),
    "snow_density": ("SNOW_DENSITY", 1.0, None),
    "melting": ("SNOW_MELT_STATE", 1.0, None),
    "canopy_snow": ("SNOW_CANOPY", 1000.0, None),
    "foliage_temp": ("FOLIAGE_TEMPERATURE", 1.0, None),
    "t_surface": ("SOIL_NODE_TEMP", 1.0, 0),
    "t1": ("SOIL_NODE_TEMP", 1.0, 1),
    "longwave_below": ("ENERGY_LONGUNDEROUT", 1.0, None),
}


@dataclass(frozen=True)
class Bar:
    """How close one quantity must come, over one group of cells."""

    quantity: str
    group: str  # "no canopy snow" or "canopy snow"
    measure: str  # rms, max, nse, annual %
    limit: float
    unit: str

    def met(self, value):
        return value >= self.limit if self.measure == "nse" else value <= self.limit


BARS = [
    *(Bar(f"moist{k}", "no canopy snow", "rms", 0.05, "mm") for k in (1, 2, 3)),
    *(Bar(f"moist{k}", "no canopy snow", "max", 0.5, "mm") for k in (1, 2, 3)),
    Bar("evapotranspiration", "no canopy snow", "rms", 0.02, "mm/day"),
    Bar("runoff", "no canopy snow", "rms", 0.05, "mm/day"),
    Bar("baseflow", "no canopy snow", "rms", 0.05, "mm/day"),
    Bar("swe", "no canopy snow", "rms", 0.1, "mm"),
    *(Bar(f"moist{k}", "canopy snow", "rms", 1.0, "mm") for k in (1, 2, 3)),
    Bar("evapotranspiration", "canopy snow", "annual %", 2.0, "%"),
    Bar("swe, peak >= 10 mm", "canopy snow", "nse", 0.97, ""),
    Bar("swe, peak < 10 mm", "canopy snow", "rms", 0.5, "mm"),
]


def read(folder):
    """Inputs, original outputs and the initial state group of a reference folder.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file or variable that is missing.
    """
    folder = Path(folder)
    for name in ("inputs.nc", "daily_A.nc"):
        if not (folder / name).exists():
            raise FileNotFoundError(
                f"{folder / name} is missing; a reference folder holds inputs.nc and daily_A.nc"
            )
    inputs = xr.load_dataset(folder / "inputs.nc")
    original = xr.load_dataset(folder / "daily_A.nc")
    group = original.attrs.get("state_group")
    if not group:
        raise ValueError(
            f"{folder / 'daily_A.nc'} has no global attribute state_group naming the initial state"
        )
    return inputs, original, xr.load_dataset(folder / "daily_A.nc", group=group)


def initial_state(group, model):
    """VIC's state file (set, cell, veg_class) as this model's state (set, cell, slot, STATE)."""
    classes = model.table.tile_class.clamp(min=0).T  # (cell, slot)
    columns = []
    for name in STATE:
        if name not in _STATE:
            columns.append(torch.zeros(columns[0].shape, dtype=columns[0].dtype))
            continue
        variable, factor, layer = _STATE[name]
        values = group[f"STATE_{variable}"].values
        values = torch.as_tensor(
            np.asarray(values if layer is None else values[..., layer], dtype=np.float64)
        )
        columns.append(torch.gather(values * factor, 2, classes.expand(values.shape[0], -1, -1)))
    return torch.nan_to_num(torch.stack(columns, -1))


def simulate(folder, dtype=torch.float32, fused=None):
    """Run this VIC on a reference folder from its initial state.

    Returns
    -------
    ours, theirs : dict of (set, cell, day) arrays; inputs; the model
    """
    inputs, original, group = read(folder)
    names = tuple(inputs["par_name"].values.astype(str))
    model = VIC(inputs, inputs, names=names, outputs=OUTPUTS, dtype=dtype, fused=fused)
    parameters = torch.as_tensor(inputs["params"].values).to(dtype)
    with torch.no_grad():
        outputs, _ = model.run(parameters, state=initial_state(group, model))
    ours = {name: outputs[..., k].double().numpy() for k, name in enumerate(OUTPUTS)}
    theirs = {name: original[variable].values.astype(float) for name, variable in _ORIGINAL.items()}
    for k in range(3):
        theirs[f"moist{k + 1}"] = original["SOIL_MOIST"].values[:, :, k].astype(float)
    return ours, theirs, inputs, model


def compare(ours, theirs):
    """Every bar with the worst value found, its set and cell: (bar, value, set, cell, met).

    Cells belong to "canopy snow" when the original ever holds snow in their canopy.
    """
    tree = (theirs["snow_canopy"] > 0).any(-1).any(0)
    rows = []
    for bar in BARS:
        name = bar.quantity.split(",")[0]
        mine, original = ours[name], theirs[name]
        chosen = np.broadcast_to(tree if bar.group == "canopy snow" else ~tree, mine.shape[:2])
        if "peak" in bar.quantity:
            high = original.max(-1) >= 10.0
            chosen = chosen & (high if ">=" in bar.quantity else ~high)
        if not chosen.any():
            continue
        error = mine - original
        if bar.measure == "rms":
            value = np.sqrt((error**2).mean(-1))
        elif bar.measure == "max":
            value = np.abs(error).max(-1)
        elif bar.measure == "nse":
            spread = ((original - original.mean(-1, keepdims=True)) ** 2).sum(-1)
            value = 1 - (error**2).sum(-1) / np.where(spread > 0, spread, 1)
        else:
            length = min(error.shape[-1], 365)
            years = error.shape[-1] // length
            shape = (*error.shape[:2], years, length)
            total, missed = (
                x[..., : years * length].reshape(shape).sum(-1) for x in (original, error)
            )
            value = 100 * np.abs(missed / total).max(-1)
        worst = np.where(chosen, value, np.inf if bar.measure == "nse" else -np.inf)
        where = np.unravel_index(
            worst.argmin() if bar.measure == "nse" else worst.argmax(), worst.shape
        )
        value = float(worst[where])
        rows.append(
            (bar, value, int(where[0]), int(where[1]), bool(np.isfinite(value)) and bar.met(value))
        )
    return rows


def water_balance(ours, inputs):
    """Largest daily residual (mm) from the second day on, for each (set, cell).

    Snowfall under 1e-5 mm in a snow step, which VIC loses before it counts precipitation, is not
    missed here.
    """
    storage = sum(ours[n] for n in ("moist1", "moist2", "moist3", "swe", "snow_canopy", "wdew"))
    out = ours["evapotranspiration"] + ours["runoff"] + ours["baseflow"]
    prec = inputs["prec"].values.astype(float)
    snow = (prec[..., None] / 8) * (1 - np.clip(inputs["tair_3h"].values.astype(float) + 0.5, 0, 1))
    counted = prec - np.where(snow < 1e-5, snow, 0).sum(-1)
    return np.abs(counted[None, :, 1:] - out[..., 1:] - np.diff(storage, axis=-1)).max(-1)


def conserving(inputs):
    """(set, cell) where the original conserves water: every canopy there is closed, so that no
    water is lost between the steps of a day with snow.
    """
    cover = inputs["fcanopy"].where(inputs["Cv"] > 0, 1).isel(veg_class=slice(0, 11))
    closed = np.broadcast_to((cover.min("veg_class") >= 1).values, inputs["params"].shape[:2])
    names = inputs["par_name"].values.astype(str).tolist()
    if "fcanopy" in names:
        closed = closed & (inputs["params"].values[..., names.index("fcanopy")] >= 1)
    return closed


def report(rows) -> str:
    """The table of bars as text, worst cells named."""
    lines = [
        f"{'quantity':<22}{'cells':<16}{'measure':<10}"
        f"{'worst':>10}{'bar':>10}  {'unit':<8}{'set':>4}{'cell':>6}"
    ]
    for bar, value, chosen_set, cell, met in rows:
        lines.append(
            f"{bar.quantity:<22}{bar.group:<16}{bar.measure:<10}{value:>10.4f}{bar.limit:>10.3g}  "
            f"{bar.unit:<8}{chosen_set:>4}{cell:>6}  {'ok' if met else 'MISSED'}"
        )
    return "\n".join(lines)
