"""What the site has beside docs/: README.md, config/README.md, results/README.md, the library.

A hook of MkDocs. Links of the three files are rewritten to where their targets are in the site, so
that the same text can be read in the repository and in the site.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "workflow" / "lib" / "parlearn"

#: file of the repository -> page of the site
PAGES = {
    "README.md": "index.md",
    "config/README.md": "configuration.md",
    "results/README.md": "results.md",
}
#: files of the repository that are shown as they are
ASIDE = {"CITATION.cff": "CITATION.cff"}

LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")


def on_config(config):
    """Enter a page for each room of the library in the navigation."""
    library = [{"Overview": "library/index.md"}]
    library += [{room: f"library/{room}.md"} for room in rooms()]
    for entry in config.nav:
        if "Library" in entry:
            entry["Library"] = library
    return config


def on_files(files, config):
    """Add what is not in docs/."""
    for source, page in PAGES.items():
        text = rewritten((ROOT / source).read_text(encoding="utf-8"), source, page)
        files.append(File.generated(config, page, content=text))
    for source, name in ASIDE.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / source)))
    files.append(File.generated(config, "library/index.md", content=overview()))
    for room, modules in rooms().items():
        files.append(File.generated(config, f"library/{room}.md", content=reference(room, modules)))
    return files


def on_page_markdown(markdown, page, **_):
    """Rewrite the links of a page of docs/ to files outside of it."""
    source = page.file.src_uri
    if source in PAGES.values() or source.startswith("library/"):
        return markdown
    return rewritten(markdown, f"docs/{source}", source)


def rewritten(text: str, source: str, page: str) -> str:
    """Links of `source`, a file of the repository, as they must be on the `page` of the site."""

    def place(match):
        before, target, anchor, after = match.groups()
        if "://" in target or target.startswith("mailto:"):
            return match.group()
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        there = PAGES.get(path) or ASIDE.get(path)
        if there is None and path.startswith("docs/"):
            there = path.removeprefix("docs/")
        if there is None:
            return match.group()  # a dead link, which the strict build reports
        return (
            before
            + posixpath.relpath(there, posixpath.dirname(page) or ".")
            + (anchor or "")
            + after
        )

    return LINK.sub(place, text)


def rooms() -> dict[str, list[str]]:
    """Folder of the library -> its modules, both by dotted names; all with a public name."""
    found: dict[str, list[str]] = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        parts = path.relative_to(LIBRARY.parent).with_suffix("").parts
        if parts[-1] == "__main__":
            continue
        package = parts[:-1]
        module = package if parts[-1] == "__init__" else parts
        found.setdefault(".".join(package), []).append(".".join(module))
    return found


def overview() -> str:
    lines = ["# Library", "", "The library `parlearn`, folder by folder, from its docstrings.", ""]
    lines += [f"- [{room}]({room}.md)" for room in rooms()]
    return "\n".join(lines) + "\n"


def reference(room: str, modules: list[str]) -> str:
    """The folder's own docstring heads its page; its modules follow."""
    level = "    options: {heading_level: 1}\n"
    return "\n".join(f"::: {name}\n{level if name == room else ''}" for name in modules)
