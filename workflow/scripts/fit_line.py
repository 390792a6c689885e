"""Fit the line between VIC and the instrument, under which every method then learns."""

from dataclasses import asdict

from parlearn.calibrate.line import fit_joint_line
from parlearn.models.vic import default_parameters
from parlearn.runs.opening import open_run
from parlearn.storage.files import write_json
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params, run = snakemake.params, snakemake.params.run
    files = {**dict(snakemake.input.items()), "surrogate": []}
    domain, study, model, device = open_run(files, run, parameters=params.parameters, device="cpu")
    start = default_parameters(domain, model.space.names)
    line = fit_joint_line(model, study, start, seed=run["seed"])
    log.info("slope %.3f, offset %.3f from %d cells", line.slope, line.offset, line.cells)
    write_json(asdict(line), snakemake.output[0])
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), run["seed"], device)
    write_sidecar(snakemake.output[0], provenance)
