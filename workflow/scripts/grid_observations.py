"""Put the regridded observations of the domain's cells on the time axis of the forcing."""

from parlearn.sources.build import build_observations
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, inputs = snakemake.params, snakemake.input
    domain = contracts.read(inputs.domain, "domain")
    paths = {target: inputs[target] for target in params.targets}
    observations = build_observations(paths, domain, params.record)
    for target in params.targets:
        log.info("%s: %d observations", target, int(observations[target].notnull().sum()))
    provenance = stamp(snakemake.rule, inputs, config=params.items())
    contracts.write(observations, snakemake.output[0], "observations", provenance)
