"""Map of the study area: its cells by elevation."""

from parlearn.plots import maps, style
from parlearn.plots.sheet import Sheet


def draw(sheet: Sheet):
    """One map."""
    table = sheet.read(["lat", "lon", "elevation"])
    ratio = maps.aspect(table["lat"], table["lon"], sheet.borders)
    with style.house():
        fig = style.new_figure(0.6 + 4.6 / ratio, width=5.4)
        ax = fig.subplots()
        norm = maps.scale_colours([table["elevation"]])
        drawn = maps.draw_map(
            ax, table["lat"], table["lon"], table["elevation"], norm, "cividis", sheet.borders
        )
        maps.colour_bar(fig, drawn, ax, "Elevation (m)")
        sheet.save(fig, table, [f"{len(table)} cells"])
