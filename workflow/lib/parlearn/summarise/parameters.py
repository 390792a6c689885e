"""Parameters in every cell of the runs to compare, beside the truth of a twin."""

import pandas as pd

from parlearn.summarise.choice import choose, compared, tag
from parlearn.summarise.fields import describe, field_table, values_of
from parlearn.summarise.results import Results


def summarise(
    runs, results: Results, names=None, without=(), sampling=None, period=None
) -> pd.DataFrame:
    """Fields of the learned run and of the search to compare it with, and the variant ``truth``.

    Parameters
    ----------
    names : parameters wanted; all by default, but those of `without`

    Returns
    -------
    Columns: identity, place, parameter, unit, lower, upper (bounds), log (how to show it), value.
    """
    pair = compared(choose(runs, results, sampling, period))
    fields = [(run, results.parameters(run)["parameters"]) for run in pair]
    known = describe(fields[0][1])
    wanted = [n for n in known if n not in without] if names is None else list(names)
    if unknown := [n for n in wanted if n not in known]:
        raise ValueError(
            f"{results.file(pair[0], 'parameters.nc')} has no parameter {unknown[0]!r}"
        )
    about = [known[name] for name in wanted]
    tables = [tag(field_table(values_of(f, wanted), about, results), run) for run, f in fields]
    if results.truth is not None:
        true = [name for name in wanted if name in results.truth["parameter"].values]
        about = [known[name] for name in true]
        table = field_table(values_of(results.truth, true), about, results)
        tables.append(table.assign(variant="truth"))
    return pd.concat(tables, ignore_index=True)
