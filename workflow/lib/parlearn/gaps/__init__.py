"""Gaps of observed series and their filling."""
