"""Names of the inputs, states and outputs of one day of a tile, in the order of their columns."""

#: what a tile remembers from day to day: name -> unit
STATE = {
    "w1": "mm",
    "w2": "mm",
    "w3": "mm",
    "wdew": "mm",
    "swe": "mm",
    "snow_temp": "degC",
    "snow_water": "mm",
    "pack_temp": "degC",
    "pack_water": "mm",
    "snow_age": "3-hour steps",
    "cold_content": "J m-2",
    "snow_density": "kg m-3",
    "melting": "1",
    "canopy_snow": "mm",
    "foliage_temp": "degC",
    "melted_store": "mm",
    "t_surface": "degC",
    "t1": "degC",
    "longwave_below": "W m-2",
}

#: forcing of one day: name -> unit (the last two have one value a snow step)
WEATHER = {
    "prec": "mm day-1",
    "tair": "degC",
    "shortwave": "W m-2",
    "longwave": "W m-2",
    "vp": "Pa",
    "vp_capped": "Pa, mean of the steps after capping at saturation",
    "pressure": "Pa",
    "wind": "m s-1",
    "snow_flag": "1 if any step has precipitation below 0.5 degC",
    "melt_season": "1 from March to September",
    "tair_steps": "degC",
    "shortwave_steps": "W m-2",
}
STEPPED = ("tair_steps", "shortwave_steps")

#: a cell's own constants; ``cover`` and ``root_fract1`` are the means that those parameters shift
CELL = ("porosity", "soil_density", "log_k_solid", "dp", "avg_T", "elev", "cover", "root_fract1")
TILE = (
    "overstory",
    "vegetated",
    "rarc",
    "rmin",
    "RGL",
    "rad_atten",
    "fcanopy",
    "snow_height",
    "snow_log",
    "root_depth1",
    "root_depth2",
    "root_depth3",
    "root_fract1",
    "root_fract2",
    "root_fract3",
)
#: what changes with the month
MONTHLY = (
    "albedo",
    "lai",
    "wdmax",
    "ra_low",
    "ra_canopy",
    "ra_snow",
    "ra_bare",
    "wind_canopy",
    "wind_snow",
)

#: what a tile gives each day: name -> unit; a cell's value is the mean over its tiles by area
OUTPUTS = {
    "soil_moisture": "m3 m-3, layer 1, end of day",
    "evapotranspiration": "mm day-1, sublimation included",
    "runoff": "mm day-1",
    "baseflow": "mm day-1",
    "swe": "mm, end of day, without canopy snow",
    "snow_canopy": "mm, end of day",
    "wdew": "mm, end of day",
    "moist1": "mm, end of day",
    "moist2": "mm, end of day",
    "moist3": "mm, end of day",
    "canopy_evaporation": "mm day-1",
    "snow_sublimation": "mm day-1",
    "canopy_sublimation": "mm day-1",
}
