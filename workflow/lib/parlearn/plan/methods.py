"""The registry of methods: all that turns a study into ``parameters.nc``.

A new method is one entry here and the module its rule calls. Rules, the check of the configuration,
the audit and every figure read this table and name no method. Imports nothing heavy.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module

from parlearn.plan.surrogates import SURROGATES

#: families, and the files that their runs have beside those of every run: ``baseline`` trains
#: nothing; ``search`` calibrates each unit by itself; ``regional`` the coefficients of transfer
#: functions, which all units share; ``network`` trains a parameter network by
#: gradients
FAMILIES = {
    "baseline": (),
    "search": ("curve", "history"),
    "regional": ("curve", "history"),
    "network": ("curve", "history", "card"),
}
#: models that a method may learn through, as the column ``model`` of a run calls them
MODELS = (*SURROGATES, "process")
#: what stands in the columns ``model`` and ``settings`` of a run that learns nothing
NOTHING = "-"
#: what settings have where they say nothing: width and heads of parlearn.learn.settings, complexes
#: of parlearn.calibrate.sceua, days at once of parlearn.learn.ganpo
HIDDEN, HEADS, COMPLEXES, DAYS = 64, 4, 7, 32

Limits = Callable[[Mapping, int, int], Iterator[tuple[str, str]]]


@dataclass(frozen=True)
class Method:
    """One way to come by parameters.

    Attributes
    ----------
    name : as in experiments and run names
    label : in figures and tables, matplotlib's mathtext
    family : one of :data:`FAMILIES`
    rules : the rules that make its ``parameters.nc``; the first is the one that learns
    reads : what it sees of a unit: ``attributes``, ``series`` (forcing and past observations),
        ``observations`` (in its loss); of training units and the training period alone; and
        ``validation``, years of their own on which it chooses, where the configuration has such
    settings : the part of the configuration's ``settings`` that holds its choices, checked by the
        schema of that name; None without
    works_on : ``units`` one by one or in any batch, or whole ``maps`` of a study on a grid
    through : which of :data:`MODELS` it may learn through; empty where it learns nothing
    limits : what its settings cannot be: called with settings, days of the training period and
        number of parameters, it gives each key that is wrong, and why with a remedy
    module : of a method of the rule ``learn_dpl``: the module of the library, by its dotted name,
        that gives ``Settings``, ``learn`` and ``rebuild`` as :mod:`parlearn.learn.dpl` does
    """

    name: str
    label: str
    family: str
    rules: tuple[str, ...]
    reads: tuple[str, ...]
    settings: str | None = None
    works_on: str = "units"
    through: tuple[str, ...] = ()
    limits: Limits = lambda settings, days, parameters: iter(())
    module: str | None = None

    def load(self):
        """The module that learns."""
        return import_module(f"parlearn.{self.module}")

    @property
    def trained(self) -> bool:
        return self.family != "baseline"

    @property
    def files(self) -> tuple[str, ...]:
        """Files that its runs have beside those of every run."""
        return FAMILIES[self.family]

    @property
    def models(self) -> tuple[str, ...]:
        """What the column ``model`` of its runs may hold."""
        return self.through or (NOTHING,)


def _within_period(settings, days, parameters):
    for key in ("window", "reading"):
        if (settings.get(key) or 0) > days:
            yield (
                key,
                f"{settings[key]} days is longer than the training period of {days}: shorten it",
            )


def _divided_by_heads(settings, days, parameters):
    yield from _within_period(settings, days, parameters)
    heads, hidden = settings.get("heads", HEADS), settings.get("hidden", HIDDEN)
    if hidden % heads:
        yield "heads", f"{heads} heads do not divide hidden = {hidden}: change one of them"


def _days_within_window(settings, days, parameters):
    yield from _within_period(settings, days, parameters)
    batch, window = settings.get("batch", DAYS), settings.get("window") or days
    if batch > window:
        yield "batch", f"{batch} days are more than the {window} of a window: take fewer"


def _starts_with_a_population(settings, days, parameters):
    runs = settings.get("complexes", COMPLEXES) * (2 * parameters + 1)
    if settings["max_evaluations"] < runs:
        yield (
            "max_evaluations",
            f"{settings['max_evaluations']} is below the {runs} runs of the first population, "
            f"2 x {parameters} + 1 points a complex: raise it or use fewer complexes",
        )


def _network(name, label, *reads, limits=_within_period):
    return Method(
        name,
        label,
        "network",
        ("learn_dpl",),
        (*reads, "observations"),
        settings="dpl",
        through=("surrogate", "process"),
        limits=limits,
        module="learn.dpl",
    )


def _of_an_ensemble(settings, days, parameters):
    yield from _days_within_window(settings, days, parameters)
    if settings.get("members", 1) < 2:
        yield "members", "an ensemble has at least 2: give their number"


def _of_one(settings, days, parameters):
    yield from _days_within_window(settings, days, parameters)
    if settings.get("members", 1) > 1:
        yield "members", "this method makes one set of parameters: leave the key out"


def _on_maps(name, label, limits=_of_one):
    return Method(
        name,
        label,
        "network",
        ("learn_dpl",),
        ("attributes", "observations", "validation"),
        settings="ganpo",
        works_on="maps",
        through=MODELS,
        limits=limits,
        module="learn.ganpo",
    )


#: in the order in which figures and tables name them
METHODS = {
    method.name: method
    for method in (
        Method("default", "Default", "baseline", ("set_default",), ("attributes",)),
        Method("cellmean", "Cell mean", "baseline", ("set_cellmean",), ("observations",)),
        Method(
            "sceua",
            "SCE-UA",
            "search",
            ("calibrate_sceua", "join_sceua"),
            ("observations",),
            settings="sceua",
            through=("surrogate", "process"),
            limits=_starts_with_a_population,
        ),
        Method(
            "mpr",
            "MPR",
            "regional",
            ("calibrate_regional",),
            ("attributes", "observations"),
            settings="sceua",
            through=("surrogate", "process"),
        ),
        _network("dpl_a", "dPL $g_A$", "attributes"),
        _network("dpl_z", "dPL $g_Z$", "attributes", "series"),
        _network("paraformer_a", "ParaFormer$_A$", "attributes", limits=_divided_by_heads),
        _network(
            "paraformer_z", "ParaFormer$_Z$", "attributes", "series", limits=_divided_by_heads
        ),
        _on_maps("ganpo", "GAN-PO"),
        _on_maps("ganpo_ensemble", "GAN-PO ensemble", _of_an_ensemble),
        _on_maps("l1", "L1"),
        _network("linear", "Linear functions", "attributes"),
    )
}


def made_by(rule: str) -> list[str]:
    """Names of the methods whose parameters a rule makes."""
    return [method.name for method in METHODS.values() if rule in method.rules]


def family(name: str) -> list[str]:
    """Names of the methods of a family."""
    return [method.name for method in METHODS.values() if method.family == name]


def rules() -> list[str]:
    """All rules that make parameters, each once."""
    return list(dict.fromkeys(rule for method in METHODS.values() for rule in method.rules))


def settings_parts() -> list[str]:
    """Parts of the configuration's ``settings``, each once."""
    return list(dict.fromkeys(m.settings for m in METHODS.values() if m.settings))
