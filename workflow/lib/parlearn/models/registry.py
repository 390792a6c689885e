"""The registry of process models.

A new model is one module and one entry here: no rule, script, figure or contract names a model. The
module gives ``build(domain, forcing, *, names, outputs, device)``, a
:class:`~parlearn.models.base.ProcessModel`, and ``default_parameters(domain, names)``, the prior
parameters (cell, parameter) in physical units. A model that works in files takes the keyword
``scratch`` as well, an empty folder of its own, and one that runs a program of the user's takes
``version``, the one asked for. Reading the table imports nothing heavy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module

from parlearn.models.hbv import names as hbv
from parlearn.models.hbv.parameters import BOUNDS as HBV_BOUNDS
from parlearn.models.parameter import Parameter
from parlearn.models.vic import names as vic
from parlearn.models.vic.parameters import BEYOND_VIC5
from parlearn.models.vic.parameters import BOUNDS as VIC_BOUNDS
from parlearn.models.vic5 import names as vic5


@dataclass(frozen=True)
class Process:
    """One process model.

    Attributes
    ----------
    name : in configurations and as the label of its series in simulation.nc
    label : in figures and messages
    module : that builds it, by its dotted name inside the library
    parameters : all that may be learned, with their bounds
    outputs : name -> unit, and what it is, of all it can give
    domain : what its domain.nc must describe, of :data:`parlearn.plan.domains.DOMAINS`
    differentiable : whether gradients pass through it: networks may then learn without a surrogate
    scratch : whether it works in files and wants a folder of its own
    beyond : those of ``parameters`` that the published model of this name does not have
    runs_on : the device it runs on where the configuration leaves that open
    transfer : module, by its dotted name inside the library, whose ``TransferFunctions(domain,
        names)`` make parameters of attributes with coefficients that are the same everywhere; None
        where it has none, and then no coefficients can be calibrated
    drains : outputs that together run to the river, mm day-1: what routing leads to the outlet
    options : keywords of ``build`` -> values that a configuration may give, the first by default
    program : environment variable that names the program of the user's that it runs, see
        :mod:`parlearn.models.program`; None where it runs none
    same_as : process of this table that it should agree with, being the same model; its module then
        gives ``COMPARED``, outputs, and ``compare`` and ``report``, which hold them to bars
    """

    name: str
    label: str
    module: str
    parameters: tuple[Parameter, ...]
    outputs: dict[str, str]
    domain: str = "land"
    differentiable: bool = True
    scratch: bool = False
    beyond: tuple[str, ...] = ()
    runs_on: str = "auto"
    transfer: str | None = None
    drains: tuple[str, ...] = ()
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    program: str | None = None
    same_as: str | None = None

    def chosen(self, names: Sequence[str]) -> tuple[Parameter, ...]:
        """Its parameters of these names, in their order; ValueError naming an unknown one."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in names:
            if name not in known:
                raise ValueError(
                    f"{self.label} has no parameter named {name!r}; there are {', '.join(known)}"
                )
        return tuple(known[name] for name in names)

    def transfer_functions(self, domain, names: Sequence[str]):
        """Its transfer functions for parameters of these names, bound to a domain."""
        return import_module(f"parlearn.{self.transfer}").TransferFunctions(domain, names)

    def called(self, names: Sequence[str]) -> str:
        """Its label with these parameters free: with a plus where the published model lacks one."""
        return f"{self.label}+" if set(names) & set(self.beyond) else self.label

    def load(self):
        """The module that builds it."""
        return import_module(f"parlearn.{self.module}")


PROCESSES = {
    process.name: process
    for process in (
        Process(
            "vic",
            "VIC",
            "models.vic.model",
            parameters=VIC_BOUNDS,
            outputs=vic.OUTPUTS,
            beyond=BEYOND_VIC5,
            # its compiled loop
            runs_on="cpu",
            transfer="models.vic.transfer",
            drains=("runoff", "baseflow"),
        ),
        Process(
            "vic5",
            "VIC 5",
            "models.vic5.model",
            parameters=vic5.PARAMETERS,
            outputs=vic5.OUTPUTS,
            differentiable=False,
            scratch=True,
            runs_on="cpu",
            transfer="models.vic.transfer",
            drains=("runoff", "baseflow"),
            program=vic5.PROGRAM,
            same_as="vic",
        ),
        Process(
            "hbv",
            "HBV",
            "models.hbv.model",
            parameters=HBV_BOUNDS,
            outputs=hbv.OUTPUTS,
            domain="place",
            runs_on="cpu",
            drains=hbv.DRAINS,
            options={"pet": hbv.PET},
        ),
    )
}


def twin_of(process: Process) -> Process | None:
    """Another process of the table that is the same model; None where there is none."""
    for other in PROCESSES.values():
        if other.name == process.same_as or other.same_as == process.name:
            return other
    return None
