"""The true parameters: a nonlinear function of attributes, and a part unrelated to attributes.

The function has fixed constants, so that regions of different seeds obey the same law: what a
network learns in one holds in the other. The second part is a smooth random field of each
parameter: it is coherent in space, so neighbours tell of it, but no attribute does.
"""

import numpy as np
import torch
import xarray as xr
from scipy.special import expit

from parlearn.models.base import ParameterSpace
from parlearn.sources.twin.fields import random_fields

HIDDEN_SCALES = {6.0: 0.75, 2.5: 0.25}
SPREAD = 1.5  # of the logistic argument: how far the values spread over their range

#: Range taken in the unit interval of the parameter's bounds. Ds ends at 0.36, below the least
#: Ws of 0.5: with Ds above Ws the nonlinear baseflow of VIC would turn negative.
RANGE = {
    "infilt": (0.05, 0.95),
    "Ds": (0.05, 0.85),
    "Dsmax": (0.10, 0.95),
    "Ws": (0.05, 0.95),
    "expt": (0.05, 0.90),
    "depth2": (0.10, 0.70),
    "depth3": (0.10, 0.90),
}
#: the same of all others, and the scores that one without a law of its own is mixed from
OTHER_RANGE = (0.05, 0.95)
OTHER_SIGNS = ("infilt", "Dsmax", "expt", "depth2")


