"""A user's own VIC 5: domain, parameters and forcing of the image driver, soil of VIC 4."""
