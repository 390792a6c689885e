"""FSS against the size of the neighbourhood, a panel for each percentile."""

from parlearn.plots import style
from parlearn.plots.sheet import Sheet

_COLUMNS = ["dataset", "variant", "seed", "emulated", "percentile", "neighbourhood", "value"]


def draw(sheet: Sheet):
    """Lines: means over seeds; bands: from the lowest to the highest seed."""
    table = sheet.read(_COLUMNS)
    looks = style.looks(table["variant"])
    shares = sorted(set(table["percentile"]))
    with style.house():
        fig = style.new_figure(0.8 + 2.1 * -(-len(shares) // 3))
        axes = fig.subplots(-(-len(shares) // 3), 3, sharex=True, sharey=True, squeeze=False)
        for ax, share, letter in zip(axes.flat, shares, "abcdefghi", strict=False):
            part = table[table["percentile"] == share]
            for variant, look in looks.items():
                line = part[part["variant"] == variant].groupby("neighbourhood")["value"]
                mean, low, high = line.mean(), line.min(), line.max()
                ax.plot(
                    mean.index,
                    mean,
                    color=look.color,
                    ls=look.line,
                    marker=look.marker,
                    mfc=look.face,
                    ms=3.5,
                    label=look.label,
                )
                ax.fill_between(mean.index, low, high, color=look.color, alpha=0.18, lw=0)
            which = f"lowest {share:g} %" if share < 50 else f"highest {100 - share:g} %"
            style.letter(ax, letter, which)
            ax.set_ylim(0, 1.02)
            ax.grid(True)
        for ax in axes.flat[len(shares) :]:
            ax.set_axis_off()
        for ax in axes[-1]:
            ax.set_xlabel("Neighbourhood (cells)")
        for ax in axes[:, 0]:
            ax.set_ylabel("FSS")
        handles, labels = axes.flat[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=min(5, len(handles)))
        by = style.say_model(table)
        notes = [str(table["dataset"].iloc[0]), f"mean map of the test period by {by}"]
        sheet.save(fig, table, notes)
