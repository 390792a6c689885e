"""Evapotranspiration of a tile without snow: canopy water, transpiration of three layers, bare
soil.
"""

import torch

from parlearn.models.fuse.ops import Vars, repeat
from parlearn.models.vic.air import penman_monteith
from parlearn.models.vic.constants import DAY, R_MAX, VPD_CLOSURE, VPD_FACTOR_MIN


def canopy_water(wdew, rain, air, radiation, ra, tile, seconds):
    """Interception, its evaporation and the throughfall of a canopy (L94 eqs. 1, 2, 9).

    Returns
    -------
    wdew, evaporation, throughfall (mm, over the plants) and the dry share of the canopy. In a
    24-hour step
    evaporation may use the day's rain, in a shorter one only what is stored (as VIC has it).
    """
    capacity = tile.wdmax
    leafy = capacity > 0
    safe = torch.where(leafy, capacity, 0.0 * capacity + 1.0)
    throughfall = torch.maximum(wdew - capacity, 0.0 * wdew)
    wdew = torch.minimum(wdew, capacity + 0.0 * wdew)
    share = torch.maximum(wdew / safe, 0.0 * wdew)
    held = share > 1e-9
    wet = torch.where(
        held,
        torch.exp(torch.log(torch.where(held, share, 0.0 * share + 1.0)) * (2.0 / 3.0)),
        0.0 * share,
    )
    potential = wet * penman_monteith(air, radiation, ra, 0.0, tile.rarc) * (seconds / DAY)
    potential = torch.where(leafy, potential, 0.0 * potential)
    available = wdew + rain if seconds == DAY else wdew
    some = potential > 0
    limit = torch.where(
        some, available / torch.where(some, potential, 0.0 * potential + 1.0), 0.0 * potential + 1.0
    )
    limit = torch.minimum(limit, 0.0 * limit + 1.0)
    evaporation = potential * limit
    dry = torch.where(leafy, 1.0 - limit * wet, 0.0 * wet)
    # where all that is available evaporates, nothing of it may be left by rounding: the wet share
    # goes with
    # the power 2/3 of the store, so a trace of single precision would evaporate the next day's rain
    left = 0.0 * wdew if seconds == DAY else rain + 0.0 * wdew
    wdew = torch.where(limit < 1.0, left, torch.maximum(wdew + rain - evaporation, 0.0 * wdew))
    drip = torch.maximum(wdew - capacity, 0.0 * wdew)
    return Vars(wdew=wdew - drip, evaporation=evaporation, throughfall=throughfall + drip, dry=dry)


def _stress(moist, wpwp, wcr):
    """Soil-moisture stress factor of one layer: 0 below Wpwp, 1 above Wcr."""
    factor = (moist - wpwp) / (wcr - wpwp)
    return torch.minimum(torch.maximum(factor, 0.0 * factor), 0.0 * factor + 1.0)


def transpiration(state, layer, air, radiation, shortwave_net, tair, ra, dry, tile, seconds):
    """Transpiration from the three layers (mm, over the plants; L94 eqs. 6-8, Jarvis factors of
    Wigmosta 1994).

    Known flaw, kept: where layers share the roots' demand, only the last dry layer's shortfall
    goes to the wet layers.
    """
    moist = (state.w1, state.w2, state.w3)
    roots = (layer.root1, layer.root2, layer.root3)
    wcr = (layer.wcr1, layer.wcr2, layer.wcr3)
    wpwp = (layer.wpwp1, layer.wpwp2, layer.wpwp3)
    rooted = [r > 0 for r in roots]
    # an upper layer without roots counts as holding nothing
    available = [torch.where(rooted[k], moist[k], 0.0 * moist[k]) for k in (0, 1)] + [moist[2]]

    light = shortwave_net / tile.RGL
    light = (1.0 + light) / (light + tile.rmin / R_MAX)
    warmth = 0.08 * tair - 0.0016 * tair * tair
    warmth = torch.where(warmth <= 0, 0.0 * warmth + 1e-10, warmth)
    dryness = torch.maximum(1.0 - air.vpd / VPD_CLOSURE, 0.0 * air.vpd + VPD_FACTOR_MIN)
    least = tile.rmin / (tile.lai * warmth * dryness) * light  # resistance of a well-watered canopy
    share_of_day = dry * (seconds / DAY)

    def demand(stress):
        some = stress > 0
        rc = torch.minimum(
            least / torch.where(some, stress, 0.0 * stress + 1.0), 0.0 * stress + R_MAX
        )
        flux = penman_monteith(air, radiation, ra, rc, tile.rarc) * share_of_day
        return torch.where(some, flux, 0.0 * flux)

    upper = available[0] + available[1]
    upper_wcr = torch.where(rooted[0], wcr[0], 0.0 * wcr[0]) + torch.where(
        rooted[1], wcr[1], 0.0 * wcr[1]
    )
    upper_wet, lower_wet = upper >= upper_wcr, moist[2] >= wcr[2]
    half = 0.5 - 1e-6  # in single precision half of the roots may come out a little less
    sharing = (
        (upper_wet & lower_wet & (upper_wcr > 0))
        | (upper_wet & (1.0 - roots[2] >= half))
        | (lower_wet & (roots[2] >= half))
    )

    stress = [_stress(available[k], wpwp[k], wcr[k]) for k in range(3)]
    wet = [available[k] >= wcr[k] for k in range(3)]
    whole = demand(0.0 * dry + 1.0)
    spare, wet_roots = 0.0 * whole, 0.0 * whole + 1.0
    shared = []
    for k in range(3):
        part = whole * roots[k]
        shared.append(torch.where(wet[k], part, part * stress[k]))
        wet_roots = torch.where(wet[k], wet_roots, wet_roots - roots[k])
        spare = torch.where(wet[k], spare, part * (1.0 - stress[k]))
    spill = (spare > 0) & (wet_roots > 1e-6)
    extra = torch.where(
        spill, spare / torch.where(spill, wet_roots, 0.0 * wet_roots + 1.0), 0.0 * spare
    )
    taken = []
    for k in range(3):
        together = torch.where(wet[k], shared[k] + roots[k] * extra, shared[k])
        alone = demand(stress[k]) * roots[k]
        flux = torch.where(sharing, together, alone)
        flux = torch.minimum(flux, moist[k] - wpwp[k])
        taken.append(torch.maximum(flux, 0.0 * flux))
    return taken


