"""The snow pack on the ground (Andreadis et al. 2009; Hamman et al. 2018), one 3-hour step.

Storages are mm of water equivalent (kg m-2), temperatures degC. Cover is 0 or 1.

Known flaws, kept: the conductive heat flux from the ground is divided by the length of the step
(so it
matters under the thinnest snow only), enters the balance twice, and takes the ground as warm as
the air at the end of the day before.
"""

import torch

from parlearn.models.fuse.ops import Vars
from parlearn.models.vic.air import (
    latent_heat_sublimation,
    longwave_out,
    saturation_pressure,
    saturation_slope,
    stability,
)
from parlearn.models.vic.constants import (
    ALBEDO_NEW_SNOW,
    CP_AIR,
    CP_ICE,
    CP_WATER,
    DAY,
    EPSILON,
    FREEZING,
    GRAVITY,
    LATENT_FUSION,
    LIQUID_CAPACITY,
    RHO_ICE,
    SNOW_STEP,
    SURFACE_LAYER,
    THIN_SNOW,
    TRACE_SNOW,
)
from parlearn.models.vic.root import solve_temperature

NEWTON_STEPS = 6


def _positive(x):
    return torch.maximum(x, 0.0 * x)


def vapour_flux(t, conductance, weather):
    """Vapour towards a snow surface at t (kg m-2 s-1, negative when it sublimates)."""
    flux = (
        weather.density
        * (EPSILON / weather.pressure)
        * (weather.vp - saturation_pressure(t))
        * conductance
    )
    return torch.where((weather.vpd <= 0) & (flux < 0), 0.0 * flux, flux)


def surface_balance(t, x):
    """Net energy of the snow surface layer below 0 degC (W m-2) and its slope in temperature."""
    correction, correction_slope = stability(t, x.tair, x.wind_snow, x.snow_height, x.snow_log)
    conductance = correction * x.conductance
    pressure = saturation_pressure(t)
    latent = latent_heat_sublimation(t) * x.density * (EPSILON / x.pressure) * (x.vp - pressure)
    latent_slope = (
        -latent_heat_sublimation(t)
        * x.density
        * (EPSILON / x.pressure)
        * saturation_slope(t, pressure)
    )
    closed = (x.vpd <= 0) & (latent < 0)
    latent = torch.where(closed, 0.0 * latent, latent)
    latent_slope = torch.where(closed, 0.0 * latent, latent_slope)
    turbulent = CP_AIR * x.density * (x.tair - t) + latent
    turbulent_slope = -CP_AIR * x.density + latent_slope
    emitted = longwave_out(t)
    heat = CP_ICE / SNOW_STEP * x.ice
    stored = heat * (t - x.t_before)
    value = (
        x.radiation
        - emitted
        + turbulent * conductance
        - stored
        + x.ground * (x.t_ground - t)
        + x.freezing
    )
    slope = (
        -4.0 * emitted / (t + FREEZING)
        + turbulent_slope * conductance
        + turbulent * correction_slope * x.conductance
        - heat
        - x.ground
    )
    return value, slope


def albedo(state, snowfall, fresh):
    """Albedo and age of the snow (US Army Corps of Engineers); ``fresh``: snow is falling from
    the sky.
    """
    aging = (state.swe > 0) & ~fresh
    age = torch.where(aging, state.snow_age + 1.0, 0.0 * state.snow_age)
    log_days = torch.log(torch.maximum(age, 0.0 * age + 1.0) * (SNOW_STEP / DAY))
    cold = torch.exp(-0.0618754037 * torch.exp(0.58 * log_days))  # 0.94 ** days ** 0.58
    warm = torch.exp(-0.1984509387 * torch.exp(0.46 * log_days))  # 0.82 ** days ** 0.46
    freezing = state.cold_content < 0
    old = ALBEDO_NEW_SNOW * torch.where(freezing & (state.melting < 0.5), cold, warm)
    renewed = (snowfall > TRACE_SNOW) & freezing
    return torch.where(aging & ~renewed, old, 0.0 * old + ALBEDO_NEW_SNOW), age


