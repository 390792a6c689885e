"""Soil: ground heat, infiltration-excess runoff, drainage and baseflow."""

import torch

from parlearn.models.fuse.ops import Vars, repeat
from parlearn.models.vic.constants import RUNOFF_STEPS


def thermal_properties(moist, volume_mm, layer):
    """Conductivity (W m-1 K-1, Johansen) and heat capacity (J m-3 K-1) of a layer holding
    ``moist`` mm.
    """
    theta = moist / volume_mm
    saturation = torch.maximum(theta / layer.porosity, 0.0 * theta + 1e-6)
    kersten = 0.7 * 0.4342944819 * torch.log(saturation) + 1.0
    conductivity = (layer.k_saturated - layer.k_dry) * kersten + layer.k_dry
    conductivity = torch.maximum(conductivity, layer.k_dry + 0.0 * conductivity)
    solid = 1.0 - layer.porosity
    capacity = 2.0e6 * solid + 4.2e6 * theta + 1.3e3 * (1.0 - solid - theta)
    return conductivity, capacity


def ground(state, layer):
    """Thermal properties of layers 1 and 2 from the moisture before the model step."""
    k1, c1 = thermal_properties(state.w1, layer.depth1 * 1000.0, layer)
    k2, c2 = thermal_properties(state.w2, layer.depth2 * 1000.0, layer)
    return Vars(k1=k1, c1=c1, k2=k2, c2=c2)


def ground_heat(t, t_old, t1_old, attenuation, thermal, layer, cell, seconds):
    """Ground heat flux and change of storage, and the new temperature below layer 1 (Liang et al.
    1999).

    VIC adds both to the available energy even in water-balance mode. Positive values add energy
    (W m-2).
    """
    d, e = layer.depth1, layer.ground_decay  # e = exp(-depth1 / dp)
    c1 = thermal.c2 * cell.dp / d * (1.0 - e)
    c2 = 1.0 - e  # -(1 - exp(D/dp)) exp(-D/dp)
    c3 = (thermal.k1 - thermal.k2 + thermal.k2 * e) / d
    per_square = 1.0 / (2.0 * d * d)
    t1 = (
        thermal.k1 * per_square * t
        + c1 / seconds * t1_old
        + (2.0 * c2 - 1.0 + e) * thermal.k2 * per_square * cell.avg_T
    ) / (c1 / seconds + 2.0 * thermal.k2 * c2 * per_square + c3 / (2.0 * d))
    flux = (
        attenuation
        * (thermal.k1 / d * (t1 - t) + thermal.k2 / d * (1.0 - e) * (cell.avg_T - t1))
        / 2.0
    )
    storage = thermal.c1 * (t_old + t1_old - t - t1) * d / (2.0 * seconds)
    return flux + storage, t1


def saturation_excess(w1, w2, inflow, layer):
    """Surface runoff (mm) of one step's whole water from layers 1 and 2 (L94 eqs. 16-20; Wood et
    al. 1992).
    """
    top, top_max = w1 + w2, layer.max1 + layer.max2
    dry = torch.maximum(1.0 - top / top_max, 0.0 * top)
    safe = torch.maximum(dry, 0.0 * dry + 1e-7)
    unfilled = torch.where(dry > 1e-7, torch.exp(torch.log(safe) / (1.0 + layer.infilt)), 0.0 * dry)
    basis = unfilled - inflow / ((1.0 + layer.infilt) * top_max)
    positive = basis > 0
    safe_basis = torch.where(positive, basis, 0.0 * basis + 1.0)
    stored = torch.where(
        positive, torch.exp(torch.log(safe_basis) * (1.0 + layer.infilt)), 0.0 * basis
    )
    runoff = inflow - top_max * dry + top_max * stored
    return torch.where(inflow > 0, torch.maximum(runoff, 0.0 * runoff), 0.0 * runoff)


def drainage(w, layer_max, resid, rate, power):
    """Water leaving a layer in one hour (mm): exact solution of Brooks-Corey drainage alone (L96).

    ``rate`` is (expt - 1) Ksat dt / (max - resid) and ``power`` expt - 1. VIC's own form under- and
    overflows in single precision for a large expt; this one is equal and does not.
    """
    room = layer_max - resid
    s = (w - resid) / room
    wet = s > 1e-6
    log_s = torch.log(torch.where(wet, s, 0.0 * s + 1.0))
    emptying = torch.log1p(rate * torch.exp(power * log_s)) / power
    return torch.where(wet, -(w - resid) * torch.expm1(-emptying), 0.0 * s)


