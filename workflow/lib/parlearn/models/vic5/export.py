"""Learned parameters as input files of the original VIC 5 (image driver)."""

from pathlib import Path

import numpy as np
import torch
import xarray as xr

from parlearn.land.vegetation import of_each_cell
from parlearn.models.fuse.ops import Vars
from parlearn.models.vic.defaults import BARE, cell_values
from parlearn.models.vic.parameters import CONSTANT, PARAMETERS
from parlearn.models.vic.tile import canopy, depths, roots
from parlearn.models.vic5.names import NOT_OF_VIC5

CLASSES = 12
LAYERS = 3


def _complete(domain, parameters):
    """All parameters (cell) by name: the learned ones, defaults for the rest; and the names
    learned."""
    values = dict(zip(PARAMETERS, cell_values(domain).numpy().T, strict=True))
    table = parameters["parameters"].transpose("parameter", "cell")
    if table.sizes["cell"] != domain.sizes["cell"]:
        raise ValueError(
            f"the parameters are of {table.sizes['cell']} cells, "
            f"the domain has {domain.sizes['cell']}"
        )
    learned = table["parameter"].values.astype(str).tolist()
    for name in learned:
        if name not in values:
            raise ValueError(f"VIC has no parameter {name!r}; it has {', '.join(PARAMETERS)}")
        values[name] = table.sel(parameter=name).values.astype(float)
    for name, why in NOT_OF_VIC5.items():
        if (np.abs(values[name] - CONSTANT[name]) > 1e-4 * CONSTANT[name]).any():
            raise ValueError(
                f"{name}: {why}, so the original cannot run with these parameters: learn without "
                "it to export them"
            )
    return values, learned


def _plants(domain, values):
    """What the parameters make of the plants of every class in every cell (class, cell), by the
    functions of the model; and the thickness of the layers (layer, cell)."""

    def of_classes(name, *zone):
        table = of_each_cell(domain, name)[(..., *zone)]  # (cell, class)
        return torch.as_tensor(np.array(table.T, float))

    cover = domain["fcanopy"].values.T.astype(float) * (np.arange(CLASSES)[:, None] != BARE)
    cover = np.where(domain["LAI"].values.max(-1).T > 0, cover, 0.0)
    zones = {
        f"{name}{zone + 1}": of_classes(name, zone)
        for name in ("root_depth", "root_fract")
        for zone in range(3)
    }
    plain = {name: of_classes(name) for name in ("overstory", "rmin")}
    tile = Vars(**zones, **plain, fcanopy=torch.as_tensor(cover))
    default = dict(zip(PARAMETERS, cell_values(domain).T, strict=True))
    cell = Vars(cover=default["fcanopy"], root_fract1=default["root_fract1"])
    par = Vars(**{name: torch.as_tensor(value) for name, value in values.items()})
    depth = depths(par)
    made = Vars(**canopy(par, cell, tile).__dict__, **roots(depth, par, cell, tile).__dict__)
    return made.map(torch.Tensor.numpy), torch.stack(depth).numpy()


_PER_CLASS = (
    *("overstory", "rarc", "rmin", "wind_h", "RGL", "rad_atten", "wind_atten", "trunk_ratio"),
    *("root_depth", "root_fract", "albedo", "veg_rough", "displacement"),
)


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
        Where VIC would refuse the file: cells that do not match, Wpwp below the residual
        moisture; and where VIC 5 cannot be given a parameter.
    """
    values, learned = _complete(domain, parameters)
    n = domain.sizes["cell"]
    static = {
        name: table.values.astype(float)
        for name, table in domain.data_vars.items()
        if table.dims == ("cell",) and np.issubdtype(table.dtype, np.number)
    }
    static |= {name: domain[name].values.astype(float) for name in ("lat", "lon")}
    if (values["resid_share"] > 1).any():
        raise ValueError("the wilting point of a cell lies below its residual moisture")
    porosity = 1 - static["bulk_density"] / static["soil_density"]
    plants, depth = _plants(domain, values)
    wilting = values["Wpwp_share"] * values["Wcr_FRACT"]
    resid = values["resid_share"] * wilting * values["porosity"]

    def everywhere(value):
        return np.broadcast_to(np.asarray(value, dtype=float), (n,))

    def alike(value):
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
        "expt": alike(values["expt"]),
        "Ksat": alike(values["Ksat"]),
        "phi_s": alike(-99.0),
        "init_moist": np.maximum(static["theta_fc"] / porosity * values["porosity"], resid)
        * (depth * 1000.0),
        "depth": depth,
        "bubble": alike(0.32 * values["expt"] + 4.3),
        "quartz": alike(static["quartz"]),
        "soil_density": alike(static["soil_density"]),
        "bulk_density": alike((1 - values["porosity"]) * static["soil_density"]),
        "Wcr_FRACT": alike(values["Wcr_FRACT"]),
        "Wpwp_FRACT": alike(wilting),
        "resid_moist": alike(resid),
    }

    def per_class(name):
        table = np.array(of_each_cell(domain, name), float)  # (cell, class, ...)
        bare = {"rarc": 100.0, "albedo": 0.2, "wind_h": 10.0}
        table[:, BARE] = bare.get(name, 0.0)
        if name == "root_fract":
            table = _to_one(table)
        return np.moveaxis(table, 0, -1)

    by_class = {name: per_class(name) for name in _PER_CLASS}
    alive = np.arange(CLASSES) != BARE
    by_class["rmin"] = np.where(alive[:, None], plants.rmin, 0.0)
    white = np.minimum(by_class["albedo"] * values["albedo_factor"], 1.0)
    by_class["albedo"] = np.where(alive[:, None, None], white, by_class["albedo"])
    if "root_fract1" in learned:
        # zones that end where the layers do, so that VIC's own mapping gives these shares
        shares = _to_one(np.stack([plants.root1, plants.root2, plants.root3], -1))
        by_class["root_fract"] = np.where(alive[:, None, None], shares.transpose(0, 2, 1), 0.0)
        by_class["root_depth"] = np.where(alive[:, None, None], depth, 0.0)
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
        put(name, ("veg_class", "root_zone"), by_class[name])
    put("overstory", ("veg_class",), by_class["overstory"].astype("i4"))
    for name in ("rarc", "rmin", "wind_h", "RGL", "rad_atten", "wind_atten", "trunk_ratio"):
        put(name, ("veg_class",), by_class[name])
    put("LAI", ("veg_class", "month"), lai * values["LAI_factor"])
    for name in ("albedo", "veg_rough", "displacement"):
        put(name, ("veg_class", "month"), by_class[name])
    fcanopy = np.broadcast_to(plants.cover[:, None], (CLASSES, 12, n))
    put("fcanopy", ("veg_class", "month"), fcanopy)
    if "aero_factor" in learned:
        put("aero_factor", (), values["aero_factor"])
        out["aero_factor"].attrs["long_name"] = "what the wind of the forcing is to be divided by"
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
    members = {"parameters": parameters}
    if "member" in parameters.dims:
        count = range(parameters.sizes["member"])
        members = {f"parameters-{k}": parameters.isel(member=k) for k in count}
    tables = {name: parameter_file(domain, one) for name, one in members.items()}
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, table in {**tables, "domain": domain_file(domain)}.items():
        target, unfinished = folder / f"{name}.nc", folder / f".{name}.nc.part"
        table.to_netcdf(unfinished, format="NETCDF4")
        unfinished.replace(target)
        written.append(target)
    return written
