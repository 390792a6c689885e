"""ParaFormer_A and ParaFormer_Z against the paper's equations, shapes and numbers of weights."""

import math

import pytest
import torch
from torch import nn

from parlearn.networks import ParaFormerA, ParaFormerZ
from parlearn.networks.paraformer import Attention, DayTokens, FeedForwardLayer, positions

torch.set_num_threads(1)


def weights(module):
    return sum(p.numel() for p in module.parameters())


@pytest.fixture
def series():
    """Two forcing variables, then value, age and flag of one target: seen on days 0 and 3."""
    torch.manual_seed(1)
    forcing = torch.randn(4, 6, 2)
    value, flag = torch.randn(4, 6), torch.tensor([1.0, 0, 0, 1, 0, 0]).expand(4, 6)
    return torch.cat([forcing, torch.stack([value, torch.rand(4, 6), flag], -1)], -1)


def test_attention_by_the_equations():
    """Eqs. 5-7 head by head, with a softmax written out."""
    torch.manual_seed(0)
    width, heads = 12, 3
    attention, queries, memory = (
        Attention(width, heads),
        torch.randn(2, 5, 12),
        torch.randn(2, 7, 12),
    )
    joined = []
    for m in range(heads):
        part = slice(m * 4, (m + 1) * 4)
        q = queries[..., part]
        k, v = (x(memory)[..., part] for x in (attention.key, attention.value))
        score = torch.exp(q @ k.transpose(1, 2) / math.sqrt(4))
        joined.append(score / score.sum(-1, keepdim=True) @ v)
    expected = torch.cat(joined, -1) @ attention.out.weight.T
    assert torch.allclose(attention(queries, memory), expected, atol=1e-6)


def test_encoder_equals_torch_transformer():
    """The same layer as torch's own, once its weights are ours and its biases zero."""
    torch.manual_seed(0)
    width, heads = 16, 4
    ours = ParaFormerA(5, 3, width, layers=1, heads=heads)
    theirs = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, batch_first=True)
    attend, feed = ours.encoder
    with torch.no_grad():
        mixed = (attend.query, attend.attention.key, attend.attention.value)
        theirs.self_attn.in_proj_weight.copy_(torch.cat([x.weight for x in mixed]))
        theirs.self_attn.in_proj_bias.zero_()
        theirs.self_attn.out_proj.weight.copy_(attend.attention.out.weight)
        theirs.self_attn.out_proj.bias.zero_()
        for there, here in ((theirs.linear1, feed.wide), (theirs.linear2, feed.narrow)):
            there.load_state_dict(here.state_dict())
    tokens = torch.randn(6, 5, width)
    assert torch.allclose(ours.encoder(tokens), theirs(tokens), atol=1e-5)


@pytest.mark.parametrize(("layers", "heads"), [(1, 1), (2, 4), (3, 8)])
def test_shapes_and_numbers_of_weights(layers, heads, series):
    """W_em and identities; N x (4 d^2, feed-forward 8 d^2 + 5 d, two norms 4 d); the head."""
    d, attributes, outputs = 32, 9, 5
    layer = 4 * d * d + (8 * d * d + 5 * d) + 4 * d
    a = ParaFormerA(attributes, outputs, d, layers=layers, heads=heads)
    assert a(torch.randn(7, attributes)).shape == (7, outputs)
    assert weights(a) == 2 * attributes * d + layers * layer + outputs * (d + 1)
    z = ParaFormerZ(attributes, 2, 1, outputs, d, layers=layers, heads=heads)
    assert z(torch.randn(4, attributes), series).shape == (4, outputs)
    days = (2 + 1 + 1) * d + layers * layer
    among, query, cross, joined = 4 * d * d + 2 * d, d * d, 3 * d * d, 2 * d + 8 * d * d + 7 * d
    assert weights(z) == days + 2 * attributes * d + among + query + cross + joined + outputs * (
        d + 1
    )


def test_sizes_of_the_paper():
    """Hidden 128, 4 heads, N = 2; hidden 256, 8 heads, N = 2; seven forcing variables."""
    assert weights(ParaFormerA(20, 5, 128, layers=2, heads=4)) == 401_285
    assert weights(ParaFormerZ(20, 7, 1, 5, 256, layers=2, heads=8)) == 2_642_693


def test_positions_are_vaswanis():
    table = positions(50, 6)
    assert table.shape == (50, 6)
    for day in (0, 1, 49):
        for i in range(3):
            angle = day / 10000 ** (2 * i / 6)
            assert table[day, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-5)
            assert table[day, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-5)
    assert positions(4, 5).shape == (4, 5)


