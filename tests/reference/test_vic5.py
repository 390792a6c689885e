"""VIC in torch against 40 real cells of the original VIC 5.1: every bar, in both precisions."""

import os
from pathlib import Path

import pytest
import torch

from parlearn.models.vic import reference as ref

SHARED = Path(
    os.environ.get("PARLEARN_REFERENCE", Path(__file__).parents[2].parent / "shared" / "reference")
)
FOLDER = SHARED / "vic5"

pytestmark = pytest.mark.skipif(
    not (FOLDER / "daily_A.nc").exists(),
    reason=f"no reference outputs of VIC 5 at {FOLDER}; set PARLEARN_REFERENCE to their folder",
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_bar_is_met(dtype):
    ours, theirs, _, _ = ref.simulate(FOLDER, dtype=dtype)
    rows = ref.compare(ours, theirs)
    assert len(rows) == len(ref.BARS)
    assert not [row for row in rows if not row[-1]], ref.report(rows)


def test_three_years_of_gradients_are_finite_in_every_cell():
    inputs, _, _ = ref.read(FOLDER)
    model = ref.VIC(inputs, inputs)
    parameters = torch.as_tensor(inputs["params"].values)[..., :5].float().requires_grad_()
    out, _ = model.run(parameters)
    out.sum().backward()
    assert torch.isfinite(parameters.grad).all()
