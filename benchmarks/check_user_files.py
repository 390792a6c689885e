"""Holds VIC here, on what it makes of a user's files of VIC 5, against the original on these files.

    VIC5_IMAGE=/path/to/vic_image.exe python benchmarks/check_user_files.py \\
        domain.nc params.nc PREFIX 2008-01-01 2008-12-31 [--closed] [--units WIND="m s-1"] \\
        [--leave-out canopy_months]

Both start from the moisture in the parameter file and run the record once, in water-balance mode
with a 24-hour step. The forcing's files are PREFIX and the year, in steps of three hours.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from parlearn.models.program import Program
from parlearn.models.vic import reference
from parlearn.models.vic.model import VIC, default_parameters
from parlearn.models.vic.parameters import CALIBRATED
from parlearn.models.vic5.inputs import RESULTS, SETTINGS
from parlearn.models.vic5.names import PROGRAM, SOURCES
from parlearn.models.vic5.results import read_results
from parlearn.sources.vic5.build import build_domain, build_forcing
from parlearn.sources.vic5.files import DOMAIN_NAMES, open_raw, read_grid
from parlearn.sources.vic5.weather import TYPES


def original(source, folder):
    """Results of the original on the user's files: output -> (1, cell, day)."""
    domain, parameters = (open_raw(source[key]) for key in ("domain", "parameters"))
    first, last = map(pd.Timestamp, source["record"])
    forcing = open_raw(f"{source['forcing']}{first.year}.nc")
    rows, columns = domain["mask"].dims
    settings = SETTINGS | {
        "SNOW_BAND": str("AreaFract" in parameters).upper(),
        "FCAN_SRC": "FROM_DEFAULT" if source["canopy"] == "closed" else "FROM_VEGPARAM",
        "ALB_SRC": "FROM_VEGPARAM",
        "CALENDAR": forcing["time"].attrs.get("calendar", "standard").upper(),
        "DOMAIN": source["domain"],
        "FORCING1": source["forcing"],
        "PARAMETERS": source["parameters"],
        "RESULT_DIR": folder / RESULTS,
        "LOG_DIR": f"{folder}/",
    }
    for name, day in (("START", first), ("END", last)):
        settings |= {f"{name}YEAR": day.year, f"{name}MONTH": day.month, f"{name}DAY": day.day}
    lines = [f"{key} {value}" for key, value in settings.items()]
    of_domain = DOMAIN_NAMES | {"YDIM": rows, "XDIM": columns}
    lines += [f"DOMAIN_TYPE {key} {name}" for key, name in of_domain.items()]
    for kind, (_, _, usual, _) in TYPES.items():
        lines.append(f"FORCE_TYPE {kind} {next(name for name in usual if name in forcing)}")
    lines += ["OUTFILE daily", "AGGFREQ NDAYS 1", "OUT_FORMAT NETCDF4", "HISTFREQ END"]
    sources = {name: SOURCES[name] for name in reference.OUTPUTS}
    variables = [*dict.fromkeys(found.variable for found in sources.values())]
    lines += [f"OUTVAR {name} * OUT_TYPE_DOUBLE" for name in variables]
    (folder / RESULTS).mkdir()
    (folder / "global.txt").write_text("\n".join(lines) + "\n")
    program = Program.of_environment(PROGRAM)
    program.run(["-g", str(folder / "global.txt")], folder, folder / "printed")
    grid = read_grid(source["domain"])
    found = read_results(
        folder, variables, pd.date_range(first, last), grid.active.shape, (rows, columns)
    )
    answers = {}
    for name, where in sources.items():
        values = found[where.variable][grid.cells]
        answers[name] = (values if where.layer is None else values[:, where.layer])[None]
    return answers


def ours(source):
    """The same of VIC here."""
    forcing = build_forcing(source)
    seen = forcing[["prec"]]  # in place of observations: every cell has a role
    domain, left_out = build_domain(source, forcing, seen, source["record"], {"all": {}}, 0)
    print(left_out.to_string(index=False) if len(left_out) else "nothing is left out")
    recorded = forcing.sel(time=slice(source["record"][0], None))
    model = VIC(domain, recorded, outputs=reference.OUTPUTS, warmup=0)
    with torch.inference_mode():
        series = model.simulate(default_parameters(domain, CALIBRATED))
    return {name: series[None, ..., k].double().numpy() for k, name in enumerate(model.outputs)}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name in ("domain", "parameters", "forcing", "first", "last"):
        parser.add_argument(name)
    parser.add_argument("--closed", action="store_true", help="canopies cover their tiles")
    parser.add_argument("--units", nargs="*", default=[], metavar="TYPE=UNIT")
    parser.add_argument("--leave-out", nargs="*", default=[])
    given = parser.parse_args()
    source = {
        **{key: str(Path(getattr(given, key)).resolve()) for key in ("domain", "parameters")},
        "forcing": str(Path(given.forcing).absolute()),
        "record": (given.first, given.last),
        "canopy": "closed" if given.closed else "file",
        "units": dict(pair.split("=", 1) for pair in given.units),
        "leave_out": given.leave_out,
    }
    with tempfile.TemporaryDirectory() as folder:
        theirs = original(source, Path(folder))
    mine = ours(source)
    print(reference.report(reference.compare(mine, theirs)))
    years = theirs["runoff"].shape[-1] / 365.25
    for name in ("evapotranspiration", "runoff", "baseflow"):
        totals = [np.mean(one[name].sum(-1)) / years for one in (theirs, mine)]
        print(f"{name}, mm a year: original {totals[0]:.1f}, here {totals[1]:.1f}")


if __name__ == "__main__":
    main()
