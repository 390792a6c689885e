"""Grids, the areas that their cells share, and means over them."""
