"""Names of the inputs, states and outputs of one day, in the order of their columns."""

#: what a basin remembers from day to day: name -> unit
STATE = {
    "snowpack": "mm, frozen",
    "meltwater": "mm, liquid, held by the snowpack",
    "soil": "mm",
    "upper": "mm",
    "lower": "mm",
}

#: forcing of one day: name -> unit
WEATHER = {"prec": "mm day-1", "tair": "degC", "pet": "mm day-1"}

#: what a basin gives each day: name -> unit
OUTPUTS = {
    "evapotranspiration": "mm day-1",
    "runoff": "mm day-1, all that leaves the two zones",
    "quickflow": "mm day-1, from the upper zone above its threshold",
    "interflow": "mm day-1, from the upper zone",
    "baseflow": "mm day-1, from the lower zone",
    "recharge": "mm day-1, from soil to upper zone",
    "capillary_rise": "mm day-1, from lower zone to soil",
    "potential_evapotranspiration": "mm day-1, after its factor",
    "supply": "mm day-1, rain and snowfall after its factor",
    "swe": "mm, end of day, liquid water in the snow included",
    "soil_water": "mm, end of day",
    "upper_zone": "mm, end of day",
    "lower_zone": "mm, end of day",
}
#: what runs to the river, where it may be routed
DRAINS = ("runoff",)
#: formulas of potential evapotranspiration, see :mod:`parlearn.land.evaporation`
PET = ("oudin", "hargreaves")