def water_step(state, layer, inflow, evap1, evap2, evap3):
    """Runoff, drainage between layers and baseflow of one day, in hourly steps.

    Parameters
    ----------
    inflow : throughfall and melt of the whole day (mm)
    evap1, evap2, evap3 : evapotranspiration from each layer (mm)

    Returns
    -------
    w1, w2, w3, runoff, baseflow, evap3 (mm): a deficit of baseflow is taken from the third layer's
    evapotranspiration, as in VIC. In VIC 5 water only moves down, except when a full layer pushes
    its excess up. With ``diff`` (mm day-1; VIC+) it also moves from the more to the less saturated
    of layers 1 and 2, in every hour by diff / 24 (w2 / max2 - w1 / max1).
    """
    hours = float(RUNOFF_STEPS)
    surface = saturation_excess(state.w1, state.w2, inflow, layer)

    def hourly(evap, w, resid):
        nothing_left = (evap > 0) & (w <= resid)
        return torch.where(nothing_left, 0.0 * evap, evap / hours)

    e1 = hourly(evap1, state.w1, layer.resid1)
    e2 = hourly(evap2, state.w2, layer.resid2)
    e3 = hourly(evap3, state.w3, layer.resid3)
    power = layer.expt - 1.0
    rate1 = power * layer.Ksat / hours / (layer.max1 - layer.resid1)
    rate2 = power * layer.Ksat / hours / (layer.max2 - layer.resid2)
    linear = layer.Dsmax / hours * layer.Ds / layer.Ws
    excess_rate = layer.Dsmax / hours * (1.0 - layer.Ds / layer.Ws)
    room3 = layer.max3 - layer.resid3
    infiltration = (inflow - surface) / hours
    rising = layer.diff / hours

    def hour(c, _):
        w1, w2, w3 = state.w1 + c.d1, state.w2 + c.d2, state.w3 + c.d3
        q1 = drainage(torch.maximum(w1 - e1, layer.resid1), layer.max1, layer.resid1, rate1, power)
        q2 = drainage(torch.maximum(w2 - e2, layer.resid2), layer.max2, layer.resid2, rate2, power)

        q1 = q1 - rising * (w2 / layer.max2 - w1 / layer.max1)

        d1 = c.d1 + (infiltration - q1 - e1)
        w1 = state.w1 + d1
        above = torch.maximum(w1 - layer.max1, 0.0 * w1)
        below = torch.minimum(w1 - layer.resid1, 0.0 * w1)
        d1 = d1 - above - below
        q1 = q1 + above + below

        d2 = c.d2 + (q1 - q2 - e2)
        w2 = state.w2 + d2
        above = torch.maximum(w2 - layer.max2, 0.0 * w2)
        below = torch.minimum(w2 - layer.resid2, 0.0 * w2)
        d2 = d2 - above - below
        q2 = q2 + below
        d1 = d1 + above
        spill = torch.maximum(state.w1 + d1 - layer.max1, 0.0 * w1)
        d1 = d1 - spill

        r = (w3 - layer.resid3) / room3
        over = torch.maximum(r - layer.Ws, 0.0 * r) / (1.0 - layer.Ws)
        base = linear * r + excess_rate * over * over  # c = 2
        base = torch.maximum(base, 0.0 * base)
        d3 = c.d3 + (q2 - e3 - base)
        w3 = state.w3 + d3
        below = torch.minimum(w3 - layer.resid3, 0.0 * w3)
        above = torch.maximum(w3 - layer.max3, 0.0 * w3)
        d3 = d3 - below - above
        base = base + below
        d2 = d2 + above
        above = torch.maximum(state.w2 + d2 - layer.max2, 0.0 * w2)
        d2 = d2 - above
        d1 = d1 + above
        above = torch.maximum(state.w1 + d1 - layer.max1, 0.0 * w1)
        d1 = d1 - above
        return Vars(
            d1=d1, d2=d2, d3=d3, runoff=c.runoff + spill + above, baseflow=c.baseflow + base
        )

    # the change since the day began is carried, not the storage: in single precision a large
    # storage
    # would swallow the small flows of an hour
    zero = 0.0 * surface
    c = repeat(RUNOFF_STEPS, hour, Vars(d1=zero, d2=zero, d3=zero, runoff=surface, baseflow=zero))
    deficit = torch.minimum(c.baseflow, 0.0 * c.baseflow)
    return Vars(
        w1=state.w1 + c.d1,
        w2=state.w2 + c.d2,
        w3=state.w3 + c.d3,
        runoff=c.runoff,
        baseflow=c.baseflow - deficit,
        evap3=evap3 + deficit,
    )
