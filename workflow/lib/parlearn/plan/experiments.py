"""Experiments: the runs of a configuration, and what decides the outcome of each.

Imports nothing heavy, since the workflow reads it each time it is planned.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

from parlearn.models.assembly import assembly_of
from parlearn.models.registry import PROCESSES
from parlearn.models.routing.parameters import OUTPUTS as OF_ROUTING
from parlearn.plan.methods import METHODS, NOTHING
from parlearn.plan.places import observed
from parlearn.plan.program import program_of
from parlearn.plan.reading import ConfigError, read_yaml
from parlearn.plan.schema import check_schema, guess, listed
from parlearn.plan.surrogates import SURROGATES
from parlearn.plan.targets import TARGETS

#: key of a configuration's model that holds further sets of parameters
SETS = "parameter_sets"
#: names of runs, as the rules take them
NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Run:
    """One run: all that decides its outcome, by the names that the configuration has for it."""

    run: str
    study: str
    method: str
    model: str
    sampling: str
    period: str
    targets: tuple[str, ...]
    observation_map: str
    seed: int
    settings: str
    parameter_set: str = NOTHING
    #: of an ensemble: the runs of its seeds, whose simulations are averaged
    members: tuple[str, ...] = ()

    @property
    def ensemble(self) -> bool:
        return bool(self.members)


def read_runs(path, schemas, config: Mapping) -> dict[str, Run]:
    """The runs of the set that the configuration asks for (``run_set``), by name.

    However a set is written down, their order is the same: first what is not trained; then by seed,
    by sampling and period as the configuration lists them, by method as the registry does.

    Parameters
    ----------
    path : of the experiments
    schemas : folder of the schemas
    config : of :func:`parlearn.plan.config.check_config`

    Raises
    ------
    ConfigError with every mistake in the experiments, and all that the set asks for and the
    configuration lacks.
    """
    experiments = read_yaml(path)
    check_schema(experiments, Path(schemas) / "experiments.schema.yaml", path)
    if problems := [*_variant_problems(experiments), *_reference_problems(experiments)]:
        raise ConfigError(path, problems)
    sets = {name: expand(experiments, name) for name in experiments["sets"]}
    problems = [*_name_problems(sets)]
    wanted = config["run_set"]
    if wanted in sets:
        problems += _set_problems(experiments, wanted, config)
    else:
        problems.append(
            f"sets: there is no {wanted!r}{guess(wanted, sets)}, which the configuration asks for "
            f"(run_set); there are {listed(sets)}"
        )
    if problems:
        raise ConfigError(path, problems)
    return {run.run: run for run in sorted(sets[wanted], key=lambda run: _place(run, config))}


def expand(experiments: Mapping, name: str) -> list[Run]:
    """The runs of a set: of each entry all variants x samplings x periods x seeds.

    A baseline, which draws nothing at random, has the first of the seeds alone. Of an entry that
    asks for it, the ensemble of the seeds of each comes last.
    """
    chosen, runs = experiments["sets"][name], []
    for entry in chosen["runs"]:
        template = entry.get("name", experiments["name"])
        for sampling, period, label in product(
            entry["samplings"], entry["periods"], entry["variants"]
        ):
            variant = chosen | experiments["variants"][label]
            trained = METHODS[variant["method"]].trained
            words = {"variant": label, "sampling": sampling}
            words["period"] = experiments["periods"].get(period, period)
            pattern = template if trained else template.replace("_{seed}", "")
            of_seeds = [
                Run(
                    run=pattern.format(**words, seed=seed),
                    study=chosen["study"],
                    method=variant["method"],
                    model=variant.get("model", NOTHING),
                    sampling=sampling,
                    period=period,
                    targets=tuple(variant["targets"]),
                    observation_map=variant["observation_map"],
                    seed=seed,
                    settings=variant.get("settings", NOTHING),
                    parameter_set=variant.get("parameter_set", NOTHING),
                )
                for seed in (entry["seeds"] if trained else entry["seeds"][:1])
            ]
            runs += of_seeds
            if trained and entry.get("ensemble"):
                together = pattern.format(**words, seed="ensemble")
                members = tuple(run.run for run in of_seeds)
                runs.append(replace(of_seeds[0], run=together, members=members))
    return runs


def _place(run: Run, config) -> tuple:
    method = METHODS[run.method]
    return (
        method.trained,
        run.seed,
        [*config["samplings"]].index(run.sampling),
        [*config["periods"]["train"]].index(run.period),
        [*METHODS].index(run.method),
        method.models.index(run.model),
        run.parameter_set,
        run.ensemble,
    )


def model_of(config: Mapping, parameter_set: str = NOTHING) -> dict:
    """What decides a model's answer: the configuration's, with one of its sets of parameters."""
    judged = ("simulate_with", SETS, "program")
    model = {k: v for k, v in config["model"].items() if k not in judged} | program_of(config)
    if parameter_set != NOTHING:
        model["parameters"] = config["model"][SETS][parameter_set]
    return model


def row(run: Run) -> dict[str, str]:
    """A run as a row of the table that the results have: column -> text."""
    columns = asdict(run) | {"targets": ",".join(run.targets)}
    columns["members"] = ",".join(run.members) or NOTHING
    return {column: str(value) for column, value in columns.items()}


def identity(run: Run, config: Mapping) -> dict:
    """What decides the outcome of a run, and nothing else: no name, no budget of others."""
    part = METHODS[run.method].settings
    return {
        "method": run.method,
        "model": run.model,
        "sampling": run.sampling,
        "period": run.period,
        "span": config["periods"]["train"][run.period],
        "targets": list(run.targets),
        "observation_map": run.observation_map,
        "seed": run.seed,
        "settings": preset(part, run.settings, run.method, config) if part else {},
    } | (
        {"validation": config["periods"]["validate"]}
        if "validation" in METHODS[run.method].reads and "validate" in config["periods"]
        else {}
    )


def pilot_identity(config: Mapping) -> dict:
    """Settings of the learner that shows between rounds where the surrogate needs samples."""
    pilot = config["simulate"]["pilot"]
    part = METHODS[pilot["method"]].settings
    return {
        **pilot,
        "targets": observed(config)[:1],
        "span": config["periods"]["train"][pilot["period"]],
        "settings": preset(part, pilot["settings"], pilot["method"], config),
    }


def preset(part: str, name: str, method: str, config: Mapping) -> dict:
    """Settings of a name for a method, over those of the paper's preset they may ask for.

    ``part`` of the configuration's ``settings`` that the method reads.
    """
    settings = dict(config["settings"][part][name])
    paper = settings.pop("preset", None)
    return {**(config["presets"][paper][method] if paper else {}), **settings}


def _variant_problems(experiments) -> Iterator[str]:
    """What is wrong with variants in any configuration, a sentence each."""
    for label, variant in experiments["variants"].items():
        key = f"variants.{label}"
        yield from _target_problems(key, variant.get("targets", []))
        name = variant["method"]
        if name not in METHODS:
            yield (
                f"{key}.method: {name!r} is unknown{guess(name, METHODS)}; there are "
                f"{listed(METHODS)}"
            )
            continue
        model, models = variant.get("model", NOTHING), METHODS[name].models
        if model not in models:
            yield (
                f"{key}.model: {model!r} does not go with method {name}; choose from "
                f"{listed(models)}"
            )
        if METHODS[name].settings is None and "settings" in variant:
            yield f"{key}.settings: method {name} has none: take the key out"


def _target_problems(key, targets) -> Iterator[str]:
    for target in targets:
        if target not in TARGETS:
            yield (
                f"{key}.targets: {target!r} is unknown{guess(target, TARGETS)}; choose from "
                f"{listed(TARGETS)}"
            )


def _reference_problems(experiments) -> Iterator[str]:
    """What sets name and the file does not have."""
    known = experiments["variants"]
    for name, chosen in experiments["sets"].items():
        yield from _target_problems(f"sets.{name}", chosen["targets"])
        for k, entry in enumerate(chosen["runs"]):
            for label in entry["variants"]:
                if label not in known:
                    yield (
                        f"sets.{name}.runs[{k}].variants: {label!r} is not defined"
                        f"{guess(label, known)}; there are {listed(known)} under variants"
                    )
            if entry.get("ensemble") and len(entry["seeds"]) < 2:
                yield (
                    f"sets.{name}.runs[{k}].ensemble: one seed makes none: give seeds two or more, "
                    "or take the key out"
                )


def _name_problems(sets) -> Iterator[str]:
    """Names that no rule takes, that two runs of a set share, or that differ between sets."""
    first: dict[str, tuple[str, Run]] = {}
    for name, runs in sets.items():
        names = [run.run for run in runs]
        for run in dict.fromkeys(names):
            if names.count(run) > 1:
                yield f"run {run!r} stands twice in the set {name}: take one out or rename it"
            if not NAME.fullmatch(run):
                yield f"run {run!r} of the set {name}: must be small letters, digits and _"
        for run in runs:
            where, other = first.setdefault(run.run, (name, run))
            if other != run and where != name:
                yield (
                    f"run {run.run!r} is not the same in the sets {where} and {name}: name one of "
                    "them otherwise (name)"
                )


def _set_problems(experiments, name, config) -> Iterator[str]:
    """What a set asks for and the configuration lacks, a sentence each."""
    chosen = experiments["sets"][name]
    if chosen["study"] != config["study"]:
        yield (
            f"sets.{name}.study: {chosen['study']!r} is not the configuration's study "
            f"{config['study']!r}"
        )
    for k, entry in enumerate(chosen["runs"]):
        for key, known, where in (
            ("samplings", config["samplings"], "samplings"),
            ("periods", config["periods"]["train"], "periods.train"),
        ):
            for value in entry[key]:
                if value not in known:
                    yield _undefined(f"sets.{name}.runs[{k}].{key}", value, known, where)
    yield from _simulated_problems(f"sets.{name}.targets", chosen["targets"], config)
    for label in dict.fromkeys(label for entry in chosen["runs"] for label in entry["variants"]):
        own = experiments["variants"][label].get("targets", [])
        yield from _simulated_problems(f"variants.{label}.targets", own, config)
        yield from _settings_problems(label, experiments["variants"][label], config)
        variant = experiments["variants"][label]
        yield from _model_problems(label, variant, config)
        correction = variant.get("observation_map", chosen["observation_map"])
        if correction == "network" and METHODS[variant["method"]].family != "network":
            yield (
                f"variants.{label}: observation_map network is a linear correction of each cell "
                f"from a network, and {variant['method']} has none: give it none or domain"
            )


def _simulated_problems(key, targets, config) -> Iterator[str]:
    """Targets that the configuration's model does not give."""
    model = assembly_of(config["model"])
    for target in targets:
        if target in TARGETS and target not in model.targets:
            remedy = "choose another target or process"
            if target in OF_ROUTING and model.process.drains:
                remedy = "give model.routing"
            yield f"{key}: {model.process.label} gives no {target}: {remedy}"


