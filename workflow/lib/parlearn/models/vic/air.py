"""Air, radiation and resistances, from which every flux of a tile is computed.

Everything here follows VIC 5.1 (Hamman et al. 2018, GMD 11); L94 is Liang et al. (1994).
"""

import torch

from parlearn.models.fuse.ops import Vars
from parlearn.models.vic.constants import (
    CP_AIR,
    DAY,
    EMISSIVITY,
    FREEZING,
    GRAVITY,
    KARMAN,
    LAPSE_RATE,
    R_DRY,
    STANDARD_PRESSURE,
    STEFAN_BOLTZMANN,
)


def saturation_pressure(t):
    """Saturation vapour pressure over water, over ice below 0 degC (Pa); t in degC."""
    pressure = 610.78 * torch.exp(17.269 * t / (237.3 + t))
    return torch.where(t < 0, pressure * (1.0 + 0.00972 * t + 4.2e-5 * t * t), pressure)


def saturation_slope(t, pressure):
    """Slope (Pa K-1) of the saturation pressure as VIC has it: without the ice correction's own
    slope.
    """
    return 17.269 * 237.3 / ((237.3 + t) * (237.3 + t)) * pressure


def latent_heat_vaporization(t):
    return 2.501e6 - 2361.0 * t


def latent_heat_sublimation(t):
    return (677.0 - 0.07 * t) * 4.1868 * 1000.0


def longwave_out(t):
    """Black-body radiation of a surface at t degC (W m-2)."""
    kelvin = t + FREEZING
    square = kelvin * kelvin
    return (EMISSIVITY * STEFAN_BOLTZMANN) * square * square


def air_density(t, pressure):
    """kg m-3; t in degC, pressure in Pa."""
    return pressure / (R_DRY * (FREEZING + t))


def penman_terms(t, elevation, vpd):
    """What Penman-Monteith needs of the air: slope, psychrometric constant, and rho cp VPD.

    VIC does not use the forcing's pressure here but a hydrostatic one from elevation.
    """
    scale_height = (R_DRY / GRAVITY) * ((t + FREEZING) + (0.5 * LAPSE_RATE) * elevation)
    pressure = STANDARD_PRESSURE * torch.exp(-elevation / scale_height)
    heat = latent_heat_vaporization(t)
    density = 0.003486 * pressure / (275.0 + t)
    return Vars(
        slope=saturation_slope(t, saturation_pressure(t)),
        gamma=1628.6 * pressure / heat,
        drying=density * CP_AIR * vpd,
        heat=heat,
        vpd=vpd,
    )


def penman_monteith(air, radiation, ra, rc, rarc):
    """Evaporation in mm day-1 for resistances in s m-1 and available energy in W m-2 (L94)."""
    numerator = air.slope * radiation + air.drying / ra
    evaporation = numerator / (air.heat * (air.slope + air.gamma * (1.0 + (rc + rarc) / ra))) * DAY
    return torch.where((air.vpd >= 0) & (evaporation < 0), 0.0 * evaporation, evaporation)


