"""Writes physics written in torch as straight C++ on vectors of tiles, with tangents where they
are needed.

A function is called once with :class:`Sym` instead of tensors; every operation is recorded.
Values that
depend on a parameter or on the state are *active* and become the C++ type ``D`` (a value with its
derivatives, or a bare vector where none are asked for); all others become ``V``, a bare vector.
So what does not depend on parameters costs nothing extra.
"""

import math
import operator
from contextlib import contextmanager

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
    """One recorded value or mask; ``constant`` holds its number where it is known."""

    __slots__ = ("active", "code", "constant", "mask")

    def __init__(self, code, active=False, mask=False, constant=None):
        self.code, self.active, self.mask, self.constant = code, active, mask, constant

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


class Steps:
    """An input with one value a turn of a loop: ``array[first + k]``."""

    def __init__(self, array, first):
        self.array, self.first = array, first


class Tracer:
    """Records one C++ function body."""

    def __init__(self):
        self.lines, self.depth, self.count = [], 1, 0
        self.known = [{}]  # common subexpressions, a dictionary a scope
        self.masks = []

    def name(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    def write(self, line):
        self.lines.append("  " * self.depth + line)

    @contextmanager
    def scope(self):
        self.depth += 1
        self.known.append({})
        yield
        self.known.pop()
        self.depth -= 1

    # -- operations

    def emit(self, op, *args):
        args = [Sym.of(a) for a in args]
        folded = _fold(op, args)
        if folded is not None:
            return Sym.of(folded)
        code = tuple(a.code for a in args)
        for scope in self.known:
            if (op, *code) in scope:
                return scope[op, *code]
        mask = op in _COMPARE or op in ("&", "|", "not")
        active = not mask and op != "value" and any(a.active for a in args if not a.mask)
        result = Sym(self.name("m" if mask else "t"), active, mask)
        kind = "M" if mask else "D" if active else "V"
        self.write(f"const {kind} {result.code} = {self._expression(op, code)};")
        self.known[-1][op, *code] = result
        return result

    @staticmethod
    def _expression(op, code):
        if not op.isalnum():
            return f"{code[0]} {op} {code[1]}"
        if op == "not":
            return f"~{code[0]}"
        names = {"where": "select", "minimum": "vmin", "maximum": "vmax", "value": "value"}
        return f"{names.get(op, 'v' + op)}({', '.join(code)})"

    # -- control

    def repeat(self, count, body, carry, steps):
        """A C++ loop. What the loop makes active is found by tracing it until nothing changes."""
        active = {n: isinstance(v, Sym) and v.active for n, v in carry.items()}
        while True:
            saved = len(self.lines), self.count
            names = {n: self.name("c") for n, _ in carry.items()}
            index = self.name("k")
            for n, v in carry.items():
                self.write(f"{'D' if active[n] else 'V'} {names[n]} = {Sym.of(v).code};")
            self.write(f"for (int {index} = 0; {index} < {count}; ++{index}) {{")
            with self.scope():
                inside = Vars(**{n: Sym(names[n], active[n]) for n, _ in carry.items()})
                step = steps.map(lambda s, k=index: Sym(f"{s.array}[{s.first} + {k}]"))
                result = body(inside, step)
                changed = {n: v for n, v in result.items() if v is not getattr(inside, n)}
                grown = [
                    n
                    for n, v in changed.items()
                    if isinstance(v, Sym) and v.active and not active[n]
                ]
                if not grown:
                    fresh = {n: self.name("n") for n in changed}
                    for n, v in changed.items():
                        self.write(
                            f"const {'D' if active[n] else 'V'} {fresh[n]} = {Sym.of(v).code};"
                        )
                    for n in changed:
                        self.write(f"{names[n]} = {fresh[n]};")
            if not grown:
                self.write("}")
                return inside.replace(**{n: v for n, v in carry.items() if n not in changed})
            del self.lines[saved[0] :]
            self.count = saved[1]
            for n in grown:
                active[n] = True

    def only_where(self, mask, body, carry, context):
        """A C++ branch, skipped when no tile of the vector takes it."""
        if mask.constant is not None:
            return body(carry, context) if mask.constant else carry
        total = mask & self.masks[-1] if self.masks else mask
        start, count = len(self.lines), self.count
        self.write(f"if (any({total.code})) {{")
        self.masks.append(total)
        with self.scope():
            result = body(carry, context)
            changed = {n: v for n, v in result.items() if v is not getattr(carry, n)}
            names = {n: f"b{count}_{n}" for n in changed}
            for n, v in changed.items():
                old = getattr(carry, n)
                self.write(
                    f"{names[n]} = select({total.code}, {Sym.of(v).code}, {Sym.of(old).code});"
                )
        self.masks.pop()
        self.write("}")
        out, declared = {}, []
        for n, v in changed.items():
            old = getattr(carry, n)
            active = any(isinstance(x, Sym) and x.active for x in (v, old))
            kind = "D" if active else "V"
            declared.append("  " * self.depth + f"{kind} {names[n]} = {Sym.of(old).code};")
            out[n] = Sym(names[n], active)
        self.lines[start:start] = declared
        return carry.replace(**out)


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
            found[name] = Steps(array, position)
            position += steps
        else:
            found[name] = Sym(f"{array}[{position}]", active)
            position += 1
    return Vars(**found)


def function(signature, body) -> str:
    """A C++ function of the given signature; ``body()`` returns what to store: {array:
    [values]}.
    """
    with tracing() as tracer:
        stores = body()
        for array, values in stores.items():
            for k, value in enumerate(values):
                tracer.write(f"D out_{array}_{k} = {Sym.of(value).code};")
        for array, values in stores.items():
            for k in range(len(values)):
                tracer.write(f"{array}[{k}] = out_{array}_{k};")
    return f"{signature} {{\n" + "\n".join(tracer.lines) + "\n}\n"
