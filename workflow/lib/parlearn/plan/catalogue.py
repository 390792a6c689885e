"""The tables beside the configuration: runs, figures, data sets; and what follows from them.

Imports nothing heavy, since the workflow reads it each time it is planned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from parlearn.plan.config import ConfigError, check_schema, guess, listed, read_rows, read_yaml
from parlearn.plan.places import PLACES

#: method of a run -> the part of ``settings`` with its presets ("-": it learns nothing)
METHODS = {
    "default": "-",
    "cellmean": "-",
    "sceua": "sceua",
    "dpl_a": "dpl",
    "dpl_z": "dpl",
    "paraformer_a": "dpl",
    "paraformer_z": "dpl",
}
#: files of a run that some runs lack, and whose names are not those of their kind
RUN_FILES = {"curve": "curve.csv", "history": "history.csv", "card": "network/card.json"}
#: models that a method may learn through
MODELS = ("surrogate", "vic")


@dataclass(frozen=True)
class Run:
    """One row of the table of runs: all that decides its outcome, and a label that does not."""

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
    label: str


def read_runs(path, schemas, config: Mapping) -> dict[str, Run]:
    """The runs of the table that belong to the configuration's ``run_set``, by name."""
    rows = read_rows(path, "\t")
    check_schema(rows, Path(schemas) / "runs.schema.yaml", path)
    names = [row["run"] for row in rows]
    problems = [
        f"run {n!r} stands there twice: rename one" for n in sorted({*names}) if names.count(n) > 1
    ]
    chosen = [row for row in rows if config["run_set"] in row["sets"].split(",")]
    if not chosen:
        sets = sorted({s for row in rows for s in row["sets"].split(",")})
        problems.append(
            f"no run belongs to the set {config['run_set']!r} that the configuration asks for "
            f"(run_set); sets are {', '.join(sets)}"
        )
    runs = {}
    for row in chosen:
        problems += [f"run {row['run']!r}, {p}" for p in _run_problems(row, config)]
        runs[row["run"]] = Run(
            **{k: row[k] for k in ("run", "study", "method", "model", "sampling", "period")},
            targets=tuple(row["target"].split(",")),
            observation_map=row["observation_map"],
            seed=int(row["seed"]),
            settings=row["settings"],
            label=row["label"],
        )
    if problems:
        raise ConfigError(path, problems)
    return runs


def select(runs: Mapping[str, Run], wanted: Mapping) -> list[str]:
    """Names of the runs with fields of the values wanted, as ``{method: [sceua, dpl_z]}``."""
    return [
        name
        for name, run in runs.items()
        if all(getattr(run, field) in values for field, values in wanted.items())
    ]


def read_figures(
    path, schemas, config: Mapping, runs: Mapping[str, Run], root="."
) -> dict[str, dict]:
    """Figures that this configuration makes: each entry of the file with its list of runs.

    Figures of other papers or for other sources are left out; one that finds no run is an error.
    ``datasets`` of an entry becomes the data sets themselves, see :func:`datasets_of`.
    """
    figures = read_yaml(path)
    check_schema(figures, Path(schemas) / "figures.schema.yaml", path)
    papers = list(dict.fromkeys(figure["paper"] for figure in figures.values()))
    problems = [
        f"papers: {paper!r} of the configuration has no figure{guess(paper, papers)}; "
        f"there are {listed(papers)}"
        for paper in config["papers"]
        if paper not in papers
    ]
    found = {}
    for name, figure in figures.items():
        workflow = Path(root) / "workflow"
        for key, file in (
            ("caption", workflow / "report" / figure["caption"]),
            ("module", workflow / "lib/parlearn/summarise" / f"{figure['module']}.py"),
            ("module", workflow / "lib/parlearn/plots" / f"{figure['module']}.py"),
        ):
            if not file.is_file():
                problems.append(f"{name}.{key}: there is no {file}: write it or correct the name")
        if not {*figure.get("needs", [])} <= {*offered(config)}:
            continue
        if figure["paper"] not in config["papers"]:
            continue
        chosen = select(runs, figure["runs"])
        if not chosen:
            problems.append(
                f"{name}.runs: no run of the set {config['run_set']!r} is like {figure['runs']}: "
                "add one to the table of runs or widen the choice"
            )
        found[name] = {**figure, "runs": chosen}
        if "datasets" in figure:
            datasets = datasets_of(figure["datasets"], config)
            problems += _dataset_problems(name, figure, datasets, [runs[run] for run in chosen])
            found[name] |= {
                "datasets": datasets,
                "runs": [
                    run
                    for run in chosen
                    if METHODS[runs[run].method] == "-"
                    or any(_trained_for(runs[run], dataset) for dataset in datasets.values())
                ],
            }
    if problems:
        raise ConfigError(path, problems)
    return found


