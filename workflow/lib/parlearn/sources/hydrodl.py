"""SMAP soil moisture and NLDAS-2 forcing of 412 cells over CONUS, as published with hydroDL.

The database ``CONUSv4f1`` (repository mhpi/hydroDL, folder example/data) is a folder of CSV files:
``crd.csv`` and ``const/*.csv`` have one line a cell; ``<year>/<variable>.csv`` one line a cell, one
column a day, ``time.csv`` the days as MATLAB date numbers. Year Y runs from 1 April Y to 31 March
Y + 1; -9999 is missing. To be cited: SPL3SMP (O'Neill et al., NASA NSIDC DAAC), NLDAS_FORA0125_H
(Xia et al. 2012, doi:10.1029/2011JD016048), Fang et al. 2017 (doi:10.1002/2017GL075619).

The timeline starts with one year of spin-up: the weather of the first year, dated one year earlier.
A cell VIC cannot be set up for, or that has no observation in the training period, is left out and
counted (:func:`coverage`). Elevation, which the database lacks, comes from ETOPO5
(:mod:`parlearn.land.elevation`): it sets air pressure, and vapour pressure from specific humidity.
Against elevations estimated by hand (+-200 m) at 40 of the cells it differs by 118 m and 1.2 kPa
(rms), which changes a year's Penman-Monteith demand by 1 % (4 % at most). Sea level everywhere
would change it by 11 % (27 %).
"""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from parlearn.land.climate import climate_attributes
from parlearn.land.elevation import elevation
from parlearn.land.soil import soil_statics
from parlearn.land.subdaily import (
    pressure_from_elevation,
    vapour_pressure,
    vic_forcing,
    wind_speed,
)
from parlearn.land.vegetation import IGBP, vegetation_statics
from parlearn.sources.csvgrid import MISSING, DatabaseError, read_cells, read_dates, read_days
from parlearn.study.splits import scattered_splits

TARGET = "SMAP_AM"
#: variable -> what is plausible in the units of the files
FORCING = {
    "APCP_FORA": (0, 100),  # mm per hour
    "TMP_2_FORA": (190, 340),  # K
    "SPFH_2_FORA": (0, 0.05),  # kg kg-1
    "DLWRF_FORA": (20, 800),  # W m-2
    "DSWRF_FORA": (0, 600),
    "UGRD_10_FORA": (-80, 80),  # m s-1
    "VGRD_10_FORA": (-80, 80),
}
#: file -> attribute of the networks and its unit. Capa: the source gives no unit; the values are
#: those of ISRIC-WISE, in cm of water per m of soil. flag_extraOrd is left out: nothing says what
#: its classes mean. Latitude and longitude are left out so that nothing can be learned by place.
ATTRIBUTES = {
    "Sand": ("sand", "%"),
    "Clay": ("clay", "%"),
    "Silt": ("silt", "%"),
    "Bulk": ("bulk_density", "g cm-3"),
    "Capa": ("water_capacity", "cm m-1"),
    "NDVI": ("ndvi", "1"),
    "flag_albedo": ("albedo", "1"),
    "flag_roughness": ("roughness", "1"),
    "flag_vegDense": ("dense_vegetation", "1"),
    "flag_waterbody": ("water_body", "1"),
}
SOIL = ("Bulk", "Capa", "Clay", "Sand", "Silt")
#: land cover enters the networks as one number of 0 or 1 for each group of IGBP classes
LAND_COVER = {
    "forest": (1, 2, 3, 4, 5),
    "savanna": (8, 9),
    "shrubland": (6, 7, 16),
    "grassland": (10,),
    "cropland": (12, 14),
}


def required_files(years) -> list[str]:
    """Files of the database that are read, relative to its folder."""
    constants = [f"const/{name}.csv" for name in (*ATTRIBUTES, "flag_landcover")]
    series = [
        f"{year}/{name}.csv" for year in _consecutive(years) for name in ("time", TARGET, *FORCING)
    ]
    return ["crd.csv", *constants, *series]


