"""Temperature at which an energy balance closes, with the right derivatives."""

import torch

from parlearn.models.fuse.ops import detach


def solve_temperature(balance, inputs, guess, steps):
    """Root of a falling energy balance by Newton's method.

    Parameters
    ----------
    balance : callable (t, inputs) -> (net energy W m-2, its slope W m-2 K-1)
    inputs : Vars the balance depends on
    guess : first guess (degC)
    steps : number of Newton steps. Balances here are nearly concave and falling, so Newton's method
        converges from any start; steps are limited to 15 K.

    Returns
    -------
    Temperature (degC). The search takes no derivatives; one last step with the inputs as they are
    gives those of the implicit function theorem.
    """
    still, t = detach(inputs), guess.detach()
    for _ in range(steps):
        value, slope = balance(t, still)
        step = torch.minimum(torch.maximum(value / slope, 0.0 * value - 15.0), 0.0 * value + 15.0)
        t = t - step
    t = t.detach()
    value, _ = balance(t, inputs)
    _, slope = balance(t, still)
    return t - value / slope
