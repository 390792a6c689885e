"""A generator of parameter maps, a process model and the observations, joined for training.

A generator sees the attribute maps of the whole grid at once; places without a unit hold zeros and
are told by a channel of their own.
"""

import torch
from torch import Tensor, nn

from parlearn.learn.learner import Learner
from parlearn.models.base import ProcessModel
from parlearn.study.grid import Grid
from parlearn.study.tensors import FORCING, Study

#: of the places of a map hold a unit at least
LEAST_SHARE = 0.2


def attribute_maps(attributes: Tensor, grid: Grid) -> Tensor:
    """Normalised attributes (unit, attribute) and the mask of units as (1, attribute + 1, y, x)."""
    mask = grid.mask.to(attributes)[None]
    return torch.cat([grid.to_map(attributes.T, fill=0.0), mask])[None]


def check_maps(study: Study) -> None:
    """Whether the study has maps that something can be learned from.

    Raises
    ------
    ValueError
        Units that lie on no grid, or in one row or column; a map that is mostly holes; an
        attribute that is the same everywhere; a target that does not vary.
    """
    grid = study.grid
    if grid is None:
        raise ValueError(
            "the units of this study lie on no grid, and the method works on whole maps: take one "
            "that works on units"
        )
    if min(grid.shape) < 2:
        raise ValueError(f"a map of {grid.shape[0]} x {grid.shape[1]} cells has no neighbourhoods")
    share = float(grid.mask.float().mean())
    if share < LEAST_SHARE:
        raise ValueError(
            f"only {share:.0%} of the map of {grid.shape[0]} x {grid.shape[1]} cells hold a unit: "
            "with so many holes there are no patterns to learn from; take a method that works on "
            "units"
        )
    for what, scaler in (
        ("attribute", study.scalers.attributes),
        ("target", study.scalers.observations),
    ):
        constant = [name for name, std in zip(scaler.names, scaler.std) if std == 0]
        if constant:
            raise ValueError(
                f"{what} {', '.join(constant)} is the same in all training cells: it has no map; "
                "leave it out"
            )


class ParameterMaps(nn.Module):
    """A generator whose outputs are maps of places in the unit cube.

    With bounds ``sigmoid`` no output can leave the cube; with ``penalty`` outputs are free and L_R
    (Sun et al. 2024, eq. 2) draws them back. It begins near ``start`` (outputs,) everywhere, as
    parameter networks of units do (:func:`~parlearn.learn.parameter_networks.build_network`).

    With ``members`` above 1 its last ``noise`` channels are noise, and each draw of it a member.
    """

    def __init__(
        self, body: nn.Module, bounds: str, start: Tensor, members: int = 1, noise: int = 0
    ):
        super().__init__()
        self.body, self.bounds, self.members, self.noise = body, bounds, members, noise
        start = start.clamp(0.05, 0.95)
        with torch.no_grad():
            body.head.bias.copy_(torch.logit(start) if bounds == "sigmoid" else start)
            body.head.weight.mul_(0.1)

    def forward(self, maps: Tensor) -> Tensor:
        """(1, channel, y, x) to (outputs, y, x)."""
        return self.each(maps)[0]

    def each(self, maps: Tensor) -> Tensor:
        """(n, channel, y, x) to (n, outputs, y, x)."""
        answer = self.body(maps)
        return torch.sigmoid(answer) if self.bounds == "sigmoid" else answer

    def draw(self, maps: Tensor, number: int, generator: torch.Generator | None = None) -> Tensor:
        """So many members (number, outputs, y, x) of maps without noise (1, channel, y, x)."""
        noise = torch.randn(number, self.noise, *maps.shape[-2:], generator=generator)
        # over wide maps a mean of many numbers would leave nothing: half are the same everywhere
        same = self.noise // 2
        noise[:, :same] = noise[:, :same, :1, :1]
        return self.each(torch.cat([maps.expand(number, -1, -1, -1), noise.to(maps)], 1))

    def ensemble(self, maps: Tensor) -> Tensor:
        """The members (member, outputs, y, x), the same each time; one without noise."""
        if self.members == 1:
            return self(maps)[None]
        return self.draw(maps, self.members, torch.Generator().manual_seed(0))


