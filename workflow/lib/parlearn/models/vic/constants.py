"""Physical constants and model parameters as VIC 5 uses them (its values, also where others are
in fashion).
"""

GRAVITY = 9.80616  # m s-2
KARMAN = 0.4
STEFAN_BOLTZMANN = 5.67e-8  # W m-2 K-4
FREEZING = 273.15  # K
R_DRY = 6.02214e26 * 1.38065e-23 / 28.966  # J kg-1 K-1
EPSILON = 18.016 / 28.97  # molecular weight of water over that of air
CP_AIR = 1013.0  # J kg-1 K-1, moist air
CP_WATER = 4188.0  # J kg-1 K-1
CP_ICE = 2117.27  # J kg-1 K-1
LATENT_FUSION = 3.337e5  # J kg-1
STANDARD_PRESSURE = 101325.0  # Pa
LAPSE_RATE = -0.0065  # K m-1
RHO_ICE = 917.0  # kg m-3
DAY = 86400.0  # s
SNOW_STEPS = 8
SNOW_STEP = DAY / SNOW_STEPS  # s
RUNOFF_STEPS = 24
EMISSIVITY = 0.97  # ground, vegetation and snow alike

RAIN_ABOVE, SNOW_BELOW = 0.5, -0.5  # degC
ALBEDO_NEW_SNOW = 0.85
ALBEDO_BARE_SOIL = 0.2
R_MAX = 5000.0  # s m-1, closed stomata
VPD_CLOSURE, VPD_FACTOR_MIN = 4000.0, 0.1  # Pa, -
SURFACE_LAYER = 125.0  # mm, most water equivalent of the snow surface layer
LIQUID_CAPACITY = 0.035  # liquid water that snow holds, share of its ice
THIN_SNOW = 1.0  # mm, below this snow has no energy balance of its own
TRACE_SNOW = 0.03  # mm
MIN_CANOPY_STORE = 5.0  # mm, canopy snow below this only drips
CANOPY_WATER = 0.1  # mm of interception per unit LAI
CANOPY_SNOW = 0.5  # mm of snow interception per unit LAI, times 1 to 4 by temperature
