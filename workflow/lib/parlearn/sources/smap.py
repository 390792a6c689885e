"""SMAP L3 radiometer soil moisture: SPL3SMP (36 km) and SPL3SMP_E (9 km), daily, HDF5.

On EASE-Grid 2.0, whole or cropped: a cropped granule says by ``EASE_row_index`` and
``EASE_column_index`` where it lies. A pass is a group: ``Soil_Moisture_Retrieval_Data_AM`` (06:00
local solar time), ``_PM`` (18:00); releases R12 and R13 have the morning alone, in
``Soil_Moisture_Retrieval_Data``. In some releases the names of the evening end in ``_pm``.
In ``retrieval_qual_flag`` a set bit is bad (NSIDC, SPL3SMP user guide).
"""

import re

import h5py
import numpy as np

from parlearn.geometry.grids import EASE_SIZES, Box, EaseGrid
from parlearn.sources.assemble import Part, Variable, assemble, axis_of
from parlearn.sources.granules import (
    Coverage,
    GranuleError,
    Granules,
    UnreadableGranule,
    choose,
    dataset,
    guarded,
    window_of,
)
from parlearn.sources.units import same_unit

NAME = re.compile(
    r"SMAP_L3_SM_P_(?P<enhanced>E_)?(?P<date>\d{8})_(?P<release>R(?P<major>\d\d)\d{3})_"
    r"(?P<rerun>\d{3})\.h5"
)
RECORD = ("2015-03-31", None)
OLD_GROUP = "Soil_Moisture_Retrieval_Data"
#: retrieval_qual_flag: the bit that is set where a retrieval is not recommended
NOT_RECOMMENDED = 1
#: surface_flag: name -> bit, and the word its ``flag_meanings`` have at that place
SURFACE_FLAGS = {
    "static_water": (1, "static_water"),
    "radar_water": (2, "radar_water"),
    "coast": (4, "coast"),
    "urban": (8, "urban"),
    "precipitation": (16, "precipitation"),
    "snow_or_ice": (32, "snow_or_ice"),
    "permanent_snow_or_ice": (64, "permanent_snow"),
    "frozen_radiometer": (128, "radiometer_frozen"),
    "frozen_model": (256, "model_frozen"),
    "mountains": (512, "mountain"),
    "dense_vegetation": (1024, "vegetation"),
    "nadir": (2048, "nadir"),
}
QUALITIES = ("recommended", "successful")
PASSES = ("am", "pm")
MOISTURE = Variable("m3 m-3", 0, 1, "surface soil moisture")


