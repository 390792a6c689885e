"""From forcing.nc to the table that HBV's day reads, potential evapotranspiration among it."""

import numpy as np
import torch
from torch import Tensor

from parlearn.land import evaporation
from parlearn.models.hbv.names import PET

#: what each formula of potential evapotranspiration needs of the forcing
_NEEDS = {"oudin": ("tair",), "hargreaves": ("tmin", "tmax")}


def table(domain, forcing, pet: str, dtype=torch.float32) -> Tensor:
    """Weather of every cell and day (cell, day, WEATHER).

    Parameters
    ----------
    domain : lat (cell) in degrees north
    forcing : prec, tair, and for Hargreaves' formula tmin and tmax (cell, time)
    pet : name in :data:`parlearn.models.hbv.names.PET`

    Raises
    ------
    ValueError
        An unknown formula, a variable that is missing or not finite, cells that do not fit.
    """
    if pet not in PET:
        raise ValueError(f"HBV has no evaporation by {pet!r}; there are {', '.join(PET)}")
    names = dict.fromkeys(("prec", "tair", *_NEEDS[pet]))
    got = {name: _values(forcing, name, pet) for name in names}
    latitude, day = domain["lat"].values, forcing["time"].dt.dayofyear.values
    if len(latitude) != len(got["prec"]):
        raise ValueError(f"the domain has {len(latitude)} cells, the forcing {len(got['prec'])}")
    formula = getattr(evaporation, pet)
    demand = formula(*(got[name] for name in _NEEDS[pet]), latitude, day)
    columns = (got["prec"], got["tair"], demand)
    return torch.stack([torch.as_tensor(column).to(dtype) for column in columns], -1)


def _values(forcing, name, pet):
    if name not in forcing:
        raise ValueError(
            f"the forcing lacks {name}, which HBV with evaporation by {pet} needs: choose another "
            "under model.options.pet, or a source that gives it"
        )
    values = np.asarray(forcing[name].transpose("cell", "time").values)
    if not np.isfinite(values).all():
        cell, day = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(f"forcing {name} is not finite at cell {cell}, day {day}")
    if name == "prec" and (values < 0).any():
        cell, day = np.argwhere(values < 0)[0]
        raise ValueError(f"forcing prec is negative at cell {cell}, day {day}")
    return values
