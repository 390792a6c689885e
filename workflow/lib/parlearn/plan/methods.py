"""The registry of methods: all that turns a study into ``parameters.nc``.

A new method is one entry here and the module its rule calls. Rules, the check of the configuration,
the audit and every figure read this table and name no method. Imports nothing heavy.
"""

from dataclasses import dataclass

#: families: ``baseline`` trains nothing; ``search`` calibrates each unit by itself; ``network``
#: trains a parameter network by gradients
FAMILIES = ("baseline", "search", "network")


@dataclass(frozen=True)
class Method:
    """One way to come by parameters.

    Attributes
    ----------
    name : as in experiments and run names
    label : in figures and tables, matplotlib's mathtext
    family : one of :data:`FAMILIES`
    rule : the rule that writes its ``parameters.nc`` (a search joins the jobs of its rule)
    reads : what it sees of a unit: ``attributes``, ``series`` (forcing and past observations),
        ``observations`` (in its loss); of training units and the training period alone
    settings : the part of the configuration's ``settings`` that holds its choices; None without
    works_on : ``units`` one by one or in any batch, or whole ``maps`` of a study on a grid
    through : models it may learn through: ``surrogate``, ``process``; empty where it learns nothing
    """

    name: str
    label: str
    family: str
    rule: str
    reads: tuple[str, ...]
    settings: str | None = None
    works_on: str = "units"
    through: tuple[str, ...] = ()

    @property
    def trained(self) -> bool:
        return self.family != "baseline"


_BOTH = ("surrogate", "process")


def _network(name, label, *reads):
    return Method(
        name, label, "network", "learn_dpl", (*reads, "observations"), "dpl", through=_BOTH
    )


#: in the order in which figures and tables name them
METHODS = {
    method.name: method
    for method in (
        Method("default", "Default", "baseline", "set_default", ("attributes",)),
        Method("cellmean", "Cell mean", "baseline", "set_cellmean", ("observations",)),
        Method(
            "sceua", "SCE-UA", "search", "calibrate_sceua", ("observations",), "sceua", through=_BOTH
        ),
        _network("dpl_a", "dPL $g_A$", "attributes"),
        _network("dpl_z", "dPL $g_Z$", "attributes", "series"),
        _network("paraformer_a", "ParaFormer$_A$", "attributes"),
        _network("paraformer_z", "ParaFormer$_Z$", "attributes", "series"),
    )
}


def made_by(rule: str) -> list[str]:
    """Names of the methods whose parameters a rule makes."""
    return [method.name for method in METHODS.values() if method.rule == rule]


def family(name: str) -> list[str]:
    """Names of the methods of a family."""
    return [method.name for method in METHODS.values() if method.family == name]


def is_trained(name: str) -> bool:
    return METHODS[name].trained
