"""From the runoff of a basin's land to the flow at its outlet."""
