"""Schemas of all kinds of files: dimensions, variables, units, ranges, and where NaN is allowed.

A line of a netCDF kind reads ``name: (dims, units, lower, upper, flags)``. Alternatives of dims are
parted by ``|``; flags: ``gaps`` NaN allowed, ``int`` whole numbers, ``text`` strings, ``optional``,
``empty`` may be of no size, ``land`` with all others so marked or without them.
"""

from parlearn.plan.targets import TARGETS

INF = float("inf")

#: kinds that hold series of one target at least
WITH_TARGETS = ("observations", "training", "truth", "samples", "simulation")


def _range(name):
    """Unit and range of a target."""
    target = TARGETS[name]
    return target.unit, target.lower, target.upper


def _series(dims, *flags, slack=False, **extra):
    """Each target that there is; with ``slack`` as far out of its range as a regression answers."""
    lines = {}
    for name, target in TARGETS.items():
        more = target.slack if slack else 0
        bounds = target.lower - more, target.upper + more
        lines[name] = (dims, target.unit, *bounds, *flags, "optional")
    return lines | extra


#: the mean of so many days, its own the last; one day where this is absent
_DAYS = {
    f"{name}_days": ("time", "1", 1, 31, "int", "optional")
    for name, target in TARGETS.items()
    if target.observed_as == "daily"
}


#: the linear correction between model and instrument: of the domain or of each cell
_CORRECTION = {
    "slope": ("cell||member|member cell", "1", -100, 100, "optional"),
    "offset": ("cell||member|member cell", "m3 m-3", -10, 10, "optional"),
}


def _priors(prefix, dims):
    """Published parameters of VIC, which may lie outside of the bounds of those learned."""
    others = {"Dsmax": ("mm day-1", 0, 1e3), "expt": ("1", 0, 100)}
    others |= {"depth2": ("m", 0, 100), "depth3": ("m", 0, 100)}
    return {
        prefix + name: (dims, *others.get(name, ("1", 0, 10)), "gaps", "optional")
        for name in ("infilt", "Ds", "Dsmax", "Ws", "expt", "depth2", "depth3")
    }


#: what is told of a basin in words
_TEXTS = ("gauge", "name", "region", "reason", "note")

#: soil and vegetation of VIC: all of them, or none where the land is not described
_LAND = {
    "porosity": ("cell", "m3 m-3", 0.05, 0.95),
    "Ksat": ("cell", "mm day-1", 0, 1e5),
    "b_clapp": ("cell", "1", 0, 50),
    "theta_fc": ("cell", "m3 m-3", 0, 0.95),
    "theta_wp": ("cell", "m3 m-3", 0, 0.95),
    "soil_density": ("cell", "kg m-3", 500, 4000),
    "bulk_density": ("cell", "kg m-3", 50, 3000),
    "Wcr_FRACT": ("cell", "1", 0, 1),
    "Wpwp_FRACT": ("cell", "1", 0, 1),
    "resid_moist": ("cell", "m3 m-3", 0, 0.5),
    "quartz": ("cell", "1", 0, 1),
    "dp": ("cell", "m", 0, 50),
    "rough": ("cell", "m", 0, 10),
    "snow_rough": ("cell", "m", 0, 1),
    "c": ("cell", "1", 0, 10),
    "depth1": ("cell", "m", 0.01, 1),
    "overstory": ("veg_class|cell veg_class", "1", 0, 1),
    "rarc": ("veg_class|cell veg_class", "s m-1", 0, 1000),
    "rmin": ("veg_class|cell veg_class", "s m-1", 0, 5000),
    "wind_h": ("veg_class|cell veg_class", "m", 0, 200),
    "RGL": ("veg_class|cell veg_class", "W m-2", 0, 500),
    "rad_atten": ("veg_class|cell veg_class", "1", 0, 1),
    "wind_atten": ("veg_class|cell veg_class", "1", 0, 1),
    "trunk_ratio": ("veg_class|cell veg_class", "1", 0, 1),
    "albedo": ("veg_class month|cell veg_class month", "1", 0, 1),
    "veg_rough": ("veg_class month|cell veg_class month", "m", 0, 20),
    "displacement": ("veg_class month|cell veg_class month", "m", 0, 60),
    "root_depth": ("veg_class root_zone|cell veg_class root_zone", "m", 0, 20),
    "root_fract": ("veg_class root_zone|cell veg_class root_zone", "1", 0, 1),
    "Cv": ("cell veg_class", "1", 0, 1),
    "fcanopy": ("cell veg_class", "1", 0, 1),
    "LAI": ("cell veg_class month", "m2 m-2", 0, 12),
}