class MapLearner(Learner):
    """A :class:`Learner` whose network answers whole maps."""

    def __init__(
        self,
        network: ParameterMaps,
        model: ProcessModel,
        study: Study,
        settings,
        line: tuple[float, float] = (1.0, 0.0),
    ):
        check_maps(study)
        super().__init__(network, model, study, settings, line)
        self.attributes = attribute_maps(study.attributes, study.grid)
        self.observed_scale, self.observed_mean = (
            torch.tensor(
                [getattr(study.scalers.observations, name)[k] for k in self._columns],
                dtype=torch.float32,
                device=study.device,
            )
            for name in ("std", "mean")
        )

    def fields(self) -> Tensor:
        """The generator's answer as (unit, outputs), which may leave the unit cube."""
        return self.study.grid.to_units(self.network(self.attributes)).T

    def drawn(self) -> Tensor:
        """The fields of a step (draw, unit, outputs), of an ensemble with fresh noise."""
        if self.settings.members == 1:
            return self.fields()[None]
        maps = self.network.draw(self.attributes, self.settings.draws)
        return self.study.grid.to_units(maps).transpose(1, 2)

    def members_of(self) -> Tensor:
        """The fields of all members (member, unit, outputs), the same each time."""
        if self.settings.members == 1:
            return self.fields()[None]
        return self.study.grid.to_units(self.network.ensemble(self.attributes)).transpose(1, 2)

    @torch.no_grad()
    def ensemble(self) -> Tensor:
        """Parameters of all members (member, cell, P) in physical units."""
        self.eval()
        return self.model.space.to_physical(self.members_of().clamp(0, 1))

    def places_of(self, cells: Tensor, read: slice | None = None) -> Tensor:
        """As of :class:`Learner`; of an ensemble the mean of its members."""
        return self.members_of()[:, cells].clamp(0, 1).mean(0)

    def standardised(
        self, fields: Tensor, cells: Tensor, days: slice
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run the model over ``days`` at ``cells`` (n), with ``fields`` (unit, outputs) in the unit
        cube; a model that answers maps runs all units.

        Returns
        -------
        simulated and observed (target, n, day), in standard deviations of the observations from
        their mean, zero where nothing was observed; and where it was, bool.
        """
        if self.model.whole:
            everyone = torch.arange(self.study.n_cells, device=cells.device)
            paired, cell_map = self.simulate(fields, everyone, days)
            paired = {target: series[cells] for target, series in paired.items()}
        else:
            paired, cell_map = self.simulate(fields[cells], cells, days)
        observed = self.observed(cells, days).permute(2, 0, 1)
        simulated = torch.stack(list(self.corrected(paired, cell_map).values()))
        seen = torch.isfinite(observed)
        mean, scale = (x[:, None, None] for x in (self.observed_mean, self.observed_scale))
        both = ((values - mean) / scale for values in (simulated, observed))
        return *(torch.where(seen, values, 0.0) for values in both), seen

    def of_days(self, values: Tensor, cells: Tensor) -> Tensor:
        """Values (channel, n, day) of some cells as maps (day, channel, y, x), zero elsewhere."""
        grid = self.study.grid
        whole = values.new_zeros(values.shape[0], values.shape[2], self.study.n_cells)
        whole[..., cells] = values.transpose(1, 2).to(whole)
        return grid.to_map(whole, fill=0.0).transpose(0, 1)

    def weather(self, days: slice) -> Tensor:
        """Normalised forcing of some training days as maps (day, variable, y, x)."""
        start = self.study.training.start
        series = self.study.series[:, days.start - start : days.stop - start, : len(FORCING)]
        return self.study.grid.to_map(series.permute(1, 2, 0), fill=0.0)
