"""The registry of targets: all that can be observed, learned from and scored.

A new target is one entry here. Contracts, the observation operator, the losses, scores and axis
labels read this table and name no target. Imports nothing heavy.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One observable quantity.

    Attributes
    ----------
    name : in every file
    unit : UDUNITS, in every file
    lower, upper : physical range, which contracts check
    observed_as : ``overpass``, a state at 6 a.m. local time, compared with the mean of the ends of
        the day before and of the day; or ``daily``, a sum or mean of the day itself. An observation
        of a daily target may be the mean of several days (MOD16A2).
    correctable : whether a linear correction may stand between model and instrument
    slack : how far outside the range a regression (a surrogate) may answer
    scale : what a loss of several targets divides the error by: ``domain``, the standard deviation
        over all training units, or ``unit``, that of each unit by itself
    between : variables of domain.nc between which it lies in each unit; a surrogate learns the
        share of that range, where the domain has them
    scores : names in :data:`parlearn.metrics.point.METRICS`, in the order of ``metrics.nc``
    label, short : axis label with unit; name in running text and headings
    mean_factor, mean_unit : what a temporal mean is multiplied by for display, and its unit then
    digits : decimals of a displayed mean
    """

    name: str
    unit: str
    lower: float
    upper: float
    observed_as: str
    correctable: bool
    label: str
    short: str
    slack: float = 0.0
    between: tuple[str, str] | None = None
    scale: str = "domain"
    scores: tuple[str, ...] = ("bias", "rmse", "ubrmse", "corr", "nse", "kge_2009")
    mean_factor: float = 1.0
    mean_unit: str = ""
    digits: int = 3


TARGETS = {
    target.name: target
    for target in (
        Target(
            "soil_moisture",
            "m3 m-3",
            0,
            1,
            observed_as="overpass",
            correctable=True,
            label="Soil moisture (m³ m⁻³)",
            short="Soil moisture",
            slack=0.1,
            between=("resid_moist", "porosity"),
            mean_unit="m³ m⁻³",
        ),
        Target(
            "evapotranspiration",
            "mm day-1",
            # evaporation is negative when dew forms
            -20,
            50,
            observed_as="daily",
            correctable=False,
            label="ET (mm day⁻¹)",
            short="Evapotranspiration",
            mean_factor=365.25,
            mean_unit="mm year⁻¹",
            digits=0,
        ),
        Target(
            "streamflow",
            "mm day-1",
            0,
            2000,
            observed_as="daily",
            correctable=False,
            label="Streamflow (mm day⁻¹)",
            short="Streamflow",
            # each basin by its own variance: an error then counts as it does in nse
            scale="unit",
            scores=(
                *("bias", "rmse", "ubrmse", "corr", "nse", "kge", "kge_2009", "alpha", "beta"),
                *("nse_sqrt", "fhv", "flv", "fms"),
            ),
            mean_factor=365.25,
            mean_unit="mm year⁻¹",
            digits=0,
        ),
    )
}


def correctable(names) -> list[str]:
    """Those of the targets that a linear correction may apply to, in their order."""
    return [name for name in names if TARGETS[name].correctable]