KINDS = {
    "domain": {
        "attributes": ("cell attribute", None, -INF, INF),
        "attribute": ("attribute", None, None, None, "text"),
        "attribute_units": ("attribute", None, None, None, "text"),
        "lat": ("cell", "degrees_north", -90, 90),
        "lon": ("cell", "degrees_east", -180, 360),
        # of basins
        "gauge": ("cell", None, None, None, "text", "optional"),
        "name": ("cell", None, None, None, "text", "optional"),
        "region": ("cell", None, None, None, "text", "optional"),
        "area": ("cell", "km2", 0, 1e7, "optional"),
        "donor_alike": ("sampling cell", "1", 0, INF, "int", "optional"),
        # of units on a regular grid
        "row": ("cell", "1", 0, INF, "int", "optional"),
        "col": ("cell", "1", 0, INF, "int", "optional"),
        "sampling": ("sampling", None, None, None, "text"),
        "role": ("sampling cell", "1", 0, 3, "int"),
        "donor": ("sampling cell", "1", 0, INF, "int"),
        "elev": ("cell", "m", -500, 9000),
        "avg_T": ("cell", "degC", -60, 50),
        **{name: (*line, "land") for name, line in _LAND.items()},
        # a gap where nothing is published
        **_priors("prior_", "cell"),
    },
    "forcing": {
        "prec": ("cell time", "mm day-1", 0, 2000),
        "tair": ("cell time", "degC", -80, 60),
        "swdown": ("cell time", "W m-2", 0, 600),
        "lwdown": ("cell time", "W m-2", 20, 800),
        "vp": ("cell time", "kPa", 0, 12),
        "pressure": ("cell time", "kPa", 30, 112),
        "wind": ("cell time", "m s-1", 0, 100),
        "tair_3h": ("cell time step", "degC", -90, 70),
        "swdown_3h": ("cell time step", "W m-2", 0, 1800),
        "tmin": ("cell time", "degC", -80, 60, "optional"),
        "tmax": ("cell time", "degC", -80, 60, "optional"),
    },
    # records of basins as their source has them; of one that cannot be used, nothing
    "basins": {
        **dict.fromkeys(_TEXTS, ("basin", None, None, None, "text")),
        "lat": ("basin", "degrees_north", -90, 90, "gaps"),
        "lon": ("basin", "degrees_east", -180, 360, "gaps"),
        "elev": ("basin", "m", -500, 9000, "gaps"),
        "area": ("basin", "km2", 0, 1e7, "gaps"),
        "attributes": ("basin attribute", None, -INF, INF, "gaps"),
        "attribute": ("attribute", None, None, None, "text"),
        "attribute_units": ("attribute", None, None, None, "text"),
        "prec": ("basin time", "mm day-1", 0, 2000, "gaps"),
        "tair": ("basin time", "degC", -80, 60, "gaps"),
        "swdown": ("basin time", "W m-2", 0, 600, "gaps"),
        "vp": ("basin time", "kPa", 0, 12, "gaps"),
        "tmin": ("basin time", "degC", -80, 60, "gaps", "optional"),
        "tmax": ("basin time", "degC", -80, 60, "gaps", "optional"),
        "lwdown": ("basin time", "W m-2", 20, 800, "gaps", "optional"),
        "pressure": ("basin time", "kPa", 30, 112, "gaps", "optional"),
        "wind": ("basin time", "m s-1", 0, 100, "gaps", "optional"),
        "streamflow": ("basin time", *_range("streamflow"), "gaps"),
        **{
            name: ("basin", unit, 0, upper, "gaps", "optional")
            for name, unit, upper in (
                ("sand", "%", 101),
                ("clay", "%", 101),
                ("silt", "%", 101),
                ("porosity", "m3 m-3", 1),
                ("conductivity", "mm day-1", 1e5),
                ("soil_depth", "m", 100),
                ("forest", "1", 1),
                ("cover", "1", 17),
                ("green", "1", 1),
                ("lai_max", "m2 m-2", 12),
                ("lai_min", "m2 m-2", 12),
            )
        },
    },
    # products on the target grid
    "statics": {
        "lat": ("lat", "degrees_north", -90, 90),
        "lon": ("lon", "degrees_east", -180, 360),
        **{
            name: ("lat lon", unit, lower, upper, "gaps")
            for name, unit, lower, upper in (
                ("sand", "%", 0, 100),
                ("clay", "%", 0, 100),
                ("silt", "%", 0, 100),
                ("ndvi", "1", -1, 1),
                ("elevation", "m", -500, 9000),
                ("igbp", "1", 0, 17),
            )
        },
        "slope": ("lat lon", "m km-1", 0, 2000, "gaps", "optional"),
        **_priors("", "lat lon"),
    },
    "weather": {
        "prec": ("time lat lon", "mm day-1", 0, 2000, "gaps"),
        "tair": ("time lat lon", "degC", -80, 60, "gaps"),
        "swdown": ("time lat lon", "W m-2", 0, 600, "gaps"),
        "lwdown": ("time lat lon", "W m-2", 20, 800, "gaps"),
        "vp": ("time lat lon", "kPa", 0, 12, "gaps"),
        "pressure": ("time lat lon", "kPa", 30, 112, "gaps"),
        "wind": ("time lat lon", "m s-1", 0, 100, "gaps"),
        "tair_3h": ("time step lat lon", "degC", -90, 70, "gaps"),
        "swdown_3h": ("time step lat lon", "W m-2", 0, 1800, "gaps"),
    },
    "retrieved": {"soil_moisture": ("time lat lon", *_range("soil_moisture"), "gaps")},
    "fluxes": {"evapotranspiration": ("time lat lon", *_range("evapotranspiration"), "gaps")},
    # of composites: time is the first day
    "composites": {
        "evapotranspiration": ("time lat lon", *_range("evapotranspiration"), "gaps", "empty"),
        "days": ("time", None, 1, 31, "int", "empty"),
    },
    # of the targets that a study has
    "observations": _series("cell time", "gaps", **_DAYS),
    "training": _series(
        "period cell time",
        "gaps",
        **_DAYS,
        period=("period", None, None, None, "text"),
        filled=("period cell time", "1", 0, 1, "int", "optional"),
    ),
    "truth": {
        "parameters": ("parameter cell", None, -INF, INF),
        "parameter": ("parameter", None, None, None, "text"),
        **_series("cell time"),
    },
    "samples": {
        "cell": ("cell", None, 0, INF, "int"),
        "parameters": ("sample cell parameter", None, -INF, INF),
        "parameter": ("parameter", None, None, None, "text"),
        **_series("sample cell time"),
    },
    "parameters": {
        "parameters": ("parameter cell|member parameter cell", None, -INF, INF),
        "parameter": ("parameter", None, None, None, "text"),
        **_CORRECTION,
    },
    "trajectory": {
        "parameters": ("epoch cell parameter", None, -INF, INF),
        "parameter": ("parameter", None, None, None, "text"),
        "epoch": ("epoch", None, 0, INF),
        "seconds": ("epoch", "s", 0, INF),
        "slope": ("epoch|epoch cell", "1", -100, 100, "optional"),
        "offset": ("epoch|epoch cell", "m3 m-3", -10, 10, "optional"),
    },
    # what SCE-UA found at some of the cells, along the search
    "calibration": {
        "parameters": ("record cell parameter", None, -INF, INF),
        "parameter": ("parameter", None, None, None, "text"),
        "cell": ("cell", None, 0, INF, "int"),
        "value": ("record cell", None, 0, INF),
        "evaluations": ("record cell", "1", 1, INF, "int"),
        "seconds": ("record", "s", 0, INF),
        "failed": ("cell", "1", 0, INF, "int"),
        "loops": ("cell", "1", 0, INF, "int"),
        "reason": ("cell", None, None, None, "text"),
        "slope": ("", "1", -100, 100),
        "offset": ("", "m3 m-3", -10, 10),
    },
    "simulation": _series(
        "model cell time|model member cell time",
        # of process models contracts checks the range itself
        slack=True,
        model=("model", None, None, None, "text"),
    ),
    "skill": {
        "output": ("output", None, None, None, "text"),
        "cell": ("cell", None, 0, INF, "int"),
        "corr": ("output cell", "1", -1, 1, "gaps"),
        "bias": ("output cell", None, -INF, INF, "gaps"),
        "rmse": ("output cell", None, 0, INF, "gaps"),
        "nse": ("output cell", "1", -INF, 1, "gaps"),
    },
    "metrics": {
        "score": ("target model map period metric cell", None, -INF, INF, "gaps"),
        # of each member of an ensemble; ``score`` is then that of the mean of their series
        "member_score": (
            "member target model map period metric cell",
            None,
            -INF,
            INF,
            "gaps",
            "optional",
        ),
        # of a study on a grid: likeness of the maps of each day
        "eof_similarity": ("target model map day", None, 0, INF, "gaps", "optional"),
        "ssim": ("target model map day", None, -1, 1, "gaps", "optional"),
        "fss": (
            "target model map percentile neighbourhood day",
            None,
            0,
            1,
            "gaps",
            "optional",
        ),
        **{
            name: (name, None, None, None, "text")
            for name in ("target", "model", "map", "period", "metric")
        },
    },
}

