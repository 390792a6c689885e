"""Grids, the areas that cells of two grids share, and area-weighted regridding."""
