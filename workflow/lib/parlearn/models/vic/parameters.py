"""VIC's free parameters and their bounds; needs no torch."""

from parlearn.models.parameter import Parameter

#: Physical bounds. The ranges printed by Li & Lu 2023 (Table 1: ds up to 7.6, expt from 0)
#: cannot be read literally: Ds is a fraction, and expt = 3 + 2 b (Campbell 1974) lies above 3.
#: With a bound of 8, as the reference sets have it, layer 1 stays wetter than SMAP sees it:
#: fitting every cell by itself, the median RMSE of the training year is then 0.052; with 3.1 it
#: is 0.043.
BOUNDS = (
    Parameter("infilt", "1", 0.001, 0.9, "log", "shape of the variable infiltration curve"),
    Parameter("Ds", "1", 0.001, 1.0, "log", "fraction of Dsmax where nonlinear baseflow begins"),
    Parameter("Dsmax", "mm day-1", 0.1, 30.0, "log", "maximum velocity of baseflow"),
    Parameter(
        "Ws", "1", 0.5, 0.999, "linear", "fraction of moisture where nonlinear baseflow begins"
    ),
    Parameter("expt", "1", 3.1, 30.0, "log", "exponent of the Brooks-Corey conductivity"),
    Parameter("depth2", "m", 0.1, 1.5, "linear", "thickness of layer 2"),
    Parameter("depth3", "m", 0.5, 2.5, "linear", "thickness of layer 3"),
)
PARAMETERS = tuple(parameter.name for parameter in BOUNDS)
