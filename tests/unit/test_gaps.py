"""Neighbours, simple fillings, withheld blocks and scores by length of gap, by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from parlearn.gaps.series import (
    LONGEST_BLOCK,
    carry_forward,
    gaps_by_length,
    hide_blocks,
    interpolate,
    neighbours,
    score_by_gap,
    withhold,
)

NAN = math.nan


def test_neighbours_of_each_day():
    seen = torch.tensor([[False, True, False, False, True, False], [False] * 6])
    last, following = neighbours(seen)
    assert last.tolist() == [[-1, 1, 1, 1, 4, 4], [-1] * 6]
    assert following.tolist() == [[1, 1, 4, 4, 4, 6], [6] * 6]


def test_simple_fillings_by_hand():
    series = torch.tensor([[NAN, 0.1, NAN, NAN, 0.4, NAN], [NAN] * 6])
    carried, line = carry_forward(series), interpolate(series)
    expected = torch.tensor([NAN, 0.1, 0.1, 0.1, 0.4, 0.4])
    assert torch.allclose(carried[0], expected, equal_nan=True)
    assert torch.allclose(line[0], torch.tensor([0.1, 0.1, 0.2, 0.3, 0.4, 0.4]))
    assert carried[1].isnan().all()
    assert line[1].isnan().all()


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(0, 1000))
def test_interpolation_is_that_of_numpy(seen, seed):
    seen = np.array(seen)
    values = np.random.default_rng(seed).uniform(0, 1, seen.size)
    series = torch.tensor(np.where(seen, values, np.nan))[None]
    days = np.flatnonzero(seen)
    if days.size:
        expected = np.interp(np.arange(seen.size), days, values[days])
        assert np.allclose(interpolate(series)[0].numpy(), expected)


def test_days_by_gap_by_hand():
    series = torch.full((2, 12), NAN)
    series[0, [1, 3, 7, 10]] = 0.2
    found = {name: torch.nonzero(days).tolist() for name, days in gaps_by_length(series).items()}
    assert found["1 to 2 days"] == [[0, 2], [0, 8], [0, 9]]
    assert found["3 to 5 days"] == [[0, 4], [0, 5], [0, 6]]
    assert found["all between observations"] == [[0, day] for day in (2, 4, 5, 6, 8, 9)]
    assert found["before the first observation"] == [[0, 0], *([1, day] for day in range(12))]
    assert found["after the last observation"] == [[0, 11]]
    assert found["31 and more days"] == []


def overpasses(cells=40, days=400, share=0.4):
    return np.random.default_rng(1).random((cells, days)) < share


def runs(chosen, seen):
    """Lengths of the runs of chosen observations, counted in observations of the cell."""
    lengths = []
    for picked, there in zip(chosen, seen, strict=True):
        marks = np.flatnonzero(np.diff(np.r_[0, picked[there].astype(int), 0]))
        lengths += list(marks[1::2] - marks[::2])
    return np.array(lengths)


def test_withheld_are_blocks_of_observations():
    seen = overpasses()
    withheld = withhold(seen, 0.1, seed=1)
    assert not (withheld & ~seen).any()
    assert (withheld.sum(1) <= 0.1 * seen.sum(1)).all()
    assert withheld.sum() > 0.08 * seen.sum()
    lengths = runs(withheld, seen)
    # blocks beside each other may join; single days and long blocks both occur
    assert {1, 2, 3, 4, 5} <= set(lengths)
    assert lengths.mean() > 2
    assert (lengths <= LONGEST_BLOCK).mean() > 0.8


def test_what_is_withheld_depends_on_the_cell_and_the_seed_alone():
    seen = overpasses()
    other = seen.copy()
    other[5:] = ~other[5:]
    one = withhold(seen, 0.2, seed=1)
    assert np.array_equal(one[:5], withhold(other, 0.2, seed=1)[:5])
    assert not np.array_equal(one, withhold(seen, 0.2, seed=2))
    assert len({row.tobytes() for row in withhold(np.ones((9, 100), bool), 0.2, 1)}) == 9


def test_a_cell_keeps_its_only_observation():
    seen = np.zeros((3, 50), dtype=bool)
    seen[0, 7] = True
    seen[1, 3:5] = True
    assert not withhold(seen, 0.9, seed=1)[0].any()
    assert withhold(seen, 0.9, seed=1)[1].sum() < 2


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5])
def test_share_out_of_range(share):
    with pytest.raises(ValueError, match="above 0 and below 1"):
        withhold(overpasses(), share, seed=1)


def test_hidden_blocks_have_the_share_asked_for():
    seen = torch.from_numpy(overpasses(400, 120))
    generator = torch.Generator().manual_seed(1)
    hidden = hide_blocks(seen, 0.3, generator)
    assert not (hidden & ~seen).any()
    assert 0.27 < float(hidden.sum() / seen.sum()) < 0.33
    assert runs(hidden.numpy(), seen.numpy()).mean() > 2
    assert not torch.equal(hidden, hide_blocks(seen, 0.3, generator))


def test_scores_by_hand():
    observed = torch.full((2, 50), NAN)
    observed[0, [2, 5, 6, 9, 30, 45]] = torch.tensor([0.2, 0.3, 0.1, 0.2, 0.4, 0.3])
    observed[1, [0, 40]] = torch.tensor([0.1, 0.2])
    withheld = torch.zeros(2, 50, dtype=torch.bool)
    withheld[0, [2, 6, 30]] = True
    withheld[1, 40] = True
    filling = torch.full((2, 50), 0.25)
    # 2 lies before the first observation left, 6 between 5 and 9, 30 between 9 and 45
    rows = score_by_gap({"flat": filling}, observed, withheld, torch.tensor([0]))
    found = {row["gap"]: row for row in rows}
    assert list(found) == [
        "all between observations",
        "3 to 5 days",
        "31 and more days",
        "before the first observation",
    ]
    between = found["all between observations"]
    assert between["days"] == 2
    assert between["flat"]["rmse"] == pytest.approx(0.15)
    assert between["flat"]["bias"] == pytest.approx(0.0)
    assert found["3 to 5 days"]["flat"]["rmse"] is None  # one day has no score
    last = score_by_gap({"flat": filling}, observed, withheld, torch.tensor([1]))
    assert [row["gap"] for row in last] == ["after the last observation"]


def test_correlation_leaves_out_what_tells_cells_apart():
    """A filling that knows each cell's mean and no more has no correlation."""
    rng = np.random.default_rng(1)
    level = np.linspace(0.1, 0.4, 50)[:, None]
    observed = torch.tensor(level + rng.normal(0, 0.01, (50, 100)))
    withheld = torch.from_numpy(withhold(np.ones((50, 100), bool), 0.2, 1))
    fillings = {
        "means": torch.tensor(level + rng.normal(0, 0.01, (50, 100))),
        "truth": observed + 0.02,
        "silent": torch.full((50, 100), NAN),
    }
    row = score_by_gap(fillings, observed, withheld, torch.arange(50))[0]
    assert abs(row["means"]["corr"]) < 0.1
    assert row["truth"]["corr"] == pytest.approx(1)
    assert row["truth"]["bias"] == pytest.approx(0.02)
    assert row["silent"] == {"rmse": None, "bias": None, "corr": None}
