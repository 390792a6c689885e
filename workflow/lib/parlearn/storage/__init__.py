"""Files: their contracts, provenance, and how they are written whole or not at all."""
