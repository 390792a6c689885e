"""Parameter networks: modules from a study's inputs to places in the unit cube, and their registry.

A parameter network is any module whose ``forward(inputs: Inputs)`` gives (n, outputs) in (0, 1) for
the n cells of :class:`~parlearn.study.Inputs`. To add one, write a builder and enter it in
:data:`NETWORKS`; training, checkpoints, trajectories and transfer come with it. It calls its last
linear layer ``head`` and says in ``uses_series`` whether it reads series.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from parlearn.networks.ffn import FeedForward
from parlearn.networks.lstm import LSTM
from parlearn.study import Inputs


@dataclass(frozen=True)
class NetworkShape:
    """Sizes a builder needs: what the inputs have, what is wanted, and the free choices."""

    n_attributes: int
    n_series: int
    n_outputs: int
    hidden: int
    layers: int = 2
    dropout: float = 0.0


class AttributeNetwork(nn.Module):
    """g_A of Tsai et al. 2021 (Fig. 1b): static attributes to parameters."""

    uses_series = False

    def __init__(self, shape: NetworkShape):
        super().__init__()
        self.body = FeedForward(shape.n_attributes, shape.n_outputs, [shape.hidden] * shape.layers)
        self.dropout = nn.Dropout(shape.dropout)

    @property
    def head(self) -> nn.Linear:
        return self.body.layers[-2]

    def forward(self, inputs: Inputs) -> Tensor:
        return self.body(self.dropout(inputs.attributes))


class SeriesNetwork(nn.Module):
    """g_Z of Tsai et al. 2021 (Fig. 1c): forcing, observations and attributes to parameters.

    An LSTM (eqs. 1-7) reads the training period day by day; the paper does not say how a series
    becomes one parameter set. Here the mean of the hidden state over time goes through the output
    layer (eq. 8): it weighs all seasons alike, where the last state leans on the last weeks.

    A cell held out in space is given its own observations of the training period as input, as in
    the paper's spatial test (Methods); they never enter the loss.
    """

    uses_series = True

    def __init__(self, shape: NetworkShape):
        super().__init__()
        self.body = LSTM(
            shape.n_series,
            shape.n_outputs,
            shape.hidden,
            n_static=shape.n_attributes,
            dropout=shape.dropout,
        )

    @property
    def head(self) -> nn.Linear:
        return self.body.output

    def forward(self, inputs: Inputs) -> Tensor:
        hidden, _ = self.body.recur(
            self.body.transform(inputs.series, inputs.attributes), None, self.body.draw_masks()
        )
        return torch.sigmoid(self.head(hidden.mean(0)))


#: method of runs.tsv: what builds its network
NETWORKS: dict[str, Callable[[NetworkShape], nn.Module]] = {
    "dpl_a": AttributeNetwork,
    "dpl_z": SeriesNetwork,
}


def build_network(method: str, shape: NetworkShape, start: Tensor | None = None) -> nn.Module:
    """The network of a method, its first parameters near ``start`` (outputs,) of the unit cube.

    The bias of the last layer is the logit of ``start`` (the middle of the cube by default) and its
    weights are a tenth of their usual size, so that every cell begins near the same known
    parameters while gradients reach all weights. ``start`` is held 0.05 off the faces of the cube,
    where a sigmoid is flat.
    """
    if method not in NETWORKS:
        raise ValueError(f"unknown method {method!r}; parameter networks are {', '.join(NETWORKS)}")
    network = NETWORKS[method](shape)
    if start is None:
        start = torch.full((shape.n_outputs,), 0.5)
    with torch.no_grad():
        network.head.bias.copy_(torch.logit(start.detach().cpu().clamp(0.05, 0.95)))
        network.head.weight.mul_(0.1)
    return network
