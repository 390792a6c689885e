"""A process model that surrogates learn in a second, and runs of it with many parameter sets."""

import numpy as np
import torch
import xarray as xr

from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.parameter import Parameter
from parlearn.models.surrogate.model import output_range
from parlearn.models.surrogate.samples import latin_hypercube

OUTPUTS = ("soil_moisture", "evapotranspiration")


class LeakyBucket(ProcessModel):
    """100 mm of soil that evaporates in the sun and drains by a power of its filling."""

    space = ParameterSpace(
        [Parameter("leak", "mm day-1", 1.0, 50.0, "log"), Parameter("power", "1", 2.0, 10.0)]
    )
    outputs = OUTPUTS
    warmup = 30

    def __init__(self, domain: xr.Dataset, forcing: xr.Dataset):
        self.n_cells, self.n_days = domain.sizes["cell"], forcing.sizes["time"]
        self.prec = torch.from_numpy(forcing["prec"].values).float()
        self.demand = torch.from_numpy(forcing["swdown"].values).float() / 60
        self.low, self.width = (values[:, 0] for values in output_range(domain, ("soil_moisture",)))

    def simulate(self, parameters, cells=None, days=None):
        leak, power = parameters.unbind(-1)
        filled, moisture, evaporation = torch.full_like(leak, 0.5), [], []
        for day in range(self.n_days):
            evaporation.append(self.demand[:, day] * filled)
            change = self.prec[:, day] - evaporation[-1] - leak * filled**power
            filled = (filled + change / 100).clamp(0.01, 1)
            moisture.append(self.low + self.width * filled)
        runs = torch.stack([torch.stack(moisture, -1), torch.stack(evaporation, -1)], -1)
        return runs[..., days or slice(None), :]


def batch_of(bucket, sets, seed):
    physical = bucket.space.to_physical(latin_hypercube(sets, bucket.n_cells, 2, seed))
    runs = bucket.simulate(physical).numpy()
    dims = ("sample", "cell", "time")
    return xr.Dataset(
        {
            "parameters": (("sample", "cell", "parameter"), physical.numpy()),
            **{name: (dims, runs[..., k]) for k, name in enumerate(OUTPUTS)},
        },
        {"parameter": list(bucket.space.names), "cell": np.arange(bucket.n_cells)},
    )
