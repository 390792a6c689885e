"""Series of the likeness of each day's maps, a panel for each score, means in the legend."""

import pandas as pd

from parlearn.plots import style
from parlearn.plots.sheet import Sheet

_COLUMNS = ["dataset", "variant", "seed", "emulated", "score", "date", "value"]
_LABELS = {"eof_similarity": "EOF distance (0 is perfect)", "ssim": "SSIM (1 is perfect)"}
#: days of the running mean that is drawn in full colour
_SMOOTH = 15


def draw(sheet: Sheet):
    """Of several seeds the mean of each day; thin: single days, thick: running means."""
    table = sheet.read(_COLUMNS)
    table["date"] = pd.to_datetime(table["date"])
    looks = style.looks(table["variant"])
    scores = list(dict.fromkeys(table["score"]))
    with style.house():
        fig = style.new_figure(0.4 + 2.6 * len(scores))
        axes = fig.subplots(len(scores), 1, sharex=True, squeeze=False)[:, 0]
        for ax, score, letter in zip(axes, scores, "abcdef", strict=False):
            for variant, look in looks.items():
                part = table[(table["variant"] == variant) & (table["score"] == score)]
                line = part.groupby("date")["value"].mean()
                smooth = line.rolling(_SMOOTH, center=True, min_periods=_SMOOTH // 2).mean()
                ax.plot(line.index, line, color=look.color, lw=0.4, alpha=0.4)
                label = f"{look.label}, mean {line.mean():.3g}"
                ax.plot(smooth.index, smooth, color=look.color, ls=look.line, label=label)
            ax.set_ylabel(_LABELS[score])
            ax.grid(axis="y")
            style.letter(ax, letter)
            ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        style.date_axis(axes[-1])
        by = style.say_model(table)
        notes = [str(table["dataset"].iloc[0]), f"simulated by {by}", _seeds(table)]
        sheet.save(fig, table, notes)


def _seeds(table) -> str:
    number = table["seed"][table["variant"].map(style.is_trained)].nunique()
    return "one seed" if number == 1 else f"means over {number} seeds"
