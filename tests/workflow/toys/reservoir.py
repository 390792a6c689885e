"""A linear reservoir: rain fills it, a share of what it holds leaves each day, the sun dries it."""

import torch

from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.registry import PROCESSES

ENTRY = """
PROCESSES["reservoir"] = Process(
    "reservoir",
    "Reservoir",
    "models.reservoir",
    parameters=(
        Parameter("recession", "day-1", 0.01, 0.5, "log", "share that leaves in a day"),
        Parameter("capacity", "mm", 20.0, 200.0, "linear", "what it holds when full"),
    ),
    outputs={"soil_moisture": "m3 m-3, end of day", "evapotranspiration": "mm day-1"},
)
"""
DEFAULTS = {"recession": 0.1, "capacity": 100.0}
#: mm of water that 1 W m-2 of sunshine evaporates in a day from a full reservoir
DRYING = 0.02


class Reservoir(ProcessModel):
    warmup = 30

    def __init__(self, domain, forcing, names, outputs, device):
        self.space = ParameterSpace(PROCESSES["reservoir"].chosen(names))
        self.outputs = tuple(outputs)
        self.rain, self.sun = (
            torch.from_numpy(forcing[name].transpose("cell", "time").values).to(device)
            for name in ("prec", "swdown")
        )
        residual, porosity = (
            torch.from_numpy(domain[name].values).float().to(device)
            for name in ("resid_moist", "porosity")
        )
        self.low, self.pores = residual, porosity - residual
        self.n_cells, self.n_days = self.rain.shape

    def simulate(self, parameters, cells=None, days=None):
        cells = torch.arange(self.n_cells) if cells is None else cells
        first, last, _ = (days or slice(None)).indices(self.n_days)
        recession, capacity = (
            parameters[..., self.space.index(name)]
            if name in self.space.names
            else parameters.new_full(parameters.shape[:-1], default)
            for name, default in DEFAULTS.items()
        )
        stored, series = 0.5 * capacity, []
        for day in range(max(0, first - self.warmup), last):
            dried = DRYING * self.sun[cells, day] * stored / capacity
            kept = (1 - recession) * (stored - dried).clamp_min(0)
            stored = torch.minimum(kept + self.rain[cells, day], capacity)
            moisture = self.low[cells] + self.pores[cells] * stored / capacity
            if day >= first:
                answer = {"soil_moisture": moisture, "evapotranspiration": dried}
                series.append(torch.stack([answer[name] for name in self.outputs], -1))
        return torch.stack(series, -2)


def build(domain, forcing, *, names, outputs, device="cpu"):
    return Reservoir(domain, forcing, names, outputs, device)


def default_parameters(domain, names):
    return torch.tensor([DEFAULTS[name] for name in names]).expand(domain.sizes["cell"], -1)
