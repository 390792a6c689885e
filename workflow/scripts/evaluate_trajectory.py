"""Score the parameters saved along a training in the test period, by the process model."""

from parlearn.runs import evaluate
from parlearn.runs.opening import open_process
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp, write_sidecar

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, run = snakemake.params, snakemake.params.run
    domain = contracts.read(snakemake.input.domain, "domain")
    forcing = contracts.read(snakemake.input.forcing, "forcing")
    observations = contracts.read(snakemake.input.observations, "observations")
    targets = run["targets"]
    curve = evaluate.curve(
        contracts.read(snakemake.input.trajectory, "trajectory"),
        open_process(params.model, domain, forcing, outputs=targets),
        observations,
        targets,
        params.test,
        domain["role"].sel(sampling=run["sampling"]).values,
    )
    contracts.write_table(curve, snakemake.output[0], "curve")
    provenance = stamp(snakemake.rule, snakemake.input, params.items(), run["seed"])
    write_sidecar(snakemake.output[0], provenance)
