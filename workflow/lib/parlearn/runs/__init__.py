"""A run: its files opened, its simulation written, its scores."""
