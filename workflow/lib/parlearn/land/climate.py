"""Climate attributes of a cell from its daily forcing, for the parameter networks.

Only the days given are used, so the caller decides what a network may know: training days.
"""

import numpy as np

STEFAN_BOLTZMANN, EMISSIVITY, ALBEDO = 5.67e-8, 0.97, 0.2
PRIESTLEY_TAYLOR = 1.26
DAYS_PER_YEAR = 365.25
WET_DAY = 1.0  # mm


def climate_attributes(
    prec, tair, swdown, lwdown, pressure, day_of_year
) -> dict[str, tuple[str, np.ndarray]]:
    """Long-term climate of each cell.

    Parameters
    ----------
    prec, tair, swdown, lwdown, pressure : (cell, day) in mm day-1, degC, W m-2, W m-2, kPa
    day_of_year : (day,) 1..366; whole years, so that no season counts twice

    Returns
    -------
    name -> (unit, values (cell,)): mean precipitation and temperature; amplitude of the yearly
    temperature wave; aridity index P / PET (UNEP 1992; high where wet), PET by
    :func:`priestley_taylor`; share of the precipitation on days below 0 degC (Addor et al. 2017,
    doi:10.5194/hess-21-5293-2017, table 2); seasonality of precipitation, positive where most falls
    in the warm season, negative where in the cold one (Woods 2009,
    doi:10.1016/j.advwatres.2009.06.011, eq. 14), from the first harmonics of both; share of days
    with more than 1 mm.
    """
    prec, tair = np.asarray(prec, dtype=np.float64), np.asarray(tair, dtype=np.float64)
    if prec.shape[1] < 365:
        raise ValueError(
            f"climate attributes need a whole year at least, not {prec.shape[1]} days: with less, "
            "cells would be told apart by the season that was left out"
        )
    total = prec.mean(axis=1)
    wave = 2 * np.exp(-2j * np.pi * np.asarray(day_of_year) / DAYS_PER_YEAR)
    # a cell without a drop has neither snow nor a season of rain
    per_total = np.where(total > 0, 1 / np.maximum(total, 1e-9), 0)
    wet_wave = (prec * wave).mean(axis=1) * per_total
    warm_wave = (tair * wave).mean(axis=1)
    demand = priestley_taylor(tair, swdown, lwdown, pressure).mean(axis=1)
    snow = np.where(tair < 0, prec, 0).mean(axis=1) * per_total
    seasonality = np.abs(wet_wave) * np.cos(np.angle(wet_wave) - np.angle(warm_wave))
    return {
        "precipitation": ("mm day-1", total),
        "temperature": ("degC", tair.mean(axis=1)),
        "temperature_amplitude": ("K", np.abs(warm_wave)),
        "aridity_index": ("1", total / np.maximum(demand, 0.1)),
        "snow_fraction": ("1", snow),
        "precipitation_seasonality": ("1", seasonality),
        "wet_days": ("1", (prec > WET_DAY).mean(axis=1)),
    }


def priestley_taylor(tair, swdown, lwdown, pressure):
    """Potential evapotranspiration (mm day-1) from daily means, 0 where net radiation is negative.

    Priestley and Taylor (1972), Monthly Weather Review 100, 81-92, with alpha 1.26, no ground heat
    flux, and the net radiation of a surface of albedo 0.2 at air temperature.
    """
    tair = np.asarray(tair, dtype=np.float64)
    emitted = EMISSIVITY * STEFAN_BOLTZMANN * (tair + 273.15) ** 4
    net = np.maximum((1 - ALBEDO) * swdown + EMISSIVITY * lwdown - emitted, 0)
    slope = 4098 * 0.6108 * np.exp(17.27 * tair / (tair + 237.3)) / (tair + 237.3) ** 2
    gamma = 0.665e-3 * pressure  # FAO Irrigation and Drainage Paper 56, equations 13 and 8
    latent = 2.501e6 - 2361 * tair
    return PRIESTLEY_TAYLOR * slope / (slope + gamma) * net / latent * 86400


def catchment_indices(prec, tair, pet, day_of_year) -> dict[str, tuple[str, np.ndarray]]:
    """Climate of catchments in the terms of Addor et al. (2017), table 2, from daily series.

    Parameters
    ----------
    prec, tair, pet : (cell, day) in mm day-1, degC, mm day-1
    day_of_year : (day,) 1..366; whole years, so that no season counts twice

    Returns
    -------
    name -> (unit, values (cell,)): means ``p_mean``, ``pet_mean``; ``aridity`` pet_mean / p_mean;
    ``p_seasonality`` (Woods 2009, eq. 14, positive where most falls in summer); ``frac_snow``,
    share of precipitation on days below 0 degC; days a year with at least 5 times the mean
    precipitation (``high_prec_freq``) and below 1 mm (``low_prec_freq``), and how many such days
    follow each other on average (``high_prec_dur``, ``low_prec_dur``, 0 where there is none).
    """
    prec, tair, pet = (np.asarray(v, dtype=np.float64) for v in (prec, tair, pet))
    if prec.shape[1] < 365:
        raise ValueError(
            f"climate attributes need a whole year at least, not {prec.shape[1]} days: with less, "
            "catchments would be told apart by the season that was left out"
        )
    total = prec.mean(axis=1)
    per_total = np.where(total > 0, 1 / np.maximum(total, 1e-9), 0)
    wave = 2 * np.exp(-2j * np.pi * np.asarray(day_of_year) / DAYS_PER_YEAR)
    wet_wave, warm_wave = (prec * wave).mean(axis=1) * per_total, (tair * wave).mean(axis=1)
    wet = prec >= 5 * np.maximum(total, 1e-9)[:, None]
    dry = prec < WET_DAY
    return {
        "p_mean": ("mm day-1", total),
        "pet_mean": ("mm day-1", pet.mean(axis=1)),
        "p_seasonality": (
            "1",
            np.abs(wet_wave) * np.cos(np.angle(wet_wave) - np.angle(warm_wave)),
        ),
        "frac_snow": ("1", np.where(tair < 0, prec, 0).mean(axis=1) * per_total),
        "aridity": ("1", pet.mean(axis=1) / np.maximum(total, 0.01)),
        "high_prec_freq": ("year-1", wet.mean(axis=1) * DAYS_PER_YEAR),
        "high_prec_dur": ("day", _mean_run(wet)),
        "low_prec_freq": ("year-1", dry.mean(axis=1) * DAYS_PER_YEAR),
        "low_prec_dur": ("day", _mean_run(dry)),
    }


def _mean_run(events) -> np.ndarray:
    """Mean length (cell,) of the runs of events (cell, day); 0 where there is none."""
    begins = events.copy()
    begins[:, 1:] &= ~events[:, :-1]
    return events.sum(axis=1) / np.maximum(begins.sum(axis=1), 1)
