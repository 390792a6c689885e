"""Stands in for vic_image.exe where there is none: the same files in, recorded answers out.

Reads the global parameter file and all that it names, refuses what the image driver refuses, and
answers with what the original gave for the recorded parameter set nearest to each cell's, in the
units and under the names of the original. Faults are asked for by the environment:

STAND_IN_RECORDED : folder with inputs.nc and daily_A.nc
STAND_IN_FAULT : crash, exit, missing, gap, short, none (no results), damaged
"""

import os
import signal
import sys
from pathlib import Path

import netCDF4
import numpy as np

RECORDED = Path(os.environ["STAND_IN_RECORDED"])
FAULT = os.environ.get("STAND_IN_FAULT", "")
NEAREST_BY = ("infilt", "Ds", "Dsmax", "Ws")
#: what is integer in a parameter file
WHOLE = ("mask", "run_cell", "gridcell", "fs_active", "Nveg", "overstory")


class Failed(Exception):
    pass


def instructions(path):
    """Keys of a global parameter file; those given several times as lists of their words."""
    single, several = {}, {"DOMAIN_TYPE": [], "FORCE_TYPE": [], "OUTVAR": []}
    for line in Path(path).read_text().splitlines():
        key, *words = line.split()
        if key in several:
            several[key].append(words)
        else:
            single[key] = words[0]
    return single, several


def expect(right, message):
    if not right:
        raise Failed(message)


def dates(given):
    first, last = (
        np.datetime64(
            f"{given[f'{k}YEAR']}-{int(given[f'{k}MONTH']):02}-{int(given[f'{k}DAY']):02}"
        )
        for k in ("START", "END")
    )
    return np.arange(first, last + 1)


def check_forcing(given, several, days, shape):
    """One file a calendar year, eight steps a day, every variable finite on the grid."""
    for year in np.unique(days.astype("M8[Y]")):
        with netCDF4.Dataset(f"{given['FORCING1']}{year}.nc") as file:
            of_year = days[days.astype("M8[Y]") == year]
            start = f"hours since {of_year[0]} 00:00:00"
            expect(file["time"].units == start, f"{year} starts {file['time'].units}")
            steps = int(given["SNOW_STEPS_PER_DAY"]) * len(of_year)
            expect(np.allclose(np.diff(file["time"][:]), 3), "steps are not of 3 hours")
            for _, name in several["FORCE_TYPE"]:
                expect(file[name].shape == (steps, *shape), f"{name} has shape {file[name].shape}")
                expect(np.isfinite(file[name][:]).all(), f"{name} has gaps")


def check_parameters(file, shape):
    for name, variable in file.variables.items():
        if variable.dimensions[-2:] == ("y", "x"):
            expect(variable.shape[-2:] == shape, f"{name} has shape {variable.shape}")
            expect(np.isfinite(variable[:]).all(), f"{name} has gaps")
            kind = "i" if name in WHOLE else "f"
            expect(variable.dtype.kind == kind, f"{name} is of type {variable.dtype}")
    depth = file["depth"][:]
    thin = np.argwhere(depth[0] > depth[1])
    expect(
        not len(thin), f"cell {np.ravel_multi_index(thin[0], shape) if len(thin) else 0} is thin"
    )


def nearest(parameters, shape):
    """Recorded set and cell of each cell of the grid, by logarithms of parameters and latitude."""
    with netCDF4.Dataset(RECORDED / "inputs.nc") as known:
        names = list(known["par_name"][:])
        table = known["params"][:][..., [names.index(name) for name in NEAREST_BY]]
        latitudes = known["lat"][:]
    cells = np.abs(parameters["lat"][:][..., None] - latitudes).argmin(-1)
    given = np.stack([parameters[name][:] for name in NEAREST_BY], -1)
    distance = np.abs(np.log(table[:, cells] / given)).sum(-1)  # (set, y, x)
    return distance.argmin(0), cells


def answer(given, several, days, sets, cells):
    with netCDF4.Dataset(RECORDED / "daily_A.nc") as known:
        recorded = netCDF4.num2date(known["time"][:], known["time"].units)
        first = np.datetime64(str(recorded[0])[:10])
        when = ((days - first).astype(int)) % len(recorded)
        tables = {}
        for name, *_ in several["OUTVAR"]:
            if name == "OUT_WATER_ERROR":
                tables[name] = np.zeros((len(days), *sets.shape))
                continue
            series = known[name.removeprefix("OUT_")][:].filled(np.nan)[sets, cells]
            tables[name] = np.moveaxis(series[..., when], -1, 0)  # (time, y, x, [layer])
            if series.ndim == 4:
                tables[name] = np.moveaxis(tables[name], -1, 1)
    if FAULT == "missing":
        tables.pop(next(iter(tables)))
    if FAULT == "gap":
        next(iter(tables.values()))[-2, ..., 1, 0] = np.nan
    if FAULT == "short":
        days, tables = days[:-3], {name: table[:-3] for name, table in tables.items()}
    path = Path(given["RESULT_DIR"]) / f"{given['OUTFILE']}.{days[0]}.nc"
    if FAULT == "damaged":
        path.write_text("damaged")
    if FAULT in ("none", "damaged"):
        return
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (
            ("time", len(days)),
            ("nlayer", 3),
            ("y", len(sets)),
            ("x", len(sets.T)),
        ):
            file.createDimension(name, size)
        time = file.createVariable("time", "f8", ("time",))
        time.units, time[:] = f"days since {days[0]}", np.arange(len(days))
        for name, table in tables.items():
            dims = ("time", "nlayer", "y", "x") if table.ndim == 4 else ("time", "y", "x")
            file.createVariable(name, "f8", dims)[:] = table


def main(option, path):
    given, several = instructions(path)
    with Path(given["LOG_DIR"], "vic.log.20261126-1.000000.txt").open("w") as log:
        try:
            days = dates(given)
            with (
                netCDF4.Dataset(given["DOMAIN"]) as domain,
                netCDF4.Dataset(given["PARAMETERS"]) as parameters,
            ):
                shape = domain["mask"].shape
                expect((domain["mask"][:] == 1).all(), "a cell is masked")
                check_parameters(parameters, shape)
                check_forcing(given, several, days, shape)
                sets, cells = nearest(parameters, shape)
            log.write("[WARN] get_parameters.c:516: errno: None: one warning\n")
            if FAULT == "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            if FAULT == "exit":
                raise Failed("cell 1 veg 2: the wilting point is greater than the critical point")
            answer(given, several, days, sets, cells)
        except Failed as error:
            log.write(f"[ERROR] ../src/vic_init.c:778: errno: None: {error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
