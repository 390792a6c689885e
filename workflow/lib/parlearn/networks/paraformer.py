"""The transformers of Li & Lu (2023): ParaFormer_A (eqs. 4-8) and ParaFormer_Z (eqs. 9-12).

Where the text leaves a shape open, this is what was chosen:

- Eq. 4 multiplies attributes A (L_A) by W_em (L_A x d) and wants H (L_A x d). That holds if each
  attribute scales its own row, diag(A) W_em. A standardised attribute is often near zero, and a row
  of zeros would not say which attribute it is, so each has a learned identity added.
- Heads are joined after the last layer by the mean over attributes, before the linear layer of
  eqs. 8 and 12; the number of weights after the embedding then does not depend on L_A.
- Layer normalisation follows each residual sum and the feed-forward layers are four times as wide
  as the model, both as in Vaswani et al. (2017), which the paper builds on. Dropout is theirs too:
  on embeddings and on what each sub-layer adds, not on attention weights.
- Projections have no bias, as in eqs. 5, 7, 9 and 10; the feed-forward layers have one.
- Eqs. 10-12 are written once, so ParaFormer_Z has N encoder layers over days (its N) and one block
  that attends from attributes to days.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

#: width of the feed-forward layers in widths of the model
EXPANSION = 4


class Attention(nn.Module):
    """Multi-head scaled dot-product attention, eqs. 5-7, of queries given as they are."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        if heads < 1 or width % heads:
            raise ValueError(
                f"heads = {heads} does not divide hidden = {width}: attention splits the width of "
                "the model evenly among its heads"
            )
        self.heads = heads
        self.key, self.value, self.out = (nn.Linear(width, width, bias=False) for _ in range(3))

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """From queries (n, q, width) to what they find in memory (n, k, width): (n, q, width)."""
        split = [
            x.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for x in (queries, self.key(memory), self.value(memory))
        ]
        found = functional.scaled_dot_product_attention(*split)
        return self.out(found.transpose(1, 2).flatten(2))


