"""Calibrate a share of the training cells with SCE-UA, each by itself."""

from pathlib import Path

from parlearn.calibrate.domain import calibrate_part
from parlearn.calibrate.line import read_line
from parlearn.calibrate.sceua import Settings
from parlearn.runs.opening import open_run
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import digest, stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, run = snakemake.params, snakemake.params.run
    opened = open_run(snakemake.input, run, model=params.model, device="cpu")
    made = Path(snakemake.output[0])
    prefix = f"checkpoint-{made.stem}-"
    found = calibrate_part(
        opened.model,
        opened.study,
        Settings(**run["settings"], seed=run["seed"]),
        start=opened.default,
        line=read_line(snakemake.input.line) or (1.0, 0.0),
        part=int(snakemake.wildcards.batch),
        parts=params.batches,
        checkpoint=made.with_name(f"{prefix}{digest(params.items(), snakemake.input)}.npz"),
    )
    for reason, count in found["reason"].to_series().value_counts().items():
        log.info("%d cells stopped by %s", count, reason)
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), run["seed"], opened.device)
    contracts.write(found, made, "calibration", provenance)
    for state in made.parent.glob(f"{prefix}*.npz"):  # those of other settings as well
        state.unlink()
