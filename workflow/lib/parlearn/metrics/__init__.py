"""Scores of a simulation against observations."""
