"""One day of one basin: HBV as Beck et al. 2020 run it (HBV-light; Seibert & Vis 2012).

Snow by degree days with refreezing and liquid water, one soil store, an upper and a lower zone.
Stores are emptied one after another within the day (explicit, in the order below).
"""

import torch

from parlearn.models.fuse.ops import Vars

#: below this wetness a power counts as zero: it would have no derivative
DRY = 1e-9


def cold_start(cell, par):
    """No snow, empty zones, and the soil half full; differentiable in the parameters."""
    zero = 0.0 * par.FC
    return Vars(snowpack=zero, meltwater=zero, soil=0.5 * par.FC, upper=zero, lower=zero)


def _power(base, exponent):
    """``base ** exponent`` of a base in 0..1, with derivatives in both, also where it is dry."""
    wet = base > DRY
    safe = torch.where(wet, base, 0.0 * base + 1.0)
    return torch.where(wet, torch.exp(exponent * torch.log(safe)), 0.0 * base)


def _positive(value):
    return torch.maximum(value, 0.0 * value)


def _at_most_one(value):
    return torch.minimum(value, 0.0 * value + 1.0)


def _snow(state, par, weather):
    """Rain, snowfall, the snowpack after the day, and what it lets through."""
    freezing = weather.tair < par.TT
    nothing = 0.0 * par.TT
    rain = torch.where(freezing, nothing, weather.prec + nothing)
    snowfall = torch.where(freezing, par.SFCF * weather.prec, nothing)
    snowpack = state.snowpack + snowfall
    warmth = weather.tair - par.TT
    melt = torch.minimum(par.CFMAX * _positive(warmth), snowpack)
    snowpack, meltwater = snowpack - melt, state.meltwater + melt
    refrozen = torch.minimum(par.CFR * par.CFMAX * _positive(-warmth), meltwater)
    snowpack, meltwater = snowpack + refrozen, meltwater - refrozen
    through = _positive(meltwater - par.CWH * snowpack)
    return Vars(
        rain=rain,
        snowfall=snowfall,
        snowpack=snowpack,
        meltwater=meltwater - through,
        through=through,
    )


def simulate_day(state, par, weather, tile, cell):
    """One day of a basin.

    Parameters
    ----------
    state, par, weather : Vars named as in STATE, PARAMETERS, WEATHER
    tile, cell : empty; HBV knows of a basin what its parameters say

    Returns
    -------
    the state at the end of the day and the OUTPUTS
    """
    snow = _snow(state, par, weather)

    inflow = snow.rain + snow.through
    wetness = _at_most_one(state.soil / par.FC)
    recharge = inflow * _power(wetness, par.BETA)
    soil = state.soil + inflow - recharge
    excess = _positive(soil - par.FC)
    soil = soil - excess
    demand = par.PETF * weather.pet
    supplied = _power(_at_most_one(soil / (par.LP * par.FC)), par.BETAET)
    evaporation = torch.minimum(demand * supplied, soil)
    soil = soil - evaporation
    gap = par.FC - soil
    rise = torch.minimum(par.C * state.lower * gap / par.FC, gap)
    soil = soil + rise

    upper = state.upper + recharge + excess
    percolation = torch.minimum(par.PERC + 0.0 * upper, upper)
    upper = upper - percolation
    quick = par.K0 * _positive(upper - par.UZL)
    upper = upper - quick
    interflow = par.K1 * upper
    upper = upper - interflow
    lower = state.lower - rise + percolation
    baseflow = par.K2 * lower
    lower = lower - baseflow

    new = Vars(
        snowpack=snow.snowpack, meltwater=snow.meltwater, soil=soil, upper=upper, lower=lower
    )
    out = Vars(
        evapotranspiration=evaporation,
        runoff=quick + interflow + baseflow,
        quickflow=quick,
        interflow=interflow,
        baseflow=baseflow,
        recharge=recharge + excess,
        capillary_rise=rise,
        potential_evapotranspiration=demand,
        supply=snow.rain + snow.snowfall,
        swe=snow.snowpack + snow.meltwater,
        soil_water=soil,
        upper_zone=upper,
        lower_zone=lower,
    )
    return new, out
