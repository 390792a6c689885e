"""The compiled time loop as an operation of torch: its tables in vectors of cells, and its call."""

import ctypes
from functools import cache

import torch

from parlearn.models.fuse import build as fuse_build
from parlearn.models.fuse.ops import Vars
from parlearn.models.fuse.source import source


class Task(ctypes.Structure):
    """The kernel's argument; the same fields in the same order as in kernel.cpp."""

    _fields_ = [
        *(
            (name, ctypes.c_void_p)
            for name in ("forcing", "cell", "tile", "monthly", "parameters", "area")
        ),
        *((name, ctypes.c_void_p) for name in ("month", "free", "chosen", "which", "state", "out")),
        *(
            (name, ctypes.c_long)
            for name in ("blocks", "sets", "slots", "record", "first_day", "days", "first_out")
        ),
        *((name, ctypes.c_int) for name in ("n_chosen", "threads", "keep_state")),
    ]


@cache
def library(physics, tangents: int, dtype: torch.dtype) -> ctypes.CDLL:
    """The compiled kernel with so many derivatives, in single or double precision."""
    defines = {"NP": tangents} | ({"DOUBLE": 1} if dtype == torch.float64 else {})
    loaded = fuse_build.build(source(physics), defines)
    loaded.run.argtypes = [ctypes.POINTER(Task)]
    return loaded


def _lanes(dtype):
    return 8 if dtype == torch.float64 else 16


def _blocked(tensor, order, lanes):
    """(..., cell) to (block, ..., lane): cells in the given order, the last one repeated to fill
    a block.
    """
    count = len(order)
    padded = torch.cat([order, order[-1:].expand(-count % lanes)])
    picked = tensor[..., padded]
    shaped = picked.reshape(*tensor.shape[:-1], len(padded) // lanes, lanes)
    return shaped.movedim(-2, 0).contiguous()


def pack(loop, index) -> Vars:
    """Tables of the chosen cells in blocks of lanes, alike cells side by side.

    A vector takes a branch when one of its cells does, so cells that are alike share one. Forcing
    is not copied: the kernel reads it where it is.
    """
    lanes = _lanes(loop.dtype)
    order = torch.argsort(loop.likeness[index])
    chosen = index[order]
    area = _blocked(loop.area, chosen, lanes).transpose(0, 1).contiguous()
    fill = -len(index) % lanes
    if fill:
        area[:, -1, lanes - fill :] = 0
    return Vars(
        order=order,
        which=_blocked(index, order, lanes),
        cell=_blocked(loop.cell.T, chosen, lanes),
        tile=_blocked(loop.tile.transpose(1, 2), chosen, lanes).transpose(0, 1).contiguous(),
        monthly=_blocked(loop.monthly.transpose(2, 3), chosen, lanes).transpose(0, 1).contiguous(),
        area=area,
    )


def _call(loop, parameters, state, packed, window, first_out, tangents):
    samples, n, _ = parameters.shape
    physics, lanes, dtype = loop.physics, _lanes(parameters.dtype), parameters.dtype
    blocks, slots, days = packed.which.shape[0], packed.area.shape[0], len(window)
    months = loop.months[window.start : window.stop].contiguous()
    given = _blocked(parameters.permute(0, 2, 1), packed.order, lanes).transpose(0, 1).contiguous()
    kept = torch.zeros(samples, slots, blocks, len(physics.state), lanes, dtype=dtype)
    if state is not None:
        filled = _blocked(state.permute(0, 2, 3, 1), packed.order, lanes)
        kept.copy_(filled.permute(1, 2, 0, 3, 4))
    result = torch.empty(
        samples, blocks, days - first_out, len(loop.outputs), 1 + tangents, lanes, dtype=dtype
    )
    position = torch.full((len(physics.parameters),), -1, dtype=torch.int32)
    if tangents:
        position[_free(loop)] = torch.arange(tangents, dtype=torch.int32)
    chosen = torch.tensor([physics.outputs.index(o) for o in loop.outputs], dtype=torch.int32)
    task = Task(
        forcing=loop.weather.data_ptr(),
        cell=packed.cell.data_ptr(),
        tile=packed.tile.data_ptr(),
        monthly=packed.monthly.data_ptr(),
        parameters=given.data_ptr(),
        area=packed.area.data_ptr(),
        month=months.data_ptr(),
        free=position.data_ptr(),
        chosen=chosen.data_ptr(),
        which=packed.which.data_ptr(),
        state=kept.data_ptr(),
        out=result.data_ptr(),
        blocks=blocks,
        sets=samples,
        slots=slots,
        record=loop.weather.shape[1],
        first_day=window.start,
        days=days,
        first_out=first_out,
        n_chosen=len(loop.outputs),
        threads=loop.threads or torch.get_num_threads(),
        keep_state=(1 if state is not None else 0) + 2,
    )
    library(physics, tangents, dtype).run(ctypes.byref(task))
    kept.masked_fill_((packed.area <= 0)[None, :, :, None], 0.0)  # tiles that are not there
    back = torch.empty_like(packed.order)
    back[packed.order] = torch.arange(n)
    # (sample, block, day, output, tangent, lane) -> (sample, cell, day, output, tangent)
    values = result.permute(0, 1, 5, 2, 3, 4).flatten(1, 2)[:, back]
    final = kept.permute(0, 2, 4, 1, 3).flatten(1, 2)[:, back]
    return values, final


def _free(loop):
    return [loop.physics.parameters.index(name) for name in loop.free]


class Simulate(torch.autograd.Function):
    """The compiled time loop as a torch operation, differentiable in the parameters."""

    @staticmethod
    def forward(ctx, parameters, state, loop, index, window, first_out):
        tangents = len(loop.free) if ctx.needs_input_grad[0] else 0
        given = parameters.detach().contiguous()
        packed = pack(loop, index)
        values, final = _call(loop, given, state, packed, window, first_out, tangents)
        ctx.free, ctx.width = _free(loop), parameters.shape[-1]
        if tangents:
            ctx.save_for_backward(values[..., 1:])
        ctx.mark_non_differentiable(final)
        return values[..., 0].contiguous(), final

    @staticmethod
    def backward(ctx, grad, _):
        (jacobian,) = ctx.saved_tensors
        free = torch.einsum("scdo,scdop->scp", grad, jacobian)
        full = free.new_zeros(*free.shape[:2], ctx.width)
        full[..., ctx.free] = free
        return full, *[None] * 5
