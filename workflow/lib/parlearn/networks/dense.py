"""A dense encoder-decoder, image to image (Mo et al. 2019, Water Resour. Res. 55, 3856-3881).

Sun et al. (2024) take it for their second surrogate, ARnet, and print no layers: these are those of
Mo et al., of free size, and one path more (see :class:`DenseEncoderDecoder`).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


def _layer(n_in: int, convolution: nn.Module) -> nn.Sequential:
    """Batch normalisation, ReLU, convolution."""
    return nn.Sequential(nn.BatchNorm2d(n_in), nn.ReLU(), convolution)


class DenseBlock(nn.Module):
    """Layers of ``growth`` features, each of which sees the features of all before it."""

    def __init__(self, n_in: int, growth: int, layers: int):
        super().__init__()
        self.layers = nn.ModuleList(
            _layer(n, nn.Conv2d(n, growth, 3, padding=1, bias=False))
            for n in range(n_in, n_in + layers * growth, growth)
        )
        self.n_out = n_in + layers * growth

    def forward(self, maps: Tensor) -> Tensor:
        for layer in self.layers:
            maps = torch.cat([maps, layer(maps)], 1)
        return maps


class DenseEncoderDecoder(nn.Module):
    """Maps to maps of the same size: half the size, a quarter, a half, whole again.

    A 7 x 7 convolution of stride 2, then dense blocks at half, a quarter and half the size. Between
    them, and at the end, a 1 x 1 convolution halves the features and a 3 x 3 one of stride 2 halves
    the map, or a transposed one doubles it. Maps of 4 k + 1 rows or columns come back exactly (25 -
    13 - 7 - 13 - 25); others are padded with zeros to the next such size and cut back.

    One path is added to what is published: 1 x 1 convolutions join each place's own inputs with
    what the decoder says of its surroundings, since what belongs to a single place (its parameters)
    does not survive the halving of the map.

    Parameters
    ----------
    n_in, n_out : channels
    first : features of the first convolution
    growth : features that each layer of a block adds
    blocks : layers of the three blocks
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        first: int = 48,
        growth: int = 40,
        blocks: tuple[int, int, int] = (5, 10, 5),
    ):
        super().__init__()
        if len(blocks) != 3 or min(n_in, n_out, first, growth, *blocks) < 1:
            raise ValueError(
                f"an encoder-decoder needs channels, features and three blocks of at least 1; got "
                f"{n_in} in, {n_out} out, first {first}, growth {growth}, blocks {tuple(blocks)}"
            )
        parts, n = [nn.Conv2d(n_in, first, 7, stride=2, padding=3, bias=False)], first
        steps = (nn.Conv2d, nn.ConvTranspose2d, nn.ConvTranspose2d)
        for layers, step in zip(blocks, steps, strict=True):
            block = DenseBlock(n, growth, layers)
            n = block.n_out // 2
            parts += [
                block,
                _layer(block.n_out, nn.Conv2d(block.n_out, n, 1, bias=False)),
                _layer(n, step(n, n, 3, stride=2, padding=1, bias=False)),
            ]
        self.body = nn.Sequential(*parts)
        self.join = nn.Conv2d(n + n_in, 2 * first, 1)
        self.head = nn.Conv2d(2 * first, n_out, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, n_in, y, x) to (n, n_out, y, x)."""
        rows, columns = maps.shape[-2:]
        padded = functional.pad(maps, (0, (1 - columns) % 4, 0, (1 - rows) % 4))
        around = self.body(padded)[..., :rows, :columns]
        return self.head(functional.relu(self.join(torch.cat([around, maps], 1))))
