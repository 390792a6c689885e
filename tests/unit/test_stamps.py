"""Every script stamps what it writes."""

import ast
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow/scripts"
#: of these the outputs are the audit itself
UNSTAMPED = {"audit"}


def calls(script):
    """Names of functions that a script calls, with the number of their arguments."""
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            yield name, len(node.args) + len(node.keywords)


@pytest.mark.parametrize(
    "script",
    [s for s in sorted(SCRIPTS.glob("*.py")) if s.stem not in UNSTAMPED],
    ids=lambda script: script.stem,
)
def test_every_script_stamps_what_it_writes(script):
    called = [*calls(script)]
    names = [name for name, _ in called]
    assert "stamp" in names
    datasets = [number for name, number in called if name == "write"]
    assert datasets or "write_sidecar" in names
    # contracts.write(ds, path, kind, provenance)
    assert all(number == 4 for number in datasets)
    if {"write_table", "write_json", "write_text", "write_rows", "save", "save_network"} & {*names}:
        assert "write_sidecar" in names
