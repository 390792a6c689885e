"""Soil constants of VIC from texture by the relations of Cosby et al. (1984).

Cosby, B. J., Hornberger, G. M., Clapp, R. B., Ginn, T. R. (1984): A statistical exploration of the
relationships of soil moisture characteristics to the physical properties of soils. Water Resources
Research 20(6), 682-690, doi:10.1029/WR020i006p00682. The univariate regressions (their Table 5), in
the form the Community Land Model uses them (Oleson et al. 2013, NCAR/TN-503+STR, section 7.4.1).
One profile serves all three layers.
"""

import numpy as np
import xarray as xr

PARTICLE_DENSITY = 2685.0  # kg m-3, the value VIC's own data sets use
#: suction in mm of water at field capacity (-33 kPa) and at the wilting point (-1500 kPa)
SUCTION_FIELD_CAPACITY, SUCTION_WILTING = 3365.0, 152957.0
SECONDS_PER_DAY = 86400.0

_UNITS = {
    "sand": ("%", "sand, normalised so that sand, silt and clay sum to 100"),
    "clay": ("%", "clay, normalised"),
    "porosity": ("m3 m-3", "porosity"),
    "Ksat": ("mm day-1", "saturated conductivity, all layers"),
    "b_clapp": ("1", "Clapp-Hornberger b"),
    "psi_sat_mm": ("mm", "saturated suction"),
    "theta_fc": ("m3 m-3", "water content at -33 kPa; initial soil moisture"),
    "theta_wp": ("m3 m-3", "water content at -1500 kPa"),
    "soil_density": ("kg m-3", "particle density"),
    "bulk_density": ("kg m-3", "bulk density"),
    "Wcr_FRACT": ("1", "critical point / porosity"),
    "Wpwp_FRACT": ("1", "wilting point / porosity"),
    "resid_moist": ("m3 m-3", "residual moisture, fraction of layer volume"),
    "quartz": ("1", "quartz fraction"),
    "dp": ("m", "thermal damping depth"),
    "rough": ("m", "bare-soil roughness"),
    "snow_rough": ("m", "snow roughness"),
    "c": ("1", "ARNO baseflow exponent"),
    "depth1": ("m", "thickness of layer 1"),
}


def soil_statics(sand, clay, silt, porosity=None, conductivity=None) -> xr.Dataset:
    """VIC soil constants of each cell.

    Parameters
    ----------
    sand, clay, silt : (cell,) percent
        They are scaled to sum to 100; the sum given must lie within 30 to 130, since maps of
        texture leave out coarse fragments and organic matter.
    porosity, conductivity : (cell,) m3 m-3, mm day-1, optional: measured ones in place of those
        that follow from texture

    Returns
    -------
    xarray.Dataset with dimension ``cell``, float64: names and units of VIC's parameter file.

    Raises
    ------
    ValueError
        where a fraction is missing, negative, or the sum is far from 100, with the cells named;
        where a measured value cannot be.
    """
    sand, clay, silt = (np.asarray(v, dtype=np.float64) for v in (sand, clay, silt))
    if not sand.shape == clay.shape == silt.shape or sand.ndim != 1:
        raise ValueError(
            f"sand, clay and silt must be (cell,) and of one length, not "
            f"{sand.shape}, {clay.shape}, {silt.shape}"
        )
    total = sand + clay + silt
    negative = np.minimum(np.minimum(sand, clay), silt) < 0
    bad = ~np.isfinite(total) | negative | (total < 30) | (total > 130)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"soil texture is unusable in {int(bad.sum())} of {bad.size} cells; the first is cell "
            f"{first}: sand {sand[first]:g}, clay {clay[first]:g}, silt {silt[first]:g} %. Leave "
            "such cells out of the domain"
        )
    sand, clay = 100 * sand / total, 100 * clay / total

    porosity = _measured(porosity, 0.489 - 0.00126 * sand, "porosity", 0.05, 0.95)
    psi_sat = 10 * 10 ** (1.88 - 0.0131 * sand)
    b = 2.91 + 0.159 * clay

    def water_content(suction):
        return porosity * (suction / psi_sat) ** (-1 / b)

    theta_fc = np.minimum(water_content(SUCTION_FIELD_CAPACITY), 0.95 * porosity)
    theta_wp = water_content(SUCTION_WILTING)
    critical = 0.7 * theta_fc / porosity
    by_texture = 0.0070556 * 10 ** (-0.884 + 0.0153 * sand) * SECONDS_PER_DAY
    values = {
        "sand": sand,
        "clay": clay,
        "porosity": porosity,
        "Ksat": _measured(conductivity, by_texture, "conductivity", 1e-3, 1e5),
        "b_clapp": b,
        "psi_sat_mm": psi_sat,
        "theta_fc": theta_fc,
        "theta_wp": theta_wp,
        "soil_density": PARTICLE_DENSITY,
        # VIC works porosity out again from these two densities, so they must agree with it
        "bulk_density": (1 - porosity) * PARTICLE_DENSITY,
        "Wcr_FRACT": critical,
        # clay-rich soils would wilt above the critical point, which VIC refuses
        "Wpwp_FRACT": np.minimum(theta_wp / porosity, 0.95 * critical),
        "resid_moist": np.minimum(0.02, 0.5 * theta_wp),
        "quartz": sand / 100,
        "dp": 4.0,
        "rough": 0.001,
        "snow_rough": 0.0005,
        "c": 2.0,
        "depth1": 0.1,
    }
    return xr.Dataset(
        {
            name: ("cell", np.broadcast_to(value, sand.shape).copy(), _attributes(name))
            for name, value in values.items()
        }
    )


def _measured(values, otherwise, name, lower, upper):
    if values is None:
        return otherwise
    values = np.asarray(values, dtype=np.float64)
    bad = ~((values >= lower) & (values <= upper))
    if values.shape != otherwise.shape or bad.any():
        raise ValueError(
            f"{name} of {values.shape} cells must be {otherwise.shape} and within {lower:g} to "
            f"{upper:g}; {int(bad.sum())} are missing or outside"
        )
    return values


def _attributes(name):
    units, long_name = _UNITS[name]
    return {"units": units, "long_name": long_name}
