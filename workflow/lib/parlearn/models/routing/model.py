"""A process model with its drains led to the outlet: a process model again."""

from collections.abc import Sequence

import torch
from torch import Tensor

from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.routing.hydrograph import LENGTH, LONGEST_LAG, convolve, unit_hydrograph
from parlearn.models.routing.parameters import BOUNDS, DEFAULTS, STREAMFLOW


class Routed(ProcessModel):
    """A process model whose drains are added up to ``streamflow``, and routed where asked.

    Parameters
    ----------
    model : whatever runs on land; gives all that is asked for but streamflow, and the drains
    drains : its outputs that run to the river, mm day-1
    names : routing parameters that ``simulate`` takes after those of the model; the others keep
        their default
    outputs : streamflow and outputs of the model, in the order wanted
    hydrograph : False leaves the water of a day at that day: no routing, no parameters

    Notes
    -----
    Days before a window are run as well, so that their water arrives in it; before the first day of
    the timeline there is none.
    """

    def __init__(
        self,
        model: ProcessModel,
        drains: Sequence[str],
        names: Sequence[str] = ("route_shape", "route_scale"),
        outputs: Sequence[str] = (STREAMFLOW,),
        hydrograph: bool = True,
    ):
        missing = [name for name in (*drains, *outputs) if name not in (*model.outputs, STREAMFLOW)]
        if missing:
            raise ValueError(
                f"the model to be routed has no output {missing[0]!r}; it has "
                f"{', '.join(model.outputs)}"
            )
        if names and not hydrograph:
            raise ValueError(f"without a hydrograph there is no {names[0]!r} to learn")
        own = ParameterSpace(BOUNDS).subset(names)
        self.model, self.hydrograph = model, hydrograph
        self.space = ParameterSpace([*model.space, *own])
        self.own = own.names
        self.drains = [model.outputs.index(name) for name in drains]
        self.outputs = tuple(outputs)
        self.warmup, self.n_cells, self.n_days = model.warmup, model.n_cells, model.n_days

    def simulate(self, parameters, cells=None, days=None):
        self.space.check(parameters.detach())
        start, stop, _ = (days or slice(None)).indices(self.n_days)
        inner = len(self.model.space)
        before = min(start, LENGTH + LONGEST_LAG - 1) if self.hydrograph else 0
        ran = self.model.simulate(parameters[..., :inner], cells, slice(start - before, stop))
        flow = ran[..., self.drains].sum(-1)
        if self.hydrograph:
            flow = self._route(flow, parameters[..., inner:])
        series = [
            flow if name == STREAMFLOW else ran[..., self.model.outputs.index(name)]
            for name in self.outputs
        ]
        return torch.stack([one[..., before:] for one in series], -1)

    def _route(self, flow: Tensor, given: Tensor) -> Tensor:
        values = dict(zip(self.own, given.unbind(-1), strict=True))
        shape, scale = (
            values.get(name, flow.new_full(flow.shape[:-1], DEFAULTS[name]))
            for name in ("route_shape", "route_scale")
        )
        return convolve(flow, unit_hydrograph(shape, scale, values.get("route_lag")).to(flow))
