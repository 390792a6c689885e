"""What the original gives and what it is called here; needs no torch."""

from typing import NamedTuple

from parlearn.models.vic import names as vic
from parlearn.models.vic.parameters import BOUNDS

#: environment variable that names the executable of the image driver
PROGRAM = "VIC5_IMAGE"
#: parameters of VIC here that no file of VIC 5 can give it, and why
NOT_OF_VIC5 = {
    "diff": "it is not in VIC 5",
    "soil_rarc": "VIC 5 has one value for all cells, compiled in (SOIL_RARC = 100 s m-1)",
}
PARAMETERS = tuple(parameter for parameter in BOUNDS if parameter.name not in NOT_OF_VIC5)
OUTPUTS = vic.OUTPUTS


class Source(NamedTuple):
    """The variable of VIC 5 that an output is read from, and the soil layer (from 0), if any."""

    variable: str
    layer: int | None = None


#: ``soil_moisture`` is that of layer 1, divided by its thickness
SOURCES = {
    "soil_moisture": Source("OUT_SOIL_MOIST", 0),
    "evapotranspiration": Source("OUT_EVAP"),
    "runoff": Source("OUT_RUNOFF"),
    "baseflow": Source("OUT_BASEFLOW"),
    "swe": Source("OUT_SWE"),
    "snow_canopy": Source("OUT_SNOW_CANOPY"),
    "wdew": Source("OUT_WDEW"),
    "moist1": Source("OUT_SOIL_MOIST", 0),
    "moist2": Source("OUT_SOIL_MOIST", 1),
    "moist3": Source("OUT_SOIL_MOIST", 2),
    "canopy_evaporation": Source("OUT_EVAP_CANOP"),
    "snow_sublimation": Source("OUT_SUB_SNOW"),
    "canopy_sublimation": Source("OUT_SUB_CANOP"),
}
#: what VIC 5 says of its own balance, mm; asked for in every run
BALANCE = "OUT_WATER_ERROR"
