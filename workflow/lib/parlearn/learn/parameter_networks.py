"""Parameter networks: modules from a study's inputs to places in the unit cube, and their registry.

A parameter network is any module whose ``forward(inputs: Inputs)`` gives (n, outputs) unbounded
numbers for the n cells of :class:`~parlearn.study.tensors.Inputs`; :class:`ParameterNetwork` keeps
them to the unit cube. To add one, write a builder and enter it in :data:`NETWORKS`; training,
checkpoints, trajectories and transfer come with it. It calls its last linear layer ``head`` and
says in ``uses_series`` whether it reads series.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from parlearn.networks import LSTM, FeedForward, ParaFormerA, ParaFormerZ
from parlearn.study.tensors import Inputs

#: how outputs are kept to the unit cube: by a sigmoid, or by the range boundary loss of Li & Lu
BOUNDS = ("sigmoid", "penalty")


@dataclass(frozen=True)
class NetworkShape:
    """Sizes a builder needs: what the inputs have, what is wanted, and the free choices.

    ``reading`` is the number of days of the series read at once, all by default.
    """

    n_attributes: int
    n_series: int
    n_outputs: int
    hidden: int
    n_targets: int = 1
    layers: int = 2
    heads: int = 4
    dropout: float = 0.0
    bounds: str = "sigmoid"
    reading: int | None = None

    def of_transformer(self) -> dict:
        """The free choices of a transformer beside its width."""
        return {"layers": self.layers, "heads": self.heads, "dropout": self.dropout}


class AttributeNetwork(nn.Module):
    """g_A of Tsai et al. 2021 (Fig. 1b): static attributes to parameters."""

    uses_series = False

    def __init__(self, shape: NetworkShape):
        super().__init__()
        self.body = FeedForward(shape.n_attributes, shape.n_outputs, [shape.hidden] * shape.layers)
        self.dropout = nn.Dropout(shape.dropout)

    @property
    def head(self) -> nn.Linear:
        return self.body.layers[-1]

    def forward(self, inputs: Inputs) -> Tensor:
        return self.body(self.dropout(inputs.attributes))


class LinearFunctions(nn.Module):
    """Linear transfer functions: each parameter a linear combination of the attributes.

    As of Beck et al. (2020, doi:10.1029/2019JD031485), who find the coefficients by evolution; here
    gradients do, and a sigmoid takes the place of cutting at the bounds.
    """

    uses_series = False

    def __init__(self, shape: NetworkShape):
        super().__init__()
        self.head = nn.Linear(shape.n_attributes, shape.n_outputs)

    def forward(self, inputs: Inputs) -> Tensor:
        return self.head(inputs.attributes)


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
        return self.head(hidden.mean(0))


class AttributeTransformer(ParaFormerA):
    """ParaFormer_A of Li & Lu 2023: static attributes to parameters."""

    uses_series = False

    def __init__(self, shape: NetworkShape):
        super().__init__(
            shape.n_attributes,
            shape.n_outputs,
            shape.hidden,
            **shape.of_transformer(),
        )

    def forward(self, inputs: Inputs) -> Tensor:
        return super().forward(inputs.attributes)


class SeriesTransformer(ParaFormerZ):
    """ParaFormer_Z of Li & Lu 2023: forcing, observations and attributes to parameters.

    Of cells held out in space it sees what :class:`SeriesNetwork` sees.
    """

    uses_series = True

    def __init__(self, shape: NetworkShape):
        super().__init__(
            shape.n_attributes,
            shape.n_series - 3 * shape.n_targets,
            shape.n_targets,
            shape.n_outputs,
            shape.hidden,
            **shape.of_transformer(),
        )

    def forward(self, inputs: Inputs) -> Tensor:
        return super().forward(inputs.attributes, inputs.series)


#: method: what builds its network
NETWORKS: dict[str, Callable[[NetworkShape], nn.Module]] = {
    "dpl_a": AttributeNetwork,
    "dpl_z": SeriesNetwork,
    "linear": LinearFunctions,
    "paraformer_a": AttributeTransformer,
    "paraformer_z": SeriesTransformer,
}


class ParameterNetwork(nn.Module):
    """A network of :data:`NETWORKS` whose outputs are places in the unit cube.

    With bounds ``sigmoid`` no output can leave the cube. With ``penalty`` outputs are free, the
    range boundary loss draws them back (:func:`~parlearn.learn.losses.range_boundary_loss`), and
    what is still outside is moved to the nearest face before a model sees it.
    """

    def __init__(self, body: nn.Module, bounds: str, reading: int | None):
        super().__init__()
        if bounds not in BOUNDS:
            raise ValueError(f"unknown bounds {bounds!r}; use {' or '.join(BOUNDS)}")
        self.body, self.bounds = body, bounds
        self.reading = reading if body.uses_series else None

    @property
    def uses_series(self) -> bool:
        return self.body.uses_series

    def forward(self, inputs: Inputs) -> Tensor:
        """Outputs (n, outputs) of the series as given; with ``penalty`` they may leave the cube."""
        answer = self.body(inputs)
        return torch.sigmoid(answer) if self.bounds == "sigmoid" else answer

    def read(self, inputs: Inputs) -> Tensor:
        """Places in the unit cube (n, outputs) from series of any length.

        A network that reads so many days at once reads several windows, spread evenly so that every
        day is in one, and the mean of its answers counts: a parameter has no season.

        Raises
        ------
        ValueError
            Series shorter than what is read at once.
        """
        days = inputs.series.shape[1]
        if self.reading is None or self.reading == days:
            return self(inputs).clamp(0, 1)
        if self.reading > days:
            raise ValueError(f"the network reads {self.reading} days at once; there are {days}")
        first = torch.linspace(0, days - self.reading, -(-days // self.reading)).round().int()
        answers = [self(inputs.between(k, k + self.reading)).clamp(0, 1) for k in first.tolist()]
        return torch.stack(answers).mean(0)


def build_network(
    method: str, shape: NetworkShape, start: Tensor | None = None
) -> ParameterNetwork:
    """The network of a method, its first parameters near ``start`` (outputs,) of the unit cube.

    The bias of the last layer is the logit of ``start`` (``start`` itself with bounds ``penalty``;
    the middle of the cube by default) and its weights are a tenth of their usual size, so that
    every cell begins near the same known parameters while gradients reach all weights. ``start`` is
    held 0.05 off the faces of the cube, where a sigmoid is flat.
    """
    if method not in NETWORKS:
        raise ValueError(f"unknown method {method!r}; parameter networks are {', '.join(NETWORKS)}")
    network = ParameterNetwork(NETWORKS[method](shape), shape.bounds, shape.reading)
    if start is None:
        start = torch.full((shape.n_outputs,), 0.5)
    start = start.detach().cpu().clamp(0.05, 0.95)
    with torch.no_grad():
        head = network.body.head
        head.bias.copy_(torch.logit(start) if shape.bounds == "sigmoid" else start)
        head.weight.mul_(0.1)
    return network