def offered(config: Mapping) -> list[str]:
    """What a source can be compared with: targets that it has observations of, and the truth."""
    source = config["source"]
    if source["name"] == "twin":
        return [*PLACES[source.get("place", "plains")].observations, "truth"]
    return list(source.get("observations", ["soil_moisture"]))


def datasets_of(which: str, config: Mapping) -> dict[str, dict]:
    """Data sets of the configuration that a figure shows, by label, in their order.

    ``all``; ``train``: those of trained cells; ``last``: the last of these; ``pair``: the last and
    the first of test cells after it. Empty where the configuration has none of that kind.
    """
    datasets = config["datasets"]
    labels = list(datasets)
    trained = [label for label in labels if datasets[label]["cells"] == "train"]
    chosen = {"all": labels, "train": trained, "last": trained[-1:], "pair": []}[which]
    if which == "pair" and trained:
        after = labels[labels.index(trained[-1]) + 1 :]
        chosen = [trained[-1], after[0]] if after else []
    return {label: datasets[label] for label in chosen}


def _dataset_problems(name, figure, datasets, chosen):
    if not datasets:
        yield (
            f"{name}.datasets: the configuration's datasets have no {figure['datasets']!r}: add "
            "one of trained cells and, for a pair, one of test cells after it"
        )
    for label, dataset in datasets.items():
        if not any(_trained_for(run, dataset) for run in chosen):
            yield (
                f"{name}.datasets: no run like {figure['runs']} is trained for the data set "
                f"{label!r} ({listed(dataset['samplings'])}, {dataset['period']}): add one to the "
                "table of runs or take it out of the configuration's datasets"
            )


def _trained_for(run: Run, dataset: Mapping) -> bool:
    return (
        METHODS[run.method] != "-"
        and run.sampling in dataset["samplings"]
        and run.period == dataset["period"]
    )


def figure_files(figure: Mapping, runs: Mapping[str, Run], config: Mapping) -> dict[str, list[str]]:
    """Paths that a figure's summary reads, by the name the summary has for them."""
    rounds = config["simulate"]["rounds"]
    places = {name: f"<study>/{name}.nc" for name in ("domain", "forcing", "observations", "truth")}
    places["skill"] = f"<study>/surrogate/round-{rounds}/skill.nc"
    files = {
        name: [places[name]]
        for name in figure["study"]
        if name != "truth" or config["source"]["name"] == "twin"
    }
    files["runs"] = [
        f"<runs>/{run}/{RUN_FILES.get(name, f'{name}.nc')}"
        for run in figure["runs"]
        for name in figure["files"]
        if _has(runs[run], name)
    ]
    return files


def _has(run: Run, name: str) -> bool:
    """Whether a run has this file: only what trains has a curve, only a network a card."""
    family = METHODS[run.method]
    return family == "dpl" if name == "card" else family != "-" or name not in RUN_FILES


def summary_options(figure: Mapping) -> dict:
    """Arguments of a figure's summary: its options, and its data sets where it has such."""
    chosen = {"datasets": figure["datasets"]} if "datasets" in figure else {}
    return figure.get("options", {}) | chosen


def targets(figures: Mapping[str, Mapping]) -> dict[str, list[str]]:
    """Files behind each name a user can ask for: every figure, every paper with all its own."""
    made: dict[str, list[str]] = {}
    for name, figure in figures.items():
        paths = [
            f"<results>/figures/{figure['paper']}/{name}.{kind}" for kind in ("pdf", "png", "csv")
        ]
        made[name] = paths
    for name, figure in figures.items():
        made[figure["paper"]] = made.get(figure["paper"], []) + made[name]
    return made


