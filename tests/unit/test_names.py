"""Scripts and rules name no process model, method or target: they read the registries."""

import ast
import re
from pathlib import Path

import pytest

from parlearn.models.registry import PROCESSES
from parlearn.plan.methods import METHODS
from parlearn.plan.targets import TARGETS

WORKFLOW = Path(__file__).parents[2] / "workflow"
LIBRARY = WORKFLOW / "lib" / "parlearn"
SCRIPTS = sorted((WORKFLOW / "scripts").glob("*.py"))
RULES = sorted((WORKFLOW / "rules").glob("*.smk"))
#: rooms of the library that serve every model
ROOMS = ("audit", "calibrate", "claims", "learn", "metrics", "plan", "plots", "runs", "summarise")
MODULES = sorted(path for room in ROOMS for path in (LIBRARY / room).rglob("*.py"))
#: packages and modules of single process models
OF_ONE = tuple(
    ".".join(["parlearn", *process.module.split(".")[:2]]) for process in PROCESSES.values()
)
NAMES = {*PROCESSES, *METHODS, *TARGETS}


def imported(tree) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("path", [*SCRIPTS, *MODULES], ids=lambda path: path.stem)
def test_no_process_model_is_imported_by_name(path):
    found = imported(ast.parse(path.read_text(encoding="utf-8")))
    assert [name for name in found if f"{name}.".startswith(tuple(f"{o}." for o in OF_ONE))] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_no_script_names_a_model_a_method_or_a_target(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    strings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert strings & NAMES == set()


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_no_rule_names_a_model_a_method_or_a_target(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"parlearn\.models\.(?!registry)", text)
    assert {*re.findall(r"\"([a-z0-9_]+)\"", text)} & NAMES == set()
