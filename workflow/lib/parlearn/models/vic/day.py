"""One day of one tile: VIC 5 in water-balance mode, 24-hour model step, 8 snow sub-steps, 24
runoff steps.
"""

import torch

from parlearn.models.fuse.ops import Vars, only_where, repeat
from parlearn.models.vic import canopy, soil
from parlearn.models.vic.air import air_density, longwave_out, penman_terms, saturation_pressure
from parlearn.models.vic.constants import DAY, RAIN_ABOVE, SNOW_BELOW, SNOW_STEP, SNOW_STEPS
from parlearn.models.vic.evaporation import snow_free
from parlearn.models.vic.names import STATE
from parlearn.models.vic.snow import snow_pack
from parlearn.models.vic.tile import plants

_FLUXES = (
    "evap1",
    "evap2",
    "evap3",
    "canopy_evaporation",
    "sublimation",
    "canopy_sublimation",
    "ground_water",
)


def available_energy(state, layer, weather, thermal, attenuation, cell, tile, seconds):
    """Net radiation plus ground heat (W m-2) of a tile whose surface is as warm as the air."""
    emitted = longwave_out(weather.tair)
    heat, t1 = soil.ground_heat(
        weather.tair, state.t_surface, state.t1, attenuation, thermal, layer, cell, seconds
    )
    net = (1.0 - tile.albedo) * weather.shortwave + weather.longwave - emitted
    return net + heat, t1, emitted


def _snow_free_step(state, layer, weather, thermal, attenuation, tile, cell, seconds):
    energy, t1, emitted = available_energy(
        state, layer, weather, thermal, attenuation, cell, tile, seconds
    )
    air = penman_terms(weather.tair, cell.elev, weather.vpd)
    now = weather.replace(shortwave_net=(1.0 - tile.albedo) * weather.shortwave)
    flux = snow_free(state, layer, now, air, energy, attenuation, tile, seconds)
    return flux, t1, emitted


def _plain_day(carry, c):
    """A day without snow: one step of 24 hours with daily means."""
    weather = Vars(
        tair=c.weather.tair,
        shortwave=c.weather.shortwave,
        longwave=c.weather.longwave,
        vpd=saturation_pressure(c.weather.tair) - c.weather.vp_capped,
        rain=c.weather.prec,
        wind=c.weather.wind,
    )
    flux, t1, emitted = _snow_free_step(
        carry, c.layer, weather, c.thermal, c.tile.attenuation, c.tile, c.cell, DAY
    )
    zero = 0.0 * carry.swe
    return carry.replace(
        wdew=flux.wdew,
        snow_age=zero,
        melting=zero,
        foliage_temp=weather.tair,
        t_surface=weather.tair,
        t1=t1,
        longwave_below=emitted,
        evap1=flux.evap1,
        evap2=flux.evap2,
        evap3=flux.evap3,
        canopy_evaporation=flux.canopy_evaporation,
        ground_water=flux.ground_water,
    )


