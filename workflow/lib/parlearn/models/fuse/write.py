"""Writes a recorded function as straight C++ on vectors of tiles."""

from parlearn.models.fuse.trace import Branch, Operation, Turns

_CALLS = {"where": "select", "minimum": "vmin", "maximum": "vmax", "value": "value"}


def expression(op, *code) -> str:
    """An operation in C++."""
    if not op.isalnum():
        return f"{code[0]} {op} {code[1]}"
    if op == "not":
        return f"~{code[0]}"
    return f"{_CALLS.get(op, 'v' + op)}({', '.join(code)})"


def kind(sym) -> str:
    """The C++ type of a value: a mask or a vector."""
    return "M" if sym.mask else "V"


class Writer:
    """Lines of C++ of a block and those inside it.

    ``keep`` gives lines to write after a value is computed, ``enter`` those at the start of a turn.
    """

    def __init__(self, keep=lambda sym: (), enter=lambda turns: ()):
        self.lines, self.depth, self.keep, self.enter = [], 1, keep, enter

    def line(self, text):
        self.lines.append("  " * self.depth + text)

    def kept(self, sym):
        for text in self.keep(sym):
            self.line(text)

    def block(self, block):
        for statement in block.statements:
            if isinstance(statement, Operation):
                result, code = statement.result, [a.code for a in statement.args]
                self.line(
                    f"const {kind(result)} {result.code} = {expression(statement.op, *code)};"
                )
                self.kept(result)
            elif isinstance(statement, Turns):
                self.turns(statement)
            elif isinstance(statement, Branch):
                self.branch(statement)

    def turns(self, turns):
        k = turns.index
        for inside, first, _, _ in turns.carries:
            self.line(f"{kind(inside)} {inside.code} = {first.code};")
        self.line(f"for (int {k} = 0; {k} < {turns.count}; ++{k}) {{")
        self.depth += 1
        for text in self.enter(turns):
            self.line(text)
        for inside, *_ in turns.carries:
            self.kept(inside)
        self.block(turns.body)
        for inside, _, following, _ in turns.carries:
            self.line(f"const {kind(inside)} next_{inside.code} = {following.code};")
        for inside, *_ in turns.carries:
            self.line(f"{inside.code} = next_{inside.code};")
        self.depth -= 1
        self.line("}")
        for *_, last in turns.carries:
            self.kept(last)

    def branch(self, branch):
        mask = branch.mask.code
        for result, _, old in branch.merges:
            self.line(f"{kind(result)} {result.code} = {old.code};")
        self.line(f"if (any({mask})) {{")
        self.depth += 1
        self.block(branch.body)
        for result, new, old in branch.merges:
            self.line(f"{result.code} = select({mask}, {new.code}, {old.code});")
        self.depth -= 1
        self.line("}")
        for result, *_ in branch.merges:
            self.kept(result)


def function(signature, recorded) -> str:
    """The C++ function of the given signature that computes and stores what was recorded."""
    writer = Writer()
    writer.block(recorded.block)
    for array, values in recorded.stores.items():
        for k, value in enumerate(values):
            writer.line(f"const V out_{array}_{k} = {value.code};")
    for array, values in recorded.stores.items():
        for k in range(len(values)):
            writer.line(f"{array}[{k}] = out_{array}_{k};")
    return f"{signature} {{\n" + "\n".join(writer.lines) + "\n}\n"
