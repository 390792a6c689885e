"""Small tidy tables for figures, from the files of many runs: one table for each figure.

A figure redraws in seconds because it reads its table alone. `runs` are the rows of the table of
runs that the figure shows (columns as in ``config/runs.tsv``). All scores are of the test period,
over the cells trained on (split ``temporal``) and over those held out (``spatial``).
"""
