"""A year of the target at a good, a median and a bad unit of each data set."""

import numpy as np
import pandas as pd

from parlearn.summarise.choice import join
from parlearn.summarise.datasets import by_method, gather, identity, scores
from parlearn.summarise.examples import long_series, pick_sites
from parlearn.summarise.results import Results

#: days shown, from the first of the test period
YEAR = 365
CHOSEN_BY = "nse"


def summarise(runs, results: Results, datasets) -> pd.DataFrame:
    """Series at the units with quantiles of the score of the method whose median is highest.

    Of the last data set, and of each method the run of the lowest seed.

    Returns
    -------
    Column ``panel``: ``site``, each ``site`` with lat, lon and by ``variant`` its ``score``;
    ``series``, the target there by ``variant`` (``observed`` too); ``rain``, precipitation there.
    """
    label = list(datasets)[-1]
    groups = by_method(gather(runs, results, {label: datasets[label]}))
    members = [group[0] for group in groups.values()]
    of_each = [scores(member, results, [CHOSEN_BY])[0] for member in members]
    best = int(np.argmax([np.nanmedian(values) for values in of_each]))
    cells = members[best].cells
    sites = pick_sites(results.places(cells).assign(value=of_each[best]))
    first = np.datetime64(results.test[0])
    last = min(np.datetime64(results.test[1]), first + np.timedelta64(YEAR - 1, "D"))
    days, chosen = (str(first), str(last)), sites["cell"].to_numpy()
    seen, rain = results.observed(chosen, days), results.weather(days)["prec"]
    place = {cell: k for k, cell in enumerate(cells)}
    found = [
        sites.drop(columns="score").assign(
            score=[values[place[cell]] for cell in chosen], **identity(member)
        )
        for member, values in zip(members, of_each, strict=True)
    ]
    names = sites[["site"]]
    return join(
        {
            "site": found,
            "series": [
                long_series(seen.values, seen["time"].values, names).assign(variant="observed"),
                *(_series(member, results, sites, days) for member in members),
            ],
            "rain": [long_series(rain.values[chosen], rain["time"].values, names)],
        }
    ).assign(target=results.target, metric=CHOSEN_BY, chosen_by=members[best].variant)


def _series(member, results, sites, days) -> pd.DataFrame:
    """A run's series at the sites; a site lies in one fold."""
    parts = []
    for run, cells in member.parts:
        here = sites[sites["cell"].isin(cells)]
        if len(here):
            values = results.simulated(run, here["cell"].to_numpy(), days)
            names = here[["site"]].reset_index(drop=True)
            parts.append(long_series(values.values, values["time"].values, names))
    return pd.concat(parts, ignore_index=True).assign(**identity(member))
