"""VIC 5 (Variable Infiltration Capacity model), water-balance mode, in torch."""

from parlearn.models.vic.model import CALIBRATED, SPACE, VIC, default_parameters, published_cells

__all__ = ["CALIBRATED", "SPACE", "VIC", "default_parameters", "published_cells"]
