"""Granules of the five products written from plain arrays: true names, groups, types and flags.

They lie in folders as the archives have them, cropped in space and grouped in time as subsetting
services do, so that what retrieves and reads the archives' files retrieves and reads these.
"""
