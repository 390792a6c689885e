"""Calibrate the coefficients of transfer functions, all training cells at once, with SCE-UA."""

from pathlib import Path

from parlearn.calibrate.line import read_line
from parlearn.calibrate.regional import calibrate_regional
from parlearn.calibrate.sceua import Settings
from parlearn.runs import outputs
from parlearn.runs.opening import open_run, transfer_functions_of
from parlearn.storage import contracts
from parlearn.storage.files import write_json
from parlearn.storage.job import job
from parlearn.storage.provenance import digest, stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, run = snakemake.params, snakemake.params.run
    opened = open_run(snakemake.input, run, model=params.model, device="cpu")
    functions = transfer_functions_of(params.model, opened.domain)
    made = Path(snakemake.output.parameters)
    state = made.with_name(f"checkpoint-{digest(params.items(), snakemake.input)}.npz")
    found = calibrate_regional(
        opened.model,
        opened.study,
        functions,
        Settings(**run["settings"], seed=run["seed"]),
        line=read_line(snakemake.input.line) or (1.0, 0.0),
        checkpoint=state,
    )
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), run["seed"], opened.device)
    slope, offset = (found.trajectory[name][-1] for name in ("slope", "offset"))
    learned = outputs.parameters_dataset(opened.model.space, found.parameters, slope, offset)
    contracts.write(learned, made, "parameters", provenance)
    trajectory = outputs.trajectory_dataset(opened.model.space, **found.trajectory)
    contracts.write(trajectory, snakemake.output.trajectory, "trajectory", provenance)
    contracts.write_table(found.history, snakemake.output.history, "history")
    write_json(found.coefficients, snakemake.output.coefficients)
    for name in ("history", "coefficients"):
        write_sidecar(snakemake.output[name], provenance)
    for left in made.parent.glob("checkpoint-*.npz"):  # those of other settings as well
        left.unlink()
