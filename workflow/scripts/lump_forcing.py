"""Complete the weather of the basins, three-hourly where snow needs it, a spin-up year first."""

from parlearn.sources.basins import build_forcing
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    domain = contracts.read(snakemake.input.domain, "domain")
    basins = contracts.read(snakemake.input.basins, "basins")
    forcing = build_forcing(basins, domain, params.record)
    log.info("%d basins, %d days", forcing.sizes["cell"], forcing.sizes["time"])
    log.info("assumed: %s", forcing.attrs["assumed"])
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    contracts.write(forcing, snakemake.output[0], "forcing", provenance)
