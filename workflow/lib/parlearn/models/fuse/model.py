"""A process model whose days a :class:`~parlearn.models.fuse.loop.Loop` runs."""

import torch

from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.fuse.loop import Loop


class LoopModel(ProcessModel):
    """A loop with the parameters that are free and their bounds.

    Parameters
    ----------
    space : the free parameters, in the loop's order
    warmup : days run from the cold start before a window
    """

    def __init__(self, loop: Loop, space: ParameterSpace, warmup: int):
        if loop.free != space.names:
            raise ValueError(f"the loop takes {loop.free}, the parameters are {space.names}")
        self.loop, self.space, self.warmup = loop, space, warmup
        self.outputs, self.n_cells, self.n_days = loop.outputs, loop.n_cells, loop.n_days

    @property
    def fused(self) -> bool:
        """Whether the compiled time loop runs it."""
        return self.loop.fused

    def simulate(self, parameters, cells=None, days=None):
        start, stop, step = (days or slice(None)).indices(self.n_days)
        if step != 1 or stop <= start:
            raise ValueError(f"days {start}..{stop} of {self.n_days} are not a window")
        first = max(start - self.warmup, 0)
        outputs, _ = self.run(parameters, cells, slice(first, stop), first_out=start - first)
        return outputs

    def run(self, parameters, cells=None, days=None, state=None, first_out=0):
        """Run a window, without warm-up, and return the state at its end as well.

        Parameters
        ----------
        parameters : (..., n, parameter); cells : (n,); days : slice
        state : (..., n, slot, state) at the start, from an earlier run; a cold start where not
            given
        first_out : days at the start of the window that are run but not returned

        Returns
        -------
        outputs (..., n, day, output) and the state at the end; derivatives flow to both
        """
        n = self.n_cells if cells is None else len(cells)
        if parameters.shape[-2:] != (n, len(self.space)):
            raise ValueError(
                f"parameters have shape {tuple(parameters.shape)}; (..., {n} cells, "
                f"{len(self.space)} parameters) expected"
            )
        self.space.check(parameters.detach())
        leading = parameters.shape[:-2]
        index = torch.arange(self.n_cells) if cells is None else torch.as_tensor(cells)
        flat = parameters.reshape(-1, n, len(self.space))
        if state is not None:
            state = state.reshape(flat.shape[0], n, *state.shape[-2:])
        start, stop, _ = (days or slice(None)).indices(self.n_days)
        outputs, state = self.loop.run(flat, index, range(start, stop), state, first_out)
        return (
            outputs.reshape(*leading, *outputs.shape[1:]).to(parameters.dtype),
            state.reshape(*leading, *state.shape[1:]),
        )
