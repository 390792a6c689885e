"""The name by which figures tell trainings apart: method, model learned through, correction.

A run's *variant* is its method, with ``_direct`` after it where it learned directly through the
process model and not through a surrogate, the name of the surrogate where it is not the one that
serves all methods, ``:v9`` where it learned the parameters of a set of that name, and ``+network``
or ``+none`` where its linear correction of the simulation is not the usual one of a slope and an
offset for the domain. The ensemble of four seeds ends on ``*4``.
"""

from dataclasses import dataclass

from parlearn.plan.methods import METHODS
from parlearn.plan.surrogates import SURROGATES

#: end of the name of a variant that learned directly, and what its runs' column ``model`` holds
_DIRECT, _PROCESS = "_direct", "process"
#: surrogates that a variant's name ends in
_OTHERS = [*SURROGATES][1:]


@dataclass(frozen=True)
class Variant:
    """What a variant's name says.

    Attributes
    ----------
    method : name in :data:`parlearn.plan.methods.METHODS`
    direct : whether it learned through the process model itself, without a surrogate
    correction : its linear correction, where that is not the usual one: ``network`` or ``none``
    parameter_set : name of the set of parameters it learned, where not those of all others
    members : of an ensemble, how many seeds it is the mean of
    surrogate : that it learned through, where it is not the one that serves all methods
    """

    method: str
    direct: bool = False
    correction: str = ""
    parameter_set: str = ""
    members: int = 1
    surrogate: str = ""

    def __str__(self) -> str:
        through = _DIRECT * self.direct + (f"_{self.surrogate}" if self.surrogate else "")
        learned = f":{self.parameter_set}" if self.parameter_set else ""
        end = f"+{self.correction}" if self.correction else ""
        joined = f"*{self.members}" if self.members > 1 else ""
        return self.method + through + learned + end + joined


def is_direct(model: str) -> bool:
    """Whether a run's column ``model`` says that it learned through the process model itself."""
    return model == _PROCESS


def other_surrogate(model: str) -> str:
    """The surrogate of a run's column ``model``, where it is not the one that serves all."""
    return model if model in _OTHERS else ""


def read_variant(name: str) -> Variant:
    """Take a variant's name apart; ValueError where its method is not in the registry."""
    name, _, members = name.partition("*")
    base, _, correction = name.partition("+")
    base, _, parameter_set = base.partition(":")
    ends = "" if base in METHODS else next((e for e in _OTHERS if base.endswith(f"_{e}")), "")
    method = base.removesuffix(f"_{ends}") if ends else base
    direct = method not in METHODS and method.endswith(_DIRECT)
    method = method.removesuffix(_DIRECT) if direct else method
    if method not in METHODS:
        raise ValueError(
            f"there is no method {method!r} (of {name!r}) in parlearn.plan.methods.METHODS: "
            f"there are {', '.join(METHODS)}"
        )
    return Variant(method, direct, correction, parameter_set, int(members or 1), ends)
