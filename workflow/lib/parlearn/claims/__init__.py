"""Published numbers and rankings, and what the results of a configuration say to each.

:mod:`parlearn.plan.claims` reads ``config/claims.yaml`` and finds the runs that can answer it;
``quantities`` are the numbers that claims name, ``answers`` hold ours against the published ones,
``page`` is for people.
"""
