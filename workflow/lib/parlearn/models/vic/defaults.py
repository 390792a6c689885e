"""What each parameter is in a cell while it is not learned."""

import numpy as np
import torch
from torch import Tensor

from parlearn.land.vegetation import of_each_cell
from parlearn.models.base import ParameterSpace
from parlearn.models.fuse.ops import Vars
from parlearn.models.prior import with_published
from parlearn.models.vic.parameters import BOUNDS, CALIBRATED, CONSTANT, PARAMETERS
from parlearn.models.vic.tile import root_fractions

SPACE = ParameterSpace(BOUNDS)
BARE = 11  # index of bare soil, the last of the twelve vegetation classes
_TEXTBOOK = {"infilt": 0.2, "Ds": 0.02, "Dsmax": 10.0, "Ws": 0.9, "depth2": 0.4, "depth3": 1.5}
_READ = (
    *("b_clapp", "depth1", "bulk_density", "soil_density", "Wcr_FRACT", "Wpwp_FRACT"),
    *("resid_moist", "Ksat", "Cv", "fcanopy", "LAI", "overstory", "root_depth", "root_fract"),
)


def cell_values(domain) -> Tensor:
    """Every parameter of every cell (cell, PARAMETERS) float64, as the domain has it.

    Parameters
    ----------
    domain : xarray.Dataset with VIC's inputs; what is published for it (``prior_infilt``, ...)
        comes first, taken to the bounds

    Returns
    -------
    Constants of the domain may lie beyond the bounds, which are for what is learned. ``fcanopy`` is
    the mean cover of the low vegetation that has leaves (1 in a cell without such), and
    ``root_fract1`` the mean share of the roots of all plants in layer 1 (0.5 in a cell without
    plants), both by area.
    """
    known = {
        n: np.asarray(
            of_each_cell(domain, n) if "veg_class" in domain[n].dims else domain[n].values, "f8"
        )
        for n in _READ
    }
    expt = SPACE.parameters[SPACE.index("expt")]
    porosity = 1.0 - known["bulk_density"] / known["soil_density"]
    n = len(porosity)
    values = {name: np.full(n, value) for name, value in (_TEXTBOOK | CONSTANT).items()} | {
        "expt": np.clip(3.0 + 2.0 * known["b_clapp"], expt.lower, expt.upper),
        "depth1": known["depth1"],
        "resid_share": _share(known["resid_moist"], known["Wpwp_FRACT"] * porosity),
        "Wpwp_share": _share(known["Wpwp_FRACT"], known["Wcr_FRACT"]),
        "Wcr_FRACT": known["Wcr_FRACT"],
        "porosity": porosity,
        "Ksat": known["Ksat"],
        "fcanopy": _low_cover(known),
        "root_fract1": np.full(n, np.nan),
    }
    table = torch.as_tensor(np.stack([values[name] for name in PARAMETERS], -1))
    table = with_published(table, SPACE, domain)
    depth1, depth2 = (table[:, PARAMETERS.index(name)] for name in ("depth1", "depth2"))
    roots = table[:, PARAMETERS.index("root_fract1")]
    roots[:] = torch.where(roots.isnan(), _top_roots(known, depth1, depth2), roots)
    return table


def default_parameters(domain, names=CALIBRATED) -> Tensor:
    """Prior parameters of every cell (cell, parameter) float32, held within their bounds."""
    space = SPACE.subset(names)
    chosen = cell_values(domain)[:, [PARAMETERS.index(name) for name in names]]
    return chosen.float().clamp(space.lower, space.upper)


def _share(part, whole, otherwise=0.0):
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), otherwise)


def _mean(values, weight, otherwise):
    """Mean over the last axis by weight; ``otherwise`` where nothing weighs."""
    return _share((values * weight).sum(-1), weight.sum(-1), otherwise)


def _low_cover(known):
    leafy = (known["fcanopy"] > 0) & (known["LAI"].max(-1) > 0)
    low = leafy & (known["overstory"] == 0)
    low[:, BARE] = False
    return _mean(known["fcanopy"], known["Cv"] * low, 1.0)


def _top_roots(known, depth1, depth2):
    zones = Vars()
    for name in ("root_depth", "root_fract"):
        for zone in range(3):
            setattr(zones, f"{name}{zone + 1}", torch.tensor(known[name][:, :BARE, zone]))
    depths = [d[:, None] for d in (depth1, torch.maximum(depth1, depth2))]
    top, _, _ = root_fractions(depths, zones)
    return torch.as_tensor(_mean(top.numpy(), known["Cv"][:, :BARE], 0.5))
