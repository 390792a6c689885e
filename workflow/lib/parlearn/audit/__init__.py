"""The audit: finished results held against their stamps, their inputs, the code and the claims.

It reads what is there and makes nothing anew. ``tree`` reads the files and what they say of
themselves; ``stamps``, ``raw``, ``lineage``, ``quality``, ``separation`` and ``answers`` ask one
question each and give a :class:`~parlearn.audit.findings.Check`; ``inspect`` asks all of them;
``page``, ``manifest`` and ``crate`` write down what came out. ``rerun`` compares runs with their
repetitions.
"""
