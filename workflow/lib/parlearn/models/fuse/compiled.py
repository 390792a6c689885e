"""The compiled time loop as an operation of torch: its tables in vectors of cells, and its call."""

import ctypes
import math
from functools import cache

import torch
from torch.autograd.function import once_differentiable

from parlearn.models.fuse import build as fuse_build
from parlearn.models.fuse.ops import Vars
from parlearn.models.fuse.source import source

#: most bytes of states that a run keeps for its derivatives; where those of every day are more, the
#: days between two kept ones are run again
KEPT_BYTES = 3e9


class Task(ctypes.Structure):
    """The kernel's argument; the same fields in the same order as in kernel.cpp."""

    _fields_ = [
        *(
            (name, ctypes.c_void_p)
            for name in (
                *("forcing", "cell", "tile", "monthly", "parameters", "area"),
                *("month", "chosen", "which", "place", "state", "out", "kept"),
                *("from_out", "from_state", "to_parameters", "to_state", "to_weather"),
            )
        ),
        *(
            (name, ctypes.c_long)
            for name in (
                *("blocks", "sets", "slots", "places", "record"),
                *("first_day", "days", "first_out", "stride"),
            )
        ),
        *((name, ctypes.c_int) for name in ("n_chosen", "threads", "given_state")),
    ]


@cache
def library(physics, derivatives: bool, dtype: torch.dtype) -> ctypes.CDLL:
    """The compiled kernel, with or without its run backward, in single or double precision."""
    defines = {"DERIVATIVES": 1} if derivatives else {}
    defines |= {"DOUBLE": 1} if dtype == torch.float64 else {}
    loaded = fuse_build.build(source(physics, derivatives), defines)
    for name in ("run", "run_backward")[: 1 + derivatives]:
        getattr(loaded, name).argtypes = [ctypes.POINTER(Task)]
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
    there = (area > 0).any(-1)
    back = torch.empty_like(order)
    back[order] = torch.arange(len(order))
    return Vars(
        back=back,
        place=torch.where(there, there.flatten().cumsum(0).reshape(there.shape) - 1, -1),
        places=int(there.sum()),
        order=order,
        which=_blocked(index, order, lanes),
        cell=_blocked(loop.cell.T, chosen, lanes),
        tile=_blocked(loop.tile.transpose(1, 2), chosen, lanes).transpose(0, 1).contiguous(),
        monthly=_blocked(loop.monthly.transpose(2, 3), chosen, lanes).transpose(0, 1).contiguous(),
        area=area,
    )


