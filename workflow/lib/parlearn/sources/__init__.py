"""Readers of products and data sets, and synthetic twins: one module each."""
