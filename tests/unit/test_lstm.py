"""The LSTM against eqs. 1-8 of Tsai et al. (2021), written out step by step."""

import pytest
import torch
from torch import nn

from parlearn.networks import LSTM
from parlearn.networks import lstm as module


def step_by_step(net, series, static=None, masks=None):
    """Eqs. 1-8 as printed; masks (2, 4 hidden) of D(W x) and D(W h), rows i, f, g, o."""
    size = net.hidden
    w_x, w_h, bias = (w.split(size) for w in (net.weight_x, net.weight_h, net.bias))
    if masks is None:
        masks = torch.ones(2, 4 * size, dtype=series.dtype)
    m_x, m_h = masks[0].split(size), masks[1].split(size)
    h = s = series.new_zeros(series.shape[0], size)
    answers = []
    for day in range(series.shape[1]):
        inputs = series[:, day] if static is None else torch.cat([series[:, day], static], -1)
        x = torch.relu(inputs @ net.input.weight.T + net.input.bias)
        i, f, g, o = (m_x[k] * (x @ w_x[k].T) + m_h[k] * (h @ w_h[k].T) + bias[k] for k in range(4))
        g, i, f, o = torch.tanh(g), torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o)
        s = g * i + s * f
        h = torch.tanh(s) * o
        answers.append(h @ net.output.weight.T + net.output.bias)
    return torch.stack(answers, 1), (h, s)


@pytest.fixture
def net():
    torch.manual_seed(1)
    return LSTM(3, 2, 8, n_static=4, dropout=0.4).double()


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(2)
    return (
        torch.randn(5, 12, 3, generator=generator, dtype=torch.float64),
        torch.randn(5, 4, generator=generator, dtype=torch.float64),
    )


def same(a, b):
    torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def test_equations_without_dropout(net, data):
    net.eval()
    answer, (h, s) = net(*data)
    expected, (h_expected, s_expected) = step_by_step(net, *data)
    same(answer, expected)
    same(h, h_expected)
    same(s, s_expected)


def test_equations_with_dropout_and_their_gradients(net, data):
    masks = net.train().draw_masks()
    answer, _ = net(*data, masks=masks)
    expected, _ = step_by_step(net, *data, masks=masks)
    same(answer, expected)
    weights = list(net.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(answer.square().sum(), weights),
        torch.autograd.grad(expected.square().sum(), weights),
    ):
        same(ours, theirs)


def test_float32_kernel_in_pieces_agrees(net, data, monkeypatch):
    monkeypatch.setattr(module, "CPU_ROWS", 15)  # three days at a time
    net.eval().float()
    series, static = (d.float() for d in data)
    expected, _ = step_by_step(net, series, static)
    torch.testing.assert_close(net(series, static)[0], expected)
    with torch.no_grad():
        torch.testing.assert_close(net(series, static)[0], expected)


def test_series_alone(data):
    net = LSTM(3, 1, 6).double()
    same(net(data[0])[0], step_by_step(net, data[0])[0])


def test_gradcheck(data):
    torch.manual_seed(0)
    net = LSTM(3, 1, 3, n_static=4).double()
    series, static = data[0][:2, :4].requires_grad_(), data[1][:2].requires_grad_()
    assert torch.autograd.gradcheck(lambda *inputs: net(*inputs)[0], (series, static))


def test_masks_are_fresh_for_each_batch_gate_and_product(net):
    masks = [net.train().draw_masks() for _ in range(200)]
    assert all(m.shape == (2, 32) for m in masks)
    assert not any(torch.equal(a, b) for a, b in zip(masks, masks[1:]))
    stack = torch.stack(masks)
    values = torch.tensor([0, 1 / 0.6], dtype=torch.float64)
    assert torch.isclose(stack[..., None], values).any(-1).all()
    assert abs(stack.mean().item() - 1) < 0.05
    gates = stack.reshape(200, 8, 8)
    assert not any(torch.equal(gates[:, a], gates[:, b]) for a in range(8) for b in range(a))


def test_dropout_acts_in_training_only(net, data):
    net.train()
    assert not torch.equal(net(*data)[0], net(*data)[0])
    net.eval()
    assert net.draw_masks() is None
    assert torch.equal(net(*data)[0], net(*data)[0])


def test_the_seed_decides_the_masks(net, data):
    answers = []
    for _ in range(2):
        torch.manual_seed(7)
        answers.append(net.train()(*data)[0])
    assert torch.equal(*answers)


def test_state_carries_over(net, data):
    series, static = data
    masks = net.train().draw_masks()
    whole, last = net(series, static, masks=masks)
    first, state = net(series[:, :5], static, masks=masks)
    second, state = net(series[:, 5:], static, state, masks)
    same(torch.cat([first, second], 1), whole)
    same(torch.stack(state), torch.stack(last))


def test_frozen_weights_in_eval_still_give_input_gradients(net, data):
    net.eval().requires_grad_(False).float()
    static = data[1].float().requires_grad_()
    net(data[0].float(), static)[0].sum().backward()
    assert static.grad.abs().sum() > 0


def test_number_of_weights():
    net = LSTM(7, 2, 16, n_static=5)
    assert (
        sum(p.numel() for p in net.parameters()) == 16 * (7 + 5 + 1) + 8 * 16**2 + 4 * 16 + 2 * 17
    )


def test_same_recurrence_as_torch(net, data):
    torch.manual_seed(3)
    reference = nn.LSTM(8, 8).double()
    with torch.no_grad():
        net.weight_x.copy_(reference.weight_ih_l0)
        net.weight_h.copy_(reference.weight_hh_l0)
        net.bias.copy_(reference.bias_ih_l0 + reference.bias_hh_l0)
    x = net.transform(*data)
    same(net.recur(x)[0], reference(x)[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_series": 0, "n_outputs": 1, "hidden": 4}, "needs inputs"),
        ({"n_series": 2, "n_outputs": 1, "hidden": 4, "dropout": 1.0}, "dropout must lie"),
    ],
)
def test_bad_sizes(arguments, message):
    with pytest.raises(ValueError, match=message):
        LSTM(**arguments)


def test_wrong_inputs(net, data):
    with pytest.raises(ValueError, match="3 series and 4 static"):
        net(data[0])
    with pytest.raises(ValueError, match="got 2 and 4"):
        net(data[0][..., :2], data[1])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cudnn_agrees_with_the_equations(net, data, monkeypatch, recwarn):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    net.float().train().cuda()
    series, static = (d.float().cuda() for d in data)
    masks = net.draw_masks()
    answer, _ = net(series, static, masks=masks)
    expected, _ = step_by_step(net, series, static, masks)
    torch.testing.assert_close(answer, expected, rtol=1e-4, atol=1e-5)
    weights = list(net.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(answer.square().sum(), weights),
        torch.autograd.grad(expected.square().sum(), weights),
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
    assert not [w for w in recwarn if "contiguous chunk" in str(w.message)]
    net.eval().requires_grad_(False)
    static.requires_grad_()
    net(series, static)[0].sum().backward()
    assert static.grad.abs().sum() > 0
