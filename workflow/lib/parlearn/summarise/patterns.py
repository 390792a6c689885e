"""Parameters at the cells of a data set, method by method (figures 5 to 7 of Li & Lu 2023)."""

import pandas as pd

from parlearn.summarise.datasets import by_method, gather, identity
from parlearn.summarise.fields import describe, field_table, values_of
from parlearn.summarise.results import Results


def summarise(runs, results: Results, datasets, names) -> pd.DataFrame:
    """Of each method the run of the lowest seed; on a twin the variant ``truth`` as well.

    Returns
    -------
    Columns dataset, variant, period, seed, place, parameter, unit, lower, upper (bounds), log (how
    to show it), value.
    """
    tables = []

    def read(run, cells):
        return values_of(results.parameters(run)["parameters"], names)[:, cells]

    for first, *_ in by_method(gather(runs, results, datasets)).values():
        known = describe(results.parameters(first.parts[0][0])["parameters"])
        about = [known[name] for name in names]
        table = field_table(first.collect(read), about, results, first.cells)
        tables.append(_lead(table, identity(first)))
    if results.truth is not None:
        true = values_of(results.truth, names)[:, first.cells]
        table = field_table(true, about, results, first.cells)
        tables.append(_lead(table, {"dataset": first.dataset, "variant": "truth"}))
    return pd.concat(tables, ignore_index=True)


def _lead(table, about) -> pd.DataFrame:
    return table.assign(**about)[[*about, *table.columns]]
