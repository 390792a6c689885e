"""A process model by its name in the table of runs, bound to a study's files."""

import xarray as xr

from parlearn.job import pick_device
from parlearn.models.base import ProcessModel
from parlearn.models.surrogate import Surrogate
from parlearn.models.vic import VIC

#: what runs are simulated for; the rest of VIC's outputs stays with VIC
OUTPUTS = ("soil_moisture", "evapotranspiration")


def device_of(model: str, wanted: str) -> str:
    """The torch device for a model; ``auto`` is the CPU for VIC, whose compiled loop runs there."""
    return pick_device("cpu" if model == "vic" and wanted == "auto" else wanted)


def open_model(
    name: str,
    domain: xr.Dataset,
    forcing: xr.Dataset,
    *,
    parameters,
    surrogate=None,
    device: str = "cpu",
) -> ProcessModel:
    """The model ``vic`` or ``surrogate``.

    Parameters
    ----------
    parameters : names of VIC's free parameters; a surrogate brings its own, which must be the same
    surrogate : folder of the surrogate's files, for that model
    device : torch device its tensors live on

    Raises
    ------
    ValueError
        An unknown name, or a surrogate of other parameters.
    """
    if name == "vic":
        return VIC(domain, forcing, names=tuple(parameters), outputs=OUTPUTS, device=device)
    if name != "surrogate":
        raise ValueError(f"unknown model {name!r}; there are vic and surrogate")
    model = Surrogate.load(surrogate, domain, forcing)
    if model.space.names != tuple(parameters):
        raise ValueError(
            f"the surrogate in {surrogate} has the parameters {', '.join(model.space.names)}, the "
            f"configuration {', '.join(parameters)}: train it again"
        )
    return model.to(device)
