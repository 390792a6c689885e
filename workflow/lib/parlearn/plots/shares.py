"""Scores at units held out against the share of the others that was trained on."""

from parlearn.plots import style
from parlearn.plots.sheet import Sheet

_COLUMNS = ["variant", "seed", "target", "trained_cells", "held_out", "share", "metric", "value"]
#: shares that the axis names
_TICKS = (0.02, 0.05, 0.125, 0.25, 0.5, 1.0)


def draw(sheet: Sheet):
    """A panel for each score: medians over units, with the interval of resampled units."""
    table = sheet.read([*_COLUMNS, "low", "high", "sampling", "period"])
    looks, metrics = style.looks(table["variant"]), list(dict.fromkeys(table["metric"]))
    letters = iter("abcdefgh")
    with style.house():
        fig = style.new_figure(3.1)
        axes = fig.subplots(1, len(metrics), squeeze=False)[0]
        for ax, metric in zip(axes, metrics, strict=True):
            for variant, look in looks.items():
                _draw_line(
                    ax, table[(table["variant"] == variant) & (table["metric"] == metric)], look
                )
            ax.set_xscale("log")
            ax.set_xticks(_TICKS, [f"{100 * share:g}" for share in _TICKS])
            ax.minorticks_off()
            ax.set_xlabel("Share of the basins trained on (%)")
            ax.set_ylabel(style.score_label(metric, table["target"].iloc[0]))
            ax.grid(True)
            style.letter(ax, next(letters))
        fig.legend(
            *axes[0].get_legend_handles_labels(),
            loc="outside lower center",
            ncols=4,
            handlelength=4,
        )
        notes = [
            f"median over {table['held_out'].iloc[0]} basins held out, test period",
            f"100 % are {table['trained_cells'].max()} basins",
            *style.notes_on(table)[-1:],
        ]
        sheet.save(fig, table, notes)


def _draw_line(ax, part, look):
    means = part.groupby("share")[["value", "low", "high"]].mean()
    ax.fill_between(means.index, means["low"], means["high"], color=look.color, alpha=0.15, lw=0)
    ax.plot(
        means.index,
        means["value"],
        color=look.color,
        ls=look.line,
        marker=look.marker,
        mfc=look.face,
        ms=4,
        label=look.label,
    )
