"""Snow and rain in a tree canopy (Storck 2000; Andreadis et al. 2009), one 3-hour step, all in mm
and degC.
"""

import torch

from parlearn.models.fuse.ops import Vars
from parlearn.models.vic.air import (
    latent_heat_sublimation,
    latent_heat_vaporization,
    longwave_out,
    saturation_pressure,
    saturation_slope,
)
from parlearn.models.vic.constants import (
    ALBEDO_NEW_SNOW,
    CANOPY_SNOW,
    CP_AIR,
    CP_WATER,
    EPSILON,
    FREEZING,
    LATENT_FUSION,
    LIQUID_CAPACITY,
    MIN_CANOPY_STORE,
    SNOW_STEP,
    THIN_SNOW,
)
from parlearn.models.vic.evaporation import canopy_water
from parlearn.models.vic.root import solve_temperature

NEWTON_STEPS = 6
#: mass release repeats while the canopy holds more than MIN_CANOPY_STORE; each turn sheds at
#: least a tenth
MASS_RELEASES = 6


def _positive(x):
    return torch.maximum(x, 0.0 * x)


def snow_capacity(foliage_temp, lai):
    """Most snow a canopy takes up: 4 times its base above -1 degC, 1 times below -3, linear
    between.
    """
    factor = 1.5 * foliage_temp + 5.5
    factor = torch.where(foliage_temp > -1.0, 0.0 * factor + 4.0, factor)
    return torch.where(
        (foliage_temp <= -3.0) | (foliage_temp == -1.0), 0.0 * factor + 1.0, factor
    ) * (CANOPY_SNOW * lai)


def _radiation(t, x):
    """Net radiation of foliage that emits up and down (W m-2), and its slope."""
    emitted = longwave_out(t)
    return x.short + x.long_above + x.long_below - 2.0 * emitted, -8.0 * emitted / (t + FREEZING)


def snowy_balance(t, x):
    """Energy of a canopy that holds snow, below 0 degC (W m-2), and its slope; sublimation with
    10 x ra.
    """
    radiation, slope = _radiation(t, x)
    pressure = saturation_pressure(t)
    conductance = x.conductance / 10.0
    latent = (
        latent_heat_sublimation(t)
        * x.density
        * (EPSILON / x.pressure)
        * conductance
        * (x.vp - pressure)
    )
    latent_slope = (
        -latent_heat_sublimation(t)
        * x.density
        * (EPSILON / x.pressure)
        * conductance
        * saturation_slope(t, pressure)
    )
    closed = (x.vpd <= 0) & (latent < 0)
    latent = torch.where(closed, 0.0 * latent, latent)
    latent_slope = torch.where(closed, 0.0 * latent, latent_slope)
    # VIC multiplies the resistance by 10 before the sensible heat as well (AR_406_FULL)
    sensible = CP_AIR * x.density * conductance
    value = radiation + latent + sensible * (x.tair - t) + x.advected + x.freezing
    return value, slope + latent_slope - sensible


def wet_balance(t, x):
    """Energy of a canopy without snow while snow falls or lies below (W m-2), and its slope.

    Known flaw, kept: the latent heat of evaporation is added, not taken.
    """
    radiation, slope = _radiation(t, x)
    wet = canopy_water(x.wdew, x.rain, x.air, radiation, 1.0 / x.conductance, x.tile, SNOW_STEP)
    nudged = canopy_water(
        x.wdew, x.rain, x.air, radiation + 1.0, 1.0 / x.conductance, x.tile, SNOW_STEP
    )
    per_watt = x.heat / SNOW_STEP * (nudged.evaporation - wet.evaporation)
    sensible = CP_AIR * x.density * x.conductance
    value = radiation + x.heat / SNOW_STEP * wet.evaporation + sensible * (x.tair - t) + x.advected
    return value, slope * (1.0 + per_watt) - sensible