class Run:
    """One call of the kernel: its tables, and what goes in and out in blocks of lanes."""

    def __init__(self, loop, parameters, state, weather, index, window, first_out, keep):
        self.loop, self.packed, physics = loop, pack(loop, index), loop.physics
        self.weather, self.index, self.window = weather.contiguous(), index, window
        packed = self.packed
        self.sets, self.lanes = parameters.shape[0], _lanes(loop.dtype)
        self.blocks, self.slots = packed.which.shape[0], packed.area.shape[0]
        self.days = len(window) - first_out
        self.months = loop.months[window.start : window.stop].contiguous()
        self.chosen = torch.tensor(
            [physics.outputs.index(o) for o in loop.outputs], dtype=torch.int32
        )
        self.parameters = self.of_cells(parameters)
        width = len(physics.state)
        self.state = self.new(self.sets, self.slots, self.blocks, width)
        if state is not None:
            self.state.copy_(self.of_tiles(state))
        stride = 1
        if keep:
            daily = self.sets * packed.places * width * self.lanes * self.state.element_size()
            stride = max(1, math.ceil(daily * len(window) / KEPT_BYTES))
            segments = -(-len(window) // stride)
            self.kept = torch.empty(
                self.sets, packed.places, segments, width, self.lanes, dtype=loop.dtype
            )
        self.task = Task(
            forcing=self.weather.data_ptr(),
            cell=packed.cell.data_ptr(),
            tile=packed.tile.data_ptr(),
            monthly=packed.monthly.data_ptr(),
            parameters=self.parameters.data_ptr(),
            area=packed.area.data_ptr(),
            month=self.months.data_ptr(),
            chosen=self.chosen.data_ptr(),
            which=packed.which.data_ptr(),
            place=packed.place.data_ptr(),
            state=self.state.data_ptr(),
            kept=self.kept.data_ptr() if keep else None,
            blocks=self.blocks,
            sets=self.sets,
            slots=self.slots,
            places=packed.places,
            record=weather.shape[1],
            first_day=window.start,
            days=len(window),
            first_out=first_out,
            stride=stride,
            n_chosen=len(loop.outputs),
            threads=loop.threads or torch.get_num_threads(),
            given_state=int(state is not None),
        )

    def new(self, *shape):
        return torch.zeros(*shape, self.lanes, dtype=self.loop.dtype)

    def of_cells(self, values):
        """(set, n, column) in blocks of lanes."""
        blocked = _blocked(values.permute(0, 2, 1), self.packed.order, self.lanes)
        return blocked.transpose(0, 1).contiguous()

    def of_tiles(self, values):
        """(set, n, slot, state) in blocks of lanes."""
        blocked = _blocked(values.permute(0, 2, 3, 1), self.packed.order, self.lanes)
        return blocked.permute(1, 2, 0, 3, 4).contiguous()

    def to_tiles(self, blocked):
        """Back to (set, n, slot, state), zero for tiles that are not there."""
        blocked = blocked.masked_fill((self.packed.area <= 0)[None, :, :, None], 0.0)
        return blocked.permute(0, 2, 4, 1, 3).flatten(1, 2)[:, self.packed.back]

    def forward(self):
        """Outputs (set, n, day, output) and the last state (set, n, slot, state)."""
        out = torch.empty(
            *(self.sets, self.blocks, self.days, len(self.chosen), self.lanes),
            dtype=self.loop.dtype,
        )
        self.task.out = out.data_ptr()
        library(self.loop.physics, False, self.loop.dtype).run(ctypes.byref(self.task))
        values = out.permute(0, 1, 4, 2, 3).flatten(1, 2)[:, self.packed.back]
        return values, self.to_tiles(self.state)

    def backward(self, from_out, from_state, weather):
        """Derivatives in the parameters (set, n, parameter), in the first state and, if wanted, in
        the weather.
        """
        out = _blocked(from_out.permute(0, 2, 3, 1), self.packed.order, self.lanes)
        out = out.transpose(0, 1).contiguous()
        last = self.of_tiles(from_state)
        to_parameters, to_state = torch.empty_like(self.parameters), torch.zeros_like(last)
        self.task.from_out, self.task.from_state = out.data_ptr(), last.data_ptr()
        self.task.to_parameters = to_parameters.data_ptr()
        self.task.to_state = to_state.data_ptr()
        if weather:
            columns = self.weather.shape[-1]
            blocked = self.new(self.sets, self.blocks, len(self.window), columns)
            self.task.to_weather = blocked.data_ptr()
        library(self.loop.physics, True, self.loop.dtype).run_backward(ctypes.byref(self.task))
        parameters = to_parameters.permute(0, 1, 3, 2).flatten(1, 2)[:, self.packed.back]
        to_weather = None
        if weather:
            each = blocked.sum(0).movedim(-1, 1).flatten(0, 1)[self.packed.back]
            to_weather = torch.zeros_like(self.weather)
            days = slice(self.window.start, self.window.stop)
            to_weather[:, days].index_add_(0, self.index, each)
        return parameters, self.to_tiles(to_state), to_weather


class Simulate(torch.autograd.Function):
    """The compiled time loop as a torch operation, differentiable in the parameters, in the state
    at the start and in the weather.
    """

    @staticmethod
    def forward(ctx, parameters, state, weather, loop, index, window, first_out):
        keep = any(ctx.needs_input_grad)
        run = Run(loop, parameters, state, weather, index, window, first_out, keep)
        if keep:
            ctx.run = run
        return run.forward()

    @staticmethod
    @once_differentiable
    def backward(ctx, from_out, from_state):
        _, state, weather, *_ = ctx.needs_input_grad
        given = ctx.run.backward(from_out, from_state, weather)
        return given[0], given[1] if state else None, given[2], *[None] * 4