def attribute_law(attributes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Score of each parameter, of about unit variance, from attributes (name -> (cell,)).

    The signs follow what is thought of these parameters: runoff comes sooner on slopes and clay
    (infilt), sandy and steep land drains faster (Dsmax, Ds), heavy soils hold water until they are
    nearly full (Ws), soils are deep under trees and shallow on slopes (depth2, depth3). expt is the
    one that surface moisture feels most, and goes against the texture rule 3 + 2b that a prior
    would follow: roots and litter loosen the ground, so it falls where the land is green.

    Of the constants of the soil: clay holds the more water back and wilts plants sooner
    (resid_share, Wpwp_share, Wcr_FRACT), humus makes room (porosity), sand conducts (Ksat), what
    dries out crusts (soil_rarc), and water rises in silt, which is neither sand nor clay (diff).
    Of the plants: those of dry land close their stomata and root near the surface (rmin_factor,
    root_fract1), leaves and cover follow green (LAI_factor, fcanopy), dark forests and bright dry
    grass (albedo_factor), and slopes and trees are rough (aero_factor).
    """

    def centred(values, mean, deviation):
        return 2 * np.tanh((values - mean) / deviation / 2)  # outliers do not run away

    sand = centred(attributes["sand"], 42, 18)
    clay = centred(attributes["clay"], 25, 12.5)
    slope = centred(np.log(attributes["slope"]), 2.4, 0.8)
    green = centred(attributes["ndvi"], 0.37, 0.1)
    trees = centred(attributes["tree_fraction"], 0.35, 0.45)
    dry = centred(np.log(attributes["dryness"]), 0.25, 0.55)
    cold = centred(-attributes["temperature"], -9.5, 3.5)
    return {
        "infilt": 0.75 * slope + 0.5 * clay - 0.45 * trees + 0.35 * dry * clay,
        "Ds": 0.5 * sand + 0.7 * slope - 0.4 * sand * slope + 0.4 * cold,
        "Dsmax": 0.5 * sand + 0.7 * slope + 0.6 * np.sin(1.5 * green) - 0.4 * clay * cold,
        "Ws": 0.45 * clay + 0.6 * green + 0.4 * (cold**2 - 1) - 0.4 * slope,
        "expt": 0.8 * slope - 0.8 * green - 0.5 * sand * green - 0.7 * clay,
        "depth2": 0.6 * trees - 0.6 * slope + 0.4 * green * dry,
        "depth3": 0.5 * green - 0.7 * slope - 0.4 * cold,
        "depth1": 0.6 * dry - 0.5 * green - 0.6 * sand + 0.3 * slope,
        "resid_share": 0.7 * clay + 0.5 * cold - 0.4 * sand * green,
        "Wpwp_share": 0.6 * clay + 0.5 * dry - 0.4 * slope,
        "Wcr_FRACT": 0.7 * clay - 0.5 * sand + 0.4 * dry * green,
        "porosity": -0.6 * sand + 0.6 * green + 0.4 * trees,
        "Ksat": 0.7 * sand - 0.4 * clay + 0.5 * trees,
        "soil_rarc": 0.6 * dry + 0.5 * clay - 0.5 * green,
        "rmin_factor": 0.6 * dry - 0.5 * trees + 0.5 * cold,
        "LAI_factor": 0.8 * green - 0.4 * dry + 0.3 * slope,
        "albedo_factor": 0.5 * dry - 0.7 * trees + 0.4 * sand,
        "aero_factor": -0.7 * trees - 0.5 * slope + 0.4 * dry,
        "fcanopy": 0.8 * green + 0.4 * clay - 0.4 * cold,
        "root_fract1": 0.6 * dry - 0.6 * trees + 0.4 * clay,
        "diff": 0.5 * green - 0.6 * sand - 0.5 * clay + 0.3 * slope,
    }


def other_law(name: str, attributes: dict[str, np.ndarray]) -> np.ndarray:
    """Score (cell,) of a parameter that has no law of its own: it follows the land by weights that
    depend on its name alone, so that they too are the same in every region."""
    weights = np.random.default_rng(list(name.encode())).standard_normal(len(OTHER_SIGNS))
    scores = attribute_law(attributes)
    score = sum(w * scores[other] for w, other in zip(weights, OTHER_SIGNS, strict=True))
    return score / np.linalg.norm(weights)


def draw_parameters(
    domain: xr.Dataset,
    space: ParameterSpace,
    shape: tuple[int, int],
    hidden_share: float,
    rng: np.random.Generator,
) -> xr.DataArray:
    """True parameters (parameter, cell) float32, in physical units, inside the bounds of ``space``.

    Parameters
    ----------
    domain : all or some cells of the grid: ``attributes`` (cell, attribute), ``row``, ``col``. A
        cell has the same values with and without the others.
    shape : rows and columns of the whole grid.
    hidden_share : share (0..1) of the variance of the scores that attributes do not tell.
    """
    values = domain["attributes"].values.astype(np.float64)
    names = domain["attribute"].values.tolist()
    attributes = dict(zip(names, values.T, strict=True))
    told = attribute_law(attributes)
    # all fields are drawn, so that a subset of parameters meets the same ones
    fields = random_fields(rng, len(RANGE), shape, HIDDEN_SCALES)
    fields = fields[:, domain["row"].values, domain["col"].values]
    hidden = dict(zip(RANGE, fields, strict=True))
    if others := [name for name in space.names if name not in RANGE]:
        told = {name: other_law(name, attributes) for name in others} | told
        seed = rng.integers(2**32)
        for name in others:  # each from its own generator: whatever others there are
            own = np.random.default_rng([seed, *name.encode()])
            (field,) = random_fields(own, 1, shape, HIDDEN_SCALES)
            hidden[name] = field[domain["row"].values, domain["col"].values]
    unit = []
    for name in space.names:
        score = np.sqrt(1 - hidden_share) * told[name] + np.sqrt(hidden_share) * hidden[name]
        low, high = RANGE.get(name, OTHER_RANGE)
        unit.append(low + (high - low) * expit(SPREAD * score))
    physical = space.to_physical(torch.tensor(np.stack(unit, axis=-1), dtype=torch.float32))
    space.check(physical)
    return xr.DataArray(
        physical.numpy().T.copy(),
        dims=("parameter", "cell"),
        coords={"parameter": np.array(space.names)},
        attrs={
            "long_name": "true parameters",
            "lower": [p.lower for p in space],
            "upper": [p.upper for p in space],
        },
    )
