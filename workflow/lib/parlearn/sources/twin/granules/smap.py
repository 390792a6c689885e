"""SPL3SMP and SPL3SMP_E: a file a day, morning and evening, cropped as OPeNDAP subsets are."""

from pathlib import Path

import h5py
import numpy as np

from parlearn.geometry.grids import EaseGrid
from parlearn.storage.files import replacing

#: short name -> (part of the file name, grid, version)
PRODUCTS = {"SPL3SMP_E": ("P_E", "9km", "006"), "SPL3SMP": ("P", "36km", "009")}
RELEASE, RERUN = "R19240", 1
FILL, FLAG_FILL = np.float32(-9999.0), np.uint16(65534)
QUALITY_MEANINGS = (
    "Retrieval_recommended Retrieval_attempted Retrieval_success FT_retrieval_success"
)
SURFACE_MEANINGS = (
    "{0}_static_water_body {0}_radar_water_body_detection {0}_coastal_proximity {0}_urban_area "
    "{0}_precipitation {0}_snow_or_ice {0}_permanent_snow_or_ice {0}_radiometer_frozen_ground "
    "{0}_model_frozen_ground {0}_mountainous_terrain {0}_dense_vegetation {0}_nadir_region"
)
FIELDS = ("soil_moisture", "retrieval_qual_flag", "surface_flag")


def write(
    folder, days, grid: EaseGrid, passes: dict, short_name="SPL3SMP_E", release=RELEASE, rerun=RERUN
) -> list[Path]:
    """Write days as ``YYYY.MM.DD/SMAP_L3_SM_P_E_YYYYMMDD_Rrrrrr_nnn.h5``.

    Parameters
    ----------
    days : (time,) datetime64
    grid : of the arrays, of the product's resolution
    passes : 'am', 'pm' -> {'soil_moisture': (time, row, column) m3 m-3, NaN = no value;
        'retrieval_qual_flag', 'surface_flag': uint16, 65534 outside the swath}

    Returns
    -------
    The files, in order of time.
    """
    part, size, version = PRODUCTS[short_name]
    if grid.name != size:
        raise ValueError(f"{short_name} is on the grid of {size}, not of {grid.name}")
    lat, lon = (a.astype(np.float32) for a in np.meshgrid(grid.lat, grid.lon, indexing="ij"))
    rows, cols = np.mgrid[: grid.rows, : grid.cols].astype(np.uint16)
    places = {
        "latitude": (lat, FILL, "degrees_north"),
        "longitude": (lon, FILL, "degrees_east"),
        "EASE_row_index": (rows + np.uint16(grid.row0), FLAG_FILL, None),
        "EASE_column_index": (cols + np.uint16(grid.col0), FLAG_FILL, None),
    }
    paths = []
    for i, day in enumerate(np.asarray(days).astype("datetime64[D]")):
        text = str(day).replace("-", "")
        name = f"SMAP_L3_SM_{part}_{text}_{release}_{rerun:03d}.h5"
        path = Path(folder) / f"{text[:4]}.{text[4:6]}.{text[6:]}" / name
        with replacing(path) as temporary, h5py.File(temporary, "w") as file:
            series = file.create_group("Metadata/SeriesIdentification")
            series.attrs["shortName"], series.attrs["ECSVersionID"] = short_name, version
            series.attrs["CompositeReleaseID"] = release[:3]
            for which, fields in passes.items():
                today = {name: fields[name][i] for name in FIELDS}
                _write_pass(file, which, today, places, f"{size[:-2]}_km")
        paths.append(path)
    return paths


def _write_pass(file, which, fields, places, resolution):
    group = file.create_group(f"Soil_Moisture_Retrieval_Data_{which.upper()}")
    suffix = "_pm" if which == "pm" else ""
    swath = fields["retrieval_qual_flag"] != FLAG_FILL
    moisture = np.asarray(fields["soil_moisture"], dtype=np.float32)
    _put(
        group,
        f"soil_moisture{suffix}",
        np.where(np.isnan(moisture), FILL, moisture),
        FILL,
        units="cm**3/cm**3",
        valid_min=np.float32(0.02),
        valid_max=np.float32(0.5),
        long_name="Representative soil moisture measurement for the Earth based grid cell.",
    )
    for name, meanings in (
        ("retrieval_qual_flag", QUALITY_MEANINGS),
        ("surface_flag", SURFACE_MEANINGS.format(resolution)),
    ):
        masks = ", ".join(f"{1 << bit}s" for bit in range(len(meanings.split())))
        values = np.asarray(fields[name], dtype=np.uint16)
        _put(group, name + suffix, values, FLAG_FILL, flag_masks=masks, flag_meanings=meanings)
    for name, (values, fill, units) in places.items():
        units = {"units": units} if units else {}
        _put(group, name + suffix, np.where(swath, values, fill), fill, **units)


def _put(group, name, values, fill, **attributes):
    data = group.create_dataset(
        name, data=values, chunks=values.shape, compression="gzip", compression_opts=1,
        shuffle=True, fillvalue=fill, track_times=False,
    )  # fmt: skip
    data.attrs["_FillValue"] = fill
    for key, value in attributes.items():
        data.attrs[key] = np.bytes_(value) if isinstance(value, str) else value
