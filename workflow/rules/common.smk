# Configuration, checked; the tables; and small helpers that the rules share.

import os
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.iocontainers import Wildcards

ROOT = Path(workflow.basedir)
# the library is found by this process and, through the environment, by every script
sys.path.insert(0, str(ROOT / "workflow" / "lib"))
os.environ.update(PYTHONPATH=str(ROOT / "workflow" / "lib"))

from parlearn.audit.choice import cheapest
from parlearn.plan import archives, catalogue
from parlearn.plan import claims as claim_table
from parlearn.plan import config as configuration
from parlearn.plan.digests import env_hash, source_hash
from parlearn.plan.targets import correctable
from parlearn.storage.provenance import settings

SCHEMAS = ROOT / "config" / "schemas"
try:
    CONFIG = configuration.check_config(
        config, SCHEMAS, ", ".join(map(str, workflow.configfiles)), ROOT
    )
    RUNS = catalogue.read_runs(ROOT / "config" / "runs.tsv", SCHEMAS, CONFIG)
    FIGURES = catalogue.read_figures(ROOT / "config" / "figures.yaml", SCHEMAS, CONFIG, RUNS, ROOT)
    DATASETS = catalogue.read_datasets(ROOT / "config" / "datasets.csv", SCHEMAS)
    ARCHIVES = catalogue.read_archives(ROOT / "config" / "datasets.csv", SCHEMAS)
    CLAIMS = claim_table.plan(
        claim_table.read_claims(ROOT / "config" / "claims.yaml", SCHEMAS), RUNS, CONFIG
    )
except configuration.ConfigError as error:
    raise WorkflowError(str(error)) from None

SOURCE = CONFIG["source"]
# grid and products, of a source that has such
GRID = archives.archives_of(CONFIG)
ROUNDS = CONFIG["simulate"]["rounds"]
BATCHES = CONFIG["simulate"]["batches"]
GPU = 0 if CONFIG["device"] == "cpu" else 1


def code(script):
    """Digest of a rule's script and of the library modules that it imports."""
    return source_hash(ROOT / "workflow" / "scripts" / f"{script}.py")


def env(name):
    """Digest of the environment of a rule: the same with conda as with .venv, where it is ignored."""
    return env_hash(ROOT / "envs" / f"{name}.yaml")


def in_report(result, **more):
    """Labels of a result in the report, which leaves out the page of studies where there is one."""
    return {"result": result, "study": CONFIG["study"], **more}


def runs_of(*methods):
    """Wildcard constraint: the runs of these methods, or nothing."""
    names = [name for name, run in RUNS.items() if run.method in methods]
    return "|".join(names) or "no_such_run"


# methods that train a parameter network by gradients
LEARNERS = [name for name, family in catalogue.METHODS.items() if family == "dpl"]


def settings_of(wildcards):
    """What decides the outcome of a run: its row without the label, its preset, its period."""
    return catalogue.identity(RUNS[wildcards.run], CONFIG)


def training_of(sampling):
    """What learners of a sampling read: the observations of the training periods, filled on demand."""
    return f"<study>/filled/{sampling}.nc" if "gap_filling" in CONFIG else "<study>/training.nc"


def training_file(wildcards):
    """What a run learns from."""
    return training_of(RUNS[wildcards.run].sampling)


def line_of(sampling, period):
    """The line between model and instrument that all methods of a sampling and period learn under."""
    return f"<study>/line/{sampling}/{period}.json"


def line_file(wildcards):
    """The line of a run; nothing where it has none, or one of each cell from its network."""
    run = RUNS[wildcards.run]
    return line_of(run.sampling, run.period) if run.observation_map == "domain" else []


def corrected():
    """Observed targets of the study that a line may apply to."""
    return correctable(name for name in catalogue.offered(CONFIG) if name != "truth")


def pilot_line(wildcards):
    """The line of the pilot, where its target has one."""
    pilot = catalogue.pilot_identity(CONFIG)
    has_one = correctable(pilot["targets"])
    return line_of(pilot["sampling"], pilot["period"]) if has_one else []


def calibration_batches(wildcards):
    """Number of jobs that share the cells of a run which is calibrated cell by cell."""
    return CONFIG.get("calibrate", {"batches": {}})["batches"].get(RUNS[wildcards.run].sampling, 1)


def surrogate_of(number):
    """Files of the surrogate of a round."""
    return [
        f"<study>/surrogate/round-{number}/{name}"
        for name in ("weights.safetensors", "scaler.json", "card.json")
    ]


def summary_files(wildcards):
    """Files that the summary of a figure reads."""
    return catalogue.figure_files(FIGURES[wildcards.figure], RUNS, CONFIG)


def summary_runs(wildcards):
    """Rows of the runs a figure shows, as far as the figure tells them apart."""
    figure = FIGURES[wildcards.figure]
    # a figure that reads no file of a run does not change with the runs
    return [catalogue.shown(RUNS[name]) for name in figure["runs"]] if figure["files"] else []


# state borders belong on maps of real places only, and there are those of CONUS
REAL_CONUS = SOURCE["name"] == "hydrodl" or SOURCE.get("weather") == "nldas"
BORDERS = ["resources/borders/conus.json"] if REAL_CONUS else []
CLAIM_FILES = claim_table.claim_files(CLAIMS, CONFIG)
TARGETS = sorted({path for paths in catalogue.targets(FIGURES).values() for path in paths})
