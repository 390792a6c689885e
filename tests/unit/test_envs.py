"""The conda environments: every spec can be read, pins what the lock pins, and serves its rules."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml
from rattler import MatchSpec

from parlearn.audit.choice import REDONE
from parlearn.models.registry import PROCESSES
from parlearn.plan.config import read_yaml
from parlearn.plan.digests import LIBRARY, env_hash, modules
from parlearn.plan.methods import METHODS
from parlearn.plan.surrogates import SURROGATES

ROOT = Path(__file__).resolve().parents[2]
ENVS = sorted((ROOT / "envs").glob("*.yaml"))
SCRIPTS = sorted((ROOT / "workflow/scripts").glob("*.py"))
REGISTRY = LIBRARY / "models/registry.py"

#: name with conda -> name in the lock
NAMES = {"pytorch-cpu": "torch", "pytorch-gpu": "torch", "matplotlib-base": "matplotlib"}
#: not from PyPI, and so not in the lock
OTHERS = {"python", "cxx-compiler"}
#: import -> package with conda; others bear the name of their import
PACKAGES = {"yaml": "pyyaml", "torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}
#: needed where a module is imported, without being imported itself
BESIDES = {"xarray": "netcdf4", "parlearn/models/fuse/build.py": "cxx-compiler"}


def specs(path) -> list[str]:
    return yaml.safe_load(path.read_text())["dependencies"]


def names(env) -> set[str]:
    """Packages of an environment; the build of PyTorch for GPUs serves as the other one does."""
    found = {MatchSpec(spec).name.normalized for spec in specs(ROOT / "envs" / f"{env}.yaml")}
    return {name.replace("pytorch-gpu", "pytorch-cpu") for name in found}


def locked():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {name.lower(): version for name, version in pairs}


def rules():
    """Name of each rule's script, or of what stands for it, and the text of the rule."""
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for text in re.split(r"^ *rule *\w*:$", path.read_text(), flags=re.M)[1:]:
            if code := re.search(r'code=(?:lambda wildcards: )?code\(\s*"?(\w+)', text):
                yield code[1], text


@cache
def env_of_scripts() -> dict[str, str]:
    """Script -> environment of its rule."""
    return {name: re.search(r"envs/(\w+)\.yaml", text)[1] for name, text in rules()}


@cache
def named_modules(script) -> list[str]:
    """Modules that a script imports by the names in a registry or in the figures' entries."""
    room = {"summarise_figure": "summarise", "draw_figure": "plots"}.get(script.stem)
    figures = read_yaml(ROOT / "config/figures.yaml") if room else {}
    named = {f"{room}.{figure['module']}" for figure in figures.values()}
    if script.stem in ("learn_dpl", "learn_pilot"):
        named |= {method.module for method in METHODS.values() if method.module}
    # claims and audit look up what a model is, and open none
    if script.stem not in ("answer_claims", "audit") and REGISTRY in modules(script, *named):
        named |= {process.module for process in PROCESSES.values()}
        named |= {kind.module for kind in SURROGATES.values()}
    if script.stem == "train_surrogate":
        named |= {kind.fitted_by for kind in SURROGATES.values()}
    return sorted(named)


def imported(path) -> set[str]:
    """First names of what a file imports anywhere in it, beyond the standard library."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - {"parlearn"}


@cache
def needs(script) -> set[str]:
    """Packages, by their names with conda, that a script needs, through the library as well."""
    read = modules(script, *named_modules(script))
    files = [script, *(path for path in read if path.suffix == ".py")]
    marks = set().union(*map(imported, files))
    found = {PACKAGES.get(name, name.lower()) for name in marks}
    marks |= {path.relative_to(LIBRARY.parent).as_posix() for path in files[1:]}
    found |= {package for mark, package in BESIDES.items() if mark in marks}
    # what it runs again in its own process
    again = (*REDONE, "evaluate_run") if script.stem == "audit_rerun" else ()
    return found.union(*(needs(script.with_stem(name)) for name in again))


def test_lock_pins_exactly_and_names_no_build():
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line), line


@pytest.mark.parametrize("path", ENVS, ids=lambda p: p.stem)
def test_every_spec_is_one_that_conda_reads(path):
    content = yaml.safe_load(path.read_text())
    assert set(content) == {"channels", "dependencies"}
    # conda would lay channels of the user's own configuration under these
    assert content["channels"] == ["conda-forge", "nodefaults"]
    for spec in content["dependencies"]:
        assert MatchSpec(spec, strict=True).name is not None
    assert len({MatchSpec(s).name.normalized for s in specs(path)}) == len(specs(path))


@pytest.mark.parametrize("path", ENVS, ids=lambda p: p.stem)
def test_pins_agree_with_the_lock(path):
    for spec in specs(path):
        name, _, version = spec.partition("=")
        if name not in OTHERS:
            assert locked()[NAMES.get(name, name)] == version, spec


def test_every_rule_names_an_env_that_is_there_and_carries_its_digest():
    found = list(rules())
    assert len(found) > 25
    for name, text in found:
        env = re.search(r'^ +conda:\n +"\.\./\.\./envs/(\w+)\.yaml"$', text, re.M)
        assert env, f"{name}: no conda"
        assert ROOT / "envs" / f"{env[1]}.yaml" in ENVS, f"{name}: no such environment"
        assert re.findall(r'env=env\("(\w+)"\)', text) == [env[1]], f"{name}: digest of another"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_env_of_a_rule_has_all_that_its_script_imports(script):
    assert needs(script) <= names(env_of_scripts()[script.stem])


def test_modules_that_figures_name_are_looked_at():
    named = {script.stem: len(named_modules(script)) for script in SCRIPTS}
    assert named["summarise_figure"] == named["draw_figure"] > 10
    assert named["learn_dpl"] == named["learn_pilot"] > 0
    # a summary draws nothing, and a drawing opens no file of a run
    scripts = {script.stem: script for script in SCRIPTS}
    assert "matplotlib-base" not in needs(scripts["summarise_figure"])
    assert not {"pytorch-cpu", "xarray"} & needs(scripts["draw_figure"])


@pytest.mark.parametrize("path", ENVS, ids=lambda p: p.stem)
def test_no_env_has_what_no_rule_of_it_imports(path):
    users = [script for script in SCRIPTS if env_of_scripts()[script.stem] == path.stem]
    assert names(path.stem) == {"python"}.union(*map(needs, users))


def test_gpu_rules_get_the_build_for_gpus_and_no_others():
    gpu = {env_of_scripts()[name] for name, text in rules() if re.search(r"^ +gpu=", text, re.M)}
    assert gpu == {"torch"}
    for path in ENVS:
        built = {spec.split("=")[0] for spec in specs(path) if spec.startswith("pytorch")}
        assert built <= {"pytorch-gpu" if path.stem in gpu else "pytorch-cpu"}


def test_digest_of_an_env_is_of_its_packages(tmp_path):
    path = tmp_path / "env.yaml"

    def digest(text):
        path.write_text(text)
        return env_hash(path)

    first = digest("dependencies:\n  - python=3.11\n")
    assert digest("# a comment\ndependencies: [python=3.11]\n") == first
    assert digest("dependencies:\n  - python=3.12\n") != first
