"""The library's docstrings as Markdown: an extension of griffe, which reads them for the site.

Docstrings refer to each other as Sphinx does, :class:`~parlearn.models.base.ProcessModel`. Here
such a reference becomes a link; one that leads nowhere fails the strict build. Comments that begin
with ``#:`` document the constant below them.
"""

import inspect
import re

from griffe import Docstring, Extension

ROLE = re.compile(r":(?:mod|class|func|meth|data|attr|exc):`(~?)([^`]+)`")
LITERAL = re.compile(r"::(\n\n {4})")


class Roles(Extension):
    def on_package(self, *, pkg, **_):
        found = list(objects(pkg))
        for each in found:
            if each.is_attribute and each.docstring is None and (text := comment(each)):
                each.docstring = Docstring(text, parent=each, lineno=each.lineno)
        for each in found:
            if each.docstring is not None:
                value = inspect.cleandoc(each.docstring.value)
                each.docstring.value = LITERAL.sub(r":\1", ROLE.sub(Link(pkg, each), value))


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
