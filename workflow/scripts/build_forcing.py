"""Bring the weather into VIC's units, three-hourly where snow needs it, a spin-up year first."""

from pathlib import Path

from parlearn.sources.hydrodl import build_forcing
from parlearn.storage import contracts
from parlearn.storage.job import job
from parlearn.storage.provenance import stamp

with job(log=snakemake.log[0], threads=snakemake.threads, inputs=snakemake.input) as log:
    params = snakemake.params
    folder = next(Path(p).parent for p in snakemake.input if Path(p).name == "crd.csv")
    domain = contracts.read(snakemake.input.domain, "domain")
    forcing = build_forcing(folder, params.years, domain)
    log.info("%d cells, %d days", forcing.sizes["cell"], forcing.sizes["time"])
    provenance = stamp(snakemake.rule, snakemake.input, config=params.items())
    contracts.write(forcing, snakemake.output[0], "forcing", provenance)