def _snow_step(carry, c):
    """Three hours with snow on the ground, in the canopy or in the air: no transpiration, no soil
    evaporation.
    """
    weather, tile = c.weather, c.tile
    overstory = tile.overstory > 0
    vegetated = tile.vegetated > 0
    attenuation = torch.where(overstory, carry.attenuation, 0.0 * carry.attenuation + 1.0)
    zero = 0.0 * carry.swe
    arriving = carry.replace(
        rain=weather.rain + zero,
        snowfall=weather.snow + zero,
        shortwave=weather.shortwave + zero,
        longwave_down=weather.longwave + zero,
        evaporated=zero,
        sublimated=zero,
    )

    def under_trees(s, t):
        air = penman_terms(t.weather.tair, t.cell.elev, t.weather.vpd)
        out = canopy.intercept(
            s,
            t.weather.rain,
            t.weather.snow,
            t.weather,
            air,
            t.attenuation,
            s.longwave_last,
            t.tile,
        )
        cover, open_ground = t.tile.fcanopy, 1.0 - t.tile.fcanopy
        return s.replace(
            wdew=cover * out.wdew,
            canopy_snow=cover * out.canopy_snow,
            foliage_temp=out.foliage_temp,
            melted_store=out.melted_store,
            rain=open_ground * t.weather.rain + cover * out.rain,
            snowfall=open_ground * t.weather.snow + cover * out.snowfall,
            shortwave=t.attenuation * t.weather.shortwave + 0.0 * s.swe,
            longwave_down=out.longwave_down,
            evaporated=cover * out.evaporation,
            sublimated=cover * out.sublimation,
        )

    state = only_where(
        overstory,
        under_trees,
        arriving,
        Vars(weather=weather, tile=tile, cell=c.cell, attenuation=attenuation),
    )
    # low plants under falling snow shed what they hold into the pack
    low = vegetated & ~overstory
    shed = torch.where(low & (weather.snow > 0), tile.fcanopy * state.wdew, zero)
    wdew = torch.where(
        low, torch.where(weather.snow > 0, zero, tile.fcanopy * state.wdew), state.wdew
    )
    state = state.replace(
        wdew=wdew,
        rain=state.rain + shed,
        foliage_temp=torch.where(overstory, state.foliage_temp, weather.tair + zero),
    )

    on_ground = (state.swe > 0) | (state.snowfall > 0)
    conductance = torch.where(
        overstory,
        1.0 / tile.ra_snow,
        torch.where(
            tile.fcanopy < 1,
            tile.fcanopy / tile.ra_snow + (1.0 - tile.fcanopy) / tile.ra_bare,
            1.0 / tile.ra_snow,
        ),
    )
    emitted = longwave_out(weather.tair)
    bare_ground = state.replace(
        snow_age=zero,
        melting=zero,
        ground_water=state.ground_water + torch.where(on_ground, zero, state.rain),
        longwave_last=emitted + zero,
    )

    def covered(s, t):
        pack, melt, sublimation, radiating = snow_pack(
            s,
            s.rain,
            s.snowfall,
            s.shortwave,
            s.longwave_down,
            t.t_ground,
            t.weather,
            t.tile,
            t.conductance * t.weather.wind,
        )
        return s.replace(
            **pack.__dict__,
            ground_water=s.ground_water + melt,
            sublimation=s.sublimation + sublimation,
            longwave_last=longwave_out(radiating),
        )

    kept = bare_ground.replace(
        snow_age=torch.where(on_ground, state.snow_age, bare_ground.snow_age),
        melting=torch.where(on_ground, state.melting, bare_ground.melting),
    )
    state = only_where(
        on_ground,
        covered,
        kept,
        Vars(weather=weather, tile=tile, conductance=conductance, t_ground=c.t_ground),
    )
    _, t1 = soil.ground_heat(
        *(weather.tair, carry.t_surface, carry.t1, attenuation),
        *(c.thermal, c.layer, c.cell, SNOW_STEP),
    )
    done = state.replace(
        attenuation=attenuation,
        t_surface=weather.tair + zero,
        t1=t1,
        longwave_below=carry.longwave_below + state.longwave_last / SNOW_STEPS,
        canopy_evaporation=carry.canopy_evaporation + state.evaporated,
        canopy_sublimation=carry.canopy_sublimation + state.sublimated,
    )
    return Vars(**{name: getattr(done, name) for name in carry.__dict__})


def _wet_step(carry, c):
    """Three hours without snow on a day that has snow at another hour."""
    flux, t1, emitted = _snow_free_step(
        carry, c.layer, c.weather, c.thermal, carry.attenuation, c.tile, c.cell, SNOW_STEP
    )
    zero = 0.0 * carry.swe
    return carry.replace(
        wdew=flux.wdew,
        snow_age=zero,
        melting=zero,
        foliage_temp=c.weather.tair + zero,
        t_surface=c.weather.tair + zero,
        t1=t1,
        longwave_last=emitted + zero,
        longwave_below=carry.longwave_below + emitted / SNOW_STEPS,
        evap1=carry.evap1 + flux.evap1,
        evap2=carry.evap2 + flux.evap2,
        evap3=carry.evap3 + flux.evap3,
        canopy_evaporation=carry.canopy_evaporation + flux.canopy_evaporation,
        ground_water=carry.ground_water + flux.ground_water,
    )


