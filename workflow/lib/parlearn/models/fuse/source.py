"""The C++ of a model's time loop: its functions traced, in the frame of ``kernel.cpp``."""

from functools import cache
from pathlib import Path

from parlearn.models.fuse import trace, write
from parlearn.models.fuse.ops import Vars
from parlearn.models.fuse.reverse import Reverse


class Piece:
    """One function of the physics, recorded: what it reads and what it stores.

    Parameters
    ----------
    name : of the C++ function
    reads : {array: (names of its columns, whether derivatives flow to them)}
    body : callable of one Vars an array, in the order of ``reads``, giving {array: [values]}
    stepped, steps : names with several values a day, see
        :class:`~parlearn.models.fuse.physics.Physics`
    """

    def __init__(self, name, reads, body, stepped=(), steps=0):
        self.name, self.reads = name, reads
        self.inputs = {
            array: trace.inputs(array, names, active, stepped, steps)
            for array, (names, active) in reads.items()
        }
        self.recorded = trace.function(lambda: body(*self.inputs.values()))

    def values(self) -> str:
        """C++ that computes and stores; an array that is read and stored is changed in place."""
        stores = self.recorded.stores
        arrays = [f"const V* {a}" for a in self.reads if a not in stores]
        arrays += [f"V* {a}" for a in stores]
        return write.function(f"static void {self.name}({', '.join(arrays)})", self.recorded)

    def derivatives(self) -> tuple[str, int]:
        """C++ that fills the tape and that goes back over it, and the length of the tape."""
        active = [array for array, (_, active) in self.reads.items() if active]
        columns = [sym for array in active for sym in self.inputs[array].__dict__.values()]
        reverse = Reverse(self.recorded, [sym for sym in columns if isinstance(sym, trace.Sym)])
        arrays = [f"const V* {a}" for a in self.reads]
        record = [*arrays, "V* __restrict tape"]
        adjoint = [*arrays, "const V* __restrict tape"]
        adjoint += [f"const V* seed_{array}" for array in self.recorded.stores]
        adjoint += [f"V* __restrict grad_{array}" for array in active]
        text = reverse.record(f"static void record_{self.name}({', '.join(record)})")
        text += reverse.adjoint(f"static void adjoint_{self.name}({', '.join(adjoint)})")
        return text, reverse.frame.size


def _pieces(p):
    cell, tile = (p.cell, False), (p.tile, False)

    def day_of(weather, cell, tile, monthly, layer, state):
        state, out = p.day(state, layer, weather, tile.replace(**monthly.__dict__), cell)
        return {"state": _columns(state, p.state), "out": _columns(out, p.outputs)}

    layers = []

    def prologue_of(cell, tile, par):
        layer = p.prologue(par, cell, tile)
        layers.extend(layer.__dict__)
        return {"layer": list(layer.__dict__.values())}

    prologue = Piece(
        "prologue", {"cell": cell, "tile": tile, "par": (p.parameters, True)}, prologue_of
    )
    layer = (tuple(layers), True)
    start = Piece(
        "cold_start",
        {"cell": cell, "layer": layer},
        lambda cell, layer: {"state": _columns(p.cold_start(cell, layer), p.state)},
    )
    day = Piece(
        "simulate_day",
        {
            "weather": (p.weather, True),
            "cell": cell,
            "tile": tile,
            "monthly": (p.monthly, False),
            "layer": layer,
            "state": (p.state, True),
        },
        day_of,
        p.stepped,
        p.steps,
    )
    return prologue, start, day


def _columns(values: Vars, names):
    return [getattr(values, name) for name in names]


@cache
def source(physics, derivatives: bool) -> str:
    """The kernel's C++: the loop over days, and the physics as traced from its Python.

    With ``derivatives`` the loop also runs backward.
    """
    p, pieces = physics, _pieces(physics)
    sizes = {
        "N_WEATHER": p.weather_columns,
        "N_CELL": len(p.cell),
        "N_TILE": len(p.tile),
        "N_MONTHLY": len(p.monthly),
        "N_PARAMETERS": len(p.parameters),
        "N_LAYER": len(pieces[0].recorded.stores["layer"]),
        "N_STATE": len(p.state),
        "N_OUT": len(p.outputs),
    }
    texts = [piece.values() for piece in pieces]
    if derivatives:
        written = [piece.derivatives() for piece in pieces]
        texts += [text for text, _ in written]
        sizes["TAPE"] = max(1, *(length for _, length in written))
    constants = [f"constexpr int {name} = {value};" for name, value in sizes.items()]
    frame = (Path(__file__).parent / "kernel.cpp").read_text()
    return frame.replace("//@PHYSICS@", "\n".join([*constants, *texts]))
