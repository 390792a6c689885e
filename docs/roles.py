"""The library's docstrings as Markdown: an extension of griffe, which reads them for the site.

- Docstrings refer to each other as Sphinx does, :class:`~parlearn.models.base.ProcessModel`. Here
  such a reference becomes a link; one that leads nowhere fails the strict build.
- They describe what they list as ``name : meaning``, where NumPy's format has a type after the
  colon. Types are in the code.
- Comments that begin with ``#:`` document the constant below them.
"""

import inspect
import re

from griffe import Docstring, Extension

ROLE = re.compile(r":(?:mod|class|func|meth|data|attr|exc):`(~?)([^`]+)`")
LITERAL = re.compile(r"::(\n\n {4})")
ENTRY = re.compile(r"(\*{0,2}\w+(?:, \w+)*) : (.+)")
UNDERLINE = re.compile(r"-{3,}")


class Roles(Extension):
    def on_package(self, *, pkg, **_):
        found = list(objects(pkg))
        for each in found:
            if each.is_attribute and each.docstring is None and (text := comment(each)):
                each.docstring = Docstring(text, parent=each, lineno=each.lineno)
        for each in found:
            if each.docstring is not None:
                value = with_meanings(inspect.cleandoc(each.docstring.value))
                each.docstring.value = LITERAL.sub(r":\1", ROLE.sub(Link(pkg, each), value))


def with_meanings(text: str) -> str:
    """Entries ``name : meaning`` as griffe reads them in its sections, and as lists elsewhere."""
    lines, section = [], ""
    given = text.split("\n")
    for line, below in zip(given, [*given[1:], ""], strict=True):
        entry = ENTRY.fullmatch(line)
        if UNDERLINE.fullmatch(below):
            section = line
            lines.append(line)
        elif UNDERLINE.fullmatch(line):
            # what is returned has neither name nor type there, but a meaning
            lines += [line, ":"] if section == "Returns" else [line]
        elif entry and section in ("Parameters", "Attributes"):
            lines += [entry[1], f"    {entry[2]}"]
        elif entry:
            first = lines[-1:] not in ([], [""]) and not lines[-1].strip().startswith("- ")
            lines += [""] * first + [indented(f"- `{entry[1]}`: {entry[2]}", section)]
        else:
            lines.append(indented(line, section))
    return "\n".join(lines)


def indented(line: str, section: str) -> str:
    return f"    {line}" if section == "Returns" and line else line


def objects(around):
    """An object and all below it that its own files define."""
    yield around
    for member in around.members.values():
        if not member.is_alias:
            yield from objects(member)


def comment(attribute) -> str:
    """The lines ``#: ...`` right above an attribute, or nothing."""
    if attribute.lineno is None:
        return ""
    above, lines = attribute.lines_collection[attribute.filepath][: attribute.lineno - 1], []
    while above and above[-1].lstrip().startswith("#:"):
        lines.append(above.pop().lstrip()[2:].strip())
    return "\n".join(reversed(lines))


class Link:
    """The Markdown of a reference in the docstring of an object."""

    def __init__(self, package, around):
        self.package, self.around = package, around

    def __call__(self, match) -> str:
        short, name = match.groups()
        text = name.rpartition(".")[2] if short else name
        there = self.find(name)
        if there is not None and there.docstring is None:
            return f"`{text}`"  # it exists, and the site has no place for it
        return f"[`{text}`][{there.canonical_path if there else name}]"

    def find(self, name: str):
        """What is called `name` as seen from the object: below it, or in what is around it."""
        if name.split(".")[0] == self.package.name:
            return member(self.package, name.split(".")[1:])
        around = self.around
        while around is not None:
            if (found := member(around, name.split("."))) is not None:
                return found
            around = around.parent
        return None


def member(around, names):
    for name in names:
        if name not in around.members:
            return None
        around = around.members[name]
        if around.is_alias:
            around = around.final_target
    return around