def coverage(folder, years, training) -> pd.DataFrame:
    """Which cells are used, and why not.

    Parameters
    ----------
    folder : of ``crd.csv``
    years : consecutive years of the database, e.g. [2015, 2016]
    training : first and last date of the training period, ISO, inclusive

    Returns
    -------
    One row a cell of the database, in its order: lat, lon, observations in the training period and
    after it, kept (bool), reason (empty where kept).
    """
    folder = Path(folder)
    lat, lon = _coordinates(folder)
    dates = _record(folder, years)
    first, last = _period(dates, training)
    observed = np.isfinite(_moisture(folder, years, lat.size))
    seen = observed[:, first : last + 1].sum(axis=1)
    constants = {
        name: read_cells(folder / "const" / f"{name}.csv", lat.size)
        for name in (*ATTRIBUTES, "flag_landcover")
    }
    reasons = np.full(lat.size, "", dtype=object)
    # the last reason written is the one that stands: the plainest ones come last
    reasons[seen == 0] = f"no observation in {training[0]}..{training[1]}"
    for name, values in constants.items():
        if name not in SOIL:
            reasons[~np.isfinite(values)] = f"no {name}"
    cover = constants["flag_landcover"]
    for value in np.unique(cover[np.isfinite(cover)]):
        if value not in IGBP:
            reasons[cover == value] = f"no vegetation class for land cover {value:g}"
    no_soil = ~np.isfinite(np.stack([constants[name] for name in SOIL])).all(axis=0)
    reasons[no_soil] = "no soil data"
    return pd.DataFrame(
        {
            "lat": lat,
            "lon": lon,
            "observations_training": seen,
            "observations_later": observed[:, last + 1 :].sum(axis=1),
            "kept": reasons == "",
            "reason": reasons,
        }
    )


def build_domain(folder, years, training, samplings, seed, test_share=0.2) -> xr.Dataset:
    """Cells, VIC's constants, attributes of the networks and splits.

    Parameters
    ----------
    folder, years, training : see :func:`coverage`; also the climate attributes and the deep soil
        temperature are those of the training period
    samplings, seed, test_share : see :func:`parlearn.study.splits.scattered_splits`

    Returns
    -------
    xarray.Dataset, dims cell, attribute, veg_class, month, root_zone, sampling. ``source_row`` is
    the cell's line in the database; the attributes ``excluded`` and ``cells_in_source`` say what
    was left out.

    Raises
    ------
    DatabaseError
        on files missing, truncated, of the wrong size or with values that cannot be.
    """
    folder = Path(folder)
    table = coverage(folder, years, training)
    rows = np.flatnonzero(table["kept"])
    if rows.size == 0:
        raise DatabaseError(
            f"{folder}: none of {len(table)} cells can be used; the first is left out for: "
            f"{table['reason'].iloc[0]}"
        )
    lat, lon = table["lat"].to_numpy()[rows], table["lon"].to_numpy()[rows]
    constants = {
        name: read_cells(folder / "const" / f"{name}.csv", len(table))[rows]
        for name in (*ATTRIBUTES, "flag_landcover")
    }
    cover = constants["flag_landcover"].astype(int)
    height = elevation(lat, lon)
    dates = _record(folder, years)
    first, last = _period(dates, training)
    days = slice(first, last + 1)
    daily = {name: values[:, days] for name, values in _daily(folder, years, rows, height).items()}
    statics = soil_statics(constants["Sand"], constants["Clay"], constants["Silt"])
    vegetation = vegetation_statics(cover, constants["NDVI"])
    ds = xr.merge([statics, vegetation, scattered_splits(lat, lon, samplings, seed, test_share)])
    cells = {
        "lat": (lat, "degrees_north", "latitude"),
        "lon": (lon, "degrees_east", "longitude"),
        # places on the coarse grid the cells were drawn from, rows from the north
        "row": (np.unique(-lat, return_inverse=True)[1], "1", "row, counted from the north"),
        "col": (np.unique(lon, return_inverse=True)[1], "1", "column, counted from the west"),
        "source_row": (rows, "1", "line of the cell in the database, counted from 0"),
        "landcover": (cover, "1", "IGBP land cover"),
        "ndvi": (constants["NDVI"], "1", "mean NDVI"),
        "elev": (height, "m", "elevation, mean of ETOPO5 around the cell"),
        "avg_T": (daily["tair"].mean(axis=1), "degC", "mean air temperature (deep soil)"),
    }
    for name, (values, units, long_name) in cells.items():
        ds[name] = "cell", values, {"units": units, "long_name": long_name}
    names, units, values = _attributes(constants, cover, daily, dates[days])
    ds["attributes"] = ("cell", "attribute"), values
    ds["attribute"], ds["attribute_units"] = ("attribute", names), ("attribute", units)
    left_out = table[~table["kept"]]
    ds.attrs = {
        "source": "hydroDL CONUSv4f1: SMAP L3 (SPL3SMP) and NLDAS-2 (NLDAS_FORA0125_H)",
        "cells_in_source": len(table),
        "cells_kept": rows.size,
        "excluded": "; ".join(
            f"line {row} ({cell.lat:.3f} N, {cell.lon:.3f} E): {cell.reason}"
            for row, cell in left_out.iterrows()
        )
        or "none",
    }
    return ds