def _model_problems(label, variant, config) -> Iterator[str]:
    """A method and the models of the configuration that do not go together."""
    method, key = METHODS[variant["method"]], f"variants.{label}"
    model, process = variant.get("model", NOTHING), PROCESSES[config["model"]["process"]]
    chosen, known = variant.get("parameter_set"), config["model"].get(SETS, {})
    if chosen is not None and chosen not in known:
        yield _undefined(f"{key}.parameter_set", chosen, known, f"model.{SETS}")
    elif chosen is not None and model in SURROGATES:
        yield (
            f"{key}.parameter_set: the surrogate knows model.parameters alone: let it learn "
            "through the process model"
        )
    if model in SURROGATES and model not in config["model"]["simulate_with"]:
        yield (
            f"{key}.model: the configuration has no {model} (model.simulate_with): let it learn "
            "through the process model or add one"
        )
    if method.family == "regional" and process.transfer is None:
        yield (
            f"{key}.method: {process.label} has no transfer functions: take a method that needs "
            "none"
        )
    direct = model not in (NOTHING, *SURROGATES)
    if direct and method.family == "network" and not process.differentiable:
        yield (
            f"{key}.model: no gradient passes through {process.label}: let it learn through the "
            "surrogate"
        )


def _settings_problems(label, variant, config) -> Iterator[str]:
    method, key = METHODS[variant["method"]], f"variants.{label}.settings"
    if method.settings is None:
        return
    known, name = config["settings"].get(method.settings, {}), variant.get("settings", NOTHING)
    if name not in known:
        yield _undefined(key, name, known, f"settings.{method.settings}")
        return
    paper = known[name].get("preset")
    if paper and method.name not in config["presets"][paper]:
        yield (
            f"{key}: the preset {paper} of config/presets.yaml has none for {method.name}; it has "
            f"{listed(config['presets'][paper])}"
        )


def _undefined(key, value, known, where) -> str:
    return (
        f"{key}: {value!r} is not defined{guess(value, known)}; the configuration has "
        f"{listed(known)} under {where}: add it there or change the experiments"
    )
