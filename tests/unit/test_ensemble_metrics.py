"""Scores of ensembles: by hand, by double sums, and of members drawn as the truth is."""

import pytest
import torch

from parlearn.metrics.ensemble import covered, crps, ranks


def test_crps_by_hand():
    members, truth = torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([3.0])
    # mean |x - y| = (2 + 1 + 1) / 3; mean |x - x'| over pairs of two = (1 + 3 + 2) / 3
    assert crps(members, truth).tolist() == pytest.approx([4 / 3 - 0.5 * 2.0])
    assert crps(members[:1], truth).tolist() == [2.0]


def test_crps_is_the_double_sum_of_its_definition():
    torch.manual_seed(0)
    members, truth = torch.randn(7, 4, 5, dtype=torch.float64), torch.randn(4, 5).double()
    pairs = (members[:, None] - members[None]).abs().sum((0, 1)) / (2 * 7 * 6)
    expected = (members - truth).abs().mean(0) - pairs
    assert torch.allclose(crps(members, truth), expected, atol=1e-12)


def test_crps_is_fair():
    """Its mean is that of the distribution: 1 / sqrt(pi) for two standard normals, any number."""
    torch.manual_seed(1)
    truth = torch.randn(200_000, dtype=torch.float64)
    for number in (2, 5):
        mean = crps(torch.randn(number, len(truth), dtype=torch.float64), truth).mean()
        assert float(mean) == pytest.approx(torch.pi**-0.5, abs=0.01)


def test_the_gradient_of_crps_is_right():
    torch.manual_seed(2)
    members, truth = torch.randn(4, 3).double().requires_grad_(), torch.randn(3).double()
    assert torch.autograd.gradcheck(lambda x: crps(x, truth), members)


def test_a_gap_stays_a_gap():
    assert crps(torch.ones(3, 1), torch.tensor([torch.nan])).isnan().all()


def test_ranks_by_hand_and_ties_at_random():
    members = torch.tensor([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    generator = torch.Generator().manual_seed(0)
    assert ranks(members, torch.tensor([1.5, 3.0])).tolist() == [2, 3]
    drawn = {int(ranks(members, torch.tensor([9.0, 1.0]), generator)[1]) for _ in range(60)}
    assert drawn == {0, 1, 2, 3}


def test_ranks_of_a_truth_drawn_as_the_members_are_flat():
    torch.manual_seed(3)
    found = ranks(torch.randn(4, 50_000), torch.randn(50_000)).bincount(minlength=5) / 50_000
    assert found.tolist() == pytest.approx([0.2] * 5, abs=0.01)


@pytest.mark.parametrize(("number", "within"), [(19, 0.006), (39, 0.006), (20, 0.02), (30, 0.02)])
def test_nine_in_ten_lie_in_the_interval(number, within):
    """Exactly where its ends are members; between two of them nearly."""
    torch.manual_seed(4)
    inside = covered(torch.randn(number, 40_000), torch.randn(40_000)).float().mean()
    assert float(inside) == pytest.approx(0.9, abs=within)


def test_interval_of_nineteen_reaches_from_the_least_to_the_largest():
    members = torch.arange(19.0)[:, None].expand(-1, 4)
    truth = torch.tensor([-0.1, 0.0, 18.0, 18.1])
    assert covered(members, truth).tolist() == [False, True, True, False]


def test_too_few_members_for_an_interval_are_refused():
    with pytest.raises(ValueError, match="the central 90% of 18 members: at least 19 are needed"):
        covered(torch.randn(18, 3), torch.randn(3))
