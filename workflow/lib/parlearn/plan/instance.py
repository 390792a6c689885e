"""One instance of the workflow, read whole: configuration, runs, figures, data sets, claims.

Imports nothing heavy, since the workflow reads it each time it is planned.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from parlearn.models.registry import PROCESSES
from parlearn.plan.claims import plan, read_claims
from parlearn.plan.config import check_config
from parlearn.plan.datasets import read_archives, read_datasets
from parlearn.plan.experiments import Run, model_of, preset, read_runs
from parlearn.plan.figures import read_figures
from parlearn.plan.methods import METHODS, NOTHING
from parlearn.plan.periods import days_of
from parlearn.plan.reading import ConfigError, read_yaml
from parlearn.plan.schema import not_among


class Instance(NamedTuple):
    """What the rules are made of; each field is what the function of its name gives.

    ``config`` of :func:`~parlearn.plan.config.check_config`, ``runs`` by name, ``figures`` that
    this configuration makes, files to retrieve (``datasets``) and products (``archives``), and
    ``claims`` with what answers each.
    """

    config: dict
    runs: dict[str, Run]
    figures: dict[str, dict]
    datasets: dict[str, dict[str, str]]
    archives: dict[str, dict[str, str]]
    claims: list[dict]


def read_instance(config: Mapping, files: Iterable, root) -> Instance:
    """The instance of a configuration, or ConfigError with file, key and remedy.

    Parameters
    ----------
    config : mapping, as Snakemake merged it
    files : that it was merged from
    root : folder of the project
    """
    files = [Path(file) for file in files]
    for file in files:
        # of a key that stands twice Snakemake took the last; a pipe can be read only once
        if file.is_file() and file.suffix != ".json":
            read_yaml(file)
    tables, name = Path(root) / "config", ", ".join(map(str, files))
    schemas = tables / "schemas"
    config = check_config(config, schemas, name, root)
    runs = read_runs(tables / "experiments.yaml", schemas, config)
    check_runs(runs, config, name)
    return Instance(
        config,
        runs,
        read_figures(tables / "figures.yaml", schemas, config, runs, root),
        read_datasets(tables / "datasets.csv", schemas),
        read_archives(tables / "datasets.csv", schemas),
        plan(read_claims(tables / "claims.yaml", schemas), runs, config),
    )


def check_runs(runs: Mapping[str, Run], config: Mapping, file) -> None:
    """Raise ConfigError with what in a configuration does not go with its runs.

    Parameters
    ----------
    runs : of :func:`~parlearn.plan.experiments.read_runs`
    file : the configuration's name, for messages
    """
    rerun = config.get("audit", {}).get("rerun", [])
    problems = [not_among("audit.rerun", name, runs) for name in rerun if name not in runs]
    process = PROCESSES[config["model"]["process"]]
    regional = [run.run for run in runs.values() if METHODS[run.method].family == "regional"]
    if regional and process.transfer is None:
        problems.append(
            f"run_set: {regional[0]} calibrates transfer functions, and {process.label} has none: "
            "choose another process or a set without it"
        )
    used = {(run.method, run.settings, run.period, run.parameter_set) for run in runs.values()}
    if "simulate" in config:
        pilot = config["simulate"]["pilot"]
        used.add((pilot["method"], pilot["settings"], pilot["period"], NOTHING))
    for name, settings, period, own in sorted(used):
        method, spans = METHODS[name], config["periods"]["train"]
        if method.settings is None:
            continue
        chosen = preset(method.settings, settings, name, config)
        days, parameters = days_of(spans[period]), len(model_of(config, own)["parameters"])
        problems += [
            f"settings.{method.settings}.{settings}.{key}, of {name} in {period}: {what}"
            for key, what in method.limits(chosen, days, parameters)
        ]
    if problems:
        raise ConfigError(file, problems)
