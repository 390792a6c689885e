"""``python -m parlearn``: the commands of the library."""

import argparse
import logging
import sys

VIC5_NEEDS = """\
VIC 5 itself (vic_image.exe) needs two things more, which you write:

forcing, one file a calendar year: dims (time, y, x) with y of size 1 and x the cells in the order
  of the domain, eight 3-hour steps a day; air temperature (degC), precipitation (mm per step),
  pressure and vapour pressure (kPa), shortwave and longwave (W m-2), wind (m s-1)
a global parameter file that names forcing, domain.nc (lat, lon, mask, area, frac; dims y, x) and
  parameters.nc, with the settings the parameters were learned under:
    MODEL_STEPS_PER_DAY 1
    SNOW_STEPS_PER_DAY 8
    RUNOFF_STEPS_PER_DAY 24
    FULL_ENERGY FALSE
    FROZEN_SOIL FALSE
    FCAN_SRC FROM_VEGPARAM    (left out, VIC takes every canopy as closed, and does not say so)

Where parameters.nc holds aero_factor, divide the wind of each cell by it: every aerodynamic
resistance of VIC goes with 1 / wind.
"""


def check_vic(arguments) -> int:
    """Compare this VIC with the original's outputs and say which bars are missed."""
    import torch

    from parlearn.models.vic import reference

    ours, theirs, inputs, model = reference.simulate(
        arguments.folder, dtype=torch.float64 if arguments.double else torch.float32
    )
    rows = reference.compare(ours, theirs)
    sets, cells, days = ours["swe"].shape
    how = "compiled loop" if model.fused else "eager torch (no C++ compiler found)"
    print(
        f"{arguments.folder}: {cells} cells x {sets} parameter sets x {days} days, "
        f"{model.dtype}, {how}"
    )
    print(reference.report(rows))
    residual = reference.water_balance(ours, inputs)
    closed = reference.conserving(inputs)
    if closed.any():
        limit = 1e-6 if arguments.double else 5e-3
        worst = float(residual[closed].max())
        print(
            f"water balance where VIC conserves water: largest daily residual "
            f"{worst:.2e} mm (bar {limit:g})"
        )
        balanced = worst <= limit
    else:
        balanced = True
    missed = [row for row in rows if not row[-1]]
    if missed or not balanced:
        print(f"{len(missed) + (not balanced)} of {len(rows) + 1} bars missed", file=sys.stderr)
        return 1
    print("all bars met")
    return 0


def export_vic5(arguments) -> int:
    """Write the parameters of a run as input files of the original VIC 5."""
    from parlearn.models.vic5 import export
    from parlearn.storage import contracts

    if bool(arguments.users_domain) != bool(arguments.users_parameters):
        raise ValueError("--users-domain and --users-parameters go together: give both")
    domain = contracts.read(arguments.domain, "domain")
    run = contracts.read(arguments.parameters, "parameters")
    if arguments.users_domain:
        print(fill_in(domain, run, arguments))
        return 0
    for path in export.write(domain, run, arguments.folder):
        print(path)
    return 0


def fill_in(domain, run, arguments):
    """Write the parameters of a run into a copy of a user's own parameter file; its path."""
    from pathlib import Path

    from parlearn.sources.vic5.build import calibrated
    from parlearn.sources.vic5.files import write_raw

    own = Path(arguments.users_parameters)
    written = Path(arguments.folder) / own.name
    if written.resolve() == own.resolve():
        raise ValueError(f"{own} would be written over: name another folder")
    if "member" in run.dims:
        raise ValueError(
            f"{arguments.parameters} has {run.sizes['member']} members: take the parameters of one"
        )
    source = {"domain": arguments.users_domain, "parameters": own}
    table = calibrated(source, domain, run)
    written.parent.mkdir(parents=True, exist_ok=True)
    write_raw(table, written)
    return written


def apply_trained(arguments) -> int:
    """Write the parameters that a trained network gives to the cells of another domain."""
    from pathlib import Path

    from parlearn.learn.apply import CARD, WEIGHTS, apply_network, load_network
    from parlearn.runs import outputs
    from parlearn.storage import contracts
    from parlearn.storage.provenance import stamp
    from parlearn.storage.unchanged import check_inputs

    files = [Path(arguments.network) / name for name in (WEIGHTS, CARD)]
    check_inputs(files)
    trained = load_network(Path(arguments.network))
    domain = contracts.read(arguments.domain, "domain")
    given, options = [*files, arguments.domain], {}
    if trained.network.uses_series:
        if not (arguments.forcing and arguments.training and arguments.period):
            raise ValueError(
                f"{trained.method} reads forcing and observations: give --forcing, --training and "
                "--period NAME FIRST_DAY LAST_DAY"
            )
        name, first, last = arguments.period
        given += [arguments.forcing, arguments.training]
        options = {
            "forcing": contracts.read(arguments.forcing, "forcing"),
            "training": contracts.read(arguments.training, "training"),
            "period": name,
            "span": (first, last),
        }
    parameters, slope, offset = apply_network(trained, domain, **options)
    made = outputs.parameters_dataset(trained.space, parameters, slope, offset)
    settings = {"network": arguments.network}
    contracts.write(made, arguments.output, "parameters", stamp("apply_network", given, settings))
    print(arguments.output)
    return 0


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m parlearn", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser(
        "check-vic",
        help="compare the torch VIC with outputs of the original VIC 5",
        description="Runs VIC on FOLDER/inputs.nc from the state in FOLDER/daily_A.nc "
        "and compares every day with "
        "the original's. Exits 1 when a bar is missed, 2 when the folder cannot be read.",
    )
    check.add_argument("folder", help="folder with inputs.nc and daily_A.nc")
    check.add_argument("--double", action="store_true", help="compute in double precision")
    check.set_defaults(run=check_vic)
    export = commands.add_parser(
        "export-vic5",
        help="write learned parameters as input files of VIC 5",
        description="Writes parameters.nc and domain.nc for VIC 5's image driver into FOLDER.",
        epilog=VIC5_NEEDS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    export.add_argument("domain", help="domain.nc of the study")
    export.add_argument("parameters", help="parameters.nc of a run")
    export.add_argument("folder", help="folder to write to")
    export.add_argument("--users-domain", metavar="D.nc", help="domain file of a source vic5")
    export.add_argument(
        "--users-parameters",
        metavar="P.nc",
        help="its parameter file: a copy with what was learned in it, and nothing else changed, is "
        "written instead",
    )
    export.set_defaults(run=export_vic5)
    apply = commands.add_parser(
        "apply-network",
        help="parameters for another domain from a trained network",
        description="Writes parameters.nc for the cells of DOMAIN, whose attributes must have the "
        "names and units that the network was trained on.",
    )
    apply.add_argument("network", help="folder of the trained network: <results>/runs/RUN/network")
    apply.add_argument("domain", help="domain.nc of the other region")
    apply.add_argument("output", help="parameters.nc to write")
    apply.add_argument("--forcing", help="forcing.nc of the region, for dpl_z")
    apply.add_argument("--training", help="training.nc of the region, for dpl_z")
    apply.add_argument(
        "--period",
        nargs=3,
        metavar=("NAME", "FIRST_DAY", "LAST_DAY"),
        help="period of training.nc that dpl_z looks at, and its days",
    )
    apply.set_defaults(run=apply_trained)
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        return arguments.run(arguments)
    except (FileNotFoundError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