def _snowy_day(carry, c):
    """A day with snow: eight steps of three hours, each with its own weather."""
    w = c.weather
    zero = 0.0 * carry.swe

    def three_hours(s, step):
        saturated = saturation_pressure(step.tair)
        vp = torch.minimum(w.vp, saturated)
        prec = w.prec / SNOW_STEPS
        rain_share = (step.tair - SNOW_BELOW) / (RAIN_ABOVE - SNOW_BELOW)
        rain = prec * torch.minimum(torch.maximum(rain_share, 0.0 * prec), 0.0 * prec + 1.0)
        snow = prec - rain
        weather = Vars(
            tair=step.tair,
            shortwave=step.shortwave,
            longwave=w.longwave,
            vp=vp,
            vpd=saturated - vp,
            rain=rain,
            snow=torch.where(snow < 1e-5, 0.0 * snow, snow),  # VIC loses this trace
            wind=w.wind,
            pressure=w.pressure,
            density=air_density(step.tair, w.pressure),
            melt_season=w.melt_season,
        )
        context = c.replace(weather=weather, t_ground=carry.t_surface)
        snowing = (s.swe > 0) | (weather.snow > 0) | ((s.canopy_snow > 0) & (c.tile.overstory > 0))
        after_snow = only_where(snowing, _snow_step, s, context)
        return only_where(~snowing, _wet_step, after_snow, context)

    start = carry.replace(
        longwave_last=carry.longwave_below,
        longwave_below=zero,
        attenuation=c.tile.attenuation + zero,
    )
    steps = Vars(tair=w.tair_steps, shortwave=w.shortwave_steps)
    end = repeat(SNOW_STEPS, three_hours, start, steps)
    return Vars(**{name: getattr(end, name) for name in carry.__dict__})


def simulate_day(state, layer, weather, tile, cell):
    """One day of a tile.

    Parameters
    ----------
    state, weather, tile, cell : Vars named as in STATE, WEATHER, TILE + MONTHLY, CELL
    layer : Vars from :func:`parlearn.models.vic.tile.layers`

    Returns
    -------
    the state at the end of the day and the tile's OUTPUTS
    """
    zero = 0.0 * state.w1
    thermal = soil.ground(state, layer)
    tile = plants(tile, layer)
    # every resistance goes with 1 / wind: as if it blew so much less
    weather = weather.replace(wind=weather.wind / layer.aero_factor)
    vegetated = tile.fcanopy > 0
    # inside a step, water and snow in the canopy are per unit of covered ground
    per_cover = torch.where(vegetated, 1.0 / tile.fcanopy_safe, 0.0 * tile.fcanopy + 1.0)
    carry = state.replace(
        wdew=state.wdew * per_cover,
        canopy_snow=state.canopy_snow * per_cover,
        **dict.fromkeys(_FLUXES, zero),
    )
    snowy = (state.swe > 0) | (state.canopy_snow > 0) | (weather.snow_flag > 0)
    context = Vars(weather=weather, layer=layer, thermal=thermal, tile=tile, cell=cell)
    after = only_where(~snowy, _plain_day, carry, context)
    after = only_where(snowy, _snowy_day, after, context)
    water = soil.water_step(state, layer, after.ground_water, after.evap1, after.evap2, after.evap3)
    new = Vars(**{name: getattr(after, name) for name in STATE}).replace(
        w1=water.w1, w2=water.w2, w3=water.w3
    )
    evapotranspiration = (
        after.evap1
        + after.evap2
        + water.evap3
        + after.canopy_evaporation
        + after.sublimation
        + after.canopy_sublimation
    )
    out = Vars(
        soil_moisture=new.w1 / (layer.depth1 * 1000.0),
        evapotranspiration=evapotranspiration,
        runoff=water.runoff,
        baseflow=water.baseflow,
        swe=new.swe,
        snow_canopy=new.canopy_snow,
        wdew=new.wdew,
        moist1=new.w1,
        moist2=new.w2,
        moist3=new.w3,
        canopy_evaporation=after.canopy_evaporation,
        snow_sublimation=after.sublimation,
        canopy_sublimation=after.canopy_sublimation,
    )
    return new, out
