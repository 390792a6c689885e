"""Parameters and outputs of routing; needs no torch."""

from parlearn.models.parameter import Parameter

STREAMFLOW = "streamflow"
#: what a routed model gives besides its own outputs: name -> unit
OUTPUTS = {STREAMFLOW: "mm day-1, at the outlet"}
#: ways of the water of a day to the outlet: at once, or by a gamma unit hydrograph
ROUTINGS = ("none", "gamma")
#: bounds of shape and scale are those that differentiable HBV models use (Feng et al. 2022,
#: doi:10.1029/2022WR032404), who write them as 0 to 2.9 and 0 to 6.5 above 0.1 and 0.5
BOUNDS = (
    Parameter("route_shape", "1", 0.1, 3.0, "linear", "shape of the unit hydrograph"),
    Parameter("route_scale", "day", 0.5, 7.0, "linear", "time scale of the unit hydrograph"),
    Parameter("route_lag", "day", 0.0, 3.0, "linear", "days before any of the water arrives"),
)
DEFAULTS = {"route_shape": 1.5, "route_scale": 1.0, "route_lag": 0.0}
