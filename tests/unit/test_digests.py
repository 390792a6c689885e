"""The digest of a script's code: what changes it, and what does not."""

import re
from pathlib import Path

import pytest

from parlearn.plan.digests import LIBRARY, modules, source_hash

FILES = {
    "lib/__init__.py": "",
    "lib/deep/__init__.py": "",
    "lib/deep/bottom.py": "VALUE = 1\n",
    "lib/middle.py": "from lib.deep import bottom\n",
    "lib/relative.py": "from .deep.bottom import VALUE\n",
    "lib/late.py": "def f():\n    import lib.deep.bottom\n",
    "lib/other.py": "VALUE = 2\n",
    "lib/kernel.cpp": "int x;\n",
    "lib/compiled.py": 'SOURCE = "kernel.cpp"\n',
}
SCRIPTS = {
    "far": "from lib import middle\n",
    "relative": "import lib.relative\n",
    "late": "from lib.late import f\n",
    "other": "from lib.other import VALUE\n",
    "compiled": "import lib.compiled\n",
}


@pytest.fixture
def tree(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, text in SCRIPTS.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def digests(tree):
    return {name: source_hash(tree / f"{name}.py", library=tree / "lib") for name in SCRIPTS}


def changed(tree, file, text):
    before = digests(tree)
    (tree / file).write_text(text)
    after = digests(tree)
    return {name for name in SCRIPTS if before[name] != after[name]}


@pytest.mark.parametrize(
    ("file", "text", "users"),
    [
        ("lib/deep/bottom.py", "VALUE = 3\n", {"far", "relative", "late"}),
        ("lib/other.py", "VALUE = 3\n", {"other"}),
        ("lib/kernel.cpp", "int y;\n", {"compiled"}),
        ("lib/__init__.py", "X = 1\n", set(SCRIPTS)),
        ("far.py", "from lib import middle\nprint(middle)\n", {"far"}),
        ("lib/other.py", "# a comment\nVALUE   = 2\n", set()),
        ("lib/other.py", '"""A docstring."""\nVALUE = 2\n', set()),
    ],
)
def test_edit_reaches_its_users_and_nobody_else(tree, file, text, users):
    if text.startswith('"""'):  # a docstring that changes, not one that comes
        (tree / file).write_text('"""Another."""\nVALUE = 2\n')
    assert changed(tree, file, text) == users


def test_touch_changes_nothing(tree):
    before = digests(tree)
    for path in tree.rglob("*.py"):
        path.touch()
    assert digests(tree) == before


def test_modules_of_a_script(tree):
    names = {p.relative_to(tree).as_posix() for p in modules(tree / "far.py", library=tree / "lib")}
    assert names == {
        "lib/__init__.py",
        "lib/middle.py",
        "lib/deep/__init__.py",
        "lib/deep/bottom.py",
    }


def test_a_module_imported_by_a_computed_name_is_told(tree):
    def digest(*named):
        return source_hash(tree / "other.py", *named, library=tree / "lib")

    alone, named = digest(), digest("middle")
    assert named not in (alone, digest("relative"))
    (tree / "lib/deep/bottom.py").write_text("VALUE = 4\n")
    assert digest() == alone
    assert digest("middle") != named
    found = modules(tree / "other.py", "deep.bottom", library=tree / "lib")
    assert {tree / "lib/deep/bottom.py", tree / "lib/deep/__init__.py"} < found
    with pytest.raises(FileNotFoundError, match="there is no module .*nowhere"):
        digest("nowhere")


def read_as_text(files):
    """File -> modules its import statements name, found by a search of the text alone."""
    words = re.compile(
        r"^ *from (parlearn[\w.]*) import (\([^)]*\)|.*)|^ *import (parlearn\S*)", re.M
    )
    found = {}
    for path in files:
        found[path] = set()
        for start, names, whole in words.findall(path.read_text()):
            for name in [whole] if whole else [f"{start}.{n}" for n in re.findall(r"\w+", names)]:
                parts = name.split(".")
                for n in range(1, len(parts) + 1):
                    base = LIBRARY.parent.joinpath(*parts[:n])
                    found[path] |= {base.with_suffix(".py"), base / "__init__.py"}
        found[path] &= set(files)
    return found


def test_modules_of_every_script_are_those_its_text_leads_to():
    scripts = sorted((LIBRARY.parents[1] / "scripts").glob("*.py"))
    imports = read_as_text([*LIBRARY.rglob("*.py"), *scripts])
    assert len(scripts) > 25
    for script in scripts:
        found, new = set(), {script}
        while new:
            found |= new
            new = set().union(*(imports[path] for path in new)) - found
        assert {p for p in modules(script) if p.suffix == ".py"} == found - {script}, script.stem


def test_library_makes_no_import_the_digest_cannot_see():
    computed = re.compile(r"importlib\.import_module|__import__\(")
    found = [
        str(path)
        for path in LIBRARY.rglob("*.py")
        if computed.search(path.read_text()) and path != Path(LIBRARY / "sourcehash.py")
    ]
    assert found == []


def test_library_never_sees_snakemake():
    found = [p.name for p in LIBRARY.rglob("*.py") if re.search(r"import snakemake", p.read_text())]
    assert found == []
