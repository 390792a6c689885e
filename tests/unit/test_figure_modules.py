"""Modules of figures: in pairs, with one door to the results, and naming nothing of a registry."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from parlearn.plan.config import read_yaml
from parlearn.plan.digests import LIBRARY
from parlearn.plan.methods import METHODS
from parlearn.plan.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
FIGURES = read_yaml(ROOT / "config/figures.yaml")
ROOMS = ("summarise", "plots")
MODULES = [path for room in ROOMS for path in sorted((LIBRARY / room).glob("*.py"))]
READERS = [p for room in ("summarise", "claims") for p in sorted((LIBRARY / room).glob("*.py"))]

#: calls that open a file, by their last name; local functions may be called ``read``
OPENING = {"open", "open_dataset", "load_dataset", "read_csv", "read_json", "read_table"}
OPENING |= {"read_text", "read_bytes", "loads", "load"}
#: models as runs and files name them
MODELS = {"vic", "surrogate", "process"}
#: names of methods, targets, models and products in running text
WORDS = re.compile(
    r"\b(SCE-?UA|dPL|ParaFormer\w*|GAN-PO|VIC|HBV|SMAP|MOD16\w*|GLEAM|ET|soil moisture"
    r"|evapotranspiration)\b",
    re.IGNORECASE,
)
#: module -> names given values at its top level that may hold such names, each for a reason
ALLOWED = {
    "plots/style.py": {"LOOKS"},  # a table of looks by method, with spares for those it lacks
    "summarise/ranges.py": {"PRINTED"},  # published data
    "summarise/variants.py": {"_DIRECT"},  # what runs call the process model itself
}


def strings(path):
    """String constants of a module that are no docstrings, pieces of f-strings among them."""
    allowed = ALLOWED.get(path.relative_to(LIBRARY).as_posix(), set())
    tree = ast.parse(path.read_text(encoding="utf-8"))
    left_out = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out.add(node.value)
    for node in tree.body:
        targets = getattr(node, "targets", [])
        names = {node.id for target in targets for node in ast.walk(target) if hasattr(node, "id")}
        if names & allowed:
            left_out |= set(ast.walk(node))
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in left_out
    ]


def names_in(text) -> set[str]:
    """Names of methods, targets or models in a string."""
    known = {*METHODS, *TARGETS, *MODELS}
    return ({text} & known) | {match[0] for match in WORDS.finditer(text)}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_no_method_target_or_model_is_named(path):
    assert {text: names_in(text) for text in strings(path) if names_in(text)} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("dpl_z", {"dpl_z"}),
        ("Epochs to SCE-UA's end", {"SCE-UA"}),
        ("Mean ET (mm)", {"ET"}),
        ("the default is one number", set()),
        ("offset", set()),
    ],
)
def test_names_are_found(text, found):
    assert names_in(text) == found


def test_docstrings_and_what_is_allowed_are_left_out(tmp_path, monkeypatch):
    path = tmp_path / "some.py"
    path.write_text('"""Of VIC."""\nLOOKS = {"sceua": 1}\ndef f():\n    return f"{1} VIC"\n')
    monkeypatch.setitem(globals(), "LIBRARY", tmp_path)
    assert strings(path) == ["sceua", " VIC"]
    monkeypatch.setitem(ALLOWED, "some.py", {"LOOKS"})
    assert strings(path) == [" VIC"]


def opened(path) -> list[str]:
    """Calls of a module that open a file, or read one through its contract."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            owner = getattr(getattr(node.func, "value", None), "id", "")
            name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
            if name in OPENING or (owner, name) == ("contracts", "read"):
                found.append(f"{owner}.{name}".lstrip("."))
    return found


@pytest.mark.parametrize("path", READERS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_results_are_the_one_door_to_files(path):
    if path == LIBRARY / "summarise/results.py":
        assert {"contracts.read", "contracts.read_table"} <= set(opened(path))
        # none past the contracts, but cards, which have none
        assert set(opened(path)) <= {"contracts.read", "contracts.read_table", "read_json"}
    else:
        assert opened(path) == []


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_has_a_summary_and_a_drawing_of_one_name(name):
    module = FIGURES[name]["module"]
    assert callable(import_module(f"parlearn.summarise.{module}").summarise)
    assert callable(import_module(f"parlearn.plots.{module}").draw)


def test_no_module_makes_or_draws_what_no_figure_names():
    used = {figure["module"] for figure in FIGURES.values()}
    for room, function in (("summarise", "summarise"), ("plots", "draw")):
        for path in (LIBRARY / room).glob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            defined = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
            assert (function in defined) == (path.stem in used), path
