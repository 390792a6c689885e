"""The initial state of a tile."""

import torch

from parlearn.models.fuse.ops import Vars
from parlearn.models.vic.air import longwave_out
from parlearn.models.vic.names import STATE


def cold_start(cell, layer):
    """Soil at field capacity, no snow, everything at 0 degC.

    ``cell`` carries ``theta_fc`` besides its other statics. Where porosity is learned, field
    capacity keeps its share of it; it is no less than the residual moisture. The layers' sizes
    hold the parameters, so the start is differentiable in them too.
    """
    zero = 0.0 * layer.max1
    full = cell.theta_fc / cell.porosity
    moist = {
        f"w{k}": torch.maximum(full * getattr(layer, f"max{k}"), getattr(layer, f"resid{k}"))
        for k in (1, 2, 3)
    }
    rest = {name: zero for name in STATE if name not in moist}
    return Vars(**moist, **rest).replace(longwave_below=longwave_out(0.0) + zero)
