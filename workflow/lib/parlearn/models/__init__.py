"""Process models, the surrogate, and the observation operator."""
