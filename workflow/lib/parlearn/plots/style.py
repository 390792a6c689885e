"""The house style of all figures: one look, one colour, marker and line for each method everywhere.

Colours are those of Okabe and Ito (2008), told apart by colour-blind readers, and four dark ones as
far from them and from each other (CIEDE2000 above 13, in normal sight and with each kind of colour
blindness); marker and line style say the same again for print in grey.
"""

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib
import matplotlib.colors
import numpy as np
import pandas as pd
from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.figure import Figure

from parlearn.storage import contracts
from parlearn.storage.files import replacing

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
    """How one method appears in every figure."""

    label: str
    color: str
    marker: str
    line: str | tuple
    hollow: bool = False

    @property
    def face(self) -> str:
        return "white" if self.hollow else self.color


_SOLID, _DASHED, _DOTTED, _DASHDOT = "-", (0, (4, 1.6)), (0, (1, 1.2)), (0, (5, 1.4, 1, 1.4))

#: in the order in which figures and tables name them; "_vic": through VIC itself, no surrogate
LOOKS = {
    "default": Look("VIC default", "#000000", "D", _DOTTED),
    "cellmean": Look("Cell mean", "#8A8A8A", "d", (0, (1, 2.4))),
    "sceua": Look("SCE-UA", "#D55E00", "^", _DASHED),
    "sceua_vic": Look("SCE-UA direct", "#E69F00", "v", (0, (6, 1.2, 2, 1.2))),
    "dpl_a": Look("dPL $g_A$", "#56B4E9", "o", _DASHDOT),
    "dpl_z": Look("dPL $g_Z$", "#0072B2", "s", _SOLID),
    "dpl_a_vic": Look("dPL $g_A$ direct", "#009E73", "P", (0, (7, 1.2))),
    "dpl_z_vic": Look("dPL $g_Z$ direct", "#CC79A7", "X", (0, (9, 1.4, 1, 1.4, 1, 1.4))),
    "paraformer_a": Look("ParaFormer$_A$", "#00595C", "<", (0, (3, 1, 1, 1, 1, 1))),
    "paraformer_z": Look("ParaFormer$_Z$", "#A60628", "*", (0, (12, 1))),
    "paraformer_a_vic": Look("ParaFormer$_A$ direct", "#700038", ">", (0, (2, 1))),
    "paraformer_z_vic": Look("ParaFormer$_Z$ direct", "#332288", "p", (0, (8, 2))),
}

#: variants of a method by its observation map, as summarise.identify names them
_SUFFIXES = {"network": ", map by network", "none": ", no map"}

#: for methods a user has added, in the order of their names
_SPARE = [
    Look("", "#7F3C8D", "h", (0, (3, 2, 1, 2, 1, 2))),
    Look("", "#6E5A00", "H", (0, (3, 3))),
    Look("", "#3A7D00", "8", (0, (10, 3))),
    Look("", "#8C564B", "+", (0, (5, 2, 2, 2))),
]

OBSERVED = "#333333"

#: axis labels
SCORES = {
    "bias": "Bias (m³ m⁻³)",
    "rmse": "RMSE (m³ m⁻³)",
    "ubrmse": "ubRMSE (m³ m⁻³)",
    "corr": "Corr (–)",
    "nse": "NSE (–)",
}
TARGETS = {"soil_moisture": "Soil moisture (m³ m⁻³)", "evapotranspiration": "ET (mm day⁻¹)"}
_UNITS = {"Dsmax": "mm day⁻¹", "depth2": "m", "depth3": "m"}


def parameter_label(name) -> str:
    return f"{name} ({_UNITS.get(name, '–')})"


def looks(variants) -> dict[str, Look]:
    """The look of each variant, in the order in which to draw them.

    A variant is a method, ``_vic`` where it ran through VIC itself, and ``+network`` or ``+none``
    for another observation map than that of the domain. An unknown method gets a spare look.
    """
    present = list(dict.fromkeys(variants))
    bases = [v.partition("+")[0] for v in present]
    unknown = sorted(set(bases) - set(LOOKS))
    if len(unknown) > len(_SPARE):
        raise ValueError(
            f"no look left for methods {unknown[len(_SPARE) :]}: add them to style.LOOKS"
        )
    known = LOOKS | {
        name: replace(look, label=name.replace("_vic", " direct"))
        for name, look in zip(unknown, _SPARE, strict=False)
    }
    order = sorted(present, key=lambda v: (list(known).index(v.partition("+")[0]), v))
    result = {}
    for variant in order:
        base, _, suffix = variant.partition("+")
        look = known[base]
        if suffix:
            look = replace(look, label=look.label + _SUFFIXES[suffix], line=_DOTTED, hollow=True)
        result[variant] = look
    return result


@contextmanager
def house():
    """Matplotlib settings of the house for the figures drawn inside."""
    with matplotlib.rc_context(_RC):
        yield


#: characters of a heading in an inch
HEADING = 15


def new_figure(height, width=WIDTH) -> Figure:
    """A figure that keeps its labels from overlapping; made without pyplot and its global state."""
    return Figure(figsize=(width, height), layout="constrained")


def heading(fig, data, notes=()):
    """Title line of a figure: which data it shows, and what part of a full design it lacks."""
    lines = [data]
    for note in notes:
        longer = f"{lines[-1]} · {note}"
        fits = len(longer) <= fig.get_figwidth() * HEADING
        lines = [*lines[:-1], longer] if fits else [*lines, note]
    fig.suptitle("\n".join(lines), x=0.012, ha="left", fontweight="bold", color="0.25", fontsize=8)


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
    trained = table[~table["variant"].isin(["default", "cellmean"])]
    numbers = sorted({int(n) for n in trained["seeds"].dropna()})
    if numbers in ([], [1]):
        return "one seed"
    return " to ".join(map(str, [numbers[0], numbers[-1]][: len(numbers)])) + " seeds"


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


def save(fig, numbers: pd.DataFrame, out) -> None:
    """Write picture and numbers: `out` with suffixes .pdf, .png and .csv, each whole or not.

    A column of `numbers` without any value is left out.
    """
    out = Path(out)
    # the layout is solved once, not again for each file
    fig.draw_without_rendering()
    fig.set_layout_engine("none")
    with replacing(out.with_suffix(".pdf")) as path:
        fig.savefig(path, dpi=DPI, metadata={"CreationDate": None, "ModDate": None})
    with replacing(out.with_suffix(".png")) as path:
        fig.savefig(path, dpi=DPI, metadata={"Software": None})
    contracts.write_table(numbers.dropna(axis="columns", how="all"), out.with_suffix(".csv"))


def read_summary(path, columns) -> pd.DataFrame:
    """Read a summary table; ValueError where it is empty or not the table this figure needs."""
    table = pd.read_csv(path)
    missing = [c for c in columns if c not in table]
    if missing or table.empty:
        what = f"lacks the columns {missing}" if missing else "has no rows"
        raise ValueError(f"{path} {what}: it is not this figure's summary, make it again")
    return table


def span(values, low=0.0, high=1.0, pad=0.05):
    """Axis limits that hold the quantiles `low` to `high` of `values`, with some room."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    bottom, top = np.quantile(values, [low, high])
    room = pad * (top - bottom) or 0.05 * abs(top) or 0.05
    return bottom - room, top + room
