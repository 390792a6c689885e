"""Figures: a function draws one target from one small table and writes pdf, png and csv."""
