"""HBV's parameters with their bounds and defaults; needs no torch."""

from parlearn.models.parameter import Parameter

#: the twelve of Beck et al. 2020 (doi:10.1029/2019JD031485, table 2), with the bounds that
#: differentiable HBV models use (Feng et al. 2022, doi:10.1029/2022WR032404)
BECK = (
    Parameter("BETA", "1", 1.0, 6.0, "linear", "exponent of recharge in soil wetness"),
    Parameter("FC", "mm", 50.0, 1000.0, "linear", "most water that the soil holds"),
    Parameter("K0", "day-1", 0.05, 0.9, "linear", "recession of the upper zone above UZL"),
    Parameter("K1", "day-1", 0.01, 0.5, "linear", "recession of the upper zone"),
    Parameter("K2", "day-1", 0.001, 0.2, "linear", "recession of the lower zone"),
    Parameter("LP", "1", 0.2, 1.0, "linear", "share of FC above which evaporation is not limited"),
    Parameter("PERC", "mm day-1", 0.0, 10.0, "linear", "most that percolates to the lower zone"),
    Parameter("UZL", "mm", 0.0, 100.0, "linear", "threshold of quick flow in the upper zone"),
    Parameter("TT", "degC", -2.5, 2.5, "linear", "temperature that parts rain and melt from snow"),
    Parameter("CFMAX", "mm degC-1 day-1", 0.5, 10.0, "linear", "degree-day factor of melt"),
    Parameter("CFR", "1", 0.0, 0.1, "linear", "refreezing as a share of the degree-day factor"),
    Parameter("CWH", "1", 0.0, 0.2, "linear", "liquid water that the snowpack holds, of its ice"),
)

#: additions that do nothing at their defaults. BETAET and C: Song et al. 2025
#: (doi:10.5194/hess-29-3055-2025); SFCF: Seibert & Vis 2012 (doi:10.5194/hess-16-3315-2012)
EXTENSIONS = (
    Parameter("BETAET", "1", 0.3, 5.0, "log", "exponent of evaporation in soil wetness"),
    Parameter("PETF", "1", 0.5, 2.0, "log", "factor of potential evapotranspiration"),
    Parameter("SFCF", "1", 0.5, 2.0, "log", "factor of snowfall, for what gauges miss"),
    Parameter("C", "day-1", 0.0, 1.0, "linear", "share of the lower zone that rises to dry soil"),
)

BOUNDS = BECK + EXTENSIONS
PARAMETERS = tuple(parameter.name for parameter in BOUNDS)

#: of a model that was not fit: usual values of the temperate zone for the twelve
DEFAULTS = {
    "BETA": 2.0,
    "FC": 250.0,
    "K0": 0.3,
    "K1": 0.1,
    "K2": 0.02,
    "LP": 0.7,
    "PERC": 2.0,
    "UZL": 20.0,
    "TT": 0.0,
    "CFMAX": 3.5,
    "CFR": 0.05,
    "CWH": 0.1,
    "BETAET": 1.0,
    "PETF": 1.0,
    "SFCF": 1.0,
    "C": 0.0,
}
