"""The house style of all figures: one look, one colour, marker and line for each method everywhere.

Colours are those of Okabe and Ito (2008), told apart by colour-blind readers, and four dark ones as
far from them and from each other (CIEDE2000 above 13, in normal sight and with each kind of colour
blindness); marker and line style say the same again for print in grey.
"""

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace

import matplotlib
import matplotlib.colors
import numpy as np
import pandas as pd
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.figure import Figure

from parlearn.plan.methods import METHODS
from parlearn.plan.surrogates import SURROGATES
from parlearn.plan.targets import TARGETS
from parlearn.summarise.variants import read_variant

WIDTH = 7.2  #: inches: a figure over two columns (183 mm)
DPI = 300

_RC = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "figure.titlesize": 9,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "grid.color": "0.88",
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "lines.markersize": 4,
    "mathtext.default": "it",
    "figure.constrained_layout.h_pad": 0.05,
    "figure.constrained_layout.w_pad": 0.04,
    "pdf.fonttype": 42,
    "svg.hashsalt": "parlearn",
}


@dataclass(frozen=True)
class Look:
    """How one variant appears in every figure; ``label`` is that of its method in the registry."""

    color: str
    marker: str
    line: str | tuple
    label: str = ""
    hollow: bool = False

    @property
    def face(self) -> str:
        return "white" if self.hollow else self.color


_SOLID, _DASHED, _DOTTED, _DASHDOT = "-", (0, (4, 1.6)), (0, (1, 1.2)), (0, (5, 1.4, 1, 1.4))

#: the look of each method, and its look where it learns directly through the process model
LOOKS = {
    "default": [Look("#000000", "D", _DOTTED)],
    "cellmean": [Look("#8A8A8A", "d", (0, (1, 2.4)))],
    "sceua": [Look("#D55E00", "^", _DASHED), Look("#E69F00", "v", (0, (6, 1.2, 2, 1.2)))],
    "dpl_a": [Look("#56B4E9", "o", _DASHDOT), Look("#009E73", "P", (0, (7, 1.2)))],
    "dpl_z": [
        Look("#0072B2", "s", _SOLID),
        Look("#CC79A7", "X", (0, (9, 1.4, 1, 1.4, 1, 1.4))),
    ],
    "paraformer_a": [
        Look("#00595C", "<", (0, (3, 1, 1, 1, 1, 1))),
        Look("#700038", ">", (0, (2, 1))),
    ],
    "paraformer_z": [Look("#A60628", "*", (0, (12, 1))), Look("#332288", "p", (0, (8, 2)))],
}

#: for methods of the registry that have no look yet, in its order; direct: hollow
SPARE = [
    Look("#7F3C8D", "h", (0, (3, 2, 1, 2, 1, 2))),
    Look("#6E5A00", "H", (0, (3, 3))),
    Look("#3A7D00", "8", (0, (10, 3))),
    Look("#8C564B", "+", (0, (5, 2, 2, 2))),
    Look("#A0C15A", "x", (0, (2, 3))),
    Look("#F28E8E", "1", (0, (8, 1, 2, 1))),
    Look("#B79BD6", "2", (0, (1, 1, 4, 1))),
]

#: what is added to the label of another linear correction than the usual one
_CORRECTIONS = {"network": ", linear correction per cell", "none": ", no linear correction"}

OBSERVED = "#333333"

_SCORES = {"bias": "Bias", "rmse": "RMSE", "ubrmse": "ubRMSE", "corr": "Corr", "nse": "NSE"}
_SCORES |= {"kge": "KGE (2012)", "kge_2009": "KGE (2009)", "alpha": "α", "beta": "β"}
_SCORES |= {"nse_sqrt": "NSE of √", "fhv": "FHV", "flv": "FLV", "fms": "FMS"}
#: scores in the unit of what is scored
_WITH_UNIT = ("bias", "rmse", "ubrmse")
_IN_PERCENT = ("fhv", "flv", "fms")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def say_unit(unit) -> str:
    """A unit as in the files, as it is printed: ``mm day-1`` is mm day⁻¹, and ``1`` a dash."""
    if unit == "1":
        return "–"
    return re.sub(r"(?<=[A-Za-z])-?\d+", lambda number: number[0].translate(_RAISED), unit)


def score_name(metric) -> str:
    return _SCORES[metric]


def score_unit(metric, target) -> str:
    """Unit of a score of a target, as it is printed."""
    if metric in _IN_PERCENT:
        return "%"
    return say_unit(TARGETS[target].unit) if metric in _WITH_UNIT else "–"


def score_label(metric, target, between=" ") -> str:
    """Label of an axis: a score of a target with its unit."""
    return f"{_SCORES[metric]}{between}({score_unit(metric, target)})"


def mean_label(target) -> str:
    """Label of an axis: the temporal mean of a target with its unit."""
    return f"mean {TARGETS[target].short.lower()} ({TARGETS[target].mean_unit})"


def parameter_label(row) -> str:
    """Label of an axis: a parameter with its unit, of a row with the columns of both."""
    return f"{row['parameter']} ({say_unit(str(row['unit']))})"