def test_attributes_have_no_order_of_their_own():
    """Attributes swapped together with their rows and identities change nothing."""
    torch.manual_seed(0)
    network, attributes = ParaFormerA(6, 2, 8, heads=2), torch.randn(3, 6)
    expected = network(attributes)
    order = torch.randperm(6)
    with torch.no_grad():
        for weight in (network.tokens.row, network.tokens.identity):
            weight.copy_(weight[order])
    assert torch.allclose(network(attributes[:, order]), expected, atol=1e-6)


def test_an_average_attribute_is_still_told_apart():
    tokens = ParaFormerA(3, 2, 8, heads=2).tokens(torch.zeros(1, 3))[0]
    assert (tokens[0] - tokens[1]).abs().max() > 1e-3


def test_days_count_in_their_order(series):
    torch.manual_seed(0)
    network, attributes = ParaFormerZ(3, 2, 1, 2, 8, heads=2), torch.randn(4, 3)
    assert not torch.allclose(
        network(attributes, series), network(attributes, series.flip(1)), atol=1e-4
    )


def test_a_missing_observation_is_a_learned_vector_and_its_forcing_is_kept(series):
    torch.manual_seed(0)
    tokens = DayTokens(2, 1, 8)
    answer = tokens(series) - positions(6, 8)
    forcing = series[..., :2] @ tokens.forcing.weight.T
    assert torch.allclose(answer[:, 1], forcing[:, 1] + tokens.missing[0], atol=1e-6)
    seen = forcing[:, 3] + series[:, 3, 2:3] * tokens.observed[0]
    assert torch.allclose(answer[:, 3], seen, atol=1e-6)
    # neither the stale value carried along nor its age plays a part on a day without one
    other = series.clone()
    other[:, 1, 2:4] += 5.0
    assert torch.equal(tokens(other)[:, 1], tokens(series)[:, 1])


def test_cross_attention_by_the_equations(series):
    """Eqs. 9-12 with one head, no encoder layer over days, written out."""
    torch.manual_seed(0)
    network, attributes = ParaFormerZ(3, 2, 1, 2, 8, layers=0, heads=1), torch.randn(4, 3)
    memory = network.days(series)
    h = attributes[..., None] * network.tokens.row + network.tokens.identity

    def attend(q, block, k):
        score = torch.softmax(q @ block.key(k).transpose(1, 2) / math.sqrt(8), -1)
        return block.out(score @ block.value(k))

    among = network.among
    q_a = network.query(among.norm(h + attend(among.query(h), among.attention, h)))
    o_z = attend(q_a, network.cross, memory)
    joined = network.norm(o_z + q_a)
    feed = network.feed_forward
    wide = (joined @ feed.wide.weight.T + feed.wide.bias).clamp_min(0)
    out = feed.norm(joined + wide @ feed.narrow.weight.T + feed.narrow.bias)
    expected = out.mean(1) @ network.head.weight.T + network.head.bias
    assert torch.allclose(network(attributes, series), expected, atol=1e-5)


def test_gradcheck(series):
    torch.manual_seed(0)
    a = ParaFormerA(3, 2, 4, layers=1, heads=2).double()
    attributes = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(a, (attributes,))
    z = ParaFormerZ(3, 2, 1, 2, 4, layers=1, heads=2).double()
    days = series[:2].double().requires_grad_()
    assert torch.autograd.gradcheck(z, (attributes, days))


def test_dropout_only_in_training(series):
    torch.manual_seed(0)
    network, attributes = ParaFormerZ(3, 2, 1, 2, 8, heads=2, dropout=0.5), torch.randn(4, 3)
    assert not torch.equal(network(attributes, series), network(attributes, series))
    network.eval()
    assert torch.equal(network(attributes, series), network(attributes, series))
    layer = FeedForwardLayer(8, 0.5)
    assert torch.equal(layer.eval()(attributes.new_ones(1, 8)), layer(attributes.new_ones(1, 8)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ParaFormerA(1, 2, 8), "was given 1; it needs two"),
        (lambda: ParaFormerA(4, 2, 10, heads=4), "heads = 4 does not divide hidden = 10"),
        (lambda: ParaFormerZ(0, 2, 1, 2, 8), "given 0 attributes"),
        (lambda: ParaFormerZ(3, 2, 1, 2, 9, heads=2), "heads = 2 does not divide hidden = 9"),
    ],
)
def test_unsuitable_sizes(build, message):
    with pytest.raises(ValueError, match=message):
        build()
