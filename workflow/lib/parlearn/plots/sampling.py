"""The cells of each sampling: training, validation and test."""

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.lines import Line2D

from parlearn.plots import maps, style
from parlearn.plots.sheet import Sheet

#: role of a cell: colour (told apart by lightness too), words
ROLES = {
    "unused": ("#E3E3E3", "not used"),
    "train": ("#0072B2", "trained on"),
    "validate": ("#000000", "validation"),
    "test": ("#E69F00", "held out: spatial test"),
}


def draw(sheet: Sheet):
    """A map of the roles of cells for each sampling."""
    table = sheet.read(["sampling", "cell", "lat", "lon", "role"])
    names = list(ROLES)
    cmap = ListedColormap([color for color, _ in ROLES.values()])
    norm = BoundaryNorm(np.arange(len(names) + 1) - 0.5, len(names))
    groups = sorted(table.groupby("sampling"), key=lambda g: (g[1]["role"] == "train").sum())
    with style.house():
        columns = min(3, max(2, len(groups)))
        rows = -(-len(groups) // columns)
        width = (style.WIDTH - 0.4) / columns - 0.15
        fig = style.new_figure(
            0.6 + rows * (0.6 + width / maps.aspect(table["lat"], table["lon"], sheet.borders))
        )
        axes = list(fig.subplots(rows, columns, squeeze=False).flat)
        for ax, letter, (sampling, group) in zip(axes, "abcdefghi", groups, strict=False):
            codes = group["role"].map(names.index)
            maps.draw_map(ax, group["lat"], group["lon"], codes, norm, cmap, sheet.borders)
            count = group["role"].value_counts()
            numbers = ", ".join(f"{count.get(r, 0)} {r}" for r in ("train", "validate", "test"))
            style.letter(ax, letter, f"{sampling}\n{numbers}")
        for ax in axes[len(groups) :]:
            ax.set_axis_off()
        handles = [
            Line2D([], [], ls="", marker="s", ms=5, color=color, label=words)
            for role, (color, words) in ROLES.items()
            if role in set(table["role"])
        ]
        fig.legend(handles=handles, loc="outside lower center", ncols=4)
        sheet.save(fig, table, ["cells of each sampling"])
