"""Records physics written in torch, so that it can be written out as C++.

A function is called once with :class:`Sym` instead of tensors; every operation is recorded, loops
and branches as blocks of their own. Values that depend on a parameter or on the state are *active*:
derivatives flow through these alone.
"""

import math
import operator
from contextlib import contextmanager
from dataclasses import dataclass, field

from parlearn.models.fuse import ops
from parlearn.models.fuse.ops import Vars

_FOLD = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "exp": math.exp,
    "log": math.log,
    "log1p": math.log1p,
    "expm1": math.expm1,
    "sqrt": math.sqrt,
    "minimum": min,
    "maximum": max,
}
_COMPARE = {"<", "<=", ">", ">=", "=="}


class Sym:
    """One recorded value or mask.

    ``code`` is its name in C++, ``constant`` its number where that is known. ``home`` is the block
    it belongs to, None for constants and inputs; these and the inputs of a turn are ``given``: read
    wherever they are wanted, never computed.
    """

    __slots__ = ("active", "code", "constant", "given", "home", "mask")

    def __init__(self, code, active=False, mask=False, constant=None, home=None, given=False):
        self.code, self.active, self.mask = code, active, mask
        self.constant, self.home, self.given = constant, home, given or home is None

    @classmethod
    def of(cls, value):
        """A symbol for a plain number or truth; symbols stay as they are."""
        if isinstance(value, cls):
            return value
        if isinstance(value, bool):
            return cls(f"constant_mask({str(value).lower()})", mask=True, constant=value)
        return cls(f"K({float(value)!r})", constant=float(value))

    def detach(self):
        return ops.active_tracer.emit("value", self) if self.active else self

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if kwargs:
            raise TypeError(f"{function.__name__} is traced without keyword arguments")
        return ops.active_tracer.emit(function.__name__, *args)

    def __neg__(self):
        return ops.active_tracer.emit("-", 0.0, self)

    def __invert__(self):
        return ops.active_tracer.emit("not", self)

    def __bool__(self):
        raise TypeError("a traced value has no truth: use torch.where, only_where or repeat")


def _binary(symbol, swapped=False):
    def method(self, other):
        pair = (other, self) if swapped else (self, other)
        return ops.active_tracer.emit(symbol, *pair)

    return method


for _name, _symbol in {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "eq": "==",
    "and": "&",
    "or": "|",
}.items():
    setattr(Sym, f"__{_name}__", _binary(_symbol))
    if _name in ("add", "sub", "mul", "truediv", "and", "or"):
        setattr(Sym, f"__r{_name}__", _binary(_symbol, swapped=True))
Sym.__hash__ = object.__hash__


def _fold(op, args):
    """The result where it is known without computing: constants, and neutral elements.

    Physics code writes ``0.0 * x`` for a zero in the shape of x; none of that reaches the kernel.
    """
    known = [a.constant for a in args]
    if all(k is not None for k in known) and op in _FOLD:
        return _FOLD[op](*known)
    a, b = (args + [None, None])[:2]
    ka, kb = (known + [None, None])[:2]
    if op == "*" and (ka == 0 or kb == 0):
        return 0.0
    if op == "/" and ka == 0:
        return 0.0
    if (op in ("+", "-") and kb == 0) or (op in ("*", "/") and kb == 1):
        return a
    if (op == "+" and ka == 0) or (op == "*" and ka == 1):
        return b
    if op == "where":
        if ka is not None:
            return args[1] if ka else args[2]
        same_number = known[1] is not None and known[1] == known[2]
        return args[1] if args[1] is args[2] or same_number else None
    if op in ("&", "|") and (ka is not None or kb is not None):
        constant, other = (ka, b) if ka is not None else (kb, a)
        return other if constant == (op == "&") else constant
    if op == "not" and ka is not None:
        return not ka
    return None


@dataclass(eq=False)
class Block:
    """Statements that are carried out one after another: a function, a branch or a loop's body."""

    statements: list = field(default_factory=list)


@dataclass(eq=False)
class Operation:
    """``result = op(*args)``"""

    result: Sym
    op: str
    args: list


@dataclass(eq=False)
class Branch:
    """``body``, skipped where no lane is in ``mask``; then each (result, new, old) of ``merges`` is
    ``result = new where mask else old``.
    """

    mask: Sym
    body: Block
    merges: list


@dataclass(eq=False)
class Turns:
    """``body`` for ``index`` from 0 to ``count``.

    Each of ``carries`` has its value before the first turn (first), in a turn (inside), after that
    turn (next) and in the end (last): (inside, first, next, last). ``steps`` are the active inputs
    that differ from turn to turn.
    """

    index: str
    count: int
    body: Block
    carries: list
    steps: list


