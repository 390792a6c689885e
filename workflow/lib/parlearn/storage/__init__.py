"""Files: their schemas, their provenance, and writing them completely or not at all."""
