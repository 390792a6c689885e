"""The audit: finished results checked against their provenance, inputs, the code and the claims.

It reads existing files and computes no results. ``tree`` reads the files and their provenance;
``stamps``, ``raw``, ``lineage``, ``quality``, ``separation`` and ``answers`` ask one question each
and give a :class:`~parlearn.audit.findings.Check`; ``inspect`` asks all of them; ``page``,
``manifest`` and ``crate`` write the findings. ``rerun`` compares runs with their repetitions.
"""
