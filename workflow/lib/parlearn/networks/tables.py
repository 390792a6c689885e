"""Networks as tables of their layers, for people."""

import torch
from torch import nn

_NAMES = {nn.Conv2d: "convolution", nn.ConvTranspose2d: "transposed convolution"}


def layer_table(network: nn.Module, *shape: int) -> str:
    """A table in Markdown: the convolutions of a network, as a map of a shape meets them.

    Parameters
    ----------
    shape : channels, rows and columns of an input

    Returns
    -------
    Columns: number, layer, kernel, stride, features x rows x columns that come out, weights. The
    last row has the weights of the whole, normalisations included.
    """
    rows, hooks = [], []

    def met(module, _, out):
        rows.append(
            (
                str(len(rows) + 1),
                _NAMES[type(module)],
                " x ".join(map(str, module.kernel_size)),
                str(module.stride[0]),
                " x ".join(map(str, out.shape[1:])),
                f"{sum(w.numel() for w in module.parameters()):,}",
            )
        )

    for module in network.modules():
        if type(module) in _NAMES:
            hooks.append(module.register_forward_hook(met))
    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, *shape))
    for hook in hooks:
        hook.remove()
    total = f"{sum(w.numel() for w in network.parameters()):,}"
    rows = [("", "layer", "kernel", "stride", "out", "weights"), ("---",) * 6, *rows]
    rows.append(("", "all, with normalisations", "", "", "", total))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
