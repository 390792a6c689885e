# Configuration, checked; the tables; and small helpers that the rules share.

import os
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.iocontainers import InputFiles, OutputFiles, Wildcards

# two folders above this file, whichever Snakefile reads it
ROOT = Path(str(workflow.current_basedir)).parents[1]
# the library is found by this process and, through the environment, by every script
sys.path.insert(0, str(ROOT / "workflow" / "lib"))
os.environ.update(PYTHONPATH=str(ROOT / "workflow" / "lib"))
# the logger plugin has read --configfile with the library that is installed, another clone's maybe
for name in [name for name in sys.modules if name.partition(".")[0] == "parlearn"]:
    del sys.modules[name]

from parlearn.audit.choice import REDONE, cheapest
from parlearn.plan import archives, basins, datasets, experiments, figures, methods, program
from parlearn.plan import surrogates, users
from parlearn.plan import claims as claim_table
from parlearn.models.registry import PROCESSES, twin_of
from parlearn.plan.digests import LIBRARY, env_hash, modules, source_hash
from parlearn.plan.instance import read_instance
from parlearn.plan.methods import METHODS
from parlearn.plan.periods import record_of
from parlearn.plan.places import OF_USERS, is_twin, kind_of_data, observed
from parlearn.plan.reading import ConfigError
from parlearn.plan.targets import correctable
from parlearn.storage.provenance import settings

# tables and archives are found, and the audit asks git, from the working folder
if not ROOT.samefile(Path.cwd()):
    raise WorkflowError(
        f"{Path.cwd()} is not the folder of the workflow, {ROOT}, and it works only there: leave out "
        "-d (--directory), or clone it where you may write (git clone), and let the key results name "
        "the folder where its files shall lie"
    )

try:
    CONFIG, RUNS, FIGURES, DATASETS, ARCHIVES, CLAIMS = read_instance(
        config, workflow.configfiles, ROOT
    )
except ConfigError as error:
    raise WorkflowError(str(error)) from None

SOURCE = CONFIG["source"]
# grid and products, of a source that has such
GRID = archives.archives_of(CONFIG)
# how basins are read, of a source that has such
BASINS = basins.basins_of(CONFIG, record_of(SOURCE))
# periods that runs are scored in beside their own training period
WITHHELD = {name: span for name, span in CONFIG["periods"].items() if name != "train"}
# what training.nc holds: the training periods, and the years on which some methods choose
LEARNED_FROM = CONFIG["periods"]["train"] | {
    name: span for name, span in WITHHELD.items() if name != "test"
}
# what decides a model's answer; which of its simulations are scored does not
MODEL = experiments.model_of(CONFIG)
PROCESS = PROCESSES[MODEL["process"]]
# the model in another implementation, which should answer the same
TWIN = twin_of(PROCESS)
# a program of the user's, told to the jobs, and what a job needs that runs it
os.environ.update(program.surroundings(PROCESS, CONFIG["model"], ROOT))
CORES, BESIDES = program.cores(CONFIG["model"]), program.memory_mb(CONFIG["model"])
# what heads every figure and table; a model that goes beyond the published one is named there
CALLED = PROCESS.called(MODEL["parameters"])
HEAD = CONFIG["data"] if CALLED == PROCESS.label else f"{CONFIG['data']}, {CALLED}"
# a study may do without a surrogate: it has no round of samples then
ROUNDS = CONFIG["simulate"]["rounds"] if "simulate" in CONFIG else 0
# of the kinds of surrogates the first serves all methods, and the pilot between rounds
KINDS = surrogates.surrogates_of(CONFIG)
FIRST = next(iter(KINDS), None)
GPU = 0 if CONFIG["device"] == "cpu" else 1


# asked for by every job of a rule whose module is named by its run
@cache
def code(script, *named):
    """Digest of a rule's script and of the library modules that it imports, or loads by name."""
    path = ROOT / "workflow" / "scripts" / f"{script}.py"
    # what opens the study's process model loads its module by the name in the registry
    opens = LIBRARY / "models" / "registry.py" in modules(path, *named)
    models = [p.module for p in (PROCESS, TWIN if script == "check_backends" else None) if p]
    return source_hash(path, *named, *(models if opens else []))


def env(name):
    """Digest of the environment of a rule: the same with conda as with .venv, where it is ignored."""
    return env_hash(ROOT / "envs" / f"{name}.yaml")


