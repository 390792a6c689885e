"""The parameter network g_A of Tsai et al. (2021): attributes of a cell in, its parameters out."""

from collections.abc import Sequence

from torch import Tensor, nn


class FeedForward(nn.Module):
    """Fully connected layers with ReLU between them.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Attributes given, parameters wanted.
    hidden : sequence of int
        Sizes of the hidden layers, at least one.
    """

    def __init__(self, n_inputs: int, n_outputs: int, hidden: Sequence[int]):
        super().__init__()
        sizes = [n_inputs, *hidden]
        if not hidden or min(*sizes, n_outputs) < 1:
            raise ValueError(
                f"a feed-forward network needs sizes of at least 1 and a hidden layer; "
                f"got {n_inputs} inputs, hidden {list(hidden)}, {n_outputs} outputs"
            )
        layers: list[nn.Module] = []
        for before, after in zip(sizes, sizes[1:]):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], n_outputs))

    def forward(self, attributes: Tensor) -> Tensor:
        """Standardised attributes (..., n_inputs) to (..., n_outputs), unbounded."""
        return self.layers(attributes)