def _attributes(constants, cover, daily, dates):
    """What the networks are told of each cell: names, units, values (cell, attribute)."""
    columns = {name: (unit, constants[source]) for source, (name, unit) in ATTRIBUTES.items()}
    for name, classes in LAND_COVER.items():
        columns[f"cover_{name}"] = "1", np.isin(cover, classes).astype(float)
    climate = climate_attributes(
        **{name: daily[name] for name in ("prec", "tair", "swdown", "lwdown", "pressure")},
        day_of_year=_day_of_year(dates),
    )
    columns |= {f"climate_{name}": column for name, column in climate.items()}
    units, values = zip(*columns.values(), strict=True)
    return (
        np.array(list(columns), dtype=str),
        np.array(units, dtype=str),
        np.stack(values, axis=-1).astype(np.float32),
    )


def build_forcing(folder, years, domain: xr.Dataset) -> xr.Dataset:
    """Forcing of the cells of a domain in the form of forcing.nc, spin-up first, no gap."""
    folder, dates = Path(folder), _record(folder, years)
    daily = _daily(folder, years, domain["source_row"].values, domain["elev"].values)
    timeline, source = _with_spinup(dates)
    forcing = vic_forcing(
        timeline,
        domain["lat"].values,
        **{name: values[:, source] for name, values in daily.items()},
    )
    forcing.attrs["record_start"] = str(dates[0])
    forcing.attrs["spinup"] = "weather of the first year of the record, dated one year earlier"
    return forcing


def build_observations(folder, years, domain: xr.Dataset) -> xr.Dataset:
    """SMAP soil moisture of a domain's cells on the time axis of the forcing, NaN where none."""
    folder, dates = Path(folder), _record(folder, years)
    rows = domain["source_row"].values
    observed = _moisture(folder, years, _coordinates(folder)[0].size)[rows]
    timeline, _ = _with_spinup(dates)
    values = np.full((rows.size, timeline.size), np.nan, dtype=np.float32)
    values[:, timeline.size - dates.size :] = observed
    last = np.flatnonzero(np.isfinite(observed).any(axis=0)).max(initial=-1)
    attributes = {
        "units": "m3 m-3",
        "long_name": "SMAP L3 soil moisture of the descending pass",
        "local_time": "06:00",
    }
    return xr.Dataset(
        {"soil_moisture": (("cell", "time"), values, attributes)},
        coords={"time": timeline.astype("datetime64[ns]")},
        attrs={
            "record_start": str(dates[0]),
            "last_observation": str(dates[last]) if last >= 0 else "none",
            "observations": int(np.isfinite(observed).sum()),
        },
    )


