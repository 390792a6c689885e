"""Derivatives of a recorded function in reverse: its adjoint as straight C++ on vectors of tiles.

Two functions are written. The first computes the function once more and keeps on a tape what the
second needs; the second goes through its statements from last to first and passes on what a change
of each value does to the loss (its *bar*) to the values it was made from. Loops have a stretch of
the tape for each turn. What is taken of a branch, a minimum or a choice is what the function took;
nothing flows through ``value``. In the lanes that do not take a branch, values there may be
anything: no bar enters or leaves a branch in them.
"""

from parlearn.models.fuse.trace import Branch, Operation, Turns
from parlearn.models.fuse.write import Writer


class Frame:
    """What the tape holds of the function, or of each turn of a loop."""

    def __init__(self, name="tape", outer=None, index=None):
        self.name, self.outer, self.index = name, outer, index
        self.size, self.slots, self.start = 0, {}, None

    def slot(self, sym):
        if sym not in self.slots:
            self.slots[sym] = self.size
            self.size += 1
        return f"{self.name}[{self.slots[sym]}]"

    def place(self, count):
        """Give all turns their stretch of the outer frame's."""
        self.start = self.outer.size
        self.outer.size += count * self.size

    def found(self, const=""):
        """C++ that finds this turn's stretch."""
        start = f"{self.outer.name} + {self.start} + {self.index} * {self.size}"
        return f"{const}V* {self.name} = {start};"


class _Scope:
    """Bars of one block; those of values from outside are summed here and leave with the block.

    In a loop, bars of values from outside are summed outside, over all turns.
    """

    def __init__(self, block, parent=None, turns=False):
        self.block, self.parent, self.turns = block, parent, turns
        self.bars, self.lines = {}, []

    def sums(self, sym):
        """Whether bars of this value are summed here."""
        return not self.turns or sym.home is self.block


