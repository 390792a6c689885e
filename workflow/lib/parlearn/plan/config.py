"""Checking an instance's configuration before anything runs.

Imports nothing heavy, since the workflow reads it each time it is planned. All problems of a file
are reported at once, each with file, key and remedy. What depends on the runs as well stands in
:mod:`parlearn.plan.instance`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from parlearn.models.assembly import known_parameters
from parlearn.models.registry import PROCESSES
from parlearn.plan.domains import DESCRIBED, DOMAINS, describes
from parlearn.plan.experiments import SETS
from parlearn.plan.folders import results_problems
from parlearn.plan.methods import METHODS, made_by, settings_parts
from parlearn.plan.periods import period_problems, window_problems
from parlearn.plan.program import program_problems
from parlearn.plan.reading import ConfigError, plain, read_yaml
from parlearn.plan.schema import check_schema, guess, listed, not_among, not_defined, unknown_key
from parlearn.plan.source import most_cells, most_sampled, sampling_problems, source_problems
from parlearn.plan.surrogates import SURROGATES, surrogates_of


def check_config(config: Mapping, schemas, file, root=".") -> dict:
    """The configuration, checked as far as it can be without the tables.

    Parameters
    ----------
    config : mapping, as Snakemake merged it
    schemas : folder of the schemas
    file : the configuration's name, for messages
    root : folder that relative paths start from
    """
    config = plain(config)
    schemas = Path(schemas)
    check_schema(config, schemas / "config.schema.yaml", file)
    name = config["source"]["name"]
    check_schema(config["source"], schemas / f"source_{name}.schema.yaml", file, under="source")
    config["presets"] = read_presets(schemas.parent / "presets.yaml", schemas)
    problems = [
        *results_problems(config["results"], root),
        *source_problems(config, root),
        *_model_problems(config, root),
        *period_problems(config),
        *window_problems(config),
        *sampling_problems(config),
        *_settings_problems(config, schemas, file),
        *_pilot_problems(config),
        *_name_problems(config),
    ]
    # sizes are counted against samplings and cells that are right
    if problems := problems or [*_size_problems(config)]:
        raise ConfigError(file, problems)
    return config


def read_presets(path, schemas) -> dict:
    """Settings of methods as papers print them: preset -> method -> settings."""
    presets = read_yaml(path)
    known = [name for name, method in METHODS.items() if method.settings]
    for name, methods in presets.items():
        for method, settings in methods.items():
            if method not in known:
                raise ConfigError(path, [not_among(f"{name}.{method}", method, known)])
            schema = Path(schemas) / f"{METHODS[method].settings}.schema.yaml"
            check_schema(settings, schema, path, f"{name}.{method}")
    return presets


def _settings_problems(config, schemas, file) -> Iterator[str]:
    """What is wrong with the settings of methods: parts, names, presets that they ask for."""
    parts, presets = settings_parts(), config["presets"]
    for part, named in config["settings"].items():
        if part not in parts:
            yield unknown_key("settings", part, parts)
            continue
        for name, settings in named.items():
            key = f"settings.{part}.{name}"
            paper = settings.get("preset")
            if paper is not None and paper not in presets:
                yield not_among(f"{key}.preset", paper, presets)
                continue
            own = {k: v for k, v in settings.items() if k != "preset"}
            # what a preset gives need not be there
            printed = presets[paper] if paper else {}
            given = next((s for m, s in printed.items() if METHODS[m].settings == part), {})
            try:
                check_schema({**given, **own}, schemas / f"{part}.schema.yaml", file, under=key)
            except ConfigError as error:
                yield from error.problems


def _model_problems(config, root) -> Iterator[str]:
    model = config["model"]
    if model["process"] not in PROCESSES:
        yield (
            f"model.process: {model['process']!r} is unknown{guess(model['process'], PROCESSES)}; "
            f"there are {listed(PROCESSES)}"
        )
        return
    process = PROCESSES[model["process"]]
    source = config["source"]["name"]
    if not describes(source, process.domain):
        yield (
            f"model.process: {process.label} needs {DOMAINS[process.domain]} of each unit, and the "
            f"source {source} describes {DOMAINS[DESCRIBED[source]]} alone: choose another process "
            "or source"
        )
    yield from _assembly_problems(model, process)
    yield from program_problems(process, model, root)
    if "process" not in model["simulate_with"]:
        yield "model.simulate_with: has no process: every run is judged by it, so add it"
    wanted = surrogates_of(config)
    if wanted and [*SURROGATES][0] not in wanted:
        yield (
            f"model.simulate_with: has {listed(wanted)} and no surrogate, by which all other "
            "methods learn and the pilot finds its way: add it"
        )
    for key in ("simulate", *SURROGATES):
        name = "surrogate" if key == "simulate" else key
        if name in wanted and key not in config:
            yield (
                f"{key}: is missing, and model.simulate_with asks for a {name}: add the key or "
                f"take {name} out there"
            )
        if name not in wanted and key in config:
            yield (
                f"{key}: nothing uses it, since model.simulate_with asks for no {name}: take it "
                f"out or add {name} there"
            )


def _assembly_problems(model, process) -> Iterator[str]:
    """Parameters, options and routing that the process model does not have."""
    known = [parameter.name for parameter in known_parameters(process, model.get("routing"))]
    sets = {f"model.{SETS}.{name}": names for name, names in model.get(SETS, {}).items()}
    for key, names in ({"model.parameters": model["parameters"]} | sets).items():
        for name in names:
            if name not in known:
                yield (
                    f"{key}: {process.label} has no parameter {name!r}{guess(name, known)}; "
                    f"it has {listed(known)}"
                )
        if not {*names} & {parameter.name for parameter in process.parameters}:
            yield f"{key}: names none of {process.label} itself: add one"
    for name, value in model.get("options", {}).items():
        if name not in process.options:
            yield (
                f"model.options.{name}: {process.label} has no such option; it has "
                f"{listed(process.options) or 'none'}"
            )
        elif value not in process.options[name]:
            yield (
                f"model.options.{name}: {value!r} is none of {listed(process.options[name])}: "
                "choose one of them"
            )
    if model.get("routing") and not process.drains:
        yield f"model.routing: {process.label} has no water to route: take the key out"


def _pilot_problems(config) -> Iterator[str]:
    if "simulate" not in config:
        return
    pilot = config["simulate"]["pilot"]
    methods = made_by("learn_dpl")
    if pilot["method"] not in methods:
        yield not_among("simulate.pilot.method", pilot["method"], methods)
        return
    part = METHODS[pilot["method"]].settings
    named = config["settings"].get(part, {})
    for key, known, where in (
        ("sampling", config["samplings"], "samplings"),
        ("period", config["periods"]["train"], "periods.train"),
        ("settings", named, f"settings.{part}"),
    ):
        if pilot[key] not in known:
            yield not_defined(f"simulate.pilot.{key}", pilot[key], known, where)
    paper = named.get(pilot["settings"], {}).get("preset")
    if paper in config["presets"] and pilot["method"] not in config["presets"][paper]:
        yield (
            f"simulate.pilot.settings: the preset {paper} of config/presets.yaml has none for "
            f"{pilot['method']}; it has {listed(config['presets'][paper])}"
        )


def _name_problems(config) -> Iterator[str]:
    """Names of samplings and periods that are used and not defined."""
    samplings, periods = config["samplings"], config["periods"]["train"]
    for name in config.get("calibrate", {"batches": {}})["batches"]:
        if name not in samplings:
            yield (
                f"calibrate.batches.{name}: is not defined{guess(name, samplings)}; "
                f"there are {listed(samplings)} under samplings"
            )
    for label, dataset in config["datasets"].items():
        key = f"datasets.{label}"
        for name in dataset["samplings"]:
            if name not in samplings:
                yield not_defined(f"{key}.samplings", name, samplings, "samplings")
        if dataset["period"] not in periods:
            yield not_defined(f"{key}.period", dataset["period"], periods, "periods.train")
    known = [*samplings, *periods]
    for k, reading in enumerate(config.get("claims_as", [])):
        for name, other in reading.items():
            if other not in known:
                where = "samplings and periods.train"
                yield not_defined(f"claims_as[{k}].{name}", other, known, where)


def _size_problems(config) -> Iterator[str]:
    """Jobs, sets and cells of which more are asked for than there are."""
    for name, jobs in config.get("calibrate", {"batches": {}})["batches"].items():
        most = most_sampled(config["samplings"][name], config["source"])
        if jobs > most:
            yield (
                f"calibrate.batches.{name}: {jobs} jobs cannot share {most} cells: give fewer jobs"
            )
    if "simulate" not in config:
        return
    plan, most = config["simulate"], most_cells(config)
    if plan["batches"] > plan["sets"]:
        yield (
            f"simulate.batches: {plan['batches']} jobs cannot share simulate.sets: {plan['sets']}: "
            "give fewer batches or more sets"
        )
    for name in surrogates_of(config):
        held_out = config[name]["held_out"]
        if held_out >= plan["sets"]:
            yield (
                f"{name}.held_out: {held_out} of simulate.sets: {plan['sets']} leaves none to "
                "learn from: hold out fewer, or simulate more"
            )
        if SURROGATES[name].works_on == "maps" and plan["cells"] != "all":
            yield (
                f"simulate.cells: {plan['cells']} cells make no map, and {name} learns from maps: "
                "write all"
            )
    if plan["cells"] != "all" and plan["cells"] > most:
        yield (
            f"simulate.cells: {plan['cells']} is more than the {most} cells that the samplings "
            f"leave at most: give fewer, or all"
        )
