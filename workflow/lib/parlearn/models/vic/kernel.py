"""VIC as one compiled time loop with derivatives: the generated source and its call."""

import ctypes
from functools import cache
from pathlib import Path

import torch

from parlearn.models.fuse import build as fuse_build
from parlearn.models.fuse import trace
from parlearn.models.fuse.ops import Vars
from parlearn.models.vic import soil
from parlearn.models.vic.constants import SNOW_STEPS
from parlearn.models.vic.day import simulate_day
from parlearn.models.vic.names import CELL, MONTHLY, OUTPUTS, STATE, STEPPED, TILE, WEATHER
from parlearn.models.vic.parameters import PARAMETERS
from parlearn.models.vic.start import cold_start

_CELL = (*CELL, "theta_fc")


@cache
def source() -> str:
    """The kernel's C++: its loop over days, and VIC's day as traced from the Python physics."""
    layer_names = []

    def prologue():
        cell, tile = trace.inputs("cell", _CELL), trace.inputs("tile", TILE)
        layer = soil.layers(trace.inputs("par", PARAMETERS, active=True), cell, tile)
        layer_names.extend(layer.__dict__)
        return {"layer": list(layer.__dict__.values())}

    first = trace.function(
        "static void prologue(const V* cell, const V* tile, const D* par, D* layer)", prologue
    )

    def start():
        state = cold_start(
            trace.inputs("cell", _CELL), trace.inputs("layer", layer_names, active=True)
        )
        return {"state": [getattr(state, name) for name in STATE]}

    cold = trace.function("static void cold_start(const V* cell, const D* layer, D* state)", start)

    def one_day():
        tile = trace.inputs("tile", TILE).replace(**trace.inputs("monthly", MONTHLY).__dict__)
        state, out = simulate_day(
            trace.inputs("state", STATE, active=True),
            trace.inputs("layer", layer_names, active=True),
            trace.inputs("weather", WEATHER, stepped=STEPPED, steps=SNOW_STEPS),
            tile,
            trace.inputs("cell", _CELL),
        )
        return {
            "state": [getattr(state, name) for name in STATE],
            "out": [getattr(out, name) for name in OUTPUTS],
        }

    day = trace.function(
        "static void simulate_day(const V* weather, const V* cell, const V* tile, "
        "const V* monthly, "
        "const D* layer, D* state, D* out)",
        one_day,
    )
    sizes = {
        "N_WEATHER": len(WEATHER) - len(STEPPED) + len(STEPPED) * SNOW_STEPS,
        "N_CELL": len(_CELL),
        "N_TILE": len(TILE),
        "N_MONTHLY": len(MONTHLY),
        "N_PARAMETERS": len(PARAMETERS),
        "N_LAYER": len(layer_names),
        "N_STATE": len(STATE),
        "N_OUT": len(OUTPUTS),
    }
    constants = "\n".join(f"constexpr int {name} = {value};" for name, value in sizes.items())
    frame = (Path(fuse_build.__file__).parent / "kernel.cpp").read_text()
    return frame.replace("//@PHYSICS@", "\n".join([constants, first, cold, day]))


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
def library(tangents: int, dtype: torch.dtype) -> ctypes.CDLL:
    """The compiled kernel with so many derivatives, in single or double precision."""
    defines = {"NP": tangents} | ({"DOUBLE": 1} if dtype == torch.float64 else {})
    loaded = fuse_build.build(source(), defines)
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


