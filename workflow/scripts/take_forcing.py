"""Read a user's forcing: three-hourly where snow needs it, means of days, a spin-up year first."""

from parlearn.sources.vic5.build import build_forcing
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    forcing = build_forcing(params.source)
    hours = forcing.attrs["step_hours"]
    log.info("%d cells, %d days, steps of %d h", *forcing["prec"].shape, hours)
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    contracts.write(forcing, snakemake.output[0], "forcing", provenance)
