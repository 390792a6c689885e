"""Soil, vegetation, elevation, climate and weather of a cell, in the terms of a process model."""