def read(
    paths, box: Box, passes=("am",), quality="recommended", surface=(), period=None,
    unreadable="error",
) -> Granules:  # fmt: skip
    """Daily soil moisture of a region.

    Parameters
    ----------
    paths : of granules of one product and release
    passes : 'am', 'pm' or both
    quality : 'recommended': recommended retrievals only; 'successful': whatever has a value
    surface : names of :data:`SURFACE_FLAGS`; where one is set the retrieval is left out
    period : (first, last) day wanted, inclusive. Without it: first to last day given
    unreadable : 'error', or 'gap' to count damaged granules and leave their days missing

    Returns
    -------
    Granules, (time = day): soil_moisture_am, soil_moisture_pm (m3 m-3) as asked for, on the pixels
    that touch the region and one more all round where the granules have it.

    Raises
    ------
    GranuleError, GridError
        naming the file: two products or releases, a pass or attribute that is not there, pixels
        that do not lie on the grid, a region or period outside the product.
    """
    for name, asked, known in (
        ("passes", passes, PASSES),
        ("quality", [quality], QUALITIES),
        ("surface", surface, SURFACE_FLAGS),
    ):
        for word in asked:
            if word not in known:
                raise ValueError(f"smap: {name}: no {word!r}; there are {', '.join(known)}")
    if not passes or len(set(passes)) < len(passes):
        raise ValueError(f"smap: passes {passes}: needed is am, pm or both")
    noted = Coverage("smap")
    granules = choose(paths, NAME, _describe, noted)
    whole = EaseGrid("9km" if "_E_" in granules[0].path.name else "36km")
    wanted = whole.cut(*window_of(whole, box, f"smap at {whole.name}"))
    held = _first_place(granules, whole, unreadable)
    # a granule without any retrieval does not say where it lies, and has nothing to give
    rows, cols = window_of(held, box, str(granules[0].path)) if held else (None, None)
    grid = held.cut(rows, cols) if held else wanted
    mask = sum(SURFACE_FLAGS[name][0] for name in surface)

    def load(path, times):
        with h5py.File(path) as file:
            found = _place(file, path, whole)
            if found is None:
                return np.full((len(passes), 1, *grid.shape), np.nan, dtype=np.float32)
            if found != held:
                raise GranuleError(f"{path}: wrong grid: {found}, the granules before: {held}")
            layers = []
            for which in passes:
                values, beyond = _moisture(file, path, which, rows, cols, quality, mask)
                if beyond:
                    what = f"soil_moisture_{which} outside the file's valid range"
                    noted.note(path.name, times[0].astype("datetime64[D]"), what, beyond)
                layers.append(values[None])
            return np.stack(layers)

    parts = [
        Part(granule, np.array([_day(granule.date)], dtype="datetime64[s]"), load)
        for granule in granules
    ]
    times = np.concatenate([part.times for part in parts])
    axis = axis_of(times, period, np.timedelta64(1, "D"), RECORD, "smap")
    variables = {f"soil_moisture_{name}": MOISTURE for name in passes}
    return Granules(
        dataset(assemble(parts, axis, variables, grid, noted, unreadable), axis), grid, noted
    )


def _describe(match):
    product = "SPL3SMP_E" if match["enhanced"] else "SPL3SMP"
    version = f"{product} R{match['major']}"
    return match["date"], version, (match["release"], int(match["rerun"]))


def _day(date):
    return f"{date[:4]}-{date[4:6]}-{date[6:]}"


def _first_place(granules, whole, unreadable):
    """The grid of the first granule that says where it lies, None where none does."""
    if unreadable not in ("error", "gap"):
        raise ValueError(f"unreadable: {unreadable!r} is neither 'error' nor 'gap'")

    def look(path):
        with h5py.File(path) as file:
            return _place(file, path, whole)

    for granule in granules:
        try:
            grid = guarded(granule.path, look)
        except UnreadableGranule:
            if unreadable == "error":
                raise
            continue
        if grid is not None:
            return grid
    return None


def _groups(file, path) -> dict:
    """Pass -> group; the polar grids of SPL3SMP_E are not among them."""
    groups = {p: file[name] for p in PASSES if (name := f"{OLD_GROUP}_{p.upper()}") in file}
    if not groups and OLD_GROUP in file:
        groups = {"am": file[OLD_GROUP]}
    if not groups:
        raise GranuleError(
            f"{path}: has no group {OLD_GROUP}_AM, _PM or {OLD_GROUP}; there are {', '.join(file)}"
        )
    return groups


def _dataset(groups, name, which, path):
    if which not in groups:
        raise GranuleError(f"{path}: has no {which} pass, but {' and '.join(groups)}")
    group = groups[which]
    for full in (f"{name}_{which}", name):
        if full in group:
            return group[full]
    raise GranuleError(f"{path}: {group.name} has no {name}; there are {', '.join(group)}")


def _attribute(data, name, path):
    if name not in data.attrs:
        raise GranuleError(f"{path}: {data.name} has no attribute {name}: it cannot be decoded")
    value = np.ravel(data.attrs[name])[0]
    if isinstance(value, bytes):
        value = value.decode()
    return str(value) if isinstance(value, str) else value


