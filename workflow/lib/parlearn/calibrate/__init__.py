"""Calibration without gradients: SCE-UA at every cell, and the objective it minimises."""
