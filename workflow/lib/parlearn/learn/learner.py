"""A parameter network, a process model and the observations, joined for training."""

import torch
from torch import Tensor, nn

from parlearn.learn.losses import squared_error, weighted_loss
from parlearn.learn.settings import Settings
from parlearn.models.base import ProcessModel
from parlearn.models.observation import MAP_SPACE, apply_map, pair
from parlearn.plan.targets import correctable
from parlearn.study.scales import error_scales
from parlearn.study.tensors import Study


class Learner(nn.Module):
    """A parameter network, a process model and the comparison with observations.

    ``line`` is slope and offset of the domain, held as it is (:mod:`parlearn.calibrate.line`).
    """

    def __init__(
        self,
        network: nn.Module,
        model: ProcessModel,
        study: Study,
        settings: Settings,
        line: tuple[float, float] = (1.0, 0.0),
    ):
        super().__init__()
        self.network, self.study, self.settings = network, study, settings
        self._line = torch.tensor(line, device=study.device)
        # in a tuple, since a surrogate is a module too and must not be trained or saved as part
        self._model = (model,)
        self._outputs = [model.outputs.index(target) for target in settings.targets]
        self._columns = [study.targets.index(target) for target in settings.targets]
        self._scales = error_scales(study, settings.targets)

    @property
    def model(self) -> ProcessModel:
        return self._model[0]

    def places_of(self, cells: Tensor, read: slice | None = None) -> Tensor:
        """What the network answers (n, outputs) for ``cells``.

        With ``read``, days of the timeline, from these days of their series alone and perhaps
        beyond the unit cube; else from the whole training period, inside it.
        """
        inputs = self.study.inputs.select(cells)
        if read is None:
            return self.network.read(inputs)
        start = self.study.training.start
        return self.network(inputs.between(read.start - start, read.stop - start))

    def parameters_of(self, unit: Tensor) -> tuple[Tensor, Tensor | None]:
        """Parameters (n, P) in physical units, and slope and offset (n, 2) of a network map."""
        number = len(self.model.space)
        parameters = self.model.space.to_physical(unit[:, :number])
        if self.settings.observation_map != "network":
            return parameters, None
        return parameters, MAP_SPACE.to_physical(unit[:, number:])

    def line(self, cell_map: Tensor | None) -> tuple[Tensor, Tensor]:
        """Slope and offset in force: scalars, or (n,) with a network map."""
        if cell_map is not None:
            return cell_map[:, 0], cell_map[:, 1]
        return self._line[0], self._line[1]

    def observed(self, cells: Tensor, days: slice) -> Tensor:
        """Observations (n, day, target) of the targets in the loss; NaN = gap."""
        return self.study.observed(cells, days)[..., self._columns]

    def simulate(
        self, unit: Tensor, cells: Tensor, days: slice
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        """Simulated series (n, day) of each target, paired with the overpass, not yet mapped."""
        parameters, cell_map = self.parameters_of(unit)
        simulated = self.model.simulate(parameters, cells, slice(days.start - 1, days.stop))
        observed = self.observed(cells, days)
        paired = {}
        for k, target in enumerate(self.settings.targets):
            lengths = self.study.lengths_of(target, days)
            paired[target] = pair(simulated[..., self._outputs[k]], target, lengths)
            failed = torch.isfinite(observed[..., k]) & ~torch.isfinite(paired[target])
            if failed.any():
                self._report_failure(failed, cells, parameters, target)
        return paired, cell_map

    def corrected(self, paired: dict[str, Tensor], cell_map: Tensor | None) -> dict[str, Tensor]:
        """The simulated series as the instrument would see them: under the linear correction."""
        line = self.line(cell_map)
        seen = {target: apply_map(paired[target], *line) for target in correctable(paired)}
        return paired | seen

    def compare(self, unit: Tensor, cells: Tensor, days: slice) -> dict[str, tuple[Tensor, Tensor]]:
        """Run the model over ``days``: (simulated as observed, observed) of each target.

        Both are divided by the target's scale (:mod:`parlearn.study.scales`), which is 1 for a
        single target. ``unit`` (n, outputs) is where in the unit cube the cells are.
        """
        paired, cell_map = self.simulate(unit, cells, days)
        corrected = self.corrected(paired, cell_map)
        observed = self.observed(cells, days).unbind(-1)
        pairs = dict(zip(corrected, zip(corrected.values(), observed)))
        scales = self._scales[cells].unbind(-1)
        return {
            target: (simulated / scale[:, None], observed / scale[:, None])
            for scale, (target, (simulated, observed)) in zip(scales, pairs.items(), strict=True)
        }

    @torch.no_grad()
    def loss(self, cells: Tensor, days: slice, batch: int) -> float:
        """The loss over ``cells`` and ``days`` as a whole, run in pieces of ``batch`` cells."""
        self.eval()
        total = dict.fromkeys(self.settings.targets, (0.0, 0))
        for some in cells.split(batch):
            for target, pairs in self.compare(self.places_of(some), some, days).items():
                square, number = squared_error(*pairs)
                total[target] = total[target][0] + float(square), total[target][1] + int(number)
        errors = {t: torch.tensor((s / n) ** 0.5) for t, (s, n) in total.items() if n}
        return float(weighted_loss(errors, self.settings.targets))

    @torch.no_grad()
    def snapshot(self, batch: int) -> dict[str, Tensor]:
        """Parameters (cell, P), slope and offset of every cell of the domain."""
        self.eval()
        everyone = torch.arange(self.study.n_cells, device=self.study.device)
        parts = [self.parameters_of(self.places_of(some)) for some in everyone.split(batch)]
        cell_map = None if parts[0][1] is None else torch.cat([part[1] for part in parts])
        slope, offset = self.line(cell_map)
        parameters = torch.cat([part[0] for part in parts])
        return {"parameters": parameters, "slope": slope, "offset": offset}

    def _report_failure(self, failed, cells, parameters, target):
        first = int(failed.any(1).nonzero()[0])
        values = zip(self.model.space.names, parameters[first].tolist())
        raise FloatingPointError(
            f"the model's {target} is not a number in {int(failed.any(1).sum())} of {len(cells)} "
            f"cells, the first cell {int(cells[first])} with "
            + ", ".join(f"{name} = {value:.4g}" for name, value in values)
        )
