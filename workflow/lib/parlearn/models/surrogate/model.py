"""The LSTM surrogate, with the interface of a process model.

:mod:`parlearn.models.surrogate.fit` trains it.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
import torch
import xarray as xr
from torch import Tensor, nn

from parlearn.models.base import ParameterSpace, ProcessModel
from parlearn.models.parameter import Parameter
from parlearn.models.surrogate.features import Features, build_features
from parlearn.networks import LSTM
from parlearn.networks.scalers import Scaler
from parlearn.plan.targets import TARGETS
from parlearn.storage.files import read_json, write_bytes, write_json

#: numbers the gates of a piece of simulate() may hold, by type of device
CHUNK = {"cpu": 2**24, "cuda": 2**29}


class Surrogate(ProcessModel):
    """An LSTM bound to the features of a domain.

    Parameters
    ----------
    network : LSTM
        Scaled series, then scaled static inputs and unit-cube parameters, to scaled outputs.
    scalers : dict of Scaler
        ``series``, ``static`` and ``outputs``.
    warmup : int
        Days run before a window, as many as in training.
    card : dict
        What it was fit on, and how well; JSON types.
    """

    def __init__(
        self,
        network: LSTM,
        space: ParameterSpace,
        scalers: dict[str, Scaler],
        warmup: int,
        features: Features,
        domain: xr.Dataset,
        card: dict,
    ):
        self.network = network.eval().requires_grad_(False)
        self.network.zero_grad()  # gradients left from training
        self.space, self.scalers, self.warmup, self.card = space, scalers, warmup, card
        self.outputs = scalers["outputs"].names
        self.series, self.static = scale_features(scalers, features)
        self.n_cells, self.n_days = self.series.shape[:2]
        self.low, self.width = output_range(domain, self.outputs)
        self.mean, self.std = (
            torch.tensor(getattr(scalers["outputs"], n)) for n in ("mean", "std")
        )

    @property
    def device(self) -> torch.device:
        return self.series.device

    def to(self, device: torch.device | str) -> "Surrogate":
        """Move weights and features."""
        self.network.to(device)
        for name in ("series", "static", "low", "width", "mean", "std"):
            setattr(self, name, getattr(self, name).to(device))
        return self

    def simulate(
        self, parameters: Tensor, cells: Tensor | None = None, days: slice | None = None
    ) -> Tensor:
        """See :meth:`ProcessModel.simulate`; large batches are run in pieces."""
        cells = torch.arange(self.n_cells) if cells is None else cells
        first, last, step = (days or slice(None)).indices(self.n_days)
        if step != 1 or first >= last:
            raise ValueError(f"{days} is not a span of the {self.n_days} days of the timeline")
        if parameters.shape[-2] != len(cells):
            raise ValueError(f"parameters of {parameters.shape[-2]} cells, {len(cells)} asked for")
        self.space.check(parameters.detach())
        lead = parameters.shape[:-2]
        unit = self.space.to_unit(parameters).reshape(-1, len(self.space))
        cells = cells.to(self.device).expand(*lead, -1).reshape(-1)
        start = max(0, first - self.warmup)
        size = CHUNK[self.device.type] // ((last - start) * 4 * self.network.hidden) or 1
        pieces = [
            self._run(u, c, start, first, last) for u, c in zip(unit.split(size), cells.split(size))
        ]
        return torch.cat(pieces).reshape(*lead, -1, last - first, len(self.outputs))

    def _run(self, unit: Tensor, cells: Tensor, start: int, first: int, last: int) -> Tensor:
        static = torch.cat([self.static[cells], unit], -1)
        scaled, _ = self.network(self.series[cells, start:last], static)
        natural = self.mean + self.std * scaled[:, first - start :]
        return self.low[cells, None] + self.width[cells, None] * natural

    def save(self, folder: str | Path) -> None:
        """Write weights.safetensors, scaler.json and card.json."""
        write_surrogate(self, folder, {"hidden": self.network.hidden})

    @classmethod
    def load(cls, folder: str | Path, domain: xr.Dataset, forcing: xr.Dataset) -> "Surrogate":
        """Read what :meth:`save` wrote and bind it to a domain with the same attributes."""
        content, scalers, space, card = read_surrogate(folder)
        network = surrogate_network(scalers, space, content["hidden"])
        take_weights(network, folder)
        return cls(
            network,
            space,
            scalers,
            content["warmup"],
            build_features(domain, forcing),
            domain,
            card,
        )


def write_surrogate(surrogate: ProcessModel, folder: str | Path, sizes: dict) -> None:
    """Write weights.safetensors, scaler.json and card.json; ``sizes`` of its network."""
    folder = Path(folder)
    weights = {k: v.cpu().contiguous() for k, v in surrogate.network.state_dict().items()}
    write_bytes(safetensors.torch.save(weights), folder / "weights.safetensors")
    content = {
        "scalers": {kind: scaler.to_dict() for kind, scaler in surrogate.scalers.items()},
        "parameters": [asdict(parameter) for parameter in surrogate.space],
        **sizes,
        "warmup": surrogate.warmup,
    }
    write_json(content, folder / "scaler.json")
    write_json(surrogate.card, folder / "card.json")


def read_surrogate(folder: str | Path) -> tuple[dict, dict[str, Scaler], ParameterSpace, dict]:
    """What :func:`write_surrogate` wrote but the weights: scaler.json, scalers, space, card."""
    folder = Path(folder)
    content, card = read_json(folder / "scaler.json"), read_json(folder / "card.json")
    scalers = {kind: Scaler.from_dict(values) for kind, values in content["scalers"].items()}
    space = ParameterSpace(Parameter(**values) for values in content["parameters"])
    return content, scalers, space, card


def take_weights(network: nn.Module, folder: str | Path) -> None:
    """Fill a network of the same sizes with the weights of :func:`write_surrogate`."""
    network.load_state_dict(safetensors.torch.load_file(Path(folder) / "weights.safetensors"))


def surrogate_network(
    scalers: dict[str, Scaler], space: ParameterSpace, hidden: int, dropout: float = 0.0
) -> LSTM:
    """An untrained network for these inputs, parameters and outputs."""
    return LSTM(
        n_series=len(scalers["series"].names),
        n_static=len(scalers["static"].names) + len(space),
        n_outputs=len(scalers["outputs"].names),
        hidden=hidden,
        dropout=dropout,
    )


def scale_features(scalers: dict[str, Scaler], features: Features) -> tuple[Tensor, Tensor]:
    """Scaled series (cell, day, n) and static inputs (cell, n), the very ones that were fit."""
    scalers["series"].require(features.series_names, features.series_units, "surrogate")
    scalers["static"].require(features.static_names, features.static_units, "surrogate")
    return scalers["series"].apply(features.series), scalers["static"].apply(features.static)


def output_range(domain: xr.Dataset, outputs: Sequence[str]) -> tuple[Tensor, Tensor]:
    """What counts as 0, and how wide 1 is, of each output: two tensors (cell, output).

    A target that lies between two constants of the cell is learned as its share of that range (soil
    moisture: of the pores, (x - residual)/(porosity - residual)); other outputs as they are.
    """
    low = torch.zeros(domain.sizes["cell"], len(outputs))
    width = torch.ones_like(low)
    for k, name in enumerate(outputs):
        ends = TARGETS[name].between if name in TARGETS else None
        if ends and all(end in domain for end in ends):
            least, most = (torch.from_numpy(domain[end].values).float() for end in ends)
            low[:, k] = least
            width[:, k] = most - least
    return low, width
