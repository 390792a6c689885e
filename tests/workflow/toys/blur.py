"""A method on maps: the attributes blurred over their grid, mixed by random weights, of which the
best few years decide that no other method sees."""

import time

import torch
from torch import nn

from parlearn.learn.dpl import Result, Trajectory
from parlearn.learn.losses import global_rmse
from parlearn.learn.settings import Settings
from parlearn.models.observation import apply_map, pair

__all__ = ["ENTRY", "Settings", "learn"]

ENTRY = """
METHODS["blur"] = Method(
    "blur",
    "Blurred maps",
    "network",
    ("learn_dpl",),
    ("attributes", "observations", "validation"),
    settings="dpl",
    works_on="maps",
    through=("surrogate", "process"),
    module="learn.blur",
)
"""


class Blur(nn.Module):
    """Means over 3 x 3 places of the attribute maps, holes left out, mixed into the unit cube."""

    def __init__(self, attributes, outputs):
        super().__init__()
        self.mix = nn.Linear(attributes, outputs)

    def forward(self, maps, mask):
        seen = mask.to(maps)[None]
        total, there = (nn.functional.avg_pool2d(x, 3, 1, 1) for x in (maps.where(mask, 0.0), seen))
        means = total / there.clamp_min(1e-6)
        return torch.sigmoid(self.mix(means.movedim(0, -1))).movedim(-1, 0)


@torch.no_grad()
def learn(
    method, study, model, settings, *, seed, line, start=None, checkpoint=None, identity=None
):
    torch.manual_seed(seed)
    grid, began = study.grid, time.monotonic()
    maps = grid.to_map(study.attributes.T)
    assert maps.shape[1:] == grid.shape
    assert maps.isnan().any() == (~grid.mask).any()
    (target,) = settings.targets
    output = model.outputs.index(target)
    train, days = study.cells("train"), slice(max(study.training.start, 1), study.training.stop)

    def paired(parameters, window):
        run = model.simulate(parameters[train], train, slice(window.start - 1, window.stop))
        return pair(run[..., output], target)

    line = [torch.tensor(x) for x in line]
    best, history, records = None, [], []
    for epoch in range(1, settings.epochs + 1):
        network = Blur(maps.shape[0], len(model.space))
        unit = grid.to_units(network(maps, grid.mask)).T
        parameters = model.space.to_physical(unit)
        simulated, observed = paired(parameters, days), study.observed(train, days)[..., 0]
        train_loss = float(global_rmse(apply_map(simulated, *line), observed))
        withheld = study.withheld[train, study.validation][..., 0]
        simulated = apply_map(paired(parameters, study.validation), *line)
        loss = float(global_rmse(simulated, withheld))
        seconds = time.monotonic() - began
        history.append(dict(zip(("epoch", "runs_per_cell"), (epoch, float(epoch)))))
        history[-1] |= {"seconds": seconds, "train_loss": train_loss, "validation_loss": loss}
        records.append((float(epoch), seconds, parameters, *line))
        if best is None or loss < best[0]:
            best = loss, epoch, parameters, network
    _, epoch, parameters, network = best
    columns = [torch.stack([torch.as_tensor(value) for value in c]) for c in zip(*records)]
    return Result(
        parameters=parameters,
        slope=line[0],
        offset=line[1],
        trajectory=Trajectory(*columns),
        history=history,
        best_epoch=epoch,
        stopped="all tried",
        skipped=0,
        network=network,
        shape=settings,
    )
