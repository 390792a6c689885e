"""Small tidy tables for figures, from the files of many runs: one table for each figure.

A figure redraws in seconds because it reads its table alone. The module named as one in
:mod:`parlearn.plots` has ``summarise(runs, results, **options)``, which makes the table of the
figures drawn there: `runs` are rows of the runs that the figure shows, `results` a
:class:`~parlearn.summarise.results.Results`, the one door to their files. All scores are of the
test period, over the cells trained on (split ``temporal``) and those held out (``spatial``).
"""