def density(state, snowfall, tair, surface_temp):
    """Density of the pack (kg m-3) after new snow and settling (Bras 1990, as in DENS_BRAS)."""
    fahrenheit = torch.maximum(1.8 * tair + 32.0, 0.0 * tair) / 100.0
    new = torch.minimum(50.0 + 1000.0 * fahrenheit * fahrenheit, 0.0 * tair + 400.0)
    had = (state.swe > 0) & (state.snow_density > 0)
    snowing = snowfall > 0
    swe = torch.where(had, state.swe, 0.0 * state.swe + 1.0)
    depth = torch.where(
        had, swe / torch.where(had, state.snow_density, 0.0 * swe + 1.0), 0.0 * swe + 1.0
    )  # m
    inches = depth * 39.3701
    pressed = (
        snowfall
        / 25.4
        * (inches / (swe / 1000.0 * 39.3701))
        * torch.exp(torch.log(inches / 10.0) * 0.35)
    )
    pressed = torch.minimum(pressed / 39.3701, 0.9 * depth)
    depth = torch.where(
        had,
        torch.where(snowing, depth - pressed + snowfall / new, depth),
        torch.maximum(snowfall, 0.0 * snowfall + 1e-6) / new,
    )
    mass = torch.where(had, state.swe, 0.0 * state.swe) + snowfall
    mass = torch.maximum(mass, 0.0 * mass + 1e-6)
    packed = mass / depth
    viscosity = 3.6e6 * torch.exp(-0.08 * surface_temp + 0.021 * packed)
    settling = torch.minimum(0.5 * GRAVITY * mass / viscosity * depth * SNOW_STEP, 0.9 * depth)
    return mass / (depth - settling), new