def aerodynamics(
    overstory, roughness, displacement, wind_h, wind_atten, trunk_ratio, rough, snow_rough
):
    """Resistances and winds of a tile for a forcing wind of 1 m s-1 (L94 section 2.2; Storck 2000
    for trees).

    All arguments are tensors that broadcast; overstory is boolean. Divide resistances by the wind
    speed, multiply winds by it.

    Returns
    -------
    Vars: ``ra_low`` and ``ra_canopy`` (under- and overstory), ``ra_snow``, ``wind_canopy``,
    ``wind_snow`` and ``ra_bare``, the resistance over soil exposed between plants.

    Notes
    -----
    Known flaw, kept: the forcing wind is not moved to another height.
    """
    log, exp, k2 = torch.log, torch.exp, KARMAN**2
    z0 = torch.where(roughness == 0, rough, roughness)
    d = displacement
    height = d / 0.67
    reference = torch.where(d < wind_h, wind_h, d + wind_h + z0)
    lowered = 2.0 + (1.0 / 0.63 - 1.0) * d
    ra_low = log(lowered / z0) * log(lowered / (0.1 * z0)) / k2
    wind_low = log((2.0 + z0) / z0) / log((reference - d) / z0)
    above_snow = log((2.0 + snow_rough) / snow_rough)
    low = Vars(
        ra_canopy=ra_low,
        ra_snow=above_snow * log(reference / snow_rough) / k2,
        wind_canopy=wind_low,
        wind_snow=above_snow / log(reference / snow_rough),
    )

    # trees: logarithmic above, exponential inside, logarithmic again below the trunks' height
    safe_height = torch.where(overstory, height, torch.ones_like(height) * 10.0)
    d_tree = torch.where(overstory, d, 6.7 * torch.ones_like(d))
    n = torch.where(overstory, wind_atten, torch.ones_like(wind_atten))
    z_w = 1.5 * safe_height - 0.5 * d_tree
    trunk = torch.where(overstory, trunk_ratio * safe_height, torch.ones_like(safe_height))
    z_ref = torch.where(overstory, reference, d_tree + 10.0 + z0)
    profile = log((z_ref - d_tree) / z0)
    ra_tree = (
        profile
        / k2
        * (
            safe_height / (n * (z_w - d_tree)) * (exp(n * (1 - (d_tree + z0) / safe_height)) - 1)
            + (z_w - safe_height) / (z_w - d_tree)
            + log((z_ref - d_tree) / (z_w - d_tree))
        )
    )
    wind_w = log((z_w - d_tree) / z0) / profile
    wind_top = wind_w - (1 - (safe_height - d_tree) / (z_w - d_tree)) / profile
    wind_trunk = wind_top * exp(n * (trunk / safe_height - 1.0))
    two = 2.0 + snow_rough
    mixed = log(trunk / snow_rough) ** 2 / (k2 * wind_trunk) + safe_height * profile / (
        n * k2 * (z_w - d_tree)
    ) * (
        exp(n * (1 - trunk / safe_height))
        - exp(n * (1 - torch.minimum(two / safe_height, torch.ones_like(d))))
    )
    logarithmic = trunk > two
    tree = Vars(
        ra_canopy=ra_tree,
        ra_snow=torch.where(
            logarithmic, above_snow * log(trunk / snow_rough) / (k2 * wind_trunk), mixed
        ),
        wind_canopy=wind_top * exp(n * ((z0 + d_tree) / safe_height - 1.0)),
        wind_snow=torch.where(
            logarithmic,
            wind_trunk * above_snow / log(trunk / snow_rough),
            wind_top * exp(n * torch.minimum(two / safe_height - 1.0, torch.zeros_like(d))),
        ),
    )
    d_bare = 0.67 * rough / 0.123
    lowered_bare = 2.0 + (1.0 / 0.63 - 1.0) * d_bare
    ra_bare = log(lowered_bare / rough) * log(lowered_bare / (0.1 * rough)) / k2 / wind_low

    def choose(name):
        return torch.where(overstory, getattr(tree, name), getattr(low, name))

    return Vars(
        ra_low=ra_low,
        ra_canopy=choose("ra_canopy"),
        ra_snow=choose("ra_snow"),
        wind_canopy=choose("wind_canopy"),
        wind_snow=choose("wind_snow"),
        ra_bare=ra_bare,
    )


def stability(t_surface, t_air, wind, height, log_height):
    """Correction of a conductance for stability by the bulk Richardson number, and its slope in
    t_surface.

    ``height`` is the reference height (m) and ``log_height`` the logarithm of its ratio to the
    roughness.
    """
    mean = 0.5 * (t_air + t_surface) + FREEZING
    richardson = GRAVITY * (t_air - t_surface) * height / (mean * wind * wind)
    slope = -GRAVITY * height / (mean * wind * wind) - 0.5 * richardson / mean
    limit = (t_air + FREEZING) / (mean * (log_height + 5.0))
    limited = richardson > limit
    slope = torch.where(limited, -0.5 * limit / mean, slope)
    richardson = torch.where(limited, limit, richardson)
    floored = richardson < -0.5
    slope = torch.where(floored, 0.0 * slope, slope)
    richardson = torch.where(floored, 0.0 * richardson - 0.5, richardson)
    stable = 1.0 - richardson / 0.2
    unstable = torch.sqrt(
        torch.where(richardson < 0, 1.0 - 16.0 * richardson, 0.0 * richardson + 1.0)
    )
    positive = richardson > 0
    correction = torch.where(positive, stable * stable, unstable)
    return correction, torch.where(positive, -10.0 * stable * slope, -8.0 / unstable * slope)
