"""Published scores of the CAMELS-US benchmark, basin by basin, to hold ours against.

The tables of Kratzert et al. (2019, doi:10.1029/2019WR026065; github.com/kratzert/lstm_for_pub,
``analysis/stats``): NSE from October 1989 to September 1999 of models that were calibrated or
trained from 1999 to 2008 on the same basins. They lie in the folder ``benchmarks`` of the data,
where a user has put them; without them nothing is compared.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from parlearn.sources.records import RecordsError

FOLDER = "benchmarks"
#: the days of all scores
SPAN = ("1989-10-01", "1999-09-30")
#: file -> the model, whether it had learned from the very basins that it is scored at
MODELS = {
    "benchmark_sacsma_ensemble": ("SAC-SMA per basin", True),
    "benchmark_nwm_retrospective": ("National Water Model", True),
    "global_lstm_static": ("LSTM", True),
    "global_lstm_no_static": ("LSTM without attributes", True),
    "pub_lstm": ("LSTM, ungauged", False),
}
COLUMNS = ("gauge", "published", "gauged", "nse", "first_day", "last_day")


def file_names(names: Sequence[str]) -> list[str]:
    """Those of a folder's files (paths relative to the data) that hold such scores."""
    return [f"{FOLDER}/{stem}.csv" for stem in MODELS if f"{FOLDER}/{stem}.csv" in names]


def read_published(folder, names: Sequence[str]) -> pd.DataFrame:
    """A row for each model and basin with :data:`COLUMNS`; none where no table is there.

    ``gauged`` is 1 of a model that had learned from the basin, else 0.

    Parameters
    ----------
    folder : of the data
    names : its files that are read

    Raises
    ------
    RecordsError
        on a table that lacks a column, has a basin twice or an NSE above 1.
    """
    tables = []
    for name in file_names(names):
        path = Path(folder) / name
        label, gauged = MODELS[path.stem]
        table = pd.read_csv(path, dtype={"basin": str})
        if missing := [column for column in ("basin", "nse") if column not in table]:
            raise RecordsError(f"{path}: has no column {', '.join(missing)}: it is no such table")
        gauge = table["basin"].str.zfill(8)
        if gauge.duplicated().any():
            twice = gauge[gauge.duplicated()].iloc[0]
            raise RecordsError(f"{path}: the basin {twice} stands twice: leave one line")
        if not (table["nse"].dropna() <= 1).all():
            raise RecordsError(f"{path}: an NSE is above 1: it is no such table")
        tables.append(
            pd.DataFrame(
                {
                    "gauge": gauge,
                    "published": label,
                    "gauged": int(gauged),
                    "nse": table["nse"],
                    "first_day": SPAN[0],
                    "last_day": SPAN[1],
                }
            )
        )
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)
