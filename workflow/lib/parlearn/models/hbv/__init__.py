"""HBV, the conceptual rainfall-runoff model, in torch."""