def shown(run: Run) -> dict:
    """What a figure tells runs apart by."""
    fields = ("run", "method", "model", "sampling", "period", "observation_map", "seed")
    return {field: getattr(run, field) for field in fields}


def pilot_identity(config: Mapping) -> dict:
    """Settings of the learner that shows between rounds where the surrogate needs samples."""
    pilot = config["simulate"]["pilot"]
    return {
        **pilot,
        "targets": offered(config)[:1],
        "span": config["periods"]["train"][pilot["period"]],
        "settings": preset("dpl", pilot["settings"], pilot["method"], config),
    }


def hydrodl_files(source: Mapping, datasets: Mapping) -> list[str]:
    """Files of the hydroDL database for the years of the source."""
    names = [name for name, row in datasets.items() if row["product"] == "hydrodl"]
    series = [f"/{year}/" for year in source["years"]]
    wanted = [
        n for n in names if n.endswith("/crd.csv") or any(y in n for y in ["/const/", *series])
    ]
    return [f"<resources>/raw/hydrodl/{name}" for name in wanted]


def preset(family: str, name: str, method: str, config: Mapping) -> dict:
    """Settings of a name for a method, over those of the paper's preset they may ask for."""
    settings = dict(config["settings"][family][name])
    paper = settings.pop("preset", None)
    return {**(config["presets"][paper][method] if paper else {}), **settings}


def identity(run: Run, config: Mapping) -> dict:
    """What decides the outcome of a run, and nothing else: no label, no budget of others."""
    family = METHODS[run.method]
    return {
        "method": run.method,
        "model": run.model,
        "sampling": run.sampling,
        "period": run.period,
        "span": config["periods"]["train"][run.period],
        "targets": list(run.targets),
        "observation_map": run.observation_map,
        "seed": run.seed,
        "settings": {} if family == "-" else preset(family, run.settings, run.method, config),
    }


def read_datasets(path, schemas) -> dict[str, dict[str, str]]:
    """Files to retrieve, by name."""
    return {row["file"]: row for row in _dataset_rows(path, schemas) if row["file"]}


def read_archives(path, schemas) -> dict[str, dict[str, str]]:
    """Products that are retrieved by lists of their granules, by name."""
    return {row["product"]: row for row in _dataset_rows(path, schemas) if not row["file"]}


def _dataset_rows(path, schemas):
    rows = read_rows(path, ",")
    check_schema(rows, Path(schemas) / "datasets.schema.yaml", path)
    if unpinned := [row["file"] for row in rows if row["file"] and not row["sha256"]]:
        raise ConfigError(path, [f"{name}: has no sha256: pin it" for name in unpinned])
    return rows


def _run_problems(row, config):
    if row["study"] != config["study"]:
        yield f"study: {row['study']!r} is not the configuration's study {config['study']!r}"
    if row["method"] not in METHODS:
        known = list(METHODS)
        yield (
            f"method: {row['method']!r} is unknown{guess(row['method'], known)}; "
            f"there are {listed(known)}"
        )
        return
    family = METHODS[row["method"]]
    models = ("-",) if family == "-" else MODELS
    if row["model"] not in models:
        yield (
            f"model: {row['model']!r} does not go with method {row['method']}; "
            f"choose from {listed(models)}"
        )
    presets = {"-": None} if family == "-" else config["settings"][family]
    if family == "dpl" and row["settings"] in presets:
        paper = presets[row["settings"]].get("preset")
        if paper and row["method"] not in config["presets"][paper]:
            yield (
                f"settings: the preset {paper} of config/presets.yaml has none for "
                f"{row['method']}; it has {listed(config['presets'][paper])}"
            )
    lookups = (
        ("sampling", config["samplings"], "samplings"),
        ("period", config["periods"]["train"], "periods.train"),
        ("settings", presets, f"settings.{family}"),
    )
    for column, known, key in lookups:
        if row[column] not in known:
            yield (
                f"{column}: {row[column]!r} is not defined{guess(row[column], known)}; "
                f"the configuration has {listed(known)} under {key}: add it there or change the row"
            )
