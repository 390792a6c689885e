"""Figures and tables, each drawn from one small table and written as pdf, png and csv.

The module named as one in :mod:`parlearn.summarise`, which makes the table, has ``draw(sheet,
**options)``; `sheet` is a :class:`~parlearn.plots.sheet.Sheet`. Others are shared.
"""
