"""Process physics written once in torch, run eagerly or as one compiled time loop with exact
gradients.
"""