class SelfAttention(nn.Module):
    """Tokens that attend to each other, added to themselves and normalised."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.attention = Attention(width, heads)
        self.dropout, self.norm = nn.Dropout(dropout), nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        found = self.attention(self.query(tokens), tokens)
        return self.norm(tokens + self.dropout(found))


class FeedForwardLayer(nn.Module):
    """max(0, O W_1 + b_1) W_2 + b_2 of each token, added to it and normalised."""

    def __init__(self, width: int, dropout: float):
        super().__init__()
        self.wide = nn.Linear(width, EXPANSION * width)
        self.narrow = nn.Linear(EXPANSION * width, width)
        self.dropout, self.norm = nn.Dropout(dropout), nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        answer = self.narrow(torch.relu(self.wide(tokens)))
        return self.norm(tokens + self.dropout(answer))


class Encoder(nn.Sequential):
    """N identical layers of self-attention and feed-forward (Fig. 2)."""

    def __init__(self, width: int, layers: int, heads: int, dropout: float):
        parts = [
            part
            for _ in range(layers)
            for part in (SelfAttention(width, heads, dropout), FeedForwardLayer(width, dropout))
        ]
        super().__init__(*parts)


class AttributeTokens(nn.Module):
    """Eq. 4: each attribute is a token, its value times its own row plus its own identity."""

    def __init__(self, n_attributes: int, width: int):
        super().__init__()
        self.row = nn.Parameter(torch.empty(n_attributes, width))
        self.identity = nn.Parameter(torch.empty(n_attributes, width))
        for weight in (self.row, self.identity):
            nn.init.normal_(weight, std=width**-0.5)

    def forward(self, attributes: Tensor) -> Tensor:
        """(n, attribute) to (n, attribute, width)."""
        return attributes[..., None] * self.row + self.identity


class DayTokens(nn.Module):
    """Eq. 9: each day is a token: its forcing, its observations and its place in the series.

    A day without an observation has a learned vector in the observation's place, never a zero; its
    forcing is kept. Series of a batch are of one length, so nothing is padded or masked.
    """

    def __init__(self, n_forcing: int, n_targets: int, width: int):
        super().__init__()
        self.forcing = nn.Linear(n_forcing, width, bias=False)
        self.observed = nn.Parameter(torch.empty(n_targets, width))
        self.missing = nn.Parameter(torch.empty(n_targets, width))
        for weight in (self.observed, self.missing):
            nn.init.normal_(weight, std=width**-0.5)

    def forward(self, series: Tensor) -> Tensor:
        """Series (n, day, variable) of :class:`~parlearn.study.tensors.Inputs` to tokens."""
        n_forcing = self.forcing.in_features
        # of each target: last value observed, its age, and whether it is of this day
        value, _, today = series[..., n_forcing:].unflatten(-1, (-1, 3)).unbind(-1)
        seen = (value * today) @ self.observed + (1 - today) @ self.missing
        places = positions(series.shape[1], self.forcing.out_features).to(series)
        return self.forcing(series[..., :n_forcing]) + seen + places


def positions(days: int, width: int) -> Tensor:
    """E_pos of eq. 9 (day, width): sines and cosines of Vaswani et al. (2017, section 3.5)."""
    rate = 10000.0 ** (-torch.arange(0, width, 2) / width)
    angle = torch.arange(days)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)[:, :width]


class ParaFormerA(nn.Module):
    """ParaFormer_A, eqs. 4-8: a transformer encoder over the attributes of a cell.

    Parameters
    ----------
    n_attributes, n_outputs : attributes given (two at least), numbers wanted
    width : of the model (the paper's hidden size)
    layers : N
    heads : m; divides the width
    dropout : share dropped

    Raises
    ------
    ValueError
        Fewer than two attributes, or heads that do not divide the width.
    """

    def __init__(
        self,
        n_attributes: int,
        n_outputs: int,
        width: int,
        *,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.0,
    ):
        super().__init__()
        if n_attributes < 2:
            raise ValueError(
                f"ParaFormer_A attends among attributes and was given {n_attributes}; it needs two "
                "at least: add attributes to the domain, or use dpl_a"
            )
        self.tokens = AttributeTokens(n_attributes, width)
        self.dropout = nn.Dropout(dropout)
        self.encoder = Encoder(width, layers, heads, dropout)
        self.head = nn.Linear(width, n_outputs)

    def forward(self, attributes: Tensor) -> Tensor:
        """Standardised attributes (n, attribute) to unbounded numbers (n, outputs)."""
        return self.head(self.encoder(self.dropout(self.tokens(attributes))).mean(1))


class ParaFormerZ(nn.Module):
    """ParaFormer_Z, eqs. 9-12: attributes as queries to an encoded series of days.

    Parameters
    ----------
    n_attributes, n_outputs : attributes given (one at least), numbers wanted
    n_forcing, n_targets : forcing variables and observed variables of the series
    width, layers, heads, dropout : as for :class:`ParaFormerA`; layers are those over days

    Raises
    ------
    ValueError
        No attribute, no forcing, or heads that do not divide the width.
    """

    def __init__(
        self,
        n_attributes: int,
        n_forcing: int,
        n_targets: int,
        n_outputs: int,
        width: int,
        *,
        layers: int = 2,
        heads: int = 8,
        dropout: float = 0.0,
    ):
        super().__init__()
        if min(n_attributes, n_forcing, n_targets) < 1:
            raise ValueError(
                "ParaFormer_Z asks with attributes and reads forcing and observations; it was "
                f"given {n_attributes} attributes, {n_forcing} forcing variables and {n_targets} "
                "observed ones: it needs one of each at least"
            )
        self.days = DayTokens(n_forcing, n_targets, width)
        self.encoder = Encoder(width, layers, heads, dropout)
        self.tokens = AttributeTokens(n_attributes, width)
        self.among = SelfAttention(width, heads, dropout)
        self.query = nn.Linear(width, width, bias=False)
        self.cross = Attention(width, heads)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.feed_forward = FeedForwardLayer(width, dropout)
        self.head = nn.Linear(width, n_outputs)

    def forward(self, attributes: Tensor, series: Tensor) -> Tensor:
        """(n, attribute) and (n, day, variable) to unbounded numbers (n, outputs).

        The series has the forcing first, then of each target its last value, that value's age and
        whether it is of this day (:class:`~parlearn.study.tensors.Inputs`); the age is not used.
        """
        memory = self.encoder(self.dropout(self.days(series)))
        queries = self.query(self.among(self.dropout(self.tokens(attributes))))  # eq. 10
        found = self.cross(queries, memory)  # eq. 11
        joined = self.feed_forward(self.norm(queries + self.dropout(found)))  # eq. 12
        return self.head(joined.mean(1))