def pack(model, index) -> Vars:
    """Tables of the chosen cells in blocks of lanes, alike cells side by side.

    A vector takes a branch when one of its cells does, so cells with as many tiles, trees or
    none, and much
    the same temperature share one. Forcing is not copied: the kernel reads it where it is.
    """
    table, lanes = model.table, _lanes(model.dtype)
    order = torch.argsort(model.likeness[index])
    chosen = index[order]
    area = _blocked(table.area, chosen, lanes).transpose(0, 1).contiguous()
    fill = -len(index) % lanes
    if fill:
        area[:, -1, lanes - fill :] = 0
    return Vars(
        order=order,
        which=_blocked(index, order, lanes),
        cell=_blocked(torch.cat([table.cell, table.theta_fc[:, None]], 1).T, chosen, lanes),
        tile=_blocked(table.tile.transpose(1, 2), chosen, lanes).transpose(0, 1).contiguous(),
        monthly=_blocked(table.monthly.transpose(2, 3), chosen, lanes).transpose(0, 1).contiguous(),
        area=area,
        forcing=model.weather,
        months=model.months,
    )


def likeness(table):
    """A number for each cell that is close for cells that take the same branches of VIC."""
    tiles = (table.area > 0).sum(0).double()
    trees = table.tile[..., TILE.index("overstory")].double().mean(0)
    return tiles * 1e4 + trees * 1e3 + table.cell[:, CELL.index("avg_T")].double()


def _call(parameters, state, packed, window, free, outputs, first_out, threads, tangents):
    samples, n, _ = parameters.shape
    lanes, dtype = _lanes(parameters.dtype), parameters.dtype
    blocks, slots, days = packed.which.shape[0], packed.area.shape[0], len(window)
    months = packed.months[window.start : window.stop].contiguous()
    given = _blocked(parameters.permute(0, 2, 1), packed.order, lanes).transpose(0, 1).contiguous()
    kept = torch.zeros(samples, slots, blocks, len(STATE), lanes, dtype=dtype)
    if state is not None:
        filled = _blocked(state.permute(0, 2, 3, 1), packed.order, lanes)
        kept.copy_(filled.permute(1, 2, 0, 3, 4))
    result = torch.empty(
        samples, blocks, days - first_out, len(outputs), 1 + tangents, lanes, dtype=dtype
    )
    position = torch.full((len(PARAMETERS),), -1, dtype=torch.int32)
    if tangents:
        position[list(free)] = torch.arange(len(free), dtype=torch.int32)
    chosen = torch.tensor([list(OUTPUTS).index(o) for o in outputs], dtype=torch.int32)
    task = Task(
        forcing=packed.forcing.data_ptr(),
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
        record=packed.forcing.shape[1],
        first_day=window.start,
        days=days,
        first_out=first_out,
        n_chosen=len(outputs),
        threads=threads or torch.get_num_threads(),
        keep_state=(1 if state is not None else 0) + 2,
    )
    library(tangents, dtype).run(ctypes.byref(task))
    kept.masked_fill_((packed.area <= 0)[None, :, :, None], 0.0)  # tiles that are not there
    back = torch.empty_like(packed.order)
    back[packed.order] = torch.arange(n)
    # (sample, block, day, output, tangent, lane) -> (sample, cell, day, output, tangent)
    values = result.permute(0, 1, 5, 2, 3, 4).flatten(1, 2)[:, back]
    final = kept.permute(0, 2, 4, 1, 3).flatten(1, 2)[:, back]
    return values, final


class Simulate(torch.autograd.Function):
    """The compiled time loop as a torch operation, differentiable in the parameters."""

    @staticmethod
    def forward(ctx, parameters, state, packed, window, free, outputs, first_out, threads):
        tangents = len(free) if ctx.needs_input_grad[0] else 0
        given = parameters.detach().contiguous()
        call = (packed, window, free, outputs, first_out, threads, tangents)
        values, final = _call(given, state, *call)
        ctx.free, ctx.width = free, parameters.shape[-1]
        if tangents:
            ctx.save_for_backward(values[..., 1:])
        ctx.mark_non_differentiable(final)
        return values[..., 0].contiguous(), final

    @staticmethod
    def backward(ctx, grad, _):
        (jacobian,) = ctx.saved_tensors
        free = torch.einsum("scdo,scdop->scp", grad, jacobian)
        full = free.new_zeros(*free.shape[:2], ctx.width)
        full[..., list(ctx.free)] = free
        return full, *[None] * 7
