"""Climate and example sites: series over a year and around the heaviest rain."""

import numpy as np
import pandas as pd

from parlearn.summarise.choice import join
from parlearn.summarise.datasets import by_method, gather, identity
from parlearn.summarise.examples import long_series
from parlearn.summarise.results import Results

#: the sites are the cells nearest to these quantiles of mean precipitation
QUANTILES = (0.1, 0.5, 0.9)
#: days shown
YEAR = 365
#: days shown before and after the heaviest rain, and observations that must be among them
BEFORE, AFTER, LEAST_OBSERVED = 7, 21, 3


def summarise(runs, results: Results, datasets) -> pd.DataFrame:
    """Figure 8 of Li & Lu 2023: mean weather of a data set's cells, and series at three of them.

    Sites are chosen by climate, not by score: the cells whose mean precipitation is nearest to
    QUANTILES of it over the data set. All means are over the days shown, the first YEAR of the
    test period. Of each method the run of the lowest seed.

    Returns
    -------
    Column ``panel``: ``map``, precipitation (mm a year) and temperature (degC) of each cell;
    ``site``, the same of each ``site``, and its ``event``, the day of the heaviest rain: above
    0 degC and with LEAST_OBSERVED observations between ``event_first`` and ``event_last``, BEFORE
    and AFTER days around it;
    ``series``, the target there by ``variant`` (``observed`` too); ``rain``, precipitation
    there (mm a day).
    """
    groups = by_method(gather(runs, results, datasets))
    members = [group[0] for group in groups.values()]
    cells = members[0].cells
    first = np.datetime64(results.test[0])
    last = min(np.datetime64(results.test[1]), first + np.timedelta64(YEAR - 1, "D"))
    days = (str(first), str(last))
    weather = results.weather(days)
    rain, warmth = (weather[name].values[cells] for name in ("prec", "tair"))
    climate = results.places(cells).assign(
        precipitation=365.25 * rain.mean(1), temperature=warmth.mean(1)
    )
    at = pick_by_rank(climate["precipitation"].to_numpy())
    sites = climate.iloc[at].reset_index(drop=True).assign(site=np.arange(1, len(at) + 1))
    chosen, times = sites["cell"].to_numpy(), weather["time"].values
    seen = results.observed(chosen, days)
    events = [heaviest_rain(*rows) for rows in zip(rain[at], warmth[at], seen.values, strict=True)]
    sites["event"] = times[events]
    sites["event_first"] = sites["event"] - pd.Timedelta(days=BEFORE)
    sites["event_last"] = sites["event"] + pd.Timedelta(days=AFTER)
    names = sites[["site"]]
    return join(
        {
            "map": [climate.assign(dataset=members[0].dataset)],
            "site": [sites],
            "series": [
                long_series(seen.values, seen["time"].values, names).assign(variant="observed"),
                *(_series(member, results, sites, days) for member in members),
            ],
            "rain": [long_series(rain[at], times, names)],
        }
    ).assign(target=results.target)


def pick_by_rank(values: np.ndarray) -> list[int]:
    """Indices of the values nearest to QUANTILES of them, without repeats."""
    wanted = np.quantile(values, QUANTILES)
    return list(dict.fromkeys(int(np.abs(values - w).argmin()) for w in wanted))


def heaviest_rain(rain: np.ndarray, warmth: np.ndarray, seen: np.ndarray) -> int:
    """The day (index) of most rain among those that can be judged, see :func:`summarise`.

    Where no day can be, the day of most precipitation.
    """
    there = np.isfinite(seen).astype(int)
    around = np.array(
        [there[max(0, day - BEFORE) : day + AFTER + 1].sum() for day in range(len(rain))]
    )
    judged = (around >= LEAST_OBSERVED) & (warmth > 0) & (rain > 0)
    return int(np.where(judged, rain, -1).argmax() if judged.any() else rain.argmax())


def _series(member, results, sites, days) -> pd.DataFrame:
    """A run's series at the sites; a site lies in one fold."""
    parts = []
    for run, cells in member.parts:
        here = sites[sites["cell"].isin(cells)]
        if here.empty:
            continue
        values = results.simulated(run, here["cell"].to_numpy(), days)
        parts.append(long_series(values.values, values["time"].values, here[["site"]]))
    return pd.concat(parts, ignore_index=True).assign(**identity(member))