class Reverse:
    """Writes the adjoint of one function.

    Parameters
    ----------
    recorded : :class:`parlearn.models.fuse.trace.Function`
    inputs : symbols of the inputs whose bars are wanted, besides those of the turns of loops
    """

    def __init__(self, recorded, inputs):
        self.recorded, self.count, self.frames = recorded, 0, {}
        self.frame, self.scope = Frame(), _Scope(recorded.block)
        self._frames_of(recorded.block, self.frame)
        for array, values in recorded.stores.items():
            for k, value in enumerate(values):
                self.add(value, f"seed_{array}[{k}]")
        self.block(recorded.block)
        self.give(inputs)
        self.lines = self.scope.lines

    def _frames_of(self, block, frame):
        """Which stretch of the tape keeps the values of each block."""
        self.frames[block] = frame
        for statement in block.statements:
            if isinstance(statement, Turns):
                self._frames_of(
                    statement.body, Frame(f"tape_{statement.index}", frame, statement.index)
                )
            elif isinstance(statement, Branch):
                self._frames_of(statement.body, frame)

    # -- values and bars

    def line(self, text):
        self.scope.lines.append("  " + text)

    def fresh(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    def need(self, sym):
        """A value of the forward run, as code."""
        if sym.given:
            return sym.code
        slot = self.frames[sym.home].slot(sym)
        return f"((M){slot})" if sym.mask else slot

    def bar(self, sym, scope=None):
        """The variable that sums what comes to a value, declared where it is not yet."""
        scope = scope or self.scope
        if sym not in scope.bars:
            if not scope.sums(sym):
                return self.bar(sym, scope.parent)
            scope.bars[sym] = self.fresh("s")
            scope.lines.append(f"  V {scope.bars[sym]} = K(0.0);")
        return scope.bars[sym]

    def add(self, sym, code, sign="+"):
        """Pass something on to a value."""
        if not sym.active:
            return
        scope = self.scope
        if sym not in scope.bars and scope.sums(sym):
            scope.bars[sym] = self.fresh("s")
            self.line(f"V {scope.bars[sym]} = {'-' if sign == '-' else ''}({code});")
        else:
            self.line(f"{self.bar(sym)} {sign}= {code};")

    def give(self, inputs):
        """Add what came to inputs to the columns of ``grad_`` and their arrays."""
        for sym in inputs:
            if sym in self.scope.bars:
                self.line(f"grad_{sym.code} += {self.scope.bars[sym]};")

    # -- statements, from last to first

    def block(self, block):
        for statement in reversed(block.statements):
            if isinstance(statement, Operation):
                self.operation(statement)
            elif isinstance(statement, Turns):
                self.turns(statement)
            elif isinstance(statement, Branch):
                self.branch(statement)

    def operation(self, statement):
        result, op, args = statement.result, statement.op, statement.args
        if not result.active or result not in self.scope.bars:
            return
        bar = self.scope.bars[result]
        a, b = (args + [None, None])[:2]
        if op == "+":
            self.add(a, bar)
            self.add(b, bar)
        elif op == "-":
            self.add(a, bar)
            self.add(b, bar, "-")
        elif op == "*":
            if a.active:
                self.add(a, f"{bar} * {self.need(b)}")
            if b.active:
                self.add(b, f"{bar} * {self.need(a)}")
        elif op == "/":
            share = self.fresh("q")
            self.line(f"const V {share} = flow({bar}, K(1.0) / {self.need(b)});")
            self.add(a, share)
            if b.active:
                self.add(b, f"flow({share}, {self.need(result)})", "-")
        elif op in ("where", "minimum", "maximum"):
            if op == "where":
                mask, a, b = self.need(a), args[1], args[2]
            else:
                sign = "<" if op == "minimum" else ">"
                mask = self.fresh("m")
                self.line(f"const M {mask} = {self.need(a)} {sign} {self.need(b)};")
            self.add(a, f"only({mask}, {bar})")
            self.add(b, f"only(~{mask}, {bar})")
        else:
            self.add(a, self._through(op, bar, a, result))

    def _through(self, op, bar, a, result):
        if op == "exp":
            return f"{bar} * {self.need(result)}"
        if op == "expm1":
            return f"{bar} * ({self.need(result)} + K(1.0))"
        if op == "log":
            return f"flow({bar}, K(1.0) / {self.need(a)})"
        if op == "log1p":
            return f"flow({bar}, K(1.0) / ({self.need(a)} + K(1.0)))"
        if op == "sqrt":
            return f"flow({bar}, K(0.5) / {self.need(result)})"
        raise NotImplementedError(f"no derivative of {op}")

    def turns(self, turns):
        outer, body = self.scope, turns.body
        carries = [c for c in turns.carries if c[0].active]
        if not any(last in outer.bars for *_, last in carries):
            return
        sums = {}
        for inside, _, _, last in carries:
            sums[inside] = self.fresh("s")
            self.line(f"V {sums[inside]} = {outer.bars.get(last, 'K(0.0)')};")
        self.scope = _Scope(body, outer, turns=True)
        for inside, _, following, _ in carries:
            self.add(following, sums[inside])
        self.block(body)
        for inside, *_ in carries:
            self.line(f"{sums[inside]} = {self.scope.bars.get(inside, 'K(0.0)')};")
        self.give(turns.steps)
        lines, self.scope = self.scope.lines, outer
        frame, k = self.frames[body], turns.index
        frame.place(turns.count)
        self.line(f"for (int {k} = {turns.count - 1}; {k} >= 0; --{k}) {{")
        self.line("  " + frame.found("const "))
        outer.lines += ["  " + text for text in lines]
        self.line("}")
        for inside, first, _, _ in carries:
            self.add(first, sums[inside])

    def branch(self, branch):
        outer = self.scope
        merges = [m for m in branch.merges if m[0] in outer.bars]
        if not merges:
            return
        taken = self.fresh("m")
        self.line(f"const M {taken} = {self.need(branch.mask)};")
        for result, _, old in merges:
            self.add(old, f"only(~{taken}, {outer.bars[result]})")
        inner = self.scope = _Scope(branch.body, outer)
        for result, new, _ in merges:
            self.add(new, f"only({taken}, {outer.bars[result]})")
        self.block(branch.body)
        self.scope = outer
        leaving = {s: b for s, b in inner.bars.items() if s.home is not branch.body}
        targets = {sym: self.bar(sym) for sym in leaving}
        self.line(f"if (any({taken})) {{")
        outer.lines += ["  " + text for text in inner.lines]
        for sym, name in leaving.items():
            self.line(f"  {targets[sym]} += only({taken}, {name});")
        self.line("}")

    # -- the two functions

    def record(self, signature) -> str:
        """The function that fills the tape."""

        def keep(sym):
            if sym.given or sym not in self.frames[sym.home].slots:
                return ()
            return [f"{self.frames[sym.home].slot(sym)} = {'(V)' * sym.mask}{sym.code};"]

        def enter(turns):
            frame = self.frames[turns.body]
            return [frame.found()] if frame.size else ()

        writer = Writer(keep, enter)
        writer.block(self.recorded.block)
        return f"{signature} {{\n" + "\n".join(writer.lines) + "\n}\n"

    def adjoint(self, signature) -> str:
        """The function that reads it."""
        return f"{signature} {{\n" + "\n".join(self.lines) + "\n}\n"
