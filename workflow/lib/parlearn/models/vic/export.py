"""Learned parameters as input files of the original VIC 5 (image driver)."""

from pathlib import Path

import numpy as np
import xarray as xr

from parlearn.models.vic.model import default_parameters
from parlearn.models.vic.parameters import PARAMETERS

CLASSES, BARE = 12, 11
LAYERS = 3


def _complete(domain, parameters):
    """All seven parameters (cell) by name: the learned ones, defaults for the rest."""
    default = default_parameters(domain, PARAMETERS).numpy()
    values = {name: default[:, k].astype(float) for k, name in enumerate(PARAMETERS)}
    table = parameters["parameters"].transpose("parameter", "cell")
    if table.sizes["cell"] != domain.sizes["cell"]:
        raise ValueError(
            f"the parameters are of {table.sizes['cell']} cells, "
            f"the domain has {domain.sizes['cell']}"
        )
    for name in table["parameter"].values.astype(str):
        if name not in values:
            raise ValueError(f"VIC has no parameter {str(name)!r}; it has {', '.join(PARAMETERS)}")
        values[name] = table.sel(parameter=name).values.astype(float)
    return values


def _to_one(shares):
    """Shares (..., n) that add up, from first to last, to exactly 1; a row of zeros stays.

    VIC warns wherever the doubles it adds miss 1.0 at all, as shares in single precision do.
    """
    total = shares.sum(-1, keepdims=True)
    scaled = shares / np.where(total > 0, total, 1.0)
    last = shares.shape[-1] - 1 - (shares[..., ::-1] > 0).argmax(-1)[..., None]
    np.put_along_axis(scaled, last, 0.0, -1)
    rest = 1.0 - np.cumsum(scaled, -1)[..., -1:]
    np.put_along_axis(scaled, last, np.where(total > 0, rest, 0.0), -1)
    return scaled


