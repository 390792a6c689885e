"""Roles of cells; apart from :mod:`parlearn.study.tensors`, so that tables need no torch."""

#: code of ``role(sampling, cell)`` in domain.nc
ROLES = {"unused": 0, "train": 1, "validate": 2, "test": 3}

#: role of the cells of each test: of the trained cells in time, of the held-out ones in space
TESTS = {"temporal": "train", "spatial": "test"}
