"""The C++ of a model's time loop: its functions traced, in the frame of ``kernel.cpp``."""

from functools import cache
from pathlib import Path

from parlearn.models.fuse import trace, write


@cache
def source(physics) -> str:
    """The kernel's C++: the loop over days, and the physics as traced from its Python."""
    p, layer_names = physics, []

    def prologue():
        cell, tile = trace.inputs("cell", p.cell), trace.inputs("tile", p.tile)
        layer = p.prologue(trace.inputs("par", p.parameters, active=True), cell, tile)
        layer_names.extend(layer.__dict__)
        return {"layer": list(layer.__dict__.values())}

    first = write.function(
        "static void prologue(const V* cell, const V* tile, const D* par, D* layer)",
        trace.function(prologue),
    )

    def start():
        layer = trace.inputs("layer", layer_names, active=True)
        state = p.cold_start(trace.inputs("cell", p.cell), layer)
        return {"state": [getattr(state, name) for name in p.state]}

    cold = write.function(
        "static void cold_start(const V* cell, const D* layer, D* state)", trace.function(start)
    )

    def one_day():
        tile = trace.inputs("tile", p.tile).replace(**trace.inputs("monthly", p.monthly).__dict__)
        state, out = p.day(
            trace.inputs("state", p.state, active=True),
            trace.inputs("layer", layer_names, active=True),
            trace.inputs("weather", p.weather, stepped=p.stepped, steps=p.steps),
            tile,
            trace.inputs("cell", p.cell),
        )
        return {
            "state": [getattr(state, name) for name in p.state],
            "out": [getattr(out, name) for name in p.outputs],
        }

    day = write.function(
        "static void simulate_day(const V* weather, const V* cell, const V* tile, "
        "const V* monthly, const D* layer, D* state, D* out)",
        trace.function(one_day),
    )
    sizes = {
        "N_WEATHER": p.weather_columns,
        "N_CELL": len(p.cell),
        "N_TILE": len(p.tile),
        "N_MONTHLY": len(p.monthly),
        "N_PARAMETERS": len(p.parameters),
        "N_LAYER": len(layer_names),
        "N_STATE": len(p.state),
        "N_OUT": len(p.outputs),
    }
    constants = "\n".join(f"constexpr int {name} = {value};" for name, value in sizes.items())
    frame = (Path(__file__).parent / "kernel.cpp").read_text()
    return frame.replace("//@PHYSICS@", "\n".join([constants, first, cold, day]))
