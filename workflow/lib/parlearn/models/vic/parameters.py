"""VIC's free parameters, their bounds and defaults; needs no torch.

What must keep an order is learned as a share of its upper neighbour, so that no combination
inside the bounds breaks residual moisture <= Wpwp < Wcr < porosity, which VIC demands.
"""

from parlearn.models.parameter import Parameter

_LIANG = "Liang et al. (1994)"
_ORDER = "VIC's own ordering"
_TEXTURE = "wider than Cosby et al. (1984) have for any texture"
_CHOSEN = "chosen here"

#: Physical bounds. The ranges printed by Li & Lu 2023 (Table 1: ds up to 7.6, expt from 0)
#: cannot be read literally: Ds is a fraction, and expt = 3 + 2 b (Campbell 1974) lies above 3.
#: With a bound of 8, as the reference sets have it, layer 1 stays wetter than SMAP sees it:
#: fitting every cell by itself, the median RMSE of the training year is then 0.052; with 3.1 it
#: is 0.043.
BOUNDS = (
    Parameter(
        *("infilt", "1", 0.001, 0.9, "log"),
        *("shape of the variable infiltration curve", "0.2", _LIANG),
    ),
    Parameter(
        *("Ds", "1", 0.001, 1.0, "log"),
        *("fraction of Dsmax where nonlinear baseflow begins", "0.02", _LIANG),
    ),
    Parameter(
        *("Dsmax", "mm day-1", 0.1, 30.0, "log"),
        *("maximum velocity of baseflow", "10", _LIANG),
    ),
    Parameter(
        *("Ws", "1", 0.5, 0.999, "linear"),
        *("fraction of moisture where nonlinear baseflow begins", "0.9", _LIANG),
    ),
    Parameter(
        *("expt", "1", 3.1, 30.0, "log"),
        *("exponent of the Brooks-Corey conductivity", "3 + 2 b", "Campbell (1974)"),
    ),
    Parameter(
        *("depth1", "m", 0.03, 0.25, "log"),
        *("thickness of layer 1", "depth1 of the domain", _CHOSEN),
    ),
    Parameter(
        *("depth2", "m", 0.1, 1.5, "linear"),
        *("thickness of layer 2, at least that of layer 1", "0.4", _CHOSEN),
    ),
    Parameter(
        *("depth3", "m", 0.5, 2.5, "linear"),
        *("thickness of layer 3", "1.5", _CHOSEN),
    ),
    Parameter(
        *("resid_share", "1", 0.0, 1.0, "linear"),
        *("residual moisture as a share of the wilting point", "resid_moist / Wpwp", _ORDER),
    ),
    Parameter(
        *("Wpwp_share", "1", 0.05, 0.95, "linear"),
        *("wilting point as a share of the critical point", "Wpwp_FRACT / Wcr_FRACT", _ORDER),
    ),
    Parameter(
        *("Wcr_FRACT", "1", 0.1, 0.95, "linear"),
        *("critical point as a share of porosity", "Wcr_FRACT of the domain", _ORDER),
    ),
    Parameter(
        *("porosity", "m3 m-3", 0.3, 0.6, "linear"),
        *("porosity; bulk density follows", "1 - bulk_density / soil_density", _TEXTURE),
    ),
    Parameter(
        *("Ksat", "mm day-1", 10.0, 10000.0, "log"),
        *("saturated conductivity", "Ksat of the domain", _TEXTURE),
    ),
    Parameter(
        *("soil_rarc", "s m-1", 1.0, 3000.0, "log"),
        *("resistance of bare soil to evaporation", "100", "VIC's constant SOIL_RARC"),
    ),
    Parameter(
        *("rmin_factor", "1", 0.2, 5.0, "log"),
        *("factor of the minimum stomatal resistance", "1", _CHOSEN),
    ),
    Parameter(
        *("LAI_factor", "1", 0.1, 4.0, "log"), *("factor of the leaf area index", "1", _CHOSEN)
    ),
    Parameter(
        *("albedo_factor", "1", 0.5, 2.0, "log"),
        *("factor of the albedo of vegetated tiles", "1", _CHOSEN),
    ),
    Parameter(
        *("aero_factor", "1", 0.1, 10.0, "log"),
        *("factor of all aerodynamic resistances", "1", _CHOSEN),
    ),
    Parameter(
        *("fcanopy", "1", 0.05, 1.0, "linear"),
        *("canopy cover of low vegetation, mean of its tiles", "that mean", _CHOSEN),
    ),
    Parameter(
        *("root_fract1", "1", 0.02, 0.9, "linear"),
        *("share of the roots in layer 1, mean of the tiles", "that mean", _CHOSEN),
    ),
    Parameter(
        *("diff", "mm day-1", 0.0, 20.0, "linear"),
        *("redistribution between layers 1 and 2 (VIC+, not VIC 5)", "0", _CHOSEN),
    ),
)
PARAMETERS = tuple(parameter.name for parameter in BOUNDS)
#: the five that are learned as a rule
CALIBRATED = ("infilt", "Ds", "Dsmax", "Ws", "expt")

#: parameters whose default is one number everywhere, at which VIC is as without them
CONSTANT = {
    "soil_rarc": 100.0,
    "rmin_factor": 1.0,
    "LAI_factor": 1.0,
    "albedo_factor": 1.0,
    "aero_factor": 1.0,
    "diff": 0.0,
}
#: those that VIC 5 does not have: with one of them the model is called VIC+
BEYOND_VIC5 = ("diff",)