def looks(variants) -> dict[str, Look]:
    """The look of each variant, in the order in which to draw them: that of the registry.

    A variant is named as in :mod:`parlearn.summarise.variants`; of a method, direct ones come last.
    A method without a look of its own gets a spare one, the same in every figure.
    """
    named = {name: read_variant(name) for name in dict.fromkeys(variants)}
    order = list(METHODS)
    ranked = sorted(
        named,
        key=lambda name: (
            *(order.index(named[name].method), named[name].direct, bool(named[name].surrogate)),
            *(_natural(named[name].parameter_set), name),
        ),
    )
    return {name: _look(named[name]) for name in ranked}


def _look(variant) -> Look:
    look = _of_method(variant.method)[variant.direct]
    label = METHODS[variant.method].label + " direct" * variant.direct
    if variant.surrogate:
        paler = matplotlib.colors.to_hex(tint(look.color, 0.55))
        look = replace(look, color=paler, line=_DASHDOT, hollow=True)
        label += f", {SURROGATES[variant.surrogate].label}"
    if variant.parameter_set:
        label += f", {variant.parameter_set.upper()}"
    if variant.members > 1:
        label += f", ensemble of {variant.members}"
    if variant.correction:
        look = replace(look, line=_DOTTED, hollow=True)
        label += _CORRECTIONS[variant.correction]
    return replace(look, label=label)


def _natural(name: str) -> tuple:
    """What names of sets sort by: their number, then their letters, so that v9 comes before r10."""
    return [int(number) for number in re.findall(r"\d+", name)], name


def _of_method(method) -> list[Look]:
    if method in LOOKS:
        return LOOKS[method]
    new = [name for name in METHODS if name not in LOOKS]
    if new.index(method) >= len(SPARE):
        raise ValueError(f"no look is left for the method {method!r}: add it to style.LOOKS")
    look = SPARE[new.index(method)]
    return [look, replace(look, hollow=True)]


@contextmanager
def house():
    """Matplotlib settings of the house for the figures drawn inside."""
    with matplotlib.rc_context(_RC):
        yield


def new_figure(height, width=WIDTH) -> Figure:
    """A figure that keeps its labels from overlapping; made without pyplot and its global state."""
    return Figure(figsize=(width, height), layout="constrained")


def letter(ax, text, title="", room=0):
    """Panel letter in bold, and the panel's title after it, flush left.

    `room` in points is left free between title and panel.
    """
    options = {"pad": matplotlib.rcParams["axes.titlepad"] + room} if room else {}
    ax.set_title(f"$\\bf{{{text}}}$  {title}".rstrip(), loc="left", **options)


def say_period(period) -> str:
    return str(period).replace("_", " ")


def notes_on(table: pd.DataFrame) -> list[str]:
    """What a title says of the runs in a table: sampling and period if there is one, seeds."""
    runs = table.dropna(subset="sampling")
    notes = []
    if runs["sampling"].nunique() == 1:
        notes.append(f"sampling {runs['sampling'].iloc[0]}")
    if runs["period"].nunique() == 1:
        notes.append(f"trained on {say_period(runs['period'].iloc[0])}")
    seeds = runs["seed"].unique()
    notes.append(f"seed {seeds[0]:.0f}" if len(seeds) == 1 else f"{len(seeds)} seeds")
    return notes


def note_on_seeds(table: pd.DataFrame) -> str:
    """What a title says of the column ``seeds``, their number, of the methods that have seeds."""
    trained = table[table["variant"].map(is_trained)]
    numbers = sorted({int(n) for n in trained["seeds"].dropna()})
    if numbers in ([], [1]):
        return "one seed"
    return " to ".join(map(str, [numbers[0], numbers[-1]][: len(numbers)])) + " seeds"


def say_model(table: pd.DataFrame) -> str:
    """What simulated the series of a table with the column ``emulated``."""
    return "the surrogate" if table["emulated"].iloc[0] else "the process model"


def is_trained(name) -> bool:
    """Whether a variant, or a run early in its training (``@early``), was trained."""
    return METHODS[read_variant(name.removesuffix("@early")).method].trained


def say_number(value, digits) -> str:
    """A number with a proper minus sign, and none before zero."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def say_seconds(seconds) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def say_place(lat, lon) -> str:
    return f"{abs(lat):.1f}°{'N' if lat >= 0 else 'S'}, {abs(lon):.1f}°{'E' if lon >= 0 else 'W'}"


def date_axis(ax, most=9):
    """Months along the x axis, with the year at the first tick and in January."""
    locator = AutoDateLocator(minticks=3, maxticks=most)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(
        lambda x, k: num2date(x).strftime("%b\n%Y" if k == 0 or num2date(x).month == 1 else "%b")
    )
    ax.margins(x=0.01)


def tint(color, share):
    """A colour mixed with white; share 1 is the colour itself."""
    return tuple(1 - share * (1 - c) for c in matplotlib.colors.to_rgb(color))


def span(values, low=0.0, high=1.0, pad=0.05):
    """Axis limits that hold the quantiles `low` to `high` of `values`, with some room."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    bottom, top = np.quantile(values, [low, high])
    room = pad * (top - bottom) or 0.05 * abs(top) or 0.05
    return bottom - room, top + room
