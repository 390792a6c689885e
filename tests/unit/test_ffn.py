"""The feed-forward parameter network."""

import pytest
import torch

from parlearn.networks import FeedForward


def test_outputs_stay_in_the_unit_interval():
    torch.manual_seed(0)
    net = FeedForward(5, 3, [16, 8])
    answer = net(100 * torch.randn(4, 20, 5))
    assert answer.shape == (4, 20, 3)
    assert ((answer >= 0) & (answer <= 1)).all()


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
