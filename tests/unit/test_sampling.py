"""Parameter sets for samples: spread evenly, or about a centre, always inside the cube."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from parlearn.models.surrogate.samples import around, choose_cells, latin_hypercube


def test_latin_hypercube_has_one_value_in_each_slice():
    sets = latin_hypercube(20, 3, 4, seed=1)
    assert sets.shape == (20, 3, 4)
    slices = (sets * 20).long().clamp_max(19).sort(0).values
    assert (slices == torch.arange(20)[:, None, None]).all()
    assert not torch.equal(sets[:, 0], sets[:, 1])
    assert torch.equal(sets, latin_hypercube(20, 3, 4, seed=1))
    assert not torch.equal(sets, latin_hypercube(20, 3, 4, seed=2))


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1), st.floats(0.01, 0.5), st.integers(0, 1000))
def test_around_stays_in_the_cube_and_begins_at_the_centre(place, spread, seed):
    centre = torch.full((5, 2), place)
    sets = around(centre, 30, seed, spread)
    assert torch.equal(sets[0], centre)
    assert ((sets >= 0) & (sets <= 1)).all()


def test_around_has_the_spread_asked_for():
    sets = around(torch.full((200, 2), 0.5), 50, seed=1, spread=0.1)
    assert abs(float(sets[1:].std()) - 0.1) < 0.005


def test_choose_cells():
    assert choose_cells(5, "all", 1).tolist() == [0, 1, 2, 3, 4]
    assert choose_cells(5, 9, 1).tolist() == [0, 1, 2, 3, 4]
    some = choose_cells(100, 10, 1)
    assert len(some.unique()) == 10
    assert torch.equal(some, some.sort().values)
    assert torch.equal(some, choose_cells(100, 10, 1))