def _consecutive(years):
    years = [int(year) for year in years]
    if not years or years != list(range(years[0], years[0] + len(years))):
        raise ValueError(f"years {years}: needed is one year or several in a row")
    return years


def _coordinates(folder):
    lat, lon = read_cells(folder / "crd.csv", None, columns=2).T
    if not ((np.abs(lat) <= 90) & (np.abs(lon) <= 180)).all():
        raise DatabaseError(f"{folder / 'crd.csv'}: holds coordinates beyond 90 or 180 degrees")
    return lat, lon


def _record(folder, years):
    """All days of the record, datetime64[D]; each file must hold exactly its year."""
    return np.concatenate(
        [
            read_dates(Path(folder) / str(year) / "time.csv", f"{year}-04-01", f"{year + 1}-03-31")
            for year in _consecutive(years)
        ]
    )


def _period(dates, training):
    first, last = (int((np.datetime64(day) - dates[0]).astype(int)) for day in training)
    if not 0 <= first <= last < dates.size:
        raise ValueError(
            f"the training period {training[0]}..{training[1]} is not within the record "
            f"{dates[0]}..{dates[-1]}"
        )
    return first, last


def _with_spinup(dates):
    """The timeline with one year before it, and for each of its days the day whose weather it has.

    Where the spin-up has a 29 February and the first year none, 28 February stands in.
    """
    record = pd.DatetimeIndex(dates)
    spinup = pd.date_range(
        record[0] - pd.DateOffset(years=1), record[0] - pd.Timedelta(days=1), freq="D"
    )
    lent = record.get_indexer(pd.DatetimeIndex([d + pd.DateOffset(years=1) for d in spinup]))
    timeline = spinup.append(record).to_numpy().astype("datetime64[D]")
    return timeline, np.concatenate([lent, np.arange(record.size)])


def _daily(folder, years, rows, height):
    """Forcing of the record in VIC's units: name -> (cell, day) float64."""
    n, years = _coordinates(folder)[0].size, _consecutive(years)
    raw = {
        name: np.concatenate(
            [
                read_days(folder / str(year) / f"{name}.csv", n, _days_of(year), *limits)
                for year in years
            ],
            axis=1,
        )[rows]
        for name, limits in FORCING.items()
    }
    for name, values in raw.items():
        gaps = np.argwhere(~np.isfinite(values))
        if gaps.size:
            cell, day = gaps[0]
            raise DatabaseError(
                f"{folder}: {name} has {len(gaps)} missing values ({MISSING:g} or NaN); the first "
                f"is at line {rows[cell]}, day {day} of the record. VIC cannot run over a gap in "
                "its forcing: fetch the files again"
            )
    pressure = np.broadcast_to(pressure_from_elevation(height)[:, None], raw["APCP_FORA"].shape)
    return {
        "prec": 24 * raw["APCP_FORA"],
        "tair": raw["TMP_2_FORA"] - 273.15,
        "swdown": raw["DSWRF_FORA"],
        "lwdown": raw["DLWRF_FORA"],
        "vp": vapour_pressure(raw["SPFH_2_FORA"], pressure),
        "pressure": pressure,
        "wind": wind_speed(raw["UGRD_10_FORA"], raw["VGRD_10_FORA"]),
    }


def _moisture(folder, years, n):
    return np.concatenate(
        [
            read_days(Path(folder) / str(year) / f"{TARGET}.csv", n, _days_of(year), 0, 1)
            for year in _consecutive(years)
        ],
        axis=1,
    )


def _days_of(year):
    return (np.datetime64(f"{year + 1}-04-01") - np.datetime64(f"{year}-04-01")).astype(int).item()


def _day_of_year(dates):
    return (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(int) + 1