def bare_soil(w1, layer, air, radiation, ra, seconds):
    """Evaporation of exposed soil from layer 1 (mm over that soil; L94 eqs. 10-15, Franchini &
    Pacciani 1991).
    """
    potential = penman_monteith(air, radiation, ra, 0.0, layer.soil_rarc) * (seconds / DAY)
    b = layer.infilt
    dry = torch.maximum(1.0 - w1 / layer.max1, 0.0 * w1 + 1e-7)
    x = torch.exp(torch.log(dry) / (1.0 + b))  # 1 - i0/im
    unsaturated = torch.exp(torch.log(x) * b)

    def term(c, _):
        power = c.power * x
        return Vars(power=power, order=c.order + 1.0, total=c.total + b * power / c.order)

    series = repeat(30, term, Vars(power=0.0 * x + 1.0, order=b + 1.0, total=0.0 * x + 1.0)).total
    beta = (1.0 - unsaturated) + unsaturated * (1.0 - x) * series
    evaporation = potential * beta
    limit = torch.maximum(w1 - layer.resid1, 0.0 * w1)
    return torch.where(evaporation > 0, torch.minimum(evaporation, limit), evaporation)


def snow_free(state, layer, weather, air, energy, attenuation, tile, seconds):
    """All evapotranspiration of one step of a tile without snow, and what reaches the ground.

    Parameters
    ----------
    energy : available energy Rn + G + dH (W m-2)
    attenuation : share of it that reaches the soil surface of a vegetated tile

    Returns
    -------
    Vars: evap1..3 (mm from the soil layers), canopy_evaporation (mm), ground_water (mm reaching
    the soil),
    wdew (mm). Known flaw, kept: Wdew is multiplied by fcanopy in every step though it is divided
    by it only once a model step.
    """
    rain, fcanopy = weather.rain, tile.fcanopy
    vegetated = fcanopy > 0
    ra_canopy = tile.ra_canopy / weather.wind
    canopy = canopy_water(state.wdew, rain, air, energy, ra_canopy, tile, seconds)
    take = transpiration(
        state,
        layer,
        air,
        energy,
        weather.shortwave_net,
        weather.tair,
        ra_canopy,
        canopy.dry,
        tile,
        seconds,
    )
    conductance = fcanopy / tile.ra_low + (1.0 - fcanopy) / tile.ra_bare
    ra_soil = 1.0 / (conductance * weather.wind)
    radiation = torch.where(vegetated, attenuation * energy, energy)
    exposed = 1.0 - fcanopy
    soil = exposed * bare_soil(state.w1, layer, air, radiation, ra_soil, seconds)
    cover = torch.where(vegetated, fcanopy, 0.0 * fcanopy)
    return Vars(
        evap1=cover * take[0] + soil,
        evap2=cover * take[1],
        evap3=cover * take[2],
        canopy_evaporation=cover * canopy.evaporation,
        ground_water=exposed * rain + cover * canopy.throughfall,
        wdew=cover * canopy.wdew,
    )
