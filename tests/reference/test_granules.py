"""Flags, fills and places against real SMAP granules.

The data are not part of the project. PARLEARN_GRANULES names the folder with ``SPL2SMP`` and
``SPL3SMP_timeseries_v9`` (``../shared/data/granules`` beside the checkout if unset).
"""

import os
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from parlearn.geometry.grids import Box, EaseGrid
from parlearn.sources import smap

SHARED = Path(__file__).resolve().parents[3] / "shared"
GRANULES = Path(os.environ.get("PARLEARN_GRANULES", SHARED / "data" / "granules"))
NAME = "SMAP_L2_SM_P_02802_A_20150811T030828_R18290_001.h5"
EVERYWHERE = Box(-85.0, 85.0, -180.0, 180.0)


def found(*parts):
    path = GRANULES.joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"no SMAP granule at {path}: set PARLEARN_GRANULES")
    return path


@pytest.fixture(scope="module")
def orbit():
    """Level 2: the names, types, flags and attributes of Level 3, in lists."""
    with h5py.File(found("SPL2SMP", NAME)) as file:
        group = file["Soil_Moisture_Retrieval_Data"]
        return {
            name: (data[:], dict(data.attrs))
            for name, data in group.items()
            if name
            in ("soil_moisture", "retrieval_qual_flag", "surface_flag", "latitude", "longitude")
            or name.startswith("EASE")
        }


@pytest.fixture(scope="module")
def gridded(orbit, tmp_path_factory):
    """The half-orbit put on its grid as a Level-3 granule has it, attributes untouched."""
    path = tmp_path_factory.mktemp("smap") / "SMAP_L3_SM_P_20150811_R18290_001.h5"
    place = orbit["EASE_row_index"][0], orbit["EASE_column_index"][0]
    with h5py.File(path, "w") as file:
        for name in ("soil_moisture", "retrieval_qual_flag", "surface_flag"):
            values, attributes = orbit[name]
            whole = np.full((406, 964), attributes["_FillValue"], dtype=values.dtype)
            whole[place] = values
            data = file.create_dataset(f"Soil_Moisture_Retrieval_Data_AM/{name}", data=whole)
            data.attrs.update(attributes)
    return path


def test_rows_and_columns_lie_where_the_granule_says(orbit):
    grid = EaseGrid("36km")
    lat, lon = orbit["latitude"][0], orbit["longitude"][0]
    assert lat.size == 17245
    # the file's coordinates are float32: half a unit in the last place
    off = np.abs(grid.lat[orbit["EASE_row_index"][0]] - lat)
    assert (off <= 0.51 * np.spacing(np.abs(lat))).all()
    off = np.abs(grid.lon[orbit["EASE_column_index"][0]] - lon)
    assert (off <= 0.51 * np.spacing(np.abs(lon))).all()


def test_flags_leave_303_of_680_retrievals(orbit, gridded):
    every = smap.read([gridded], EVERYWHERE, quality="successful")
    moisture = every.fields.soil_moisture_am.compute().values
    recommended = smap.read([gridded], EVERYWHERE).fields.soil_moisture_am.compute().values
    # what has a value but lies outside the file's own valid range is counted apart
    beyond = every.coverage["count"].sum()
    assert np.isfinite(moisture).sum() + beyond == 680
    assert np.isfinite(recommended).sum() == 303
    values, attributes = orbit["soil_moisture"]
    flags = orbit["retrieval_qual_flag"][0]
    valid = values != attributes["_FillValue"]
    assert Counter(flags[valid].tolist()) == {0: 303, 1: 311, 5: 26, 9: 18, 13: 22}
    expected = np.sort(values[valid & (flags == 0)])
    np.testing.assert_array_equal(np.sort(recommended[np.isfinite(recommended)]), expected)


def test_surface_flags_are_those_of_the_granule(orbit, gridded):
    chosen = ["snow_or_ice", "frozen_radiometer", "static_water", "dense_vegetation"]
    left = smap.read([gridded], EVERYWHERE, quality="successful", surface=chosen)
    values, attributes = orbit["soil_moisture"]
    words = orbit["surface_flag"][1]["flag_meanings"].decode().split()
    bits = [
        next(i for i, word in enumerate(words) if part in word and "permanent" not in word)
        for part in ("snow_or_ice", "radiometer_frozen", "static_water", "dense_vegetation")
    ]
    flagged = np.zeros(values.shape, dtype=bool)
    for bit in bits:
        flagged |= (orbit["surface_flag"][0] >> bit) % 2 == 1
    low, high = attributes["valid_min"], attributes["valid_max"]
    kept = (values >= low) & (values <= high) & ~flagged
    assert 0 < kept.sum() < 680
    assert np.isfinite(left.fields.soil_moisture_am.compute()).sum() == kept.sum()


def test_version_9_has_the_same_bits_and_grid():
    path = found("SPL3SMP_timeseries_v9", "0166.nc")
    with xr.open_dataset(path, decode_times=False) as ds:
        ds = ds[["soil_moisture", "retrieval_qual_flag", "surface_flag", "lat", "lon"]].load()
    grid = EaseGrid("36km")
    for lat, lon in zip(ds.lat.values, ds.lon.values):
        row, col = np.abs(grid.lat - lat).argmin(), np.abs(grid.lon - lon).argmin()
        assert abs(grid.lat[row] - lat) < 2e-6
        assert abs(grid.lon[col] - lon) < 1e-5
    words = ds.surface_flag.attrs["flag_meanings"].split()
    for word, (name, (bit, meaning)) in zip(words, smap.SURFACE_FLAGS.items(), strict=True):
        assert bit == 1 << words.index(word)
        assert meaning in word, name
    # islands: retrievals are there, but not recommended; where none was attempted, no value is
    flags = ds.retrieval_qual_flag.fillna(smap.NOT_RECOMMENDED).astype(int)
    assert smap.set_bits(flags.values, smap.NOT_RECOMMENDED, 65534).all()
    assert ds.soil_moisture.where((flags & 2) != 0).count() == 0
    assert ds.soil_moisture.where((flags & 6) == 0).count() > 7000
