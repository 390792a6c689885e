"""Fit the line between model and instrument, under which every method then learns."""

from dataclasses import asdict

from parlearn.calibrate.line import fit_joint_line
from parlearn.runs.opening import open_run
from parlearn.storage.files import write_json
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, run = snakemake.params, snakemake.params.run
    files = {**dict(snakemake.input.items()), "surrogate": []}
    opened = open_run(files, run, model=params.model, device="cpu")
    line = fit_joint_line(opened.model, opened.study, opened.default, seed=run["seed"])
    log.info("slope %.3f, offset %.3f from %d cells", line.slope, line.offset, line.cells)
    write_json(asdict(line), snakemake.output[0])
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), run["seed"], opened.device)
    write_sidecar(snakemake.output[0], provenance)