class Steps:
    """An input with one value a turn of a loop: ``array[first + k]``."""

    def __init__(self, array, first, active):
        self.array, self.first, self.active = array, first, active

    def at(self, index, block):
        """Its value in a turn, a symbol of the loop's body."""
        return Sym(f"{self.array}[{self.first} + {index}]", self.active, home=block, given=True)


class Tracer:
    """Records one function."""

    def __init__(self):
        self.count, self.masks = 0, []
        self.blocks = [Block()]
        self.known = [{}]  # common subexpressions, a dictionary a block

    def name(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    def new(self, prefix, active=False, mask=False):
        """A symbol computed in the block at hand."""
        return Sym(self.name(prefix), active, mask, home=self.blocks[-1])

    def add(self, statement):
        self.blocks[-1].statements.append(statement)

    @contextmanager
    def inside(self):
        self.blocks.append(Block())
        self.known.append({})
        yield self.blocks[-1]
        self.blocks.pop()
        self.known.pop()

    def emit(self, op, *args):
        args = [Sym.of(a) for a in args]
        folded = _fold(op, args)
        if folded is not None:
            return Sym.of(folded)
        key = (op, *(a.code for a in args))
        for known in self.known:
            if key in known:
                return known[key]
        mask = op in _COMPARE or op in ("&", "|", "not")
        active = not mask and op != "value" and any(a.active for a in args if not a.mask)
        result = self.new("m" if mask else "t", active, mask)
        self.add(Operation(result, op, args))
        self.known[-1][key] = result
        return result

    def repeat(self, count, body, carry, steps):
        """A loop. What it changes, and what it makes active, is found by tracing it until nothing
        more does.
        """
        moving = dict.fromkeys(carry.__dict__, False)
        moving |= {n: v.active for n, v in carry.items() if isinstance(v, Sym)}
        while True:
            start, index = self.count, self.name("k")
            with self.inside() as block:
                inside = carry.replace(**{n: self.new("c", a) for n, a in moving.items()})
                step = steps.map(lambda s, k=index, b=block: s.at(k, b))
                result = body(inside, step)
            changed = {n: Sym.of(v) for n, v in result.items() if v is not getattr(inside, n)}
            found = {n: v.active or moving.get(n, False) for n, v in changed.items()}
            if found == moving:
                break
            moving, self.count = found, start
        carries, after = [], {}
        for n, value in changed.items():
            within = getattr(inside, n)
            after[n] = Sym(within.code, within.active, home=self.blocks[-1])
            carries.append((within, Sym.of(getattr(carry, n)), value, after[n]))
        given = [s for s in step.__dict__.values() if s.active]
        self.add(Turns(index, count, block, carries, given))
        return carry.replace(**after)

    def only_where(self, mask, body, carry, context):
        """A branch, skipped when no tile of the vector takes it."""
        if mask.constant is not None:
            return body(carry, context) if mask.constant else carry
        total = mask & self.masks[-1] if self.masks else mask
        self.masks.append(total)
        with self.inside() as block:
            result = body(carry, context)
        self.masks.pop()
        merges, after = [], {}
        for n, value in result.items():
            if value is not getattr(carry, n):
                new, old = Sym.of(value), Sym.of(getattr(carry, n))
                after[n] = self.new("b", new.active or old.active)
                merges.append((after[n], new, old))
        self.add(Branch(total, block, merges))
        return carry.replace(**after)


@contextmanager
def tracing():
    """While it lasts, physics functions are recorded by the tracer it gives."""
    if ops.active_tracer is not None:
        raise RuntimeError("a trace is under way")
    ops.active_tracer = Tracer()
    try:
        yield ops.active_tracer
    finally:
        ops.active_tracer = None


def inputs(array, names, active=False, stepped=(), steps=0) -> Vars:
    """Symbols for the columns of an input array; ``stepped`` ones take ``steps`` columns each."""
    found, position = {}, 0
    for name in names:
        if name in stepped:
            found[name] = Steps(array, position, active)
            position += steps
        else:
            found[name] = Sym(f"{array}[{position}]", active)
            position += 1
    return Vars(**found)


@dataclass(eq=False)
class Function:
    """A recorded function: its block, and the values it stores, {array: [value]}."""

    block: Block
    stores: dict


def function(body) -> Function:
    """Record ``body()``, which returns what to store: {array: [values]}."""
    with tracing() as tracer:
        stores = {array: [Sym.of(v) for v in values] for array, values in body().items()}
        return Function(tracer.blocks[0], stores)
