"""Losses by epoch, a panel for each part, a line for each run."""

from parlearn.plots import style
from parlearn.plots.sheet import Sheet

_COLUMNS = ["variant", "sampling", "period", "seed", "epoch", "part", "value"]
_PANELS = {
    "absolute_error": "Absolute error (sd of the observations)",
    "range_loss": "Range loss",
    "adversarial_loss": "Adversarial loss",
    "train_loss": "Total loss",
    "accuracy": "Share of days told right",
    "validation_loss": "Validation score",
}
#: both are drawn in one panel: observed days solid, simulated ones dotted
_ACCURACY = {"accuracy_observed": "-", "accuracy_simulated": ":"}


def draw(sheet: Sheet):
    """Of several seeds a line each."""
    table = sheet.read(_COLUMNS)
    looks = style.looks(table["variant"])
    with style.house():
        fig = style.new_figure(4.6)
        axes = fig.subplots(2, 3, sharex=True)
        for ax, (part, label), letter in zip(axes.flat, _PANELS.items(), "abcdef", strict=True):
            lines = _ACCURACY if part == "accuracy" else {part: None}
            for name, line in lines.items():
                _draw(ax, table[table["part"] == name], looks, line)
            style.letter(ax, letter, label)
            ax.grid(True)
        axes[1, 1].set_ylim(0, 1.02)
        for ax in axes[-1]:
            ax.set_xlabel("Epoch")
        handles, labels = axes.flat[0].get_legend_handles_labels()
        known = dict(zip(labels, handles))
        fig.legend(known.values(), known, loc="outside lower center", ncols=4, handlelength=4)
        notes = [*style.notes_on(table), "share of days: observed solid, simulated dotted"]
        sheet.save(fig, table, notes)


def _draw(ax, part, looks, line):
    for variant, look in looks.items():
        for _, run in part[part["variant"] == variant].groupby("seed"):
            ax.plot(
                run["epoch"], run["value"], color=look.color, ls=line or look.line, label=look.label
            )
