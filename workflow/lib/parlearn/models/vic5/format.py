"""The image driver's parameter file: its variables, their dims before (y, x), units and ranges.

From the manual of VIC 5, "Parameter File, Image Driver"; needs no torch.
"""

from typing import NamedTuple


class Variable(NamedTuple):
    """Dims before those of the grid, unit, and what can be in a cell that is run."""

    dims: tuple[str, ...]
    unit: str
    lower: float
    upper: float


LAYER, CLASS, ZONE, MONTH, BAND = "nlayer", "veg_class", "root_zone", "month", "snow_band"
_LAND = {
    "infilt": ("1", 0, 10),
    "Ds": ("1", 0, 1),
    "Dsmax": ("mm day-1", 0, 1e3),
    "Ws": ("1", 0, 1),
    "c": ("1", 0, 10),
    "elev": ("m", -500, 9000),
    "avg_T": ("degC", -60, 50),
    "dp": ("m", 0, 50),
    "rough": ("m", 0, 10),
    "snow_rough": ("m", 0, 1),
}
_OF_LAYERS = {
    "expt": ("1", 1, 100),
    "Ksat": ("mm day-1", 0, 1e5),
    "init_moist": ("mm", 0, 1e5),
    "depth": ("m", 0, 100),
    "quartz": ("1", 0, 1),
    "bulk_density": ("kg m-3", 50, 3000),
    "soil_density": ("kg m-3", 500, 4000),
    "Wcr_FRACT": ("1", 0, 1),
    "Wpwp_FRACT": ("1", 0, 1),
    "resid_moist": ("1", 0, 0.5),
}
_OF_CLASSES = {
    "overstory": ("1", 0, 1),
    "rarc": ("s m-1", 0, 1000),
    "rmin": ("s m-1", 0, 5000),
    "wind_h": ("m", 0, 200),
    "RGL": ("W m-2", 0, 500),
    "rad_atten": ("1", 0, 1),
    "wind_atten": ("1", 0, 1),
    "trunk_ratio": ("1", 0, 1),
}
_OF_MONTHS = {
    "LAI": ("1", 0, 12),
    "albedo": ("1", 0, 1),
    "veg_rough": ("m", 0, 20),
    "displacement": ("m", 0, 60),
}
#: what a file must have, as far as it counts in water-balance mode
VARIABLES = {
    **{name: Variable((), *line) for name, line in _LAND.items()},
    **{name: Variable((LAYER,), *line) for name, line in _OF_LAYERS.items()},
    "Cv": Variable((CLASS,), "1", 0, 1),
    **{name: Variable((CLASS,), *line) for name, line in _OF_CLASSES.items()},
    "root_depth": Variable((CLASS, ZONE), "m", 0, 20),
    "root_fract": Variable((CLASS, ZONE), "1", 0, 1),
    **{name: Variable((CLASS, MONTH), *line) for name, line in _OF_MONTHS.items()},
}
#: what it may have as well
OPTIONAL = {
    "fcanopy": Variable((CLASS, MONTH), "1", 0, 1),
    "AreaFract": Variable((BAND,), "1", 0, 1),
    "elevation": Variable((BAND,), "m", -500, 9000),
    "Pfactor": Variable((BAND,), "1", 0, 10),
}
#: of each class of vegetation, bare soil among them; it matters only where the class has an area
OF_CLASSES = tuple(
    name for name, v in (VARIABLES | OPTIONAL).items() if CLASS in v.dims and name != "Cv"
)
