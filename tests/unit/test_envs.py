"""The conda environments pin what the lock pins."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
#: name with conda -> name in the lock
NAMES = {"pytorch": "torch"}
#: not from PyPI
OTHERS = {"python", "cxx-compiler"}


def locked():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {name.lower(): version for name, version in pairs}


def test_lock_pins_exactly_and_names_no_build():
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line), line


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda p: p.stem)
def test_pins_agree_with_the_lock(path):
    for spec in yaml.safe_load(path.read_text())["dependencies"]:
        name, _, version = spec.partition("=")
        if name not in OTHERS:
            assert locked()[NAMES.get(name, name)] == version, spec
