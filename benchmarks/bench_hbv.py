"""HBV: basin-days per second on one core, forward and with gradients, against a loop over days.

    python benchmarks/bench_hbv.py [--basins 500] [--years 2] [--json FILE]

Streamflow of invented basins by HBV and its gamma routing: our compiled loop, our eager form, and
as a peer HBV the way differentiable hydrology models are mostly written, a Python loop over days of
torch operations on all basins, differentiated by autograd. All three give the same runoff, which is
checked. Seconds are processor seconds of one thread; medians over repeats.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import xarray as xr

from parlearn.models.hbv.model import HBV, TWELVE
from parlearn.models.routing.model import Routed

REPEATS = 3


def invented(basins, years, seed=1):
    """Domain and forcing: wet and dry spells, a warm and a cold season."""
    rng = np.random.default_rng(seed)
    time_axis = pd.date_range("2000-01-01", periods=round(years * 365.25))
    shape = (basins, len(time_axis))
    season = -np.cos(2 * np.pi * time_axis.day_of_year.values / 365.25)
    tair = 6 + 11 * season + 4 * rng.standard_normal(shape)
    prec = np.where(rng.random(shape) < 0.4, rng.gamma(0.7, 9, shape), 0)
    dims = ("cell", "time")
    forcing = xr.Dataset({"prec": (dims, prec), "tair": (dims, tair)}, coords={"time": time_axis})
    return xr.Dataset({"lat": ("cell", rng.uniform(30, 48, basins))}), forcing


def peer(weather, parameters):
    """Streamflow (basin, day) of weather (basin, day, 3) by a loop over days in eager torch."""
    beta, fc, k0, k1, k2, lp, perc, uzl, tt, cfmax, cfr, cwh = parameters[:, :12].unbind(-1)
    shape, scale = parameters[:, 12:].unbind(-1)
    snow = water = upper = lower = torch.zeros_like(fc)
    soil = fc / 2
    flow = []
    for day in weather.unbind(1):
        prec, temp, pet = day.unbind(-1)
        rain = prec * (temp >= tt)
        snow = snow + prec * (temp < tt)
        melt = torch.minimum((cfmax * (temp - tt)).clamp(min=0), snow)
        snow, water = snow - melt, water + melt
        frozen = torch.minimum((cfr * cfmax * (tt - temp)).clamp(min=0), water)
        snow, water = snow + frozen, water - frozen
        through = (water - cwh * snow).clamp(min=0)
        water = water - through
        inflow = rain + through
        recharge = inflow * ((soil / fc).clamp(1e-9, 1) ** beta)
        soil = soil + inflow - recharge
        excess = (soil - fc).clamp(min=0)
        soil = soil - excess
        evaporation = torch.minimum(pet * (soil / (lp * fc)).clamp(0, 1), soil)
        soil = soil - evaporation
        upper = upper + recharge + excess
        percolation = torch.minimum(upper, perc)
        upper = upper - percolation
        quick = k0 * (upper - uzl).clamp(min=0)
        upper = upper - quick
        inter = k1 * upper
        upper = upper - inter
        lower = lower + percolation
        base = k2 * lower
        lower = lower - base
        flow.append(quick + inter + base)
    flow = torch.stack(flow, -1)
    days = torch.arange(0.5, 15, device=shape.device)
    shares = days ** (shape[:, None] - 1) * torch.exp(-days / scale[:, None])
    shares = shares / shares.sum(-1, keepdim=True)
    padded = torch.nn.functional.pad(flow, (14, 0))[None]
    return flow, torch.nn.functional.conv1d(padded, shares.flip(-1)[:, None], groups=len(flow))[0]


def seconds_of(action):
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return statistics.median(times)


def measure(basins=500, years=2):
    """Basin-days per second of each form, forward and with gradients in 14 parameters."""
    torch.set_num_threads(1)
    domain, forcing = invented(basins, years)
    forms = {}
    for name, fused in (("compiled", True), ("eager", False)):
        land = HBV(domain, forcing, TWELVE, ("runoff",), warmup=0, threads=1, fused=fused)
        forms[name] = Routed(land, ("runoff",), outputs=("streamflow", "runoff"))
    space = forms["compiled"].space
    generator = torch.Generator().manual_seed(1)
    parameters = space.to_physical(torch.rand(basins, len(space), generator=generator))
    weather = land.loop.weather

    runs = {name: lambda p, model=model: model.simulate(p)[..., 0] for name, model in forms.items()}
    runs["peer"] = lambda p: peer(weather, p)[1]
    with torch.inference_mode():
        flow = peer(weather, parameters)[0]
        for name, model in forms.items():  # this compiles as well
            apart = (model.simulate(parameters)[..., 1] - flow).abs().max()
            if apart > 1e-2:
                raise RuntimeError(f"runoff of {name} and peer are {apart:g} mm a day apart")
    rates = {}
    for name, run in runs.items():

        def forward(run=run):
            with torch.inference_mode():
                run(parameters)

        def both(run=run):
            run(parameters.clone().requires_grad_()).square().mean().backward()

        if name == "compiled":
            both()  # compiles the derivatives
        days = basins * forcing.sizes["time"]
        rates[name] = {"forward": days / seconds_of(forward), "both": days / seconds_of(both)}
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--basins", type=int, default=500)
    parser.add_argument("--years", type=float, default=2)
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    arguments = parser.parse_args()
    rates = measure(arguments.basins, arguments.years)
    print(f"{arguments.basins} basins x {arguments.years:g} years, 12 + 2 parameters, one thread")
    print(f"{'basin-days/s':12}{'forward':>14}{'x peer':>8}{'with gradients':>17}{'x peer':>8}")
    for name, rate in rates.items():
        print(
            f"{name:12}{rate['forward']:14,.0f}{rate['forward'] / rates['peer']['forward']:8.1f}"
            f"{rate['both']:17,.0f}{rate['both'] / rates['peer']['both']:8.1f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rates, indent=1) + "\n")


if __name__ == "__main__":
    main()
