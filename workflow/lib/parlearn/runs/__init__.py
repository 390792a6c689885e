"""A run: opened, simulated, written and scored."""
