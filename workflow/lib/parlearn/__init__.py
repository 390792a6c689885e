"""parlearn: learning the parameters of land-surface hydrologic models."""