def _place(file, path, whole) -> EaseGrid | None:
    """Where a granule lies: the whole grid, a window, or None where no pixel says it."""
    groups = _groups(file, path)
    shapes = {which: _dataset(groups, "soil_moisture", which, path).shape for which in groups}
    if len(set(shapes.values())) > 1 or len(next(iter(shapes.values()))) != 2:
        raise GranuleError(
            f"{path}: soil_moisture has shapes {shapes}, needed is one (row, column)"
        )
    shape = next(iter(shapes.values()))
    if shape == whole.shape:
        return whole
    if shape in [size[1:] for size in EASE_SIZES.values()] or (np.array(shape) > whole.shape).any():
        raise GranuleError(
            f"{path}: wrong grid: {shape} pixels; EASE-Grid 2.0 at {whole.name} has {whole.shape}"
        )
    corners = set()
    for which in groups:
        place = []
        for axis, name in enumerate(("EASE_row_index", "EASE_column_index")):
            data = _dataset(groups, name, which, path)
            index = data[:].astype(np.int64)
            valid = index != int(_attribute(data, "_FillValue", path))
            start = index - np.expand_dims(np.arange(shape[axis]), 1 - axis)
            place.append(np.unique(start[valid]).tolist())
        if not place[0] and not place[1]:
            continue
        if [len(starts) for starts in place] != [1, 1]:
            raise GranuleError(
                f"{path}: pixels of {groups[which].name} do not lie side by side on EASE-Grid "
                f"2.0: by EASE_row_index and EASE_column_index it begins at rows {place[0][:5]}, "
                f"columns {place[1][:5]}"
            )
        corners.add((place[0][0], place[1][0]))
    if len(corners) > 1:
        raise GranuleError(f"{path}: its passes begin at different places: {sorted(corners)}")
    return EaseGrid(whole.name, *corners.pop(), *shape) if corners else None


def _moisture(file, path, which, rows, cols, quality, surface_mask):
    """Soil moisture (y, x) of a pass, NaN where missing or not of the quality asked for.

    And how many were of that quality but outside the range the file itself calls valid.
    """
    groups = _groups(file, path)
    data = _dataset(groups, "soil_moisture", which, path)
    unit = _attribute(data, "units", path)
    if not same_unit(unit, "m3/m3"):
        raise GranuleError(f"{path}: {data.name} is in {unit!r}, not in cm**3/cm**3")
    fill, low, high = (_attribute(data, a, path) for a in ("_FillValue", "valid_min", "valid_max"))
    values = data[rows, cols].astype(np.float32)
    bad = (values == fill) | np.isnan(values)
    if quality == "recommended":
        flag = _dataset(groups, "retrieval_qual_flag", which, path)
        bad |= set_bits(flag[rows, cols], NOT_RECOMMENDED, _attribute(flag, "_FillValue", path))
    if surface_mask:
        flag = _dataset(groups, "surface_flag", which, path)
        _check_meanings(flag, path)
        bad |= set_bits(flag[rows, cols], surface_mask, _attribute(flag, "_FillValue", path))
    beyond = ~bad & ((values < low) | (values > high))
    values[bad | beyond] = np.nan
    return values, int(beyond.sum())


def set_bits(flags, mask: int, fill) -> np.ndarray:
    """Where any bit of a mask is set, or the flag itself is missing."""
    return (flags == fill) | ((flags.astype(np.int64) & mask) != 0)


def _check_meanings(flag, path):
    """The file's own names of the bits, where it has them, must be those of the table."""
    if "flag_meanings" not in flag.attrs:
        return
    meanings = str(_attribute(flag, "flag_meanings", path)).lower().split()
    for place, (name, (_, word)) in enumerate(SURFACE_FLAGS.items()):
        if place < len(meanings) and word not in meanings[place]:
            raise GranuleError(
                f"{path}: bit {place} of {flag.name} is {meanings[place]!r}, expected {name!r}"
            )
