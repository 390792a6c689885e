"""From the datasets of a domain to the tables that VIC's day reads: cells, tiles, months,
weather.
"""

import numpy as np
import torch
from torch import Tensor

from parlearn.land.vegetation import of_each_cell
from parlearn.models.fuse.ops import Vars
from parlearn.models.vic.air import aerodynamics, saturation_pressure
from parlearn.models.vic.constants import ALBEDO_BARE_SOIL, CANOPY_WATER, SNOW_STEPS
from parlearn.models.vic.defaults import BARE, cell_values
from parlearn.models.vic.names import CELL, MONTHLY, STEPPED, TILE, WEATHER
from parlearn.models.vic.parameters import PARAMETERS

_NEEDED = (
    *("lat", "elev", "avg_T", "b_clapp", "Ksat", "theta_fc", "Wcr_FRACT", "Wpwp_FRACT"),
    *(
        "resid_moist",
        "bulk_density",
        "soil_density",
        "quartz",
        "dp",
        "rough",
        "snow_rough",
        "depth1",
    ),
    *("Cv", "fcanopy", "LAI", "overstory", "rarc", "rmin", "wind_h", "RGL", "rad_atten"),
    *(
        "wind_atten",
        "trunk_ratio",
        "albedo",
        "veg_rough",
        "displacement",
        "root_depth",
        "root_fract",
    ),
)


def _require(dataset, names, what):
    missing = [n for n in names if n not in dataset]
    if missing:
        raise ValueError(f"the {what} lacks {', '.join(missing)}, which VIC needs")


def statics(domain, dtype=torch.float32) -> Vars:
    """Tables of cells and tiles.

    Parameters
    ----------
    domain : xarray.Dataset with the names of VIC's inputs (see contracts), dims cell, veg_class,
    month, root_zone

    Returns
    -------
    Vars
        ``cell`` (cell, CELL), ``tile`` (slot, cell, TILE), ``monthly`` (slot, 12, cell, MONTHLY),
        ``area`` (slot, cell) summing to 1, ``tile_class`` (slot, cell) with -1 where a cell has
        fewer tiles, ``parameters`` (cell, PARAMETERS) of the cells, and ``theta_fc`` and ``lat``
        (cell). A slot is the n-th tile of a cell, the largest first.

    Raises
    ------
    ValueError
        When a variable is missing or not finite, tile areas do not sum to 1, or a layer's limits
        are not in order.
    """
    _require(domain, _NEEDED, "domain")
    values = {
        n: np.asarray(
            of_each_cell(domain, n) if "veg_class" in domain[n].dims else domain[n].values, "f8"
        )
        for n in _NEEDED
    }
    for name, value in values.items():
        if not np.isfinite(value).all():
            raise ValueError(
                f"{name} of the domain is not finite in {int((~np.isfinite(value)).sum())} places"
            )
    cover = values["Cv"]
    if np.abs(cover.sum(1) - 1).max() > 1e-4:
        worst = int(np.abs(cover.sum(1) - 1).argmax())
        raise ValueError(f"tile areas of cell {worst} sum to {cover[worst].sum():.4f}, not 1")
    porosity = 1.0 - values["bulk_density"] / values["soil_density"]
    order = (
        (values["resid_moist"] <= values["Wpwp_FRACT"] * porosity)
        & (values["Wpwp_FRACT"] <= values["Wcr_FRACT"])
        & (values["Wcr_FRACT"] < 1)
    )
    if not order.all():
        raise ValueError(
            f"cell {int((~order).argmax())}: resid_moist <= Wpwp <= Wcr < porosity does not hold"
        )

    def tensor(array):
        return torch.as_tensor(np.ascontiguousarray(array), dtype=torch.float64)

    solids = values["quartz"]
    k_solid = 7.7**solids * np.where(solids < 0.2, 3.0, 2.2) ** (1 - solids)
    default = cell_values(domain)
    means = {
        name: default[:, PARAMETERS.index(parameter)].numpy()
        for name, parameter in (("cover", "fcanopy"), ("root_fract1", "root_fract1"))
    }
    cell = {
        "porosity": porosity,
        "log_k_solid": np.log(k_solid),
        **{name: values[name] for name in ("soil_density", "dp", "avg_T", "elev")},
        **means,
    }

    n_cells, n_slots = cover.shape[0], int((cover > 0).sum(1).max())
    classes = np.argsort(-cover, axis=1, kind="stable")[:, :n_slots].T  # (slot, cell)
    cells = np.arange(n_cells)[None]
    area = cover[cells, classes]
    used = area > 0
    bare = classes == BARE
    fcanopy = np.where(bare, 0.0, values["fcanopy"][cells, classes])
    lai = np.where((fcanopy > 0)[..., None], values["LAI"][cells, classes], 0.0)
    fcanopy = np.where(lai.max(-1) > 0, fcanopy, 0.0)
    safe = np.where(fcanopy > 0, fcanopy, 1.0)
    leafy = (fcanopy > 0)[..., None] & (lai > 0)
    local_lai = np.where(leafy, lai / safe[..., None], 1.0)  # per unit of covered ground
    overstory = (values["overstory"][cells, classes] > 0) & ~bare
    tile = {
        "overstory": overstory,
        "vegetated": ~bare,
        "rarc": values["rarc"][cells, classes],
        "rmin": np.where(bare, 100.0, values["rmin"][cells, classes]),
        "RGL": np.where(bare, 100.0, values["RGL"][cells, classes]),
        "rad_atten": values["rad_atten"][cells, classes],
        "fcanopy": fcanopy,
        "snow_height": np.broadcast_to(2.0 + values["snow_rough"], classes.shape),
        "snow_log": np.broadcast_to(
            np.log((2.0 + values["snow_rough"]) / values["snow_rough"]), classes.shape
        ),
    }
    for zone in range(3):
        tile[f"root_depth{zone + 1}"] = values["root_depth"][cells, classes, zone]
        tile[f"root_fract{zone + 1}"] = values["root_fract"][cells, classes, zone]
    resistances = aerodynamics(
        overstory=tensor(overstory)[..., None].bool(),
        roughness=tensor(np.where(bare[..., None], 0.0, values["veg_rough"][cells, classes])),
        displacement=tensor(np.where(bare[..., None], 0.0, values["displacement"][cells, classes])),
        wind_h=tensor(values["wind_h"][cells, classes])[..., None],
        wind_atten=tensor(values["wind_atten"][cells, classes])[..., None],
        trunk_ratio=tensor(values["trunk_ratio"][cells, classes])[..., None],
        rough=tensor(values["rough"])[None, :, None],
        snow_rough=tensor(values["snow_rough"])[None, :, None],
    )
    monthly = {
        "albedo": np.where(bare[..., None], ALBEDO_BARE_SOIL, values["albedo"][cells, classes]),
        "lai": local_lai,
        "wdmax": np.where(leafy, CANOPY_WATER * local_lai, 0.0),
        **{n: getattr(resistances, n).numpy() for n in MONTHLY[3:]},
    }

    def pack(table, names):
        columns = np.broadcast_arrays(*[np.asarray(table[n], dtype=np.float64) for n in names])
        return tensor(np.stack(columns, -1)).to(dtype)

    return Vars(
        cell=pack(cell, CELL),
        tile=pack(tile, TILE),
        monthly=pack(monthly, MONTHLY).transpose(1, 2).contiguous(),
        area=tensor(area).to(dtype),
        tile_class=torch.as_tensor(np.where(used, classes, -1)),
        parameters=default.to(dtype),
        theta_fc=tensor(values["theta_fc"]).to(dtype),
        lat=tensor(values["lat"]),
    )


