"""The long short-term memory network of Tsai et al. (2021), eqs. 1-8.

The dropout D of eqs. 2-5 is variational (Gal & Ghahramani 2016, "A theoretically grounded
application of dropout in recurrent neural networks"): one mask per gate and per product, the same
at all time steps. Here a mask is also shared by the sequences of a batch, and is drawn anew for
each batch. Then D(W x) = diag(m) W x = (diag(m) W) x exactly, so masking the rows of the weight
matrices once per batch gives the equations as written, and torch's fused kernels (cuDNN on a GPU,
oneDNN on a CPU) run the recurrence.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

State = tuple[Tensor, Tensor]

#: oneDNN is fastest on pieces of about this many rows (days x sequences), which stay in the cache
CPU_ROWS = 4096


class LSTM(nn.Module):
    """Eqs. 1-8 of Tsai et al. (2021) with inputs I^t = [series^t, static].

    Parameters
    ----------
    n_series, n_static : int
        Inputs that vary in time and inputs that do not; either may be 0.
    n_outputs : int
    hidden : int
        Length of x, h and s.
    dropout : float
        Share of the entries of each W x and W h set to zero in training; the rest is divided by
        1 - dropout, so that expectations hold.

    Notes
    -----
    The gates' rows stand in torch's order: input i, forget f, node g, output o. With H = ``hidden``
    there are H (n_series + n_static + 1) + 8 H^2 + 4 H + n_outputs (H + 1) weights.
    """

    def __init__(
        self, n_series: int, n_outputs: int, hidden: int, n_static: int = 0, dropout: float = 0.0
    ):
        super().__init__()
        if min(n_series + n_static, n_outputs, hidden) < 1 or min(n_series, n_static) < 0:
            raise ValueError(
                f"an LSTM needs inputs, outputs and hidden units; got {n_series} series, "
                f"{n_static} static, {n_outputs} outputs, hidden {hidden}"
            )
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), got {dropout}")
        self.n_series, self.n_static = n_series, n_static
        self.hidden, self.dropout = hidden, dropout
        self.input = nn.Linear(n_series + n_static, hidden)
        self.weight_x = nn.Parameter(torch.empty(4 * hidden, hidden))
        self.weight_h = nn.Parameter(torch.empty(4 * hidden, hidden))
        self.bias = nn.Parameter(torch.empty(4 * hidden))
        self.output = nn.Linear(hidden, n_outputs)
        for weight in (self.weight_x, self.weight_h, self.bias):
            nn.init.uniform_(weight, -(hidden**-0.5), hidden**-0.5)

    def draw_masks(self) -> Tensor | None:
        """Masks (2, 4 hidden) for the rows of W_x and W_h; None where nothing is dropped."""
        if not self.training or self.dropout == 0:
            return None
        keep = 1 - self.dropout
        return torch.bernoulli(torch.full_like(self.bias, keep).expand(2, -1)) / keep

    def transform(self, series: Tensor, static: Tensor | None = None) -> Tensor:
        """Eq. 1: series (batch, day, n_series), static (batch, n_static) to x (day, batch, hidden).

        W_I I is computed as the sum of its two parts, the static one once for all days.
        """
        if series.shape[-1] != self.n_series or (static is None) != (self.n_static == 0):
            raise ValueError(
                f"the network takes {self.n_series} series and {self.n_static} static inputs; got "
                f"{series.shape[-1]} and {0 if static is None else static.shape[-1]}"
            )
        weight, bias = self.input.weight, self.input.bias
        if static is not None:
            bias = functional.linear(static, weight[:, self.n_series :], bias)
        dynamic = functional.linear(series.transpose(0, 1), weight[:, : self.n_series])
        return torch.relu(dynamic + bias)

    def recur(self, x: Tensor, state: State | None = None, masks: Tensor | None = None):
        """Eqs. 2-7: x (day, batch, hidden) to h of all days (same shape) and the last (h, s)."""
        weight_x, weight_h = self.weight_x, self.weight_h
        if masks is not None:
            weight_x, weight_h = weight_x * masks[0, :, None], weight_h * masks[1, :, None]
        # One buffer in cuDNN's own layout, which it uses in place; torch's second bias stays zero.
        parts = (weight_x, weight_h, self.bias, torch.zeros_like(self.bias))
        flat = torch.cat([part.flatten() for part in parts])
        weights = [
            piece.view(part.shape)
            for piece, part in zip(flat.split([part.numel() for part in parts]), parts)
        ]
        if state is None:
            zero = x.new_zeros(x.shape[1], self.hidden)
            state = (zero, zero)
        h, s = state[0][None], state[1][None]
        days = max(1, CPU_ROWS // max(1, x.shape[1])) if x.device.type == "cpu" else x.shape[0]
        hidden = []
        for piece in x.split(days):
            # cuDNN and oneDNN keep what the backward pass needs only in "train" mode, whatever
            # self.training says; the kernel's own dropout (between layers) is off.
            out, h, s = torch.lstm(
                piece, (h, s), weights, True, 1, 0.0, torch.is_grad_enabled(), False, False
            )
            hidden.append(out)
        return torch.cat(hidden), (h[0], s[0])

    def forward(
        self,
        series: Tensor,
        static: Tensor | None = None,
        state: State | None = None,
        masks: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Run the network over a batch of sequences.

        Parameters
        ----------
        series : (batch, day, n_series)
        static : (batch, n_static), where n_static > 0
        state : (h, s), each (batch, hidden), optional
            Where an earlier piece of the same sequences ended; zeros by default.
        masks : (2, 4 hidden), optional
            From :meth:`draw_masks`, to drop the same rows in the pieces of a sequence; drawn anew
            by default when training.

        Returns
        -------
        (batch, day, n_outputs) and the last (h, s).
        """
        if masks is None:
            masks = self.draw_masks()
        h, state = self.recur(self.transform(series, static), state, masks)
        return self.output(h).transpose(0, 1), state
