"""The initial state of a tile."""

from parlearn.models.fuse.ops import Vars
from parlearn.models.vic.air import longwave_out
from parlearn.models.vic.names import STATE


def cold_start(cell, layer):
    """Soil at field capacity, no snow, everything at 0 degC.

    ``cell`` carries ``theta_fc`` besides its other statics. The layers' maxima hold the
    parameters' depths, so the start is differentiable in them too.
    """
    zero = 0.0 * layer.max1
    full = cell.theta_fc / cell.porosity
    moist = {"w1": full * layer.max1, "w2": full * layer.max2, "w3": full * layer.max3}
    rest = {name: zero for name in STATE if name not in moist}
    return Vars(**moist, **rest).replace(longwave_below=longwave_out(0.0) + zero)
