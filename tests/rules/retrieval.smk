# The rules of retrieval alone: what they read of the configuration, and nothing else of the workflow.

import os
import sys
from pathlib import Path

ROOT = Path(workflow.basedir).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "lib"))
os.environ.update(PYTHONPATH=str(ROOT / "workflow" / "lib"))

from parlearn.plan import archives, datasets
from parlearn.plan.digests import env_hash, source_hash

CONFIG, SOURCE = config, config["source"]
GRID = archives.archives_of(CONFIG)
SCHEMAS = ROOT / "config" / "schemas"
DATASETS = datasets.read_datasets(ROOT / "config" / "datasets.csv", SCHEMAS)
ARCHIVES = datasets.read_archives(ROOT / "config" / "datasets.csv", SCHEMAS)


def code(script):
    return source_hash(ROOT / "workflow" / "scripts" / f"{script}.py")


def env(name):
    return env_hash(ROOT / "envs" / f"{name}.yaml")


def growing(amount):
    return amount


pathvars:
    results=CONFIG["results"],
    study=f"<results>/{CONFIG['study']}",
    logs="<results>/logs",
    benchmarks="<results>/benchmarks",


include: "../../workflow/rules/retrieve.smk"
