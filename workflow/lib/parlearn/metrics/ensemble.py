"""Scores of ensembles: CRPS, ranks of the truth among the members, coverage of an interval."""

import torch
from torch import Tensor


def crps(members: Tensor, truth: Tensor) -> Tensor:
    """Continuous ranked probability score of an ensemble, its fair estimator.

    The mean of |x_i - y| less half the mean of |x_i - x_j| over all pairs of two members (Ferro
    2014, doi:10.1002/qj.2270, section 3): its expectation is that of the distribution which the
    members are drawn from, whatever their number. Of one member it is the absolute error.

    Parameters
    ----------
    members : (member, ...), without NaN where it counts
    truth : (...)

    Returns
    -------
    (...), differentiable; NaN where the truth is.
    """
    error = (members - truth).abs().mean(0)
    number = len(members)
    if number == 1:
        return error
    ordered = members.sort(0).values
    # sum of x_j - x_i over i < j: the k-th of n in order is taken 2 k - n + 1 times
    times = 2 * torch.arange(number, device=members.device, dtype=members.dtype) - number + 1
    apart = torch.tensordot(times, ordered, 1)
    return error - apart / (number * (number - 1))


def ranks(members: Tensor, truth: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """How many members (member, ...) lie below the truth (...): 0 to their number.

    Among members equal to the truth its place is drawn at random (Hamill 2001).
    """
    below, equal = (members < truth).sum(0), (members == truth).sum(0)
    drawn = torch.rand(truth.shape, generator=generator).to(truth.device)
    return below + (drawn * (equal + 1)).floor().long()


def covered(members: Tensor, truth: Tensor, share: float = 0.9) -> Tensor:
    """Whether the truth (...) lies in the central interval of the members (member, ...), bool.

    The k-th of n members in order is their quantile k / (n + 1), so that a further draw lies in the
    interval with a probability of ``share``, however few they are: exactly where its ends are
    members (19, 39, ... for 0.9), nearly where they lie between two.

    Raises
    ------
    ValueError
        Fewer members than such an interval needs: 19 for 0.9.
    """
    number, tail = len(members), (1 - share) / 2
    place = tail * (number + 1) - 1
    if place < -1e-9:
        raise ValueError(
            f"the central {share:.0%} of {number} members: at least {round(1 / tail) - 1} are "
            "needed"
        )
    ordered = members.sort(0).values

    def at(place):
        low = min(int(place + 1e-9), number - 1)
        high, part = min(low + 1, number - 1), max(place - low, 0.0)
        return ordered[low] + part * (ordered[high] - ordered[low])

    return (at(place) <= truth) & (truth <= at(number - 1 - place))