def snow_pack(state, rain, snowfall, shortwave, longwave, t_ground, weather, tile, exposed):
    """Accumulation and ablation on the ground for one 3-hour step.

    Parameters
    ----------
    state : Vars swe, snow_temp, snow_water, pack_temp, pack_water, snow_age, cold_content,
    snow_density, melting rain, snowfall : mm that reach the ground
    shortwave, longwave : W m-2 incoming at the ground
    t_ground : temperature below the snow (degC)
    exposed : aerodynamic conductance over the ground of thin snow (m s-1), see below

    Returns
    -------
    the new state, melt (mm leaving the pack, rain that passes through included), sublimation
    (mm), and the temperature that sets the outgoing longwave.

    Notes
    -----
    Snow of up to 1 mm has no balance of its own: VIC solves it with the soil, whose temperature in
    water-balance mode is the air's. Known flaws, kept: its vapour flux is turned to depth with
    the density of ice, and its liquid water freezes at density/1000 of what there is.

    Where vapour condenses, the balance jumps across zero at 0 degC, from the heat of sublimation
    to that of vaporisation. VIC's search then ends within 2e-7 K on either side, and a snow that
    ends above has no cold content and ages as melting snow; here it always ends below. That is
    rare (5 times in 100,000 days of a cell), and the one cause found for cells without canopy snow
    to differ by more than rounding.
    """
    tair = weather.tair
    alb, age = albedo(state, snowfall, weather.snow > 0)
    net_short = (1.0 - alb) * shortwave

    ice = _positive(state.swe - state.pack_water - state.snow_water)
    surface = torch.minimum(ice, 0.0 * ice + SURFACE_LAYER)
    pack = ice - surface
    surface_cc = CP_ICE * surface * state.snow_temp
    pack_cc = CP_ICE * pack * state.pack_temp
    fall_cc = CP_ICE * snowfall * torch.minimum(tair, 0.0 * tair)
    # new snow that the surface layer cannot hold moves as much old or new snow into the pack
    overflow = surface + snowfall - SURFACE_LAYER
    moves = (overflow > 0) & (SURFACE_LAYER - surface > 1e-6)
    falls = torch.where(snowfall > 0, snowfall, 0.0 * snowfall + 1.0)
    buried_cc = torch.where(
        overflow > surface,
        surface_cc + (snowfall - SURFACE_LAYER) / falls * fall_cc,
        overflow / torch.where(surface > 0, surface, 0.0 * surface + 1.0) * surface_cc,
    )
    buried = torch.where(moves, overflow, 0.0 * overflow)
    buried_cc = torch.where(moves, buried_cc, 0.0 * buried_cc)
    surface = surface + snowfall - buried
    surface_cc = surface_cc + fall_cc - buried_cc
    pack, pack_cc = pack + buried, pack_cc + buried_cc
    some = surface > 0
    t_mixed = torch.where(
        some, surface_cc / (CP_ICE * torch.where(some, surface, 0.0 * surface + 1.0)), 0.0 * surface
    )
    deep = pack > 0
    pack_temp = torch.where(
        deep, pack_cc / (CP_ICE * torch.where(deep, pack, 0.0 * pack + 1.0)), 0.0 * pack
    )
    ice = ice + snowfall
    water = state.snow_water + rain

    depth = state.swe / torch.maximum(state.snow_density, 0.0 * state.swe + 1.0)  # m
    deep_enough = depth > 1e-8
    ground = torch.where(
        deep_enough,
        2.0
        * 2.9302e-6
        / SNOW_STEP
        * state.snow_density
        * state.snow_density
        / torch.where(deep_enough, depth, 0.0 * depth + 1.0),
        0.0 * depth,
    )
    x = Vars(
        ground=ground,
        t_ground=t_ground,
        tair=tair,
        wind_snow=tile.wind_snow * weather.wind,
        snow_height=tile.snow_height,
        snow_log=tile.snow_log,
        conductance=weather.wind / tile.ra_snow,
        density=weather.density,
        pressure=weather.pressure,
        vp=weather.vp,
        vpd=weather.vpd,
        radiation=net_short + longwave,
        ice=surface,
        t_before=state.snow_temp,
        freezing=water * (LATENT_FUSION / SNOW_STEP),
    )

    # energy balance at 0 degC: latent heat of vaporisation, and heat brought by rain
    zero = 0.0 * tair
    correction, _ = stability(zero, tair, x.wind_snow, x.snow_height, x.snow_log)
    conductance = correction * x.conductance
    flux = vapour_flux(zero, conductance, weather)
    surplus = (
        x.radiation
        - longwave_out(zero)
        + CP_AIR * weather.density * tair * conductance
        + 2.501e6 * flux
        - 2361.0 * tair * flux
        + CP_WATER / SNOW_STEP * tair * rain
        + CP_ICE / SNOW_STEP * surface * state.snow_temp
        + ground * t_ground
    )
    ripe = surplus > -x.freezing
    thin = ~ripe & (surface <= THIN_SNOW)

    # (a) ripe: melt or refreezing at 0 degC
    change = surplus * (SNOW_STEP / LATENT_FUSION)  # > 0 melts, < 0 refreezes
    refrozen = torch.minimum(_positive(-change), water)
    melted = torch.minimum(_positive(change), ice)
    gain = torch.maximum(flux * SNOW_STEP, -(water - refrozen))
    a_water = water - refrozen + gain
    a_surface, a_pack, a_pack_water = surface + refrozen, pack, state.pack_water
    a_ice = ice + refrozen
    all_gone = _positive(change) >= a_ice
    from_pack = melted <= a_pack
    a_water = (
        a_water
        + torch.where(all_gone, a_ice, melted)
        + torch.where(all_gone | from_pack, 0.0 * melted, a_pack_water)
    )
    a_surface = torch.where(all_gone, zero, torch.where(from_pack, a_surface, a_ice - melted))
    a_pack = torch.where(all_gone | ~from_pack, 0.0 * a_pack, a_pack - melted)
    a_pack_water = torch.where(all_gone | from_pack, a_pack_water, 0.0 * a_pack_water)

    # (b) colder and thick enough: a temperature below 0 degC; all liquid freezes
    t_cold = solve_temperature(surface_balance, x, torch.minimum(t_mixed, zero), NEWTON_STEPS)
    t_cold = torch.minimum(t_cold, zero - 1e-6)
    correction, _ = stability(t_cold, tair, x.wind_snow, x.snow_height, x.snow_log)
    b_gain = vapour_flux(t_cold, correction * x.conductance, weather) * SNOW_STEP
    b_gain = torch.maximum(b_gain, -(surface + water))
    b_surface = surface + water + b_gain

    def pick(ripe_value, cold_value, thin_value):
        return torch.where(ripe, ripe_value, torch.where(thin, thin_value, cold_value))

    surface = pick(a_surface, b_surface, surface)
    pack = torch.where(ripe, a_pack, pack)
    water = pick(a_water, 0.0 * water, water)
    pack_water = torch.where(ripe, a_pack_water, state.pack_water)
    t_surface = pick(zero, t_cold, t_mixed)
    pack_temp = torch.where(ripe & all_gone, zero, pack_temp)
    exchange = pick(gain, b_gain, zero)

    # liquid water: what a layer cannot hold goes down, freezes in a cold pack, or leaves
    drains = _positive(water - LIQUID_CAPACITY * surface)
    water = water - drains
    pack_water = pack_water + drains
    heat = LATENT_FUSION * pack_water
    freezes_all = pack_cc < -heat
    frozen = torch.where(
        freezes_all, pack_water, torch.minimum(-pack_cc / LATENT_FUSION, pack_water)
    )
    pack = pack + frozen
    deep = pack > 0
    warmed = torch.minimum(
        pack_temp + heat / (CP_ICE * torch.where(deep, pack, 0.0 * pack + 1.0)), zero
    )
    pack_temp = torch.where(freezes_all & deep, warmed, zero)
    pack_water = pack_water - frozen
    melt = _positive(pack_water - LIQUID_CAPACITY * pack)
    pack_water = pack_water - melt

    # surface layer back to its size
    total = pack + surface
    thick = total > SURFACE_LAYER
    t_solved = t_surface
    cc = CP_ICE * t_surface * surface
    pcc = CP_ICE * pack_temp * pack
    down = _positive(surface - SURFACE_LAYER)
    up = torch.where(thick, _positive(SURFACE_LAYER - surface), zero)
    down_cc = cc * down / torch.where(surface > 0, surface, 0.0 * surface + 1.0)
    safe_pack = torch.where(pack > 0, pack, 0.0 * pack + 1.0)
    kept_pcc = pcc * (1.0 - up / safe_pack)
    # a pack thinner than the surface layer keeps the cold content it had before this step's
    # exchange
    cc = torch.where(thick, cc - down_cc + kept_pcc * up / safe_pack, surface_cc)
    pcc = torch.where(thick, kept_pcc + down_cc, zero)
    surface_new = torch.where(thick, 0.0 * total + SURFACE_LAYER, total)
    pack = torch.where(thick, total - SURFACE_LAYER, zero)
    t_surface = torch.where(thick, cc / (CP_ICE * SURFACE_LAYER), t_surface)
    pack_temp = torch.where(
        thick, pcc / (CP_ICE * torch.where(pack > 0, pack, 0.0 * pack + 1.0)), zero
    )
    swe = surface_new + pack + water + pack_water
    remains = swe > 0

    packed, new_density = density(state, snowfall, tair, t_surface)
    snow_density = torch.where(
        thin, torch.where(age < 0.5, new_density, state.snow_density), packed
    )
    warm_season = (cc >= 0) & (weather.melt_season > 0)
    melting = torch.where(
        warm_season, zero + 1.0, torch.where(snowfall > TRACE_SNOW, zero, state.melting)
    )

    # (c) thin snow, solved with the ground at air temperature
    c_gain = vapour_flux(tair, exposed, weather) * (SNOW_STEP * 1000.0 / RHO_ICE)
    c_gain = torch.maximum(c_gain, -swe)
    c_swe = swe + c_gain
    c_water = _positive(_positive(water + c_gain) - water * snow_density / 1000.0)
    c_temp = torch.minimum(tair, zero)
    swe = torch.where(thin, c_swe, swe)
    water = torch.where(thin, c_water, water)
    t_surface = torch.where(thin, c_temp, t_surface)
    cc = torch.where(thin, CP_ICE * c_temp * c_swe, cc)
    exchange = torch.where(thin, c_gain, exchange)

    left = swe > 0
    new = Vars(
        swe=torch.where(left, swe, zero),
        snow_temp=torch.where(left, t_surface, zero),
        snow_water=torch.where(left, water, zero),
        pack_temp=torch.where(left, pack_temp, zero),
        pack_water=torch.where(left, pack_water, zero),
        snow_age=age,
        cold_content=cc,
        snow_density=torch.where(left, snow_density, zero),
        melting=torch.where(remains, melting, zero),
    )
    radiating = torch.where(remains & ~thin, t_solved, tair)
    return new, melt, -exchange, radiating