def likeness(table):
    """A number for each cell that is close for cells that take the same branches of VIC: those
    with as many tiles, trees or none, and much the same temperature.
    """
    tiles = (table.area > 0).sum(0).double()
    trees = table.tile[..., TILE.index("overstory")].double().mean(0)
    return tiles * 1e4 + trees * 1e3 + table.cell[:, CELL.index("avg_T")].double()


def weather(forcing, lat: Tensor, dtype=torch.float32) -> tuple[Tensor, Tensor]:
    """The forcing as VIC's day reads it.

    Parameters
    ----------
    forcing : xarray.Dataset prec, tair, swdown, lwdown, vp, pressure, wind (cell, time); tair_3h,
    swdown_3h
        (cell, time, step)
    lat : (cell,) degrees north

    Returns
    -------
    (cell, day, WEATHER with the stepped ones spread out) tensor and the month (0..11) of each day

    Raises
    ------
    ValueError
        Where a value is missing or not finite: VIC has no way to run over a gap.
    """
    names = ["prec", "tair", "swdown", "lwdown", "vp", "pressure", "wind", "tair_3h", "swdown_3h"]
    _require(forcing, names, "forcing")
    got = {}
    for name in names:
        value = torch.as_tensor(np.ascontiguousarray(forcing[name].values, dtype=np.float32))
        if not torch.isfinite(value).all():
            bad = (~torch.isfinite(value)).nonzero()[0].tolist()
            raise ValueError(f"forcing {name} is not finite at cell {bad[0]}, day {bad[1]}")
        got[name] = value.to(dtype)
    if got["tair_3h"].shape[-1] != SNOW_STEPS:
        raise ValueError(
            f"forcing has {got['tair_3h'].shape[-1]} steps a day, VIC here takes {SNOW_STEPS}"
        )
    time = forcing["time"].dt
    day_of_year = torch.as_tensor(np.asarray(time.dayofyear.values))
    north = lat[:, None] >= 0
    warm = (day_of_year > 60) & (day_of_year < 273)
    warm_south = (day_of_year < 60) | (day_of_year > 273)
    vp = got["vp"] * 1000.0
    columns = {
        "prec": got["prec"],
        "tair": got["tair"],
        "shortwave": got["swdown"],
        "longwave": got["lwdown"],
        "vp": vp,
        "vp_capped": torch.minimum(vp[..., None], saturation_pressure(got["tair_3h"])).mean(-1),
        "pressure": got["pressure"] * 1000.0,
        "wind": got["wind"],
        "snow_flag": ((got["tair_3h"] < 0.5).any(-1) & (got["prec"] > 0)).to(dtype),
        "melt_season": torch.where(north, warm[None], warm_south[None]).to(dtype),
        "tair_steps": got["tair_3h"],
        "shortwave_steps": got["swdown_3h"],
    }
    stacked = []
    for name in WEATHER:
        column = columns[name]
        stacked += list(column.unbind(-1)) if name in STEPPED else [column]
    table = torch.stack(stacked, 0)  # (variable, cell, day)
    months = torch.as_tensor(np.asarray(time.month.values), dtype=torch.int32) - 1
    return table.permute(1, 2, 0).contiguous(), months
