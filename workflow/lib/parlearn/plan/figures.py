"""Figures and tables: the runs that each shows, the files that it is drawn from.

Imports nothing heavy, since the workflow reads it each time it is planned.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from parlearn.models.registry import PROCESSES
from parlearn.plan.experiments import SETS, Run
from parlearn.plan.methods import FAMILIES, METHODS, NOTHING
from parlearn.plan.places import offered
from parlearn.plan.reading import ConfigError, read_yaml
from parlearn.plan.schema import check_schema, guess, listed
from parlearn.plan.surrogates import SURROGATES
from parlearn.plan.targets import TARGETS

#: files of a run that some runs lack, and whose names are not those of their kind
RUN_FILES = {"curve": "curve.csv", "history": "history.csv", "card": "network/card.json"}
#: by what of its method a run may be chosen
OF_METHOD = ("family", "trained", "reads", "works_on")


def select(runs: Mapping[str, Run], wanted: Mapping | Sequence[Mapping]) -> list[str]:
    """Names of the runs that are like a choice, or like one of several.

    A choice maps columns of a run, or what :class:`~parlearn.plan.methods.Method` says of its
    method (:data:`OF_METHOD`), to a value or to a list of which it must have one: ``{family:
    [search], model: [surrogate]}``. Runs with a set of parameters of their own are chosen only by
    its name (``parameter_set``) or with ``any``, ensembles only with ``ensemble: [true]``.
    """
    usual = {"parameter_set": NOTHING, "ensemble": False}
    choices = [usual | dict(one) for one in _choices(wanted)]
    return [name for name, run in runs.items() if any(_like(run, one) for one in choices)]


def _without_surrogate(wanted, config: Mapping) -> list[dict]:
    """A choice as it stands; in a study without a surrogate, runs through it are direct ones."""
    choices = [dict(choice) for choice in _choices(wanted)]
    if "surrogate" in config["model"]["simulate_with"]:
        return choices
    for choice in choices:
        if "model" in choice:
            models = _several(choice["model"])
            choice["model"] = ["process" if m == "surrogate" else m for m in models]
    return choices


def _choices(wanted) -> Sequence[Mapping]:
    return [wanted] if isinstance(wanted, Mapping) else wanted


def _like(run: Run, choice: Mapping) -> bool:
    return all(
        "any" in _several(values)
        or {*_several(getattr(METHODS[run.method] if key in OF_METHOD else run, key))}
        & {*_several(values)}
        for key, values in choice.items()
    )


def _several(value) -> Sequence:
    return value if isinstance(value, list | tuple) else (value,)


def _choice_problems(figure: str, wanted) -> Iterator[str]:
    """Words of a choice that the registry of methods does not know: they would choose nothing."""
    for choice in _choices(wanted):
        for key, known in (("method", METHODS), ("family", FAMILIES)):
            for value in choice.get(key, []):
                if value not in known:
                    yield (
                        f"{figure}.runs.{key}: {value!r} is unknown{guess(value, known)}; there "
                        f"are {listed(known)}"
                    )


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
        problems += _choice_problems(name, figure["runs"])
        every = [p.name for process in PROCESSES.values() for p in process.parameters]
        known = (*TARGETS, "truth", *SURROGATES, SETS, *every)
        problems += [
            f"{name}.needs: {need!r} is unknown{guess(need, known)}; choose from {listed(known)}"
            for need in figure.get("needs", [])
            if need not in known
        ]
        if not {*figure.get("needs", [])} <= {*offered(config)}:
            continue
        if figure["paper"] not in config["papers"]:
            continue
        chosen = select(runs, _without_surrogate(figure["runs"], config))
        if not chosen:
            problems.append(
                f"{name}.runs: no run of the set {config['run_set']!r} is like {figure['runs']}: "
                "add one to the experiments or widen the choice"
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
                    if not METHODS[runs[run].method].trained
                    or any(_trained_for(runs[run], dataset) for dataset in datasets.values())
                ],
            }
    if problems:
        raise ConfigError(path, problems)
    return found


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
                "experiments or take it out of the configuration's datasets"
            )


def _trained_for(run: Run, dataset: Mapping) -> bool:
    return (
        METHODS[run.method].trained
        and run.sampling in dataset["samplings"]
        and run.period == dataset["period"]
    )


def figure_files(figure: Mapping, runs: Mapping[str, Run], config: Mapping) -> dict[str, list[str]]:
    """Paths that a figure's summary reads, by the name the summary has for them."""
    rounds = config["simulate"]["rounds"] if "simulate" in config else 0
    places = {name: f"<study>/{name}.nc" for name in ("domain", "forcing", "observations", "truth")}
    places["published"] = "<study>/published.csv"
    files = {
        name: [places[name]]
        for name in figure["study"]
        if name != "skill" and (name != "truth" or config["source"]["name"] == "twin")
    }
    if "skill" in figure["study"]:
        kinds = [name for name in figure.get("needs", []) if name in SURROGATES]
        files["skill"] = [f"<study>/{kind}/round-{rounds}/skill.nc" for kind in kinds]
    files["runs"] = [
        f"<runs>/{run}/{RUN_FILES.get(name, f'{name}.nc')}"
        for run in figure["runs"]
        for name in figure["files"]
        if _has(runs[run], name)
    ]
    return files


def _has(run: Run, name: str) -> bool:
    """Whether a run has this file: only what trains has a curve, only a network a card."""
    return name not in RUN_FILES or (name in METHODS[run.method].files and not run.ensemble)


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
    named = {"parameter_set": run.parameter_set} if run.parameter_set != NOTHING else {}
    joined = {"members": len(run.members)} if run.ensemble else {}
    return {field: getattr(run, field) for field in fields} | named | joined
