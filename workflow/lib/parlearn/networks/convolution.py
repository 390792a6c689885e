"""Convolutional networks on maps: a U-net generator and a DCGAN discriminator (Sun et al. 2024).

The layers of the paper (its tables S1 and S2) are in a supplement that is not public with the text;
what section 2.1.2 says of them is kept, the rest chosen and said in the docstrings.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

#: slope of LeakyReLU below zero (section 2.1.2)
LEAK = 0.2


def _down(n_in, n_out, norm):
    layers = [nn.Conv2d(n_in, n_out, 3, stride=2, padding=1), *norm, nn.LeakyReLU(LEAK)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Maps to maps of the same size, through a narrowing and a widening path (Fig. 2a).

    Each of ``levels`` steps down is a 3 x 3 convolution of stride 2 that halves the map and doubles
    the features; each step up a 4 x 4 transposed convolution of stride 2, joined with the features
    of the same size on the way down. Between them stand LeakyReLU and a normalisation of each map
    by itself, since there is one map and no batch to normalise over. Maps are padded with zeros to
    a multiple of 2 ** levels and cut back, never resampled. The last layer, ``head``, is a 1 x 1
    convolution.

    Parameters
    ----------
    n_in, n_out : channels
    hidden : features at full size
    levels : steps down; the shorter side of a map has at least 2 ** levels cells
    """

    def __init__(self, n_in: int, n_out: int, hidden: int = 32, levels: int = 3):
        super().__init__()
        self.levels = levels
        width = [hidden * 2**k for k in range(levels + 1)]

        def norm(n):
            return [nn.GroupNorm(1, n)]

        self.first = nn.Sequential(nn.Conv2d(n_in, hidden, 3, padding=1), nn.LeakyReLU(LEAK))
        self.down = nn.ModuleList(_down(a, b, norm(b)) for a, b in zip(width, width[1:]))
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(2 * b if k else b, a, 4, stride=2, padding=1),
                *norm(a),
                nn.LeakyReLU(LEAK),
            )
            for k, (b, a) in enumerate(zip(width[:0:-1], width[-2::-1]))
        )
        self.head = nn.Conv2d(2 * hidden, n_out, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, n_in, y, x) to (n, n_out, y, x)."""
        rows, columns = maps.shape[-2:]
        step = 2**self.levels
        if min(rows, columns) < step:
            most = int(math.log2(min(rows, columns)))
            raise ValueError(
                f"a U-net of {self.levels} levels needs maps of at least {step} x {step} cells, "
                f"not {rows} x {columns}: set levels to {most} or less"
            )
        x = self.first(functional.pad(maps, (0, -columns % step, 0, -rows % step)))
        passed = []
        for layer in self.down:
            passed.append(x)
            x = layer(x)
        for k, layer in enumerate(self.up):
            x = torch.cat([layer(x), passed[-1 - k]], 1)
        return self.head(x)[..., :rows, :columns]


class Discriminator(nn.Module):
    """Maps of a day to one number: near 1 for an observed day, near 0 for a simulated (Fig. 2b).

    A 3 x 3 convolution of stride 2 and LeakyReLU, then such convolutions with batch normalisation
    until the shorter side has at most 4 places, each doubling the features up to eight times
    ``hidden``; the last convolution spans what is left.

    Parameters
    ----------
    n_in : channels
    shape : rows and columns of the maps
    hidden : features after the first layer
    """

    def __init__(self, n_in: int, shape: tuple[int, int], hidden: int = 32):
        super().__init__()
        layers, n, (rows, columns) = [], n_in, shape
        width = hidden
        while not layers or min(rows, columns) > 4:
            layers.append(_down(n, width, [nn.BatchNorm2d(width)] if layers else []))
            n, width = width, min(2 * width, 8 * hidden)
            rows, columns = -(-rows // 2), -(-columns // 2)
        self.body = nn.Sequential(*layers, nn.Conv2d(n, 1, (rows, columns)))

    def forward(self, maps: Tensor) -> Tensor:
        """(n, n_in, y, x) to (n,)."""
        return self.body(maps)[:, 0, 0, 0]
