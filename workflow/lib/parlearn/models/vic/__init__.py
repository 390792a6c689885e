"""VIC 5 (Variable Infiltration Capacity model), water-balance mode, in torch."""
