"""Transfer functions from the area of a basin to its unit hydrograph, for regional calibration.

The time scale grows with a power of the area, as times of concentration do (Kirpich 1940 and those
after him, by the length of the stream; Hack 1957 has the length as area ** 0.6). Shape and lag are
the same everywhere.
"""

import torch
from torch import Tensor

from parlearn.models.base import ParameterSpace
from parlearn.models.parameter import Parameter
from parlearn.models.routing.parameters import BOUNDS, DEFAULTS

#: km2: a basin of this area has the coefficient itself for its scale
AREA = 500.0
#: coefficients with their bounds and where a search of them starts
_COEFFICIENTS = {
    "route_shape": (
        (Parameter("shape_all", "1", 0.1, 3.0, "linear", "everywhere"), DEFAULTS["route_shape"]),
    ),
    "route_scale": (
        (Parameter("scale_all", "day", 0.5, 7.0, "log", "of 500 km2"), DEFAULTS["route_scale"]),
        (Parameter("scale_area", "1", 0.0, 1.0, "linear", "exponent of the area"), 0.3),
    ),
    "route_lag": (
        (Parameter("lag_all", "day", 0.0, 3.0, "linear", "everywhere"), DEFAULTS["route_lag"]),
    ),
}


class TransferFunctions:
    """Routing parameters from coefficients that are the same everywhere.

    Parameters
    ----------
    domain : with ``area`` (km2)
    names : parameters of the routing to make

    Attributes
    ----------
    space : ParameterSpace of the coefficients
    start : (coefficient,)
    """

    def __init__(self, domain, names):
        self.names = tuple(names)
        if "route_scale" in self.names and "area" not in domain:
            raise ValueError(
                "transfer functions of the routing need the area of each basin, which this domain "
                "has not: take a source of basins, or keep route_scale as it is"
            )
        there = "area" in domain
        self.area = torch.from_numpy(domain["area"].values).float() if there else None
        self.cells = domain.sizes["cell"]
        entries = [entry for name in self.names for entry in _COEFFICIENTS[name]]
        self.space = ParameterSpace(parameter for parameter, _ in entries)
        self.start = torch.tensor([start for _, start in entries])
        bounds = {parameter.name: parameter for parameter in BOUNDS}
        self._bounds = [(bounds[name].lower, bounds[name].upper) for name in self.names]

    def fields(self, coefficients: Tensor) -> Tensor:
        """Parameters (..., cell, parameter) of coefficients (..., coefficient), inside bounds."""
        given = dict(zip(self.space.names, coefficients.unsqueeze(-1).unbind(-2), strict=True))
        made = []
        for name, limits in zip(self.names, self._bounds, strict=True):
            if name == "route_scale":
                values = given["scale_all"] * (self.area / AREA) ** given["scale_area"]
            else:
                values = given[f"{name.removeprefix('route_')}_all"]
            made.append(values.clamp(*limits).expand(*coefficients.shape[:-1], self.cells))
        return torch.stack(made, -1)


class Together:
    """Several transfer functions as one, parameters and coefficients of each after the other's."""

    def __init__(self, *parts):
        self.parts = parts
        self.names = tuple(name for part in parts for name in part.names)
        self.space = ParameterSpace(parameter for part in parts for parameter in part.space)
        self.start = torch.cat([part.start for part in parts])

    def fields(self, coefficients: Tensor) -> Tensor:
        """Parameters (..., cell, parameter) of coefficients (..., coefficient)."""
        each = coefficients.split([len(part.space) for part in self.parts], dim=-1)
        fields = [part.fields(own) for part, own in zip(self.parts, each, strict=True)]
        return torch.cat(fields, -1)
