"""Put the satellite's soil moisture on the time axis of the forcing, gaps as gaps."""

from pathlib import Path

from parlearn.sources.hydrodl import build_observations
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    folder = next(Path(p).parent for p in snakemake.input if Path(p).name == "crd.csv")
    domain = contracts.read(snakemake.input.domain, "domain")
    observations = build_observations(folder, params.years, domain)
    log.info("%d cells, %d days", observations.sizes["cell"], observations.sizes["time"])
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    contracts.write(observations, snakemake.output[0], "observations", provenance)