def in_report(result, **more):
    """Labels of a result in the report, which leaves out the page of studies where there is one."""
    return {"result": result, "study": CONFIG["study"], **more}


def runs_by(rule):
    """Names of the runs whose parameters a rule makes; those of ensembles are joined."""
    return [
        name
        for name, run in RUNS.items()
        if run.method in methods.made_by(rule) and not run.ensemble
    ]


def only_by(rule):
    """Wildcard constraint: the runs whose parameters a rule makes, or nothing."""
    return "|".join(runs_by(rule)) or "no_such_run"


def settings_of(wildcards):
    """What decides the outcome of a run: its row, its preset, its period."""
    return experiments.identity(RUNS[wildcards.run], CONFIG)


def training_of(sampling):
    """What learners of a sampling read: the observations of the training periods, filled on demand."""
    return f"<study>/filled/{sampling}.nc" if "gap_filling" in CONFIG else "<study>/training.nc"


def training_file(wildcards):
    """What a run learns from."""
    return training_of(RUNS[wildcards.run].sampling)


def model_of(wildcards):
    """The model as a run has it: with its own parameters, where it has such."""
    return experiments.model_of(CONFIG, RUNS[wildcards.run].parameter_set)


def line_of(sampling, period, parameter_set=methods.NOTHING):
    """The line between model and instrument that all methods of a sampling and period learn under."""
    own = "" if parameter_set == methods.NOTHING else f"_{parameter_set}"
    return f"<study>/line/{sampling}/{period}{own}.json"


def line_file(wildcards):
    """The line of a run; nothing where it has none, or one of each cell from its network."""
    run = RUNS[wildcards.run]
    has_one = run.observation_map == "domain"
    return line_of(run.sampling, run.period, run.parameter_set) if has_one else []


def corrected():
    """Observed targets of the study that a line may apply to."""
    return correctable(observed(CONFIG))


def pilot_line(wildcards):
    """The line of the pilot, where its target has one."""
    pilot = experiments.pilot_identity(CONFIG)
    has_one = correctable(pilot["targets"])
    return line_of(pilot["sampling"], pilot["period"]) if has_one else []


def calibration_batches(wildcards):
    """Number of jobs that share the cells of a run which is calibrated cell by cell."""
    return CONFIG.get("calibrate", {"batches": {}})["batches"].get(RUNS[wildcards.run].sampling, 1)


def surrogate_of(number, kind=FIRST):
    """Files of the surrogate of a round and kind."""
    return [
        f"<study>/{kind}/round-{number}/{name}"
        for name in ("weights.safetensors", "scaler.json", "card.json")
    ]


def opened(kind):
    """Modules that a job loads by name where it opens a surrogate of this kind."""
    return [surrogates.SURROGATES[kind].module] if kind in KINDS else []


def opened_by(wildcards):
    """Modules that the learning of a run loads by name, beside those of its method."""
    return opened(RUNS[wildcards.run].model)


def learned_through(wildcards):
    """Files of the surrogate that a run learned through; none where it did without."""
    through = RUNS[wildcards.run].model
    return surrogate_of(ROUNDS, through) if through in KINDS else []


def shown_by(wildcards):
    """The kind of surrogate that simulates a run: its own, of other runs the first; none without."""
    through = RUNS[wildcards.run].model
    return through if through in KINDS else FIRST


def summary_files(wildcards):
    """Files that the summary of a figure reads."""
    return figures.figure_files(FIGURES[wildcards.figure], RUNS, CONFIG)


def summary_runs(wildcards):
    """Rows of the runs a figure shows, as far as the figure tells them apart."""
    figure = FIGURES[wildcards.figure]
    # a figure that reads no file of a run does not change with the runs
    return [figures.shown(RUNS[name]) for name in figure["runs"]] if figure["files"] else []


def summary_target(wildcards):
    """What the runs of a figure were trained on, the first of several targets."""
    return RUNS[FIGURES[wildcards.figure]["runs"][0]].targets[0]


# state borders belong on maps of real places only, and there are those of CONUS
REAL_CONUS = SOURCE["name"] in ("hydrodl", "camels") or SOURCE.get("weather") == "nldas"
BORDERS = ["resources/borders/conus.json"] if REAL_CONUS else []
CLAIM_FILES = claim_table.claim_files(CLAIMS, CONFIG)
TARGETS = sorted({path for paths in figures.targets(FIGURES).values() for path in paths})
