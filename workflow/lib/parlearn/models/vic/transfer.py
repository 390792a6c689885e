"""Transfer functions from soil and topography to VIC's parameters, for regional calibration.

The table of Gou et al. (2021), which Sun et al. (2024) take theirs from, is not public with the
text. These are forms of the same kind, each with free coefficients (cited at each line). Attributes
stand at the resolution of the study already, so the operators that scale parameters up are the
identity. The profile's depth is not among the attributes: layers 2 and 3 are as thick everywhere as
their coefficients say.
"""

import torch
from torch import Tensor

from parlearn.models.base import ParameterSpace
from parlearn.models.parameter import Parameter
from parlearn.models.vic.parameters import BOUNDS

#: coefficient, bounds, what it is; its start is what the cited source gives
_COEFFICIENTS = {
    "infilt": (
        (Parameter("infilt_scale", "1", 0.01, 2.0, "log", "b of the steepest ground"), 0.5),
        (Parameter("infilt_half", "m km-1", 0.5, 100.0, "log", "slope of half that b"), 10.0),
    ),
    "Ds": (
        (Parameter("Ds_level", "1", -6.0, 2.0, "linear", "logit of the mean Ds"), -3.0),
        (Parameter("Ds_clay", "1", -2.0, 2.0, "linear", "its change with clay"), 0.0),
        (Parameter("Ds_slope", "1", -2.0, 2.0, "linear", "its change with slope"), 0.0),
    ),
    "Dsmax": ((Parameter("Dsmax_scale", "1", 0.01, 100.0, "log", "factor on Ksat x slope"), 1.0),),
    "Ws": (
        (Parameter("Ws_level", "1", -1.0, 6.0, "linear", "logit of the mean Ws"), 2.0),
        (Parameter("Ws_clay", "1", -2.0, 2.0, "linear", "its change with clay"), 0.0),
        (Parameter("Ws_slope", "1", -2.0, 2.0, "linear", "its change with slope"), 0.0),
    ),
    "expt": (
        (Parameter("expt_level", "1", 0.5, 8.0, "linear", "Clapp-Hornberger b without clay"), 3.1),
        (Parameter("expt_clay", "1", 0.0, 0.4, "linear", "its change a per cent of clay"), 0.157),
        (Parameter("expt_sand", "1", -0.05, 0.05, "linear", "and of sand"), -0.003),
    ),
    "depth2": ((Parameter("depth2_all", "m", 0.1, 1.5, "linear", "everywhere"), 0.4),),
    "depth3": ((Parameter("depth3_all", "m", 0.5, 2.5, "linear", "everywhere"), 1.5),),
}
#: attribute -> what sources call it, all in per cent or m km-1
_CALLED = {
    "sand": ("sand", "sand_frac"),
    "clay": ("clay", "clay_frac"),
    "slope": ("slope", "slope_mean"),
}
#: coefficients of Cosby et al. (1984, table 5): log10 of Ksat (inch/h) by per cent of sand and clay
_KSAT, _INCH_PER_HOUR = (-0.6, 0.0126, -0.0064), 25.4 * 24


class TransferFunctions:
    """Parameter fields from coefficients that are the same everywhere.

    Parameters
    ----------
    domain : with the attributes sand, clay (%) and slope (m km-1)
    names : parameters of VIC to make, of those that have a function here

    Attributes
    ----------
    space : ParameterSpace of the coefficients
    start : (coefficient,) what the cited sources give
    """

    def __init__(self, domain, names):
        self.names = tuple(names)
        unknown = [name for name in names if name not in _COEFFICIENTS]
        if unknown:
            raise ValueError(
                f"there is no transfer function for {', '.join(unknown)}; there are some for "
                f"{', '.join(_COEFFICIENTS)}"
            )
        known = [str(name) for name in domain["attribute"].values]
        found = {
            name: next((one for one in called if one in known), None)
            for name, called in _CALLED.items()
        }
        missing = [name for name, one in found.items() if one is None]
        if missing:
            raise ValueError(
                f"transfer functions need the attribute {', '.join(missing)}, which this domain "
                "has not: take a source that gives it, or leave the method out"
            )
        columns = domain["attributes"].transpose("attribute", "cell").values
        self.sand, self.clay, self.slope = (
            torch.from_numpy(columns[known.index(name)].astype("float32")).clamp_min(0)
            for name in found.values()
        )
        entries = [entry for name in names for entry in _COEFFICIENTS[name]]
        self.space = ParameterSpace(parameter for parameter, _ in entries)
        self.start = torch.tensor([start for _, start in entries])
        bounds = {parameter.name: parameter for parameter in BOUNDS}
        self._bounds = [(bounds[name].lower, bounds[name].upper) for name in names]

    def fields(self, coefficients: Tensor) -> Tensor:
        """Parameters (..., cell, parameter) of coefficients (..., coefficient), inside bounds."""
        given = dict(zip(self.space.names, coefficients.unsqueeze(-1).unbind(-2)))
        made = [getattr(self, f"_{name}")(given) for name in self.names]
        made = [
            values.clamp(*limits).expand(*coefficients.shape[:-1], len(self.clay))
            for values, limits in zip(made, self._bounds, strict=True)
        ]
        return torch.stack(made, -1)

    def _infilt(self, c):
        # a saturating curve of relief, as of Duemenil & Todini (1992), with slope for the standard
        # deviation of elevation inside a cell, which the attributes have not
        return c["infilt_scale"] * self.slope / (self.slope + c["infilt_half"])

    def _Ds(self, c):
        return self._logistic(c, "Ds")

    def _Ws(self, c):
        return self._logistic(c, "Ws")

    def _logistic(self, c, name):
        # at 20 % of clay and 10 m/km the level; for a change of 20 % and 10 m/km the coefficients
        clay, slope = (self.clay - 20) / 20, (self.slope - 10) / 10
        return torch.sigmoid(
            c[f"{name}_level"] + c[f"{name}_clay"] * clay + c[f"{name}_slope"] * slope
        )

    def _Dsmax(self, c):
        # Nijssen et al. (2001): saturated conductivity x slope; slope in m per km here
        level, sand, clay = _KSAT
        ksat = 10 ** (level + sand * self.sand + clay * self.clay) * _INCH_PER_HOUR
        return c["Dsmax_scale"] * ksat * self.slope / 1000

    def _expt(self, c):
        # 3 + 2 b (Campbell 1974), b linear in texture (Cosby et al. 1984)
        b = c["expt_level"] + c["expt_clay"] * self.clay + c["expt_sand"] * self.sand
        return 3 + 2 * b

    def _depth2(self, c):
        return c["depth2_all"]

    def _depth3(self, c):
        return c["depth3_all"]