def parameter_file(domain, parameters) -> xr.Dataset:
    """VIC 5's parameter file for the cells of a domain.

    Parameters
    ----------
    domain : xarray.Dataset, see contracts (statics named as VIC's inputs)
    parameters : xarray.Dataset with ``parameters`` (parameter, cell), as every method writes it

    Returns
    -------
    xarray.Dataset on a grid of one row: dims y (1) and x (cell). The grid of the image driver
    need not be geographic; lat and lon of each cell are given in two dimensions.

    Raises
    ------
    ValueError
        Where VIC would refuse the file: cells that do not match, layer 2 thinner than layer 1,
        Wpwp below the residual moisture.
    """
    values = _complete(domain, parameters)
    n = domain.sizes["cell"]
    static = {
        name: table.values.astype(float)
        for name, table in domain.data_vars.items()
        if table.dims == ("cell",) and np.issubdtype(table.dtype, np.number)
    }
    static |= {name: domain[name].values.astype(float) for name in ("lat", "lon")}
    depth = np.stack([static["depth1"], values["depth2"], values["depth3"]])
    if (depth[1] < depth[0]).any():
        raise ValueError(
            f"cell {int((depth[1] < depth[0]).argmax())}: layer 2 is thinner than layer 1"
        )
    porosity = 1 - static["bulk_density"] / static["soil_density"]
    if (static["Wpwp_FRACT"] * porosity < static["resid_moist"]).any():
        raise ValueError("the wilting point of a cell lies below its residual moisture")

    def everywhere(value):
        return np.broadcast_to(np.asarray(value, dtype=float), (n,))

    def layers(value):
        return np.broadcast_to(value, (LAYERS, n))

    cover = _to_one(domain["Cv"].values.astype(float)).T  # (class, cell)
    vegetated = (cover[:BARE] > 0).sum(0)
    plain = {
        "lats": static["lat"],
        "lons": static["lon"],
        **{name: values[name] for name in ("infilt", "Ds", "Dsmax", "Ws")},
        "c": static.get("c", everywhere(2.0)),
        **{name: static[name] for name in ("elev", "dp", "rough", "snow_rough", "avg_T")},
        "annual_prec": static.get("annual_prec", everywhere(1000.0)),
        "off_gmt": static["lon"] / 15.0,
    }
    layered = {
        "expt": layers(values["expt"]),
        "Ksat": layers(static["Ksat"]),
        "phi_s": layers(-99.0),
        "init_moist": static["theta_fc"] * depth * 1000.0,
        "depth": depth,
        "bubble": layers(0.32 * values["expt"] + 4.3),
        **{
            name: layers(static[name])
            for name in (
                "quartz",
                "bulk_density",
                "soil_density",
                "Wcr_FRACT",
                "Wpwp_FRACT",
                "resid_moist",
            )
        },
    }

    def per_class(name):
        table = domain[name].values.astype(float).copy()
        bare = {"rarc": 100.0, "albedo": 0.2, "wind_h": 10.0}
        table[BARE] = bare.get(name, 0.0)
        if name == "root_fract":
            table = _to_one(table)
        return np.broadcast_to(table[..., None], (*table.shape, n))

    fcanopy = domain["fcanopy"].values.T.astype(float)
    fcanopy = np.where(np.arange(CLASSES)[:, None] == BARE, 0.0, fcanopy)
    lai = np.moveaxis(domain["LAI"].values.astype(float), 0, -1)  # (class, month, cell)
    out = xr.Dataset(
        attrs={"title": "VIC 5 parameters learned by parlearn", "Conventions": "CF-1.8"}
    )

    def put(name, dims, array):
        out[name] = ((*dims, "y", "x"), np.asarray(array)[..., None, :])

    for name in ("lat", "lon"):
        put(name, (), static[name])
    for name, array in {"mask": 1, "run_cell": 1, "fs_active": 0}.items():
        put(name, (), np.full(n, array, dtype="i4"))
    put("gridcell", (), np.arange(1, n + 1, dtype="i4"))
    put("Nveg", (), vegetated.astype("i4"))
    for name, array in plain.items():
        put(name, (), array)
    for name, array in layered.items():
        put(name, ("nlayer",), array)
    put("Cv", ("veg_class",), cover)
    for name in ("root_depth", "root_fract"):
        put(name, ("veg_class", "root_zone"), per_class(name))
    put("overstory", ("veg_class",), per_class("overstory").astype("i4"))
    for name in ("rarc", "rmin", "wind_h", "RGL", "rad_atten", "wind_atten", "trunk_ratio"):
        put(name, ("veg_class",), per_class(name))
    put("LAI", ("veg_class", "month"), lai)
    for name in ("albedo", "veg_rough", "displacement"):
        put(name, ("veg_class", "month"), per_class(name))
    put("fcanopy", ("veg_class", "month"), np.broadcast_to(fcanopy[:, None], (CLASSES, 12, n)))
    counts = {"layer": ("nlayer", LAYERS), "veg_class_id": ("veg_class", CLASSES)}
    counts |= {"root_zone_id": ("root_zone", 3), "month_id": ("month", 12)}
    for name, (dim, size) in counts.items():
        out[name] = (dim, np.arange(1, size + 1, dtype="i4"))
    return out.rename(
        {"veg_class_id": "veg_class", "root_zone_id": "root_zone", "month_id": "month"}
    )


def domain_file(domain) -> xr.Dataset:
    """VIC 5's domain file on the same grid: lat, lon, mask, frac and area (a square of 0.125
    degree).
    """
    lat, lon = (domain[name].values.astype(float)[None] for name in ("lat", "lon"))
    side = np.deg2rad(0.125) * 6.371e6
    return xr.Dataset(
        {
            "lat": (("y", "x"), lat),
            "lon": (("y", "x"), lon),
            "mask": (("y", "x"), np.ones(lat.shape, dtype="i4")),
            "frac": (("y", "x"), np.ones(lat.shape)),
            "area": (("y", "x"), side * side * np.cos(np.deg2rad(lat))),
        }
    )


def write(domain, parameters, folder) -> list[Path]:
    """Write ``parameters.nc`` and ``domain.nc`` for VIC 5 into a folder; the paths written.

    Of an ensemble each member has a ``parameters-NUMBER.nc``, counted from 0.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    members = {"parameters": parameters}
    if "member" in parameters.dims:
        count = range(parameters.sizes["member"])
        members = {f"parameters-{k}": parameters.isel(member=k) for k in count}
    tables = {name: parameter_file(domain, one) for name, one in members.items()}
    written = []
    for name, table in {**tables, "domain": domain_file(domain)}.items():
        target, unfinished = folder / f"{name}.nc", folder / f".{name}.nc.part"
        table.to_netcdf(unfinished, format="NETCDF4")
        unfinished.replace(target)
        written.append(target)
    return written
