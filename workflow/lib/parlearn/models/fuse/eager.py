"""The days of a model one after another in torch: any device, any precision, no compiler; autograd
gives gradients.
"""

import torch
from torch.utils.checkpoint import checkpoint

from parlearn.models.fuse.ops import Vars

#: days between the states that are kept for the backward pass; those between are run again
CHECKPOINT_DAYS = 16


def _named(names, table):
    return Vars(**dict(zip(names, table.unbind(-1), strict=True)))


def run_days(loop, parameters, state, weather, index, window, first_out):
    """Run a window of days.

    Parameters
    ----------
    loop : :class:`parlearn.models.fuse.loop.Loop` with its tables on its device
    parameters : (sample, n, parameter); state : (sample, n, slot, state) or None for a cold start
    weather : (cell, day, column); index : (n,) cells; window : range of days
    first_out : days not returned

    Returns
    -------
    outputs (sample, n, day, output) and the state at the end
    """
    physics, samples, n = loop.physics, *parameters.shape[:2]
    device = parameters.device
    slots = loop.area.shape[0]
    area = loop.area[:, index].expand(samples, -1, -1)
    sample, slot, cell = (area > 0).nonzero(as_tuple=True)
    source = index[cell]
    weight = area[sample, slot, cell]
    statics = _named(physics.cell, loop.cell[source])
    tile = _named(physics.tile, loop.tile[slot, source])
    monthly = loop.monthly[slot, :, source]  # (tile, month, name)
    layer = physics.prologue(_named(physics.parameters, parameters[sample, cell]), statics, tile)
    if state is None:
        now = physics.cold_start(statics, layer)
    else:
        now = _named(physics.state, state[sample, cell, slot])
    target = sample * n + cell

    def some_days(first, last, *values):
        s, outs = Vars(**dict(zip(physics.state, values, strict=True))), []
        for day in range(first, last):
            month = _named(physics.monthly, monthly[:, int(loop.months[day])])
            today = physics.weather_of(weather[source, day])
            s, out = physics.day(s, layer, today, tile.replace(**month.__dict__), statics)
            tiles = torch.stack([getattr(out, o) for o in loop.outputs], -1) * weight[:, None]
            empty = torch.zeros(samples * n, tiles.shape[-1], dtype=tiles.dtype, device=device)
            outs.append(empty.index_add(0, target, tiles))
        return torch.stack(outs), *(getattr(s, name) for name in physics.state)

    pieces = []
    for first in range(window.start, window.stop, CHECKPOINT_DAYS):
        last = min(first + CHECKPOINT_DAYS, window.stop)
        values = tuple(getattr(now, name) for name in physics.state)
        if torch.is_grad_enabled() and any(v.requires_grad for v in (*values, parameters, weather)):
            got = checkpoint(some_days, first, last, *values, use_reentrant=False)
        else:
            got = some_days(first, last, *values)
        pieces.append(got[0])
        now = Vars(**dict(zip(physics.state, got[1:], strict=True)))
    outputs = torch.cat(pieces)[first_out:]  # (day, sample x n, output)
    outputs = outputs.permute(1, 0, 2).reshape(samples, n, -1, len(loop.outputs))
    final = torch.zeros(
        samples, n, slots, len(physics.state), dtype=parameters.dtype, device=device
    )
    final[sample, cell, slot] = torch.stack([getattr(now, name) for name in physics.state], -1)
    return outputs, final