#: columns of the CSV files; a flag ``gaps`` allows empty cells, ``text`` anything that is written,
#: ``empty`` a table without rows
TABLES = {
    "history": {
        "epoch": (0, INF),
        "runs_per_cell": (0, INF),
        "seconds": (0, INF),
        "train_loss": (0, INF, "gaps"),
        "validation_loss": (0, INF, "gaps"),
    },
    "curve": {
        "target": (None, None, "text"),
        "epoch": (0, INF),
        "runs_per_cell": (0, INF),
        "seconds": (0, INF),
        "rmse_train_cells": (0, INF, "gaps"),
        "rmse_test_cells": (0, INF, "gaps"),
    },
    # published scores of basins; see parlearn.sources.published
    "published": {
        "gauge": (None, None, "text"),
        "published": (None, None, "text"),
        "gauged": (0, 1, "empty"),
        "nse": (-INF, 1, "gaps", "empty"),
        "first_day": (None, None, "text"),
        "last_day": (None, None, "text"),
    },
    # what granules lack; see parlearn.sources.granules
    "coverage": {
        "product": (None, None, "text"),
        "granule": (None, None, "text"),
        "date": (None, None, "text"),
        "what": (None, None, "text"),
        "count": (0, INF, "empty"),
    },
    # one row a published claim; see parlearn.claims.answers
    "claims": {
        "id": (None, None, "text"),
        "paper": (None, None, "text"),
        "where": (None, None, "text"),
        "study": (None, None, "text"),
        "compare": (None, None, "text"),
        "statement": (None, None, "text"),
        "expected": (None, None, "text"),  # what was published, and what we allow
        "ours": (None, None, "text"),  # the mean over seeds, in an order each member's
        "spread": (None, None, "text"),  # the standard deviation over seeds
        "seeds": (0, INF),  # fewest seeds behind any of these numbers; 0: there is none
        "verdict": (None, None, "text"),  # reproduced, differs, not run
        "clear": (None, None, "text"),  # of the spread over seeds: yes, no, unknown; or not run
        "why": (None, None, "text"),  # it is not run
        "notes": (None, None, "text"),  # what stands for what
        "disagrees_with": (None, None, "text"),  # the claim by which the paper contradicts itself
        "data": (None, None, "text"),  # twin or real
        "configuration": (None, None, "text"),
    },
}
