"""What parameters make of a tile: sizes of its layers, its roots, its canopy."""

import math

import torch

from parlearn.models.fuse.ops import Vars

_AS_THEY_ARE = (
    *("infilt", "Ds", "Dsmax", "Ws", "expt", "Ksat", "diff"),
    *("soil_rarc", "albedo_factor", "aero_factor"),
)


def layers(par, cell, tile):
    """All that a tile's parameters make of its soil and plants, from which its days then run
    (differentiable in every parameter).

    Parameters
    ----------
    par : Vars named as in PARAMETERS
    cell : Vars of soil statics; tile : Vars of vegetation, with 3 root zones

    Returns
    -------
    Vars: max*, wcr*, wpwp*, resid* (mm) of layers 1 to 3, root1..3 (shares), depth1 and depth2 (m),
    thermal constants, ``cover`` (share of the tile under its canopy), ``leaf`` (factor of the leaf
    area of its canopy), rmin (s m-1), and the parameters that are used as they are.
    """
    depth = depths(par)
    wcr = par.Wcr_FRACT * par.porosity
    wpwp = par.Wpwp_share * wcr
    resid = par.resid_share * wpwp
    out = {}
    for k, thickness in enumerate(depth, start=1):
        volume = thickness * 1000.0
        out[f"max{k}"] = par.porosity * volume
        out[f"wcr{k}"] = wcr * volume
        out[f"wpwp{k}"] = wpwp * volume
        out[f"resid{k}"] = resid * volume
    return Vars(
        **out,
        **roots(depth, par, cell, tile).__dict__,
        **thermal_constants(par, cell).__dict__,
        **canopy(par, cell, tile).__dict__,
        depth1=depth[0],
        depth2=depth[1],
        **{name: getattr(par, name) for name in _AS_THEY_ARE},
    )


def depths(par):
    """Thickness of the three layers (m); VIC refuses a second one thinner than the first."""
    return par.depth1, torch.maximum(par.depth2, par.depth1), par.depth3


def roots(depth, par, cell, tile):
    """Shares of the roots in each layer, layer 1's shifted to what its parameter says."""
    top, *rest = root_fractions(depth, tile)
    root1 = shifted(top, cell.root_fract1, par.root_fract1)
    deeper = top < 1
    scale = (1.0 - root1) / safe(1.0 - top, deeper)
    root2 = torch.where(deeper, scale * rest[0], 1.0 - root1)
    return Vars(root1=root1, root2=root2, root3=scale * rest[1])


def canopy(par, cell, tile):
    """Cover, leaf area and stomata of a tile. Trees keep their cover: under a partial tree canopy
    with snow VIC loses water. The leaf area of a tile stays when its cover changes, so that of the
    canopy grows as the cover shrinks.
    """
    low = (tile.fcanopy > 0) & (tile.overstory <= 0)
    cover = torch.where(low, shifted(tile.fcanopy, cell.cover, par.fcanopy), tile.fcanopy)
    return Vars(
        cover=cover,
        leaf=par.LAI_factor * torch.where(low, tile.fcanopy / safe(cover, low), 1.0 + 0.0 * cover),
        rmin=tile.rmin * par.rmin_factor,
    )


def safe(value, where):
    """``value``, and 1 elsewhere, to divide by."""
    return torch.where(where, value, 0.0 * value + 1.0)


def shifted(value, mean, target):
    """Shares of tiles whose mean becomes ``target``: drawn to 0 by one factor, or to 1."""
    lower = value * (target / safe(mean, mean > 0))
    upper = 1.0 - (1.0 - value) * ((1.0 - target) / safe(1.0 - mean, mean < 1))
    return torch.where(target <= mean, lower, upper)


def thermal_constants(par, cell):
    """Conductivity (W m-1 K-1) of dry and of saturated soil (Johansen), and the decay of warmth
    with depth over layer 1."""
    porosity = par.porosity
    bulk = (1.0 - porosity) * cell.soil_density
    return Vars(
        porosity=porosity,
        k_dry=(0.135 * bulk + 64.7) / (cell.soil_density - 0.947 * bulk),
        k_saturated=torch.exp((1.0 - porosity) * cell.log_k_solid + porosity * math.log(0.57)),
        ground_decay=torch.exp(-par.depth1 / cell.dp),
    )


def root_fractions(depths, tile):
    """Share of the roots in each layer: uniform inside a root zone, below the soil into the last
    layer.

    Shares under 1e-4 are dropped and the rest is normalised, as VIC does (calc_root_fractions).
    """
    bottom1 = depths[0]
    bottom2 = depths[0] + depths[1]
    zone_top = 0.0 * depths[1]
    above1, above2, total = 0.0 * depths[1], 0.0 * depths[1], 0.0 * depths[1]
    for z in (1, 2, 3):
        thickness = getattr(tile, f"root_depth{z}")
        share = getattr(tile, f"root_fract{z}")
        safe = torch.where(thickness > 0, thickness, 0.0 * thickness + 1.0)
        for bottom, name in ((bottom1, 1), (bottom2, 2)):
            inside = (bottom - zone_top) / safe
            inside = torch.minimum(torch.maximum(inside, 0.0 * inside), 0.0 * inside + 1.0)
            if name == 1:
                above1 = above1 + share * inside
            else:
                above2 = above2 + share * inside
        total = total + share
        zone_top = zone_top + thickness
    shares = [above1, above2 - above1, total - above2]
    shares = [torch.where(s < 1e-4, 0.0 * s, s) for s in shares]
    whole = shares[0] + shares[1] + shares[2]
    whole = torch.where(whole > 0, whole, 0.0 * whole + 1.0)
    return [s / whole for s in shares]


def plants(tile, layer):
    """A tile of this month as its parameters make it: leaf area, the water it holds, the light it
    lets through, albedo, cover and stomata."""
    leafy, vegetated = tile.wdmax > 0, tile.vegetated > 0
    lai = tile.lai * layer.leaf
    through = 1.0 - layer.cover + layer.cover * torch.exp(-tile.rad_atten * lai)
    white = torch.minimum(tile.albedo * layer.albedo_factor, 0.0 * tile.albedo + 1.0)
    return tile.replace(
        lai=lai,
        wdmax=tile.wdmax * layer.leaf,
        attenuation=torch.where(leafy, through, 0.0 * through + 1.0),
        # VIC has one albedo of bare soil for all cells, in no file of theirs
        albedo=torch.where(vegetated, white, tile.albedo),
        fcanopy=layer.cover,
        fcanopy_safe=safe(layer.cover, layer.cover > 0),
        rmin=layer.rmin,
    )