def release(snow, melted_store, drip):
    """Mass release: melt water in excess of a tenth of the store takes snow with it."""
    released, busy = 0.0 * snow, snow >= 0
    for _ in range(MASS_RELEASES):
        above = snow > MIN_CANOPY_STORE
        threshold = 0.1 * snow
        sheds = busy & above & (melted_store >= threshold)
        remaining = snow - threshold
        falls = torch.minimum(_positive(remaining - MIN_CANOPY_STORE), 0.17 * snow)
        drips = torch.where(busy & ~sheds, torch.minimum(melted_store, snow), 0.0 * snow)
        drip = drip + torch.where(sheds, threshold, drips)
        released = released + torch.where(sheds, falls, 0.0 * snow)
        melted_store = torch.where(
            sheds,
            melted_store - threshold,
            torch.where(busy & ~above, 0.0 * melted_store, melted_store),
        )
        snow = torch.where(sheds, remaining - falls, snow - drips)
        busy = sheds
    return snow, melted_store, drip, released


def intercept(state, rain, snowfall, weather, air, attenuation, long_below, tile):
    """Interception, energy balance, melt and release of a tree canopy while snow is about.

    Parameters
    ----------
    state : Vars wdew, canopy_snow, foliage_temp, melted_store (mm over the plants, degC)
    attenuation : share of shortwave that the canopy lets through
    long_below : longwave from the ground (W m-2)

    Known flaws, kept: the energy that freezing releases is that of the water held before the
    step, and the amount frozen confuses metres with millimetres.

    Returns
    -------
    Vars of the new state; rain and snowfall that reach the ground, canopy evaporation and
    sublimation (mm), and the canopy's longwave towards the ground (W m-2).
    """
    lai, capacity = tile.lai, tile.wdmax
    base = CANOPY_SNOW * lai
    tair, foliage = weather.tair, state.foliage_temp
    held = state.canopy_snow
    most = snow_capacity(foliage, lai)
    caught = (1.0 - held / most) * snowfall
    caught = _positive(torch.minimum(caught, most - held))
    wind = tile.wind_canopy * weather.wind
    blown = torch.minimum(_positive(0.2 * wind - 0.2), 0.0 * wind + 1.0)
    caught = torch.where((foliage < -3.0) & (wind > 1.0), caught * (1.0 - blown), caught)
    caught = torch.where(held + caught > 4.0 * base, 0.0 * caught, caught)
    snow_through = snowfall - caught
    scant = (snowfall <= 0) & (held < THIN_SNOW)
    snow_through = torch.where(scant, snow_through + held, snow_through)
    snow = torch.where(scant, 0.0 * held, held + caught)
    snow = torch.where(snow < 1e-9, 0.0 * snow, snow)

    most_water = LIQUID_CAPACITY * snow + capacity
    water = state.wdew + rain
    rain_through = _positive(water - most_water)
    water = water - rain_through
    scant = (rain <= 0) & (water < THIN_SNOW)
    rain_through = torch.where(scant, rain_through + water, rain_through)
    water = torch.where(scant, 0.0 * water, water)
    load = water + snow
    over = _positive(load - 4.0 * base) / torch.where(load > 0, load, 0.0 * load + 1.0)
    rain_through, snow_through = rain_through + over * water, snow_through + over * snow
    water, snow = water * (1.0 - over), snow * (1.0 - over)
    foliage = torch.where(water + snow < 1e-9, tair, foliage)

    snowy = snow > 0
    white = snowy | (snowfall > 0)
    albedo = torch.where(white, 0.0 * tair + ALBEDO_NEW_SNOW, tile.albedo + 0.0 * tair)
    x = Vars(
        tair=tair,
        short=(1.0 - albedo) * (1.0 - attenuation) * weather.shortwave / tile.fcanopy_safe,
        long_above=weather.longwave,
        long_below=long_below,
        density=weather.density,
        pressure=weather.pressure,
        vp=weather.vp,
        vpd=weather.vpd,
        conductance=weather.wind / tile.ra_canopy,
        advected=CP_WATER / SNOW_STEP * tair * rain,
        heat=latent_heat_vaporization(tair),
        freezing=state.wdew * (LATENT_FUSION / SNOW_STEP),
        wdew=state.wdew,
        rain=rain,
    )
    zero = 0.0 * tair
    at_zero, _ = snowy_balance(zero, x)
    ripe = snowy & (at_zero > 0)  # what is left at 0 degC after all water has frozen
    surplus = at_zero - x.freezing

    t_snowy = solve_temperature(snowy_balance, x, torch.minimum(foliage, zero), NEWTON_STEPS)
    t_snowy = torch.where(ripe, zero, torch.minimum(t_snowy, zero - 1e-6))

    def wet(t, inputs):
        return wet_balance(t, Vars(**inputs.__dict__, air=air, tile=tile))

    t_wet = solve_temperature(wet, x, foliage, NEWTON_STEPS)
    t = torch.where(snowy, t_snowy, t_wet)

    # a canopy without snow: interception and evaporation of rain
    radiation, _ = _radiation(t_wet, x)
    bare = canopy_water(state.wdew, rain, air, radiation, 1.0 / x.conductance, tile, SNOW_STEP)

    # a canopy with snow: vapour exchange, melt, release
    flux = (
        x.density
        * (EPSILON / x.pressure)
        * (x.vp - saturation_pressure(t_snowy))
        * (x.conductance / 10.0)
    )
    flux = torch.where((x.vpd <= 0) & (flux < 0), 0.0 * flux, flux) * SNOW_STEP
    # below 0 degC VIC mistakes metres for millimetres: all water freezes unless the step began
    # almost dry
    frozen = torch.minimum(1000.0 * state.wdew, water)
    gain = torch.where(ripe, torch.maximum(flux, -water), torch.maximum(flux, -(snow + frozen)))
    frozen_snow = snow + frozen + gain

    wet_store = water + gain
    melt = torch.minimum(_positive(surplus) * (SNOW_STEP / LATENT_FUSION), snow)
    room = most_water_after(snow, capacity) - wet_store
    fits = melt <= room
    excess = melt - room
    melting_snow = torch.where(fits, snow - melt, _positive(snow - room))
    store = torch.where(fits, wet_store + melt, wet_store + room)
    as_it_falls = ~fits & (snow_through > 0) & (held <= MIN_CANOPY_STORE)
    drip = torch.where(as_it_falls, torch.minimum(excess, melting_snow), zero)
    melting_snow = melting_snow - drip
    pending = torch.where(fits | as_it_falls, state.melted_store, state.melted_store + excess)
    shed_snow, shed_pending, shed_drip, released = release(melting_snow, pending, drip)
    melting_snow = torch.where(fits, melting_snow, shed_snow)
    pending = torch.where(fits, pending, shed_pending)
    drip = torch.where(fits, drip, shed_drip)
    released = torch.where(fits, zero, released)
    spill = _positive(store - most_water_after(melting_snow, capacity))
    drip = drip + spill
    store = store - spill

    new_snow = torch.where(ripe, melting_snow, torch.where(snowy, frozen_snow, zero))
    new_water = torch.where(ripe, store, torch.where(snowy, water - frozen, bare.wdew))
    rain_through = torch.where(snowy, rain_through, bare.throughfall)
    spill = torch.where(new_snow <= 0, _positive(new_water - capacity), zero)
    new_water = new_water - spill
    return Vars(
        wdew=new_water,
        canopy_snow=new_snow,
        foliage_temp=t,
        melted_store=torch.where(ripe, pending, zero),
        rain=rain_through + spill + torch.where(ripe, drip, zero),
        snowfall=snow_through + torch.where(ripe, released, zero),
        evaporation=torch.where(snowy, zero, bare.evaporation),
        sublimation=torch.where(snowy, -gain, zero),
        longwave_down=longwave_out(t),
    )


def most_water_after(snow, capacity):
    """Liquid water a canopy can hold with ``snow`` in it (mm)."""
    return LIQUID_CAPACITY * snow + capacity
