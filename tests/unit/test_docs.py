"""The pages: short where they must be, no dead link, commands that work, settings as they are."""

import importlib.util
import re
import subprocess
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from parlearn.learn import ganpo
from parlearn.learn.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "config" / "schemas"
PAGES = [
    ROOT / "README.md",
    ROOT / "config" / "README.md",
    ROOT / "results" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "resources").glob("*/README.md")),
]
OF_INSTANCES = [
    "config",
    "dpl",
    "source_archives",
    "source_camels",
    "source_caravan",
    "source_hydrodl",
    "source_vic5",
    "source_twin",
    "source_twin_basins",
]
#: settings of a learner that come with its run
OF_RUNS = {"observation_map", "targets"}


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"(?m)^(    .*|```[\s\S]*?```)$", "", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page, as GitHub and MkDocs both make them."""
    headings = re.findall(r"(?m)^#+ (.+)$", prose(page))
    kept = (re.sub(r"[^\w\s-]", "", heading.lower()).strip() for heading in headings)
    return {re.sub(r"\s+", "-", heading) for heading in kept}


def test_the_readme_is_read_in_minutes():
    assert len((ROOT / "README.md").read_bytes()) < 8000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert not dead, f"{page.relative_to(ROOT)} links to {', '.join(dead)}"


def test_every_page_is_in_the_navigation():
    nav = yaml.dump(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name in nav, f"mkdocs.yml does not name docs/{page.name}"


def test_targets_stand_before_the_option_that_takes_several_files():
    # snakemake --configfile FILE TARGET takes TARGET for one more file of settings
    wrong = re.compile(r"--configfile +\S+ +(?!config/|-)[a-z][\w/.]*(?!\S)")
    assert wrong.search("snakemake -c2 --configfile config/real.yaml tsai2021_fig4")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    texts = [
        ROOT / name
        for name in listed
        if name.endswith((".md", ".yaml", ".py", ".smk", "Snakefile", "Makefile", ".rst"))
        and not name.startswith("tests/")
    ]
    assert len(texts) > 100
    for path in texts:
        for line in path.read_text(encoding="utf-8").splitlines():
            command = re.split(r"[`#)]|  +", line.partition("snakemake ")[2])[0]
            assert not wrong.search(command), f"{path.relative_to(ROOT)}: {line.strip()}"


def keys(schema) -> set[str]:
    """All keys that a schema allows, at any depth."""
    if isinstance(schema, list):
        return set().union(*map(keys, schema))
    if not isinstance(schema, dict):
        return set()
    own = set(schema.get("properties", {}))
    return own.union(*(keys(value) for value in schema.values()))


@pytest.mark.parametrize("name", OF_INSTANCES)
def test_every_key_is_explained(name):
    schema = yaml.safe_load((SCHEMAS / f"{name}.schema.yaml").read_text(encoding="utf-8"))
    text = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", text))))
    assert keys(schema)
    assert not keys(schema) - named, "config/README.md does not explain these keys"


def learner_table(whose: str) -> dict[str, str]:
    """Settings of ``whose`` in config/README.md: name -> default, as text."""
    text = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    section = re.split(r"\n#{2,3} ", text.split(f"### Settings of {whose}")[1])[0]
    return dict(re.findall(r"(?m)^\| `(\w+)` \| ([^|]*?) *\|", section))


LEARNERS = {"learners": ("dpl", Settings), "GAN-PO": ("ganpo", ganpo.Settings)}


@pytest.mark.parametrize("whose", LEARNERS)
def test_settings_of_learners_are_those_of_the_page(whose):
    table, settings = learner_table(whose), LEARNERS[whose][1]
    known = {field.name: field for field in fields(settings) if field.name not in OF_RUNS}
    assert list(table) == list(known)
    for name, field in known.items():
        if field.default is MISSING:
            assert table[name] == "", name
        elif field.default is None:
            assert table[name] in ("all", "the training period", "never"), name
        else:
            assert table[name] == str(field.default), name


@pytest.mark.parametrize(
    ("schema", "settings", "name"),
    [
        (schema, settings, field.name)
        for schema, settings in LEARNERS.values()
        for field in fields(settings)
        if field.name not in OF_RUNS
    ],
)
def test_schema_and_library_take_the_same_settings(schema, settings, name):
    schema = yaml.safe_load((SCHEMAS / f"{schema}.schema.yaml").read_text(encoding="utf-8"))
    rule = schema["properties"][name]
    whole = rule.get("type") == "integer"
    tried = [-1, 0, 1, 2, 3] if whole else [-0.1, 0.0, 0.5, 1.0, 1.5]
    # others that it must be larger than
    larger = {"window": 32} if name == "batch" and settings is ganpo.Settings else {}
    for value in rule.get("enum", tried):
        accepted = Draft202012Validator(rule).is_valid(value)
        try:
            settings(**({"epochs": 1, "batch": 2} | larger | {name: value}))
            taken = True
        except ValueError:
            taken = False
        assert taken == accepted, f"{name}: {value}"


def test_tables_of_layers_are_those_of_the_networks():
    """docs/networks.md is what docs/layers.py writes."""
    spec = importlib.util.spec_from_file_location("layers", ROOT / "docs" / "layers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page()
