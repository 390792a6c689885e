"""A basin as several components side by side: a model run with several parameter sets, averaged.

As in Feng et al. 2022 (doi:10.1029/2022WR032404): within a basin soils and slopes differ, and the
mean of several runs answers more smoothly than any one of them.
"""

from torch import Tensor

from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.parameter import of_components


class Components(ProcessModel):
    """The mean output of ``number`` components of a model, each with parameters of its own.

    Parameters
    ----------
    model : ProcessModel
        Runs the components as samples.
    number : of components, which share the basin equally
    """

    def __init__(self, model: ProcessModel, number: int):
        self.model, self.number = model, number
        self.space = ParameterSpace(of_components(model.space, number))
        self.outputs, self.warmup = model.outputs, model.warmup
        self.n_cells, self.n_days = model.n_cells, model.n_days

    def simulate(self, parameters: Tensor, cells=None, days=None) -> Tensor:
        each = parameters.unflatten(-1, (len(self.model.space), self.number)).movedim(-1, 0)
        return self.model.simulate(each, cells, days).mean(0)
