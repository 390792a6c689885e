"""Skill and another flux of each method and set of parameters, side by side."""

from parlearn.plan.targets import TARGETS
from parlearn.plots import style
from parlearn.plots.sheet import Sheet
from parlearn.plots.tables import over_seeds

_KEYS = ["variant", "split", "quantity"]
#: split -> how far above its method's line, and how its marker is filled
_SPLITS = {"temporal": (-0.14, True), "spatial": (0.14, False)}
_TITLES = {"temporal": "trained cells (filled)", "spatial": "held-out cells (hollow)"}


def draw(sheet: Sheet, reference=None):
    """A line for each method and set; medians over cells, a bar of one standard deviation of seeds.

    `reference`: scores published for another kind of model, a vertical line each: ``label``, and
    score -> value.
    """
    table = sheet.read([*_KEYS, "period", "seed", "value", "target", "flux"])
    target = table["target"].iloc[0]
    numbers = over_seeds(table, [*_KEYS, "period"])
    cells = {(row.variant, row.split, row.quantity): row for row in numbers.itertuples()}
    looks = style.looks(numbers["variant"])
    panels = {
        "rmse": style.score_label("rmse", target),
        "corr": style.score_label("corr", target),
        "share": f"{TARGETS[table['flux'].iloc[0]].short.lower()}\n/ precipitation (–)",
    }
    with style.house():
        fig = style.new_figure(0.27 * len(looks) + 1.5)
        axes = fig.subplots(1, len(panels), sharey=True)
        for ax, letter, (quantity, label) in zip(axes, "abc", panels.items(), strict=True):
            for y, (variant, look) in enumerate(looks.items()):
                for split, (shift, filled) in _SPLITS.items():
                    row = cells.get((variant, split, quantity))
                    if row is None or not row.valid:
                        continue
                    ax.errorbar(
                        row.mean,
                        y + shift,
                        xerr=row.std if row.valid > 1 else None,
                        fmt=look.marker,
                        color=look.color,
                        markerfacecolor=look.color if filled else "white",
                    )
            if reference and quantity in reference:
                ax.axvline(reference[quantity], color=style.OBSERVED, lw=0.8, ls=(0, (4, 2)))
                ax.annotate(
                    reference["label"],
                    (reference[quantity], 1.0),
                    xycoords=("data", "axes fraction"),
                    xytext=(2, -1),
                    textcoords="offset points",
                    fontsize=6,
                    rotation=90,
                    va="top",
                )
            ax.grid(axis="x")
            ax.set_xlabel(label)
            style.letter(ax, letter)
        axes[0].set_yticks(range(len(looks)), [look.label for look in looks.values()])
        axes[0].set_ylim(len(looks) - 0.5, -0.5)
        notes = ["test period, medians over cells", *_TITLES.values(), style.note_on_seeds(numbers)]
        sheet.save(fig, numbers, notes)
