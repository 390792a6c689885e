"""The feed-forward parameter network."""

import pytest
import torch

from parlearn.networks import FeedForward


def test_equals_its_equations():
    torch.manual_seed(0)
    net = FeedForward(5, 3, [16, 8])
    x = torch.randn(4, 20, 5)
    (w1, b1), (w2, b2), (w3, b3) = ((net.layers[k].weight, net.layers[k].bias) for k in (0, 2, 4))
    hidden = (x @ w1.T + b1).clamp_min(0)
    expected = (hidden @ w2.T + b2).clamp_min(0) @ w3.T + b3
    assert net(x).shape == (4, 20, 3)
    assert torch.allclose(net(x), expected, atol=1e-6)


def test_number_of_weights_follows_the_hidden_sizes():
    net = FeedForward(5, 3, [16, 8])
    assert sum(p.numel() for p in net.parameters()) == 16 * 6 + 8 * 17 + 3 * 9


def test_gradcheck():
    torch.manual_seed(0)
    net = FeedForward(3, 2, [4]).double()
    attributes = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(net, (attributes,))


def test_a_hidden_layer_is_needed():
    with pytest.raises(ValueError, match="hidden layer"):
        FeedForward(3, 2, [])
