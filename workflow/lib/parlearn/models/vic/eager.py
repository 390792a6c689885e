"""VIC's days one after another in torch: any device, any precision, no compiler; autograd gives
gradients.
"""

import torch
from torch.utils.checkpoint import checkpoint

from parlearn.models.fuse.ops import Vars
from parlearn.models.vic import soil
from parlearn.models.vic.constants import SNOW_STEPS
from parlearn.models.vic.day import simulate_day
from parlearn.models.vic.names import CELL, MONTHLY, STATE, STEPPED, TILE, WEATHER
from parlearn.models.vic.parameters import PARAMETERS
from parlearn.models.vic.start import cold_start

#: days between the states that are kept for the backward pass; those between are run again
CHECKPOINT_DAYS = 16


def run_days(model, parameters, index, window, state, first_out):
    """Run a window of days.

    Parameters
    ----------
    model : VIC with tables on its device
    parameters : (sample, n, 7); index : (n,) cells; window : range of days
    state : (sample, n, slot, STATE) or None for a cold start; first_out : days not returned

    Returns
    -------
    outputs (sample, n, day, output) and the state at the end, detached
    """
    samples, n = parameters.shape[:2]
    table, device = model.table, parameters.device
    index = index.to(device)
    slots = table.area.shape[0]
    area = table.area[:, index].expand(samples, -1, -1)
    sample, slot, cell = (area > 0).nonzero(as_tuple=True)
    source = index[cell]
    weight = area[sample, slot, cell]
    statics = Vars(
        **dict(zip(CELL, table.cell[source].unbind(-1), strict=True)),
        theta_fc=table.theta_fc[source],
    )
    tile = Vars(**dict(zip(TILE, table.tile[slot, source].unbind(-1), strict=True)))
    monthly = table.monthly[slot, :, source]  # (tile, month, MONTHLY)
    par = Vars(**dict(zip(PARAMETERS, parameters[sample, cell].unbind(-1), strict=True)))
    layer = soil.layers(par, statics, tile)
    if state is None:
        now = cold_start(statics, layer)
    else:
        now = Vars(**dict(zip(STATE, state[sample, cell, slot].unbind(-1), strict=True)))
    target = sample * n + cell

    def some_days(first, last, *values):
        s, outs = Vars(**dict(zip(STATE, values, strict=True))), []
        for day in range(first, last):
            month = monthly[:, int(model.months[day])]
            full = tile.replace(**dict(zip(MONTHLY, month.unbind(-1), strict=True)))
            s, out = simulate_day(s, layer, _weather(model.weather[source, day]), full, statics)
            tiles = torch.stack([getattr(out, o) for o in model.outputs], -1) * weight[:, None]
            empty = torch.zeros(samples * n, tiles.shape[-1], dtype=tiles.dtype, device=device)
            outs.append(empty.index_add(0, target, tiles))
        return torch.stack(outs), *s.__dict__.values()

    pieces = []
    for first in range(window.start, window.stop, CHECKPOINT_DAYS):
        last = min(first + CHECKPOINT_DAYS, window.stop)
        values = tuple(getattr(now, name) for name in STATE)
        if torch.is_grad_enabled() and parameters.requires_grad:
            got = checkpoint(some_days, first, last, *values, use_reentrant=False)
        else:
            got = some_days(first, last, *values)
        pieces.append(got[0])
        now = Vars(**dict(zip(STATE, got[1:], strict=True)))
    outputs = torch.cat(pieces)[first_out:]  # (day, sample x n, output)
    outputs = outputs.permute(1, 0, 2).reshape(samples, n, -1, len(model.outputs))
    final = torch.zeros(samples, n, slots, len(STATE), dtype=parameters.dtype, device=device)
    final[sample, cell, slot] = torch.stack([getattr(now, name).detach() for name in STATE], -1)
    return outputs, final


def _weather(table):
    """One day's forcing (tile, variable) as Vars."""
    values, position = {}, 0
    for name in WEATHER:
        if name in STEPPED:
            values[name] = table[:, position : position + SNOW_STEPS]
            position += SNOW_STEPS
        else:
            values[name] = table[:, position]
            position += 1
    return Vars(**values)
