"""Put the streamflow of the basins on the time axis of the forcing, gaps as gaps."""

from parlearn.sources.basins import build_observations
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    domain = contracts.read(snakemake.input.domain, "domain")
    basins = contracts.read(snakemake.input.basins, "basins")
    observations = build_observations(basins, domain, params.record)
    log.info("%d basins, %d days", observations.sizes["cell"], observations.sizes["time"])
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    contracts.write(observations, snakemake.output[0], "observations", provenance)
