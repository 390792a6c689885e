"""What the key ``model`` of a configuration asks for: a process model, and what stands around it.

Inside out: the process model with its options, several components of it averaged, the water led to
the outlet. Imports nothing heavy.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from parlearn.models.parameter import Parameter, of_components
from parlearn.models.registry import PROCESSES, Process
from parlearn.models.routing import parameters as routing
from parlearn.plan.targets import TARGETS


@dataclass(frozen=True)
class Assembly:
    """A process model as a study has it.

    Attributes
    ----------
    process : of the registry
    names : parameters of the process that are learned; the others keep their default
    options : how it is built, see :class:`~parlearn.models.registry.Process`
    components : of how many it is the mean
    routing : one of :data:`~parlearn.models.routing.parameters.ROUTINGS`; None where it simulates
        land alone and has no outlet
    routed : parameters of the routing that are learned
    version : of the program that the process runs, as the configuration asks for it
    """

    process: Process
    names: tuple[str, ...]
    options: Mapping[str, str]
    components: int
    routing: str | None
    routed: tuple[str, ...]
    version: str | None = None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All that is learned: of the process, of each of its components, then of the routing."""
        own = self.process.chosen(self.names)
        if self.components > 1:
            own = of_components(own, self.components)
        known = {parameter.name: parameter for parameter in routing.BOUNDS}
        return (*own, *(known[name] for name in self.routed))

    @property
    def outputs(self) -> dict[str, str]:
        """Name -> unit of all it can give."""
        return self.process.outputs | (routing.OUTPUTS if self.routing else {})

    @property
    def targets(self) -> tuple[str, ...]:
        """Targets that it simulates, in the order of their registry: what a surrogate emulates."""
        return tuple(name for name in TARGETS if name in self.outputs)


def known_parameters(process: Process, way: str | None) -> tuple[Parameter, ...]:
    """All parameters that may be learned of a process model with this routing."""
    return (*process.parameters, *(routing.BOUNDS if way == "gamma" else ()))


def assembly_of(model: Mapping) -> Assembly:
    """The assembly that a configuration's ``model`` asks for.

    ``process`` and ``parameters``; optionally ``options``, ``components``, ``routing`` and
    ``program``, of which the ``version`` alone is read.

    Raises
    ------
    ValueError
        An unknown parameter.
    """
    process, way = PROCESSES[model["process"]], model.get("routing")
    of_routing = {parameter.name for parameter in routing.BOUNDS} if way == "gamma" else set()
    names = tuple(name for name in model["parameters"] if name not in of_routing)
    process.chosen(names)
    return Assembly(
        process,
        names,
        dict(model.get("options", {})),
        model.get("components", 1),
        way,
        tuple(name for name in model["parameters"] if name in of_routing),
        model.get("program", {}).get("version"),
    )
