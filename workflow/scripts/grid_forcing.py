"""Put the regridded weather of the domain's cells on one time axis, a spin-up year first."""

from parlearn.sources.build import build_forcing
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params, inputs = snakemake.params, snakemake.input
    domain = contracts.read(inputs.domain, "domain")
    forcing = build_forcing(inputs.weather, domain, params.record)
    log.info("%d cells, %d days", forcing.sizes["cell"], forcing.sizes["time"])
    provenance = stamp(snakemake.rule, inputs, config=params.items())
    contracts.write(forcing, snakemake.output[0], "forcing", provenance)
