"""Calibrate every training cell by itself with SCE-UA, all cells advanced at once."""

from pathlib import Path

from parlearn import contracts, outputs
from parlearn.calibrate.domain import calibrate_domain
from parlearn.calibrate.sceua import Settings
from parlearn.job import job
from parlearn.models.vic import default_parameters
from parlearn.opening import open_run
from parlearn.provenance import digest, stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params, run = snakemake.params, snakemake.params.run
    domain, study, model, device = open_run(
        snakemake.input, run, parameters=params.parameters, device=params.device
    )
    folder = Path(snakemake.output.parameters).parent
    result = calibrate_domain(
        model,
        study,
        Settings(**run["settings"], seed=run["seed"]),
        donor=domain["donor"].sel(sampling=run["sampling"]).values,
        start=default_parameters(domain, model.space.names),
        observation_map=run["observation_map"],
        checkpoint=folder / f"checkpoint-{digest(params.items(), snakemake.input)}.npz",
    )
    for reason, count in result.cells["reason"].value_counts().items():
        log.info("%d cells stopped by %s", count, reason)
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), run["seed"], device)
    learned = outputs.parameters_dataset(
        model.space, result.parameters, result.slope, result.offset
    )
    contracts.write(learned, snakemake.output.parameters, "parameters", provenance)
    trajectory = outputs.trajectory_dataset(model.space, **result.trajectory)
    contracts.write(trajectory, snakemake.output.trajectory, "trajectory", provenance)
    contracts.write_table(result.history, snakemake.output.history, "history")
    contracts.write_table(result.cells, snakemake.output.cells)
    for table in (snakemake.output.history, snakemake.output.cells):
        write_sidecar(table, provenance)
    for state in folder.glob("checkpoint-*.npz"):  # those of other settings as well
        state.unlink()
