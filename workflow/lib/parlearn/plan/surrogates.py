"""The registry of surrogates: networks that stand in for a process model.

A new kind is one entry here and its modules. Rules, the check of the configuration, figures and
claims read this table. Imports nothing heavy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

#: days before a day, itself included, of which a surrogate of maps knows a mean
PAST = (10, 30, 90)


@dataclass(frozen=True)
class Kind:
    """One kind of surrogate.

    Attributes
    ----------
    name : in the column ``model`` of runs that learn through it, of its settings in the
        configuration and of its folder of results
    label : in figures
    word : by which claims tell it from others
    module : of the library, by its dotted name, with ``Surrogate`` as
        :mod:`parlearn.models.surrogate.model` has it
    fitted_by : the module with ``SurrogateSettings`` and ``fit_surrogate`` as
        :mod:`parlearn.models.surrogate.fit` has them; apart, so that an edit of the training runs
        nothing again but the training
    window, before : of a sequence in its training, the key of its settings that says how many days
        it has, and that of the days before these; or their number, where it is set
    works_on : ``units`` one by one, or whole ``maps``: it then needs runs of all cells at once
    """

    name: str
    label: str
    word: str
    module: str
    fitted_by: str
    window: str
    before: str | int
    works_on: str = "units"

    def load(self):
        """The module that opens it."""
        return import_module(f"parlearn.{self.module}")

    def load_training(self):
        """The module that fits it."""
        return import_module(f"parlearn.{self.fitted_by}")


#: the first is the one that serves all methods
SURROGATES = {
    kind.name: kind
    for kind in (
        Kind(
            "surrogate",
            "LSTM",
            "lstm",
            "models.surrogate.model",
            "models.surrogate.fit",
            window="window",
            before="warmup",
        ),
        Kind(
            "arnet",
            "ARnet",
            "arnet",
            "models.surrogate.maps",
            "models.surrogate.fit_maps",
            window="rollout",
            before=max(PAST),
            works_on="maps",
        ),
    )
}


def surrogates_of(config: Mapping) -> list[str]:
    """Names of the surrogates that a configuration has, in the order of the registry."""
    return [name for name in SURROGATES if name in config["model"]["simulate_with"]]
